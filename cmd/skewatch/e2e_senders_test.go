//go:build unix

package main_test

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/skewatch/skewatch/cmd/internal/testbed"
)

// A sending is what a real program sends, and what must be stored of it. Its messages
// are found by its mark, which each of them holds.
type sending struct {
	name string
	send func(t *testing.T, mark string)
	want []stored // in the order of sending
}

// A stored message is what `skewatch search --format json --raw` shows of it. In raw and
// message the word MARK stands for the sending's mark, in raw STAMP for the stamp and
// COUNT for a number, QUALITY for what logger claims of the clock, and in raw and procID
// PID for any process's number.
type stored struct {
	host, transport, facility, severity, app, procID, msgID string

	stamp        stampShape
	raw, message string
}

// A stampShape is how a sender writes its stamps.
type stampShape struct {
	format string // stamp_format
	shape  string // as a regular expression
	layout string // as package time reads it; "" if it names no time
	shown  string // the layout of sent
}

// The shapes of stamps that the senders here write.
var (
	noStamp        = stampShape{format: "none"}
	bsdStamp       = stampShape{"bsd", `[A-Z][a-z]{2} [ \d]\d [\d:]{8}`, time.Stamp, "2006-01-02T15:04:05Z07:00"}
	bsdMicrosStamp = stampShape{"bsd", bsdStamp.shape + `\.\d{6}`, time.StampMicro, "2006-01-02T15:04:05.000000Z07:00"}
	micros5424     = stampShape{"rfc5424", `[\d-]{10}T[\d:]{8}\.\d{6}[+-]\d\d:\d\d`, time.RFC3339, "2006-01-02T15:04:05.000000Z07:00"}
	micros3339     = stampShape{"rfc3339", micros5424.shape, time.RFC3339, micros5424.shown}
	seconds5424    = stampShape{"rfc5424", `[\d-]{10}T[\d:]{8}[+-]\d\d:\d\d`, time.RFC3339, bsdStamp.shown}
	seconds3339    = stampShape{"rfc3339", `[\d-]{10}T[\d:]{8}(?:Z|[+-]\d\d:\d\d)`, time.RFC3339, bsdStamp.shown}
)

// timeQuality is what logger claims of the clock, which the kernel tells it.
const timeQuality = `\[timeQuality tzKnown="1" isSynced="(?:0|1" syncAccuracy="\d+)"\]`

// india is a zone that is written with minutes, and not where anything here runs.
const india = "XST-5:30"

// TestEndToEndSenders lets real programs send to one server, in each way that they have
// of writing messages and moving them, and checks every field that is stored.
func TestEndToEndSenders(t *testing.T) {
	s := testbed.StartSkewatch(t, t.TempDir(), "--listen-relp", "127.0.0.1:0", "--ntp-server", "", "--kernel-clock", "trust")
	families := map[string]func(*testing.T, *testbed.Skewatch) []sending{
		"rsyslog":            rsyslogSendings,
		"journal, rsyslog":   journalSendings,
		"journal, syslog-ng": syslogNGJournalSendings,
		"logger":             loggerSendings,
		"Go":                 goSendings,
		"syslog-ng":          syslogNGSendings,
	}
	for family, sendings := range families {
		t.Run(family, func(t *testing.T) {
			t.Parallel()
			checkSendings(t, s, family, sendings(t, s))
		})
	}
}

// checkSendings sends, waits until all is stored, and checks it.
func checkSendings(t *testing.T, s *testbed.Skewatch, family string, sendings []sending) {
	t.Helper()
	began := time.Now()
	for _, x := range sendings {
		x.send(t, x.mark(family))
	}
	var all []shownMessage
	for _, x := range sendings {
		eventually(t, 20*time.Second, func() error {
			if found := marked(all, x.mark(family)); len(found) >= len(x.want) {
				return nil
			}
			all = askAll(t, s)
			return fmt.Errorf("of %s not all is stored: %+v", x.mark(family), marked(all, x.mark(family)))
		})
	}
	for _, x := range sendings {
		t.Run(x.name, func(t *testing.T) { x.check(t, marked(all, x.mark(family)), x.mark(family), began) })
	}
}

// mark returns the text that tells the sending's messages from others. The bracket ends
// it, so that no mark is the beginning of another.
func (x sending) mark(family string) string { return "{" + family + ": " + x.name + "}" }

