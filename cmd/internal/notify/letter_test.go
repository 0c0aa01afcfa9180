package notify

import (
	"bytes"
	"context"
	"encoding/base64"
	"io"
	"mime"
	"mime/multipart"
	"net/mail"
	"slices"
	"strings"
	"testing"

	"github.com/skewatch/skewatch/cmd/internal/config"
	"github.com/skewatch/skewatch/cmd/internal/testbed"
)

// A part is one of a mail's, as its reader gets it.
type part struct {
	kind, name string
	body       []byte
}

func partsOf(t testing.TB, text string) (parts []part) {
	t.Helper()
	m, err := mail.ReadMessage(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	_, parameters, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	for r := multipart.NewReader(m.Body, parameters["boundary"]); ; {
		p, err := r.NextPart() // which decodes quoted-printable
		if err == io.EOF {
			return parts
		}
		if err != nil {
			t.Fatal(err)
		}
		body := io.Reader(p)
		if p.Header.Get("Content-Transfer-Encoding") == "base64" {
			body = base64.NewDecoder(base64.StdEncoding, p)
		}
		b, err := io.ReadAll(body)
		if err != nil {
			t.Fatal(err)
		}
		parts = append(parts, part{p.Header.Get("Content-Type"), p.FileName(), b})
	}
}

// TestLetter sends files through a real server: they come bit for bit, and what a server
// doesn't take is an error.
func TestLetter(t *testing.T) {
	t.Parallel()
	secure, ca := encrypted(t)
	s := testbed.StartMailServer(t, &testbed.MailServer{TLS: secure, Script: []string{"busy", "cut", "refuse", "take and cut"}})
	out := toMail(s, config.NotifySTARTTLS, ca)
	n := start(t, newMemory(), quick, config.Notify{Name: "other", Type: config.NotifyStdout}, out)
	all := make([]byte, 0, 4096)
	for i := range 4096 {
		all = append(all, byte(i)) // line ends among them
	}
	l := Letter{ID: "report-a-1", Subject: "[skewatch] report a", Text: "Hosts: 3\n", Files: []Attachment{{"a.html", all}, {"a.html.note", []byte("\n— x\n.\n")}}}
	var failed, refused []int
	for i := 0; ; i++ {
		err := n.Mail(t.Context(), "mail", l)
		if err == nil {
			break
		}
		if failed = append(failed, i); IsRefusal(err) {
			refused = append(refused, i)
		}
		if i > 4 {
			t.Fatalf("no letter is delivered: %v", err)
		}
	}
	if len(failed) < 3 || !slices.Equal(refused, []int{2}) {
		t.Errorf("letters %v were not delivered and %v refused, want those that the server didn't take, and the third", failed, refused)
	}
	l.To = []string{"Boss <boss@example.net>"}
	if err := n.Mail(t.Context(), "mail", l); err != nil {
		t.Fatal(err)
	}
	mails := s.Mails()
	first, last := readMailText(t, mails[0]), readMailText(t, mails[len(mails)-1])
	if first.header.Get("To") != `<ops@example.net>, "Team B" <b@example.net>` || last.header.Get("To") != `"Boss" <boss@example.net>` {
		t.Errorf("the letters are to %s and %s", first.header.Get("To"), last.header.Get("To"))
	}
	if id := last.header.Get("Message-Id"); id != first.header.Get("Message-Id") || !strings.HasPrefix(id, "<report-a-1.mail@") || last.subject != l.Subject {
		t.Errorf("the letter's ID is %s, its subject %q", id, last.subject)
	}
	parts := partsOf(t, mails[0])
	if len(parts) != 3 || !strings.HasPrefix(string(parts[0].body), "Hosts: 3\r\n\r\nOffset: host clock minus true time") {
		t.Fatalf("the letter is %q", mails[0])
	}
	for i, f := range l.Files {
		if got := parts[i+1]; got.name != f.Name || !bytes.Equal(got.body, f.Body) {
			t.Errorf("file %q has come as %q: %q", f.Name, got.name, got.body)
		}
	}
	if kinds := []string{parts[1].kind, parts[2].kind}; !slices.Equal(kinds, []string{`text/html; charset=utf-8; name="a.html"`, `application/octet-stream; name="a.html.note"`}) {
		t.Errorf("the files are of types %q", kinds)
	}
	if s.Unencrypted() > 0 {
		t.Error("letters came unencrypted")
	}
	if err := n.Mail(t.Context(), "other", l); err == nil {
		t.Error("an output that sends no mails sends one")
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	hanging := testbed.StartMailServer(t, &testbed.MailServer{Script: []string{"hang"}})
	out = toMail(hanging, config.NotifyPlain, "")
	if err := start(t, newMemory(), quick, out).Mail(ended, "mail", l); err == nil {
		t.Error("a letter to a server that hangs is delivered")
	}
}
