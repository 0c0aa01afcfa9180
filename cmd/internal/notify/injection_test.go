package notify

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/leodido/go-syslog/v4/rfc5424"

	"github.com/skewatch/skewatch/analysis/report"
	"github.com/skewatch/skewatch/cmd/internal/api"
	"github.com/skewatch/skewatch/cmd/internal/config"
)

// hostile are texts that break what is put together without care.
var hostile = []string{
	"web1", "", "\r\nBcc: all@example.net\r\n\r\n", "a\nb", "x\r.\r\nMAIL FROM:<a@b>", "\n.\n", `"] [evil@1 a="b`, `\`, `\"`, `]`, `"}` + "\n" + `{"id":1`,
	"=?utf-8?q?=0d=0aBcc:_x?=", "\x00\x1b[2J\x07", "\xff\xfe\x80", "\u202eevil\u2028next", "<13>1 - - - - - -", "é€😀", strings.Repeat("long ", 100), strings.Repeat("x", 1200),
	"${jndi:ldap://a}", "<script>alert(1)</script>", "%s%n%d", " 5 <1>1",
}

// FuzzInjection wants no text that a host has sent to become more than text: in a mail's
// header, in JSON and in a syslog message's structured data.
func FuzzInjection(f *testing.F) {
	for _, text := range hostile {
		f.Add(text, "plain")
		f.Add("web1", text)
	}
	mails := &email{Notify: &config.Notify{Name: "m", From: "a@example.net", To: []string{"b@example.net"}}}
	logs := &syslog{header: " collector skewatch 7 "}
	f.Fuzz(func(t *testing.T, host, text string) {
		e := warning(host, raised, "warn")
		e.ID, e.Text, e.Source, e.Check = 7, text, text, "see "+text
		checkMail(t, mails, []api.Event{e, e}[:1+len(text)%2])
		checkJSON(t, e)
		checkSyslog(t, logs, e)
	})
}

func checkMail(t *testing.T, m *email, events []api.Event) {
	t.Helper()
	message, err := m.mail(events)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if _, err := message.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	for line := range strings.SplitSeq(b.String(), "\r\n") {
		if strings.ContainsAny(line, "\r\n\x00") || len(line) > 998 { // RFC 5322, section 2.1.1
			t.Errorf("the mail has the line %q", line)
		}
	}
	read := readMailText(t, b.String())
	want := []string{"Auto-Submitted", "Content-Transfer-Encoding", "Content-Type", "Date", "From", "Message-Id", "Mime-Version", "Subject", "To"}
	if have := slices.Sorted(maps.Keys(read.header)); !slices.Equal(have, want) {
		t.Errorf("the mail has the headers %q", have)
	}
	if read.subject != mailSubject(events) {
		t.Errorf("the subject is read as %q", read.subject)
	}
	if !shows(read.subject) || !shows(strings.ReplaceAll(read.text, "\n", "")) {
		t.Errorf("the mail shows as %q, %q", read.subject, read.text)
	}
	if n := strings.Count(read.text, "\n\n"); n != len(events) {
		t.Errorf("the mail has %d paragraphs, want %d: %q", n, len(events), read.text)
	}
}

// shows reports whether a text has nothing but what shows.
func shows(text string) bool {
	return utf8.ValidString(text) && !strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) })
}

func checkJSON(t *testing.T, e api.Event) {
	t.Helper()
	line := encode(deliveryOf(e))
	var read map[string]any
	if err := json.Unmarshal(line, &read); err != nil || bytes.ContainsAny(line, "\r\n\x00\x1b") || len(read) != 15 {
		t.Errorf("%q is %d values, %v", line, len(read), err)
	}
	if host := read["host"]; utf8.ValidString(e.Host) && host != e.Host {
		t.Errorf("the host is read as %q, want %q", host, e.Host)
	}
	am := alertmanager{output: "pager", server: func() string { return "http://127.0.0.1:1" }}
	var alerts []alert
	if err := json.Unmarshal(encode([]alert{am.alert(e, e.Time)}), &alerts); err != nil || len(alerts) != 1 {
		t.Fatal(err)
	}
	for name, value := range alerts[0].Labels {
		if !utf8.ValidString(value) || !slices.Contains([]string{"alertname", "output", "host", "source"}, name) {
			t.Errorf("the alert has the label %s=%q", name, value)
		}
	}
}

func checkSyslog(t *testing.T, s *syslog, e api.Event) {
	t.Helper()
	text := s.message(e)
	if !shows(string(text)) {
		t.Errorf("%q doesn't show", text)
	}
	parsed, err := rfc5424.NewParser().Parse(text)
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	m := parsed.(*rfc5424.SyslogMessage)
	data := *m.StructuredData
	if len(data) != 1 || len(data["skewatch@32473"]) != 11 || *m.Appname != "skewatch" || *m.MsgID != raised {
		t.Errorf("%q is read as %v", text, data)
	}
	if host, want := data["skewatch@32473"]["host"], report.Clip(e.Host, longestLabel); host != want {
		t.Errorf("the host is read as %q, want %q", host, want)
	}
}