// check checks what is stored of the sending.
func (x sending) check(t *testing.T, found []shownMessage, mark string, began time.Time) {
	if len(found) != len(x.want) {
		t.Fatalf("%d messages are stored, want %d: %+v", len(found), len(x.want), found)
	}
	for i, want := range x.want {
		want.check(t, found[i], mark)
		if m := found[i]; m.Received.Before(began) || m.Received.After(time.Now()) {
			t.Errorf("received is %v, want between %v and now", m.Received, began)
		}
	}
}

// check checks each field of a message.
func (want stored) check(t *testing.T, m shownMessage, mark string) {
	t.Helper()
	if want.procID == "PID" && isNumber.MatchString(m.ProcID) {
		want.procID, want.raw = m.ProcID, strings.ReplaceAll(want.raw, "PID", m.ProcID)
	}
	for _, field := range []struct{ name, have, want string }{
		{"host", m.Host, want.host},
		{"transport", m.Transport, want.transport},
		{"facility", m.Facility, want.facility},
		{"severity", m.Severity, want.severity},
		{"app", m.App, want.app},
		{"procid", m.ProcID, want.procID},
		{"msgid", m.MsgID, want.msgID},
		{"stamp_format", m.StampFormat, want.stamp.format},
		{"message", m.Message, withMark(want.message, mark)},
	} {
		if field.have != field.want {
			t.Errorf("%s is %q, want %q, in %q", field.name, field.have, field.want, m.Raw)
		}
	}
	want.checkSent(t, m, mark)
}

var isNumber = regexp.MustCompile(`^[1-9]\d*$`)

// checkSent checks that the time shown is the one that stands in the frame.
func (want stored) checkSent(t *testing.T, m shownMessage, mark string) {
	t.Helper()
	stamp, sent := want.findStamp(t, m, mark), "null"
	if m.Sent != nil {
		sent = *m.Sent
	}
	if want.stamp.layout == "" {
		if sent != "null" {
			t.Errorf("sent is %s, want null for %q", sent, m.Raw)
		}
		return
	}
	at, err := want.stamp.read(stamp, m.Received)
	if shown := at.Format(want.stamp.shown); err != nil || sent != shown {
		t.Errorf("sent is %s, want %s (%v), for %q", sent, shown, err, m.Raw)
	}
	if age := m.Received.Sub(at); age < 0 || age > time.Minute {
		t.Errorf("received %v after it was stamped: %q", age, m.Raw)
	}
}

// findStamp checks the frame and returns the stamp in it.
func (want stored) findStamp(t *testing.T, m shownMessage, mark string) string {
	t.Helper()
	shape := strings.NewReplacer("MARK", regexp.QuoteMeta(mark), "STAMP", "("+want.stamp.shape+")", "QUALITY", timeQuality, "COUNT", `\d+`).
		Replace("^" + regexp.QuoteMeta(want.raw) + "()$")
	parts := regexp.MustCompile(shape).FindSubmatch(m.Raw)
	if parts == nil {
		t.Fatalf("raw is %q, want the shape %q", m.Raw, shape)
	}
	return string(parts[1])
}

// read reads a stamp, in the year nearest to its receipt if it has none.
func (shape stampShape) read(stamp string, received time.Time) (time.Time, error) {
	at, err := time.Parse(shape.layout, stamp)
	if err != nil || at.Year() != 0 {
		return at, err
	}
	sent := nearest(received, at.Month(), at.Day(), at.Hour(), at.Minute(), at.Second())
	return sent.Add(time.Duration(at.Nanosecond())), nil
}

// A shownMessage is a message with its time as it is shown, to the digit.
type shownMessage struct {
	foundMessage
	Sent *string `json:"sent"`
}

func askAll(t *testing.T, s *testbed.Skewatch) (all []shownMessage) {
	t.Helper()
	for line := range strings.Lines(run(t, s, "search", "--format", "json", "--raw")) {
		var m shownMessage
		decode(t, line, &m)
		all = append(all, m)
	}
	return all
}

// marked returns the messages that hold a mark.
func marked(all []shownMessage, mark string) (found []shownMessage) {
	for _, m := range all {
		if strings.Contains(string(m.Raw), mark) {
			found = append(found, m)
		}
	}
	return found
}

// thisHost returns the name that programs on this machine send as theirs.
func thisHost(t *testing.T) string {
	t.Helper()
	name, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	return name
}

// withMark puts a sending's mark into a text, in place of MARK.
func withMark(text, mark string) string { return strings.ReplaceAll(text, "MARK", mark) }

// execute runs a program that must succeed.
func execute(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	if output, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", cmd, err, output)
	}
}
