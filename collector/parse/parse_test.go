package parse

import (
	"testing"
	"time"

	"github.com/skewatch/skewatch/collector/message"
)

// want is what a test expects of a message. Civil is written as a date and time;
// an empty one stands for a stamp that names no time.
type want struct {
	priority                              message.Priority
	format                                message.StampFormat
	civil                                 string
	zone                                  string // "" none, else as in "+02:00"
	digits                                uint8
	leap                                  bool
	host, app, proc, id, structured, text string
	quality                               message.TimeQuality
}

const civilLayout = "2006-01-02 15:04:05.999999999"

func have(m *message.Message) want {
	w := want{
		priority: m.Priority, format: m.Sent.Format, digits: m.Sent.Digits, leap: m.Sent.LeapSecond,
		host: string(m.Host), app: string(m.AppName), proc: string(m.ProcID), id: string(m.MsgID),
		structured: string(m.StructuredData), text: string(m.Text), quality: m.TimeQuality,
	}
	if m.Sent.Usable() {
		w.civil = time.Unix(0, m.Sent.Civil).UTC().Format(civilLayout)
	}
	if m.Sent.HasZone {
		w.zone = time.Unix(0, 0).In(time.FixedZone("", int(m.Sent.ZoneEast))).Format("-07:00")
	}
	return w
}

type parseTest struct {
	name, line string
	want       want
}

func run(t *testing.T, tests []parseTest) {
	t.Helper()
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var m message.Message
			Parse([]byte(tt.line), &m)
			if have := have(&m); have != tt.want {
				t.Errorf("Parse(%q)\nhave %+v\nwant %+v", tt.line, have, tt.want)
			}
			if hasYear := m.Sent.Usable() && m.Sent.Format != message.StampBSD; m.Sent.HasYear != hasYear {
				t.Errorf("Parse(%q): HasYear = %v, want %v", tt.line, m.Sent.HasYear, hasYear)
			}
		})
	}
}

func TestPriority(t *testing.T) {
	run(t, []parseTest{
		{"empty", "", want{priority: -1}},
		{"only a priority", "<13>", want{priority: 13}},
		{"zero", "<0>x", want{priority: 0, text: "x"}},
		{"largest", "<191>x", want{priority: 191, text: "x"}},
		{"too large", "<192>hello", want{priority: -1, text: "<192>hello"}},
		{"leading zero", "<013>hello", want{priority: -1, text: "<013>hello"}},
		{"two zeros", "<00>hello", want{priority: -1, text: "<00>hello"}},
		{"four digits", "<1234>hello", want{priority: -1, text: "<1234>hello"}},
		{"no digits", "<>hello", want{priority: -1, text: "<>hello"}},
		{"no end", "<13", want{priority: -1, text: "<13"}},
		{"no number", "<1a>hello", want{priority: -1, text: "<1a>hello"}},
		{"none, then a header", "Oct 11 22:14:15 web1 su: x", want{
			priority: -1, format: message.StampBSD, civil: "2000-10-11 22:14:15", host: "web1", app: "su", text: "x"}},
		{"too large, then a header", "<999>Oct 11 22:14:15 web1 su: x", want{
			priority: -1, format: message.StampBSD, civil: "2000-10-11 22:14:15", host: "web1", app: "su", text: "x"}},
		{"too large, then RFC 5424", "<192>1 2003-10-11T22:14:15Z web1 su - - - x", want{
			priority: -1, format: message.StampRFC5424, civil: "2003-10-11 22:14:15", zone: "+00:00", host: "web1", app: "su", text: "x"}},
	})
}

// A Parse into a Message that held another one must leave nothing of it behind,
// and nothing of how the new one was received may change.
func TestParseResets(t *testing.T) {
	var m message.Message
	Parse([]byte(`<13>1 2003-10-11T23:59:60.5+02:00 h a p m [timeQuality tzKnown="1" isSynced="1" syncAccuracy="3"] x`), &m)
	m.Sequence, m.Received, m.PreviousRead, m.Truncated = 7, 8, 9, true

	raw := []byte("hello")
	Parse(raw, &m)
	if have, want := have(&m), (want{priority: -1, text: "hello"}); have != want {
		t.Errorf("after a second Parse\nhave %+v\nwant %+v", have, want)
	}
	if &m.Raw[0] != &raw[0] || len(m.Raw) != len(raw) {
		t.Errorf("Raw = %q, want the bytes given", m.Raw)
	}
	if m.Sequence != 7 || m.Received != 8 || m.PreviousRead != 9 || !m.Truncated {
		t.Error("Parse changed a field that is not its own")
	}
}

func TestParseAllocatesNothing(t *testing.T) {
	lines := []string{
		"", "<13>", "hello", "<13>Feb 30 10:00:00 web1 su: x", "<13>2026-13-11T22:14:15Z x", "<13>2026-1 x",
		`<13>1 2003-10-11T22:14:15Z h a p m [a b="\"]"][broken x`, "<13>1 20x3-10-11 h", "<13>Oct 11 22:14:15 docker/abc[12]: x",
	}
	for _, bm := range benchmarkLines {
		lines = append(lines, bm.line)
	}
	lines = append(lines, whole...)
	m := new(message.Message)
	for _, line := range lines {
		raw := []byte(line)
		if n := testing.AllocsPerRun(100, func() { Parse(raw, m) }); n != 0 {
			t.Errorf("Parse(%q): %v allocations, want 0", line, n)
		}
	}
}

func TestVersion(t *testing.T) {
	tests := []struct {
		line string
		want int
	}{
		{"<13>1 2003-10-11T22:14:15Z h a p m - x", 1},
		{"<13>1 - h a p m - x", 1},
		{"<13>1 -", 1},
		{"<13>1 -x", 0},
		{"<13>1 20", 0},
		{"<13>2 2003-10-11T22:14:15Z h a p m - x", 0},
		{"<190>2018 Apr 20 13:15:07 host %X: y", 0},
		{"<13>101 21: x", 0},
		{"<13>Oct 11 22:14:15 web1 su: x", 0},
		{"", 0},
	}
	for _, tt := range tests {
		if have := Version([]byte(tt.line)); have != tt.want {
			t.Errorf("Version(%q) = %d, want %d", tt.line, have, tt.want)
		}
	}
}
