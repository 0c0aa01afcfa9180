package notify

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/quotedprintable"
	"net/mail"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	logrustest "github.com/sirupsen/logrus/hooks/test"

	"github.com/skewatch/skewatch/cmd/internal/config"
	"github.com/skewatch/skewatch/cmd/internal/testbed"
	"github.com/skewatch/skewatch/collector/tlsauth/tlstest"
)

// await waits until so many mails have come, and returns them as sent.
func await(t testing.TB, s *testbed.MailServer, n int) []string {
	t.Helper()
	eventually(t, func() error {
		if have := len(s.Mails()); have < n {
			return fmt.Errorf("%d of %d mails have come", have, n)
		}
		return nil
	})
	return s.Mails()
}

// A readMail is a mail as its readers see it.
type readMail struct {
	header  mail.Header
	subject string
	text    string
}

func readMailText(t testing.TB, text string) (m readMail) {
	t.Helper()
	parsed, err := mail.ReadMessage(strings.NewReader(text))
	if err != nil {
		t.Fatalf("%v in %q", err, text)
	}
	m.header = parsed.Header
	if m.subject, err = new(mime.WordDecoder).DecodeHeader(parsed.Header.Get("Subject")); err != nil {
		t.Fatal(err)
	}
	body := io.Reader(parsed.Body)
	if parsed.Header.Get("Content-Transfer-Encoding") == "quoted-printable" {
		body = quotedprintable.NewReader(body)
	}
	b, err := io.ReadAll(body)
	if err != nil {
		t.Fatal(err)
	}
	m.text = strings.ReplaceAll(string(b), "\r\n", "\n")
	return m
}

func toMail(s *testbed.MailServer, transport config.NotifyTransport, ca string) config.Notify {
	return config.Notify{Name: "mail", Type: config.NotifyEmail, SMTP: s.Address, From: "Skewatch <skewatch@example.net>",
		To: []string{"ops@example.net", "Team B <b@example.net>"}, Transport: transport, CA: ca}
}

// encrypted returns a server's side of TLS, and the file of who vouches for it.
func encrypted(t testing.TB) (server *tls.Config, ca string) {
	t.Helper()
	authority := tlstest.NewAuthority(t)
	c := authority.Issue(t, "localhost")
	pair, err := tls.LoadX509KeyPair(c.File, c.Key)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{pair}}, authority.File
}

// TestEmailTrouble has a server fail in every way: nothing is lost, and what is sent twice
// bears the same Message-ID.
func TestEmailTrouble(t *testing.T) {
	t.Parallel()
	server, ca := encrypted(t)
	s := testbed.StartMailServer(t, &testbed.MailServer{TLS: server, Script: []string{"busy", "cut", "hang", "take and cut"}})
	o := quick
	n := start(t, newMemory(), o, toMail(s, config.NotifySTARTTLS, ca))
	n.tell(warning("web1", raised, "crit"), warning("web2", raised, "warn"))
	n.tell(warning("web1", cleared, "crit"))
	mails := await(t, s, 2)
	first, second := readMailText(t, mails[0]), readMailText(t, mails[1])
	if first.header.Get("Message-Id") != second.header.Get("Message-Id") || first.header.Get("Message-Id") == "" {
		t.Errorf("the same mail has the IDs %s and %s", first.header.Get("Message-Id"), second.header.Get("Message-Id"))
	}
	if want := "[skewatch] 2 clock warnings, 1 cleared"; second.subject != want {
		t.Errorf("the subject is %q, want %q", second.subject, want)
	}
	for _, want := range []string{"  crit: web1 (192.0.2.1) is ahead, +40.500 s\n    ahead by 40.5 s at least\n    between +40.500 s and +40.500 s, since 2", "Z\n    Check: run chronyc tracking there\n", "  ok: web1 (192.0.2.1) is no longer ahead\n"} {
		if !strings.Contains(second.text, want) {
			t.Errorf("the mail says\n%s\nwant %q", second.text, want)
		}
	}
	n.tell(warning("web3", raised, "warn"))
	if third := readMailText(t, await(t, s, 3)[2]); third.subject != "[skewatch] warn: web3 (192.0.2.1) is ahead, +40.500 s" {
		t.Errorf("the subject is %q", third.subject)
	}
	if s.Unencrypted() > 0 {
		t.Error("mails came unencrypted")
	}
}

// TestEmailEncryption wants no mail, and no password, to go to a server that can't encrypt or
// isn't who it says, unless it was told to.
func TestEmailEncryption(t *testing.T) {
	t.Parallel()
	password := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(password, []byte("hunter2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	server, ca := encrypted(t)
	_, other := encrypted(t)
	tests := []struct {
		name      string
		server    *testbed.MailServer
		transport config.NotifyTransport
		ca        string
		sent      bool
	}{
		{"STARTTLS", &testbed.MailServer{TLS: server}, config.NotifySTARTTLS, ca, true},
		{"TLS", &testbed.MailServer{TLS: server, InTLS: true}, config.NotifyTLS, ca, true},
		{"STARTTLS stripped", &testbed.MailServer{}, config.NotifySTARTTLS, ca, false},
		{"somebody else's certificate", &testbed.MailServer{TLS: server}, config.NotifySTARTTLS, other, false},
		{"somebody else's certificate, TLS", &testbed.MailServer{TLS: server, InTLS: true}, config.NotifyTLS, other, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := testbed.StartMailServer(t, tt.server)
			out := toMail(s, tt.transport, tt.ca)
			out.Username, out.PasswordFile = "me", password
			n := start(t, newMemory(), quick, out)
			n.tell(raises(1)...)
			if tt.sent {
				await(t, s, 1)
				if logins := s.Logins(); len(logins) == 0 || logins[0] != "\x00me\x00hunter2" {
					t.Errorf("the login was %q", logins)
				}
				return
			}
			eventually(t, func() error {
				if st := n.Status()[0]; st.Failed < 2 || st.LastError == "" || strings.Contains(st.LastError, "hunter2") {
					return fmt.Errorf("the status is %+v, want failures", st)
				}
				return nil
			})
			if mails, logins := len(s.Mails()), len(s.Logins()); mails+logins > 0 {
				t.Errorf("it got %d mails and %d logins", mails, logins)
			}
		})
	}
	plain := testbed.StartMailServer(t, &testbed.MailServer{})
	start(t, newMemory(), quick, toMail(plain, config.NotifyPlain, "")).tell(raises(1)...)
	await(t, plain, 1)

	out := toMail(plain, config.NotifySTARTTLS, password)
	var wrong *config.Error
	if _, err := New([]config.Notify{out}, newMemory(), quick); !errors.As(err, &wrong) || wrong.Field != "notify[0].ca" {
		t.Errorf("certificates that are none: %v, want an error", err)
	}
}

// TestRefusedMail wants an event whose mail the server never takes to be given up, counted and
// named in the log, and one whose recipient it doesn't know to wait until it does.
func TestRefusedMail(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		answer string
		want   Status
	}{
		{"refuse", Status{Refused: 1, Delivered: 1}},
		{"unknown", Status{Delivered: 2}},
	} {
		log, seen := logrustest.NewNullLogger()
		o := quick
		o.Log = log
		s := testbed.StartMailServer(t, &testbed.MailServer{Script: slices.Repeat([]string{tt.answer}, refusedAfter)})
		n := start(t, newMemory(), o, toMail(s, config.NotifyPlain, ""))
		n.tell(raises(2)...)
		eventually(t, func() error {
			have := n.Status()[0]
			if have.Refused != tt.want.Refused || have.Delivered != tt.want.Delivered || have.Failed != refusedAfter || have.Waiting != 0 || have.LastError != "" {
				return fmt.Errorf("%s: the status is %+v, want %+v", tt.answer, have, tt.want)
			}
			return nil
		})
		given := 0
		for _, e := range seen.AllEntries() {
			if strings.Contains(e.Message, "given up") && e.Data["id"] == uint64(1) {
				given++
			}
		}
		if given != int(tt.want.Refused) {
			t.Errorf("%s: the log says %d times that it was given up, want %d", tt.answer, given, tt.want.Refused)
		}
	}
}
