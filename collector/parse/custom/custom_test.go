package custom

import (
	"bufio"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"gopkg.in/mcuadros/go-syslog.v2/format"

	"github.com/skewatch/skewatch/collector/message"
	"github.com/skewatch/skewatch/collector/parse"
)

// scripted is a format and its parser that does as it is told.
type scripted struct {
	parts format.LogParts
	err   error
	line  []byte
	doing func(line []byte)
	split func() bufio.SplitFunc
}

func (s scripted) GetParser(line []byte) format.LogParser { s.line = line; return s }
func (s scripted) GetSplitFunc() bufio.SplitFunc          { return s.split() }
func (s scripted) Location(*time.Location)                {}
func (s scripted) Dump() format.LogParts                  { return s.parts }
func (s scripted) Parse() error {
	if s.doing != nil {
		s.doing(s.line)
	}
	return s.err
}

// read reads a message with a format that gives these parts.
func read(line string, parts format.LogParts) (m message.Message, f *Format, ok bool) {
	f = New(scripted{parts: parts})
	ok = f.Parse([]byte(line), &m)
	return m, f, ok
}

func TestLibraryFormats(t *testing.T) {
	self, _ := os.Hostname()
	tests := []struct {
		name, line            string
		format                format.Format
		host, app, text       string
		priority              message.Priority
		stamp                 message.StampFormat
		hasYear, hasZone, bad bool
	}{
		{name: "rsyslog ForwardFormat", line: "<38>2003-11-20T23:53:09.807954+00:00 web1 sshd[1]: x", format: &format.RFC3164{},
			priority: 38, text: "2003-11-20T23:53:09.807954+00:00 web1 sshd[1]: x"},
		{name: "its stamp without a fraction", line: "<38>2003-11-20T23:53:09+00:00 web1 sshd[1]: x", format: &format.RFC3164{},
			priority: 38, host: "web1", app: "sshd", text: "x", stamp: message.StampRFC3339, hasYear: true, hasZone: true},
		{name: "traditional", line: "<38>Oct 11 22:14:15 web1 sshd[1]: x", format: &format.RFC3164{},
			priority: 38, host: "web1", app: "sshd", text: "x", stamp: message.StampBSD},
		{name: "a fraction is the host", line: "<38>Oct 11 22:14:15.123 web1 su: x", format: &format.RFC3164{},
			priority: 38, app: "web1", text: "su: x", stamp: message.StampBSD},
		{name: "no host", line: "<38>Oct 11 22:14:15 su: x", format: &format.RFC3164{},
			priority: 38, app: "su", text: "x", stamp: message.StampBSD},
		{name: "no PRI", line: "Oct 13 22:14:15 web1 su: x", format: &format.RFC3164{},
			priority: -1, text: "Oct 13 22:14:15 web1 su: x"},
		{name: "RFC 5424", line: `<165>1 2003-10-11T22:14:15.003-07:00 web1 app 12 ID47 [a b="c"] hello`, format: &format.RFC5424{},
			priority: 165, host: "web1", app: "app", text: "hello", stamp: message.StampRFC3339, hasYear: true, hasZone: true},
		{name: "RFC 5424, a day that doesn't exist", line: "<165>1 2003-02-30T22:14:15Z web1 app - - - hello", format: &format.RFC5424{},
			priority: 165, host: "web1", app: "app", text: "hello", stamp: message.StampInvalid},
		{name: "RFC 5424, no clock", line: "<165>1 - web1 app - - - hello", format: &format.RFC5424{},
			priority: 165, host: "web1", app: "app", text: "hello"},
		{name: "RFC 5424, more digits than it knows", line: "<165>1 2003-10-11T22:14:15.1234567Z web1 app - - - hello", format: &format.RFC5424{},
			priority: -1, text: "<165>1 2003-10-11T22:14:15.1234567Z web1 app - - - hello", bad: true},
		{name: "panics", line: "<13>Oct 11 22:14:15 web1\n", format: &format.RFC3164{}, priority: -1, text: "<13>Oct 11 22:14:15 web1", bad: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var m message.Message
			ok := New(tt.format).Parse([]byte(tt.line), &m)
			if ok == tt.bad || string(m.Raw) != tt.line || m.Priority != tt.priority ||
				string(m.Host) != tt.host || string(m.AppName) != tt.app || string(m.Text) != tt.text {
				t.Errorf("read %v: raw %q, priority %d, host %q (ours is %q), app %q, text %q, want %+v",
					ok, m.Raw, m.Priority, m.Host, self, m.AppName, m.Text, tt)
			}
			if s := m.Sent; s.Format != tt.stamp || s.HasYear != tt.hasYear || s.HasZone != tt.hasZone {
				t.Errorf("Sent = %+v, want %v, year %v, zone %v", s, tt.stamp, tt.hasYear, tt.hasZone)
			}
		})
	}
}

// What both can read, both read alike.
func TestAsParse(t *testing.T) {
	tests := []struct {
		line   string
		format format.Format
	}{
		{"<38>Oct 11 22:14:15 web1 sshd: x", &format.RFC3164{}},
		{"<38>Oct  1 02:04:05 web1 sshd: two words", &format.RFC3164{}},
		{"<38>2003-11-20T23:53:09+02:00 web1 su: x", &format.RFC3164{}},
		{`<165>1 2003-10-11T22:14:15.003-07:00 web1 app 12 ID47 [a b="c"] hello`, &format.RFC5424{}},
		{"<165>1 2003-10-11T22:14:15Z web1 app - ID47 - hello 22:14:15", &format.RFC5424{}},
	}
	for _, tt := range tests {
		var have, want message.Message
		New(tt.format).Parse([]byte(tt.line), &have)
		parse.Parse([]byte(tt.line), &want)
		if want.Sent.Format == message.StampRFC5424 {
			want.Sent.Format = message.StampRFC3339
		}
		if have.Sent != want.Sent {
			t.Errorf("%q: Sent = %+v, want %+v", tt.line, have.Sent, want.Sent)
		}
		for _, part := range [][2][]byte{{have.Host, want.Host}, {have.AppName, want.AppName}, {have.ProcID, want.ProcID},
			{have.MsgID, want.MsgID}, {have.StructuredData, want.StructuredData}, {have.Text, want.Text}} {
			if string(part[0]) != string(part[1]) {
				t.Errorf("%q: a part is %q, want %q", tt.line, part[0], part[1])
			}
		}
	}
}

func TestBadFormats(t *testing.T) {
	const line = "<13>Oct 11 22:14:15 web1 su: x"
	tests := []struct {
		name     string
		format   format.Format
		panicked uint64
	}{
		{"panics", scripted{doing: func([]byte) { panic("no") }}, 1},
		{"panics with an error", scripted{doing: func(line []byte) { _ = line[len(line)] }}, 1},
		{"is nil", nil, 1},
		{"changes the message and panics", scripted{doing: func(line []byte) { clear(line); panic("no") }}, 1},
		{"gives nothing", scripted{}, 0},
		{"gives nothing but an error", scripted{err: errors.New("no")}, 0},
		{"gives wrong types", scripted{parts: format.LogParts{"priority": "13", "timestamp": "Oct 11 22:14:15", "hostname": 1,
			"tag": []string{"su"}, "content": nil, "msg_id": struct{}{}, "proc_id": (*string)(nil)}}, 0},
		{"gives NILVALUE", scripted{parts: format.LogParts{"hostname": "-", "tag": "-", "content": "-", "timestamp": time.Time{}}}, 0},
		{"invents", scripted{parts: format.LogParts{"priority": 14, "timestamp": time.Now(), "hostname": "collector", "tag": "me", "content": "y"}}, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := New(tt.format)
			var m message.Message
			if f.Parse([]byte(line), &m) {
				t.Error("the format has read it")
			}
			if string(m.Raw) != line || string(m.Text) != line || m.Sent != (message.Stamp{}) || m.Priority != message.NoPriority ||
				m.Host != nil || m.AppName != nil || m.ProcID != nil || m.MsgID != nil || m.StructuredData != nil {
				t.Errorf("got %+v, want nothing but the text", m)
			}
			if panicked, refused := f.Stats.Panicked.Load(), f.Stats.Refused.Load(); panicked != tt.panicked || refused != 1-tt.panicked {
				t.Errorf("%d panicked, %d refused, want %d and %d", panicked, refused, tt.panicked, 1-tt.panicked)
			}
		})
	}
}

// A format gets a copy: it can't change what is stored.
func TestRawStaysWhole(t *testing.T) {
	const line = "<13>web1 x"
	f := New(scripted{parts: format.LogParts{"hostname": "web1"}, doing: func(line []byte) { clear(line) }})
	var m message.Message
	if raw := []byte(line); !f.Parse(raw, &m) || string(raw) != line || string(m.Host) != "web1" {
		t.Errorf("raw %q, host %q, want %q and web1", raw, m.Host, line)
	}
}

func TestErrorWithParts(t *testing.T) {
	f := New(scripted{parts: format.LogParts{"hostname": "web1"}, err: errors.New("half of it")})
	var m message.Message
	if !f.Parse([]byte("<13>web1 x"), &m) || string(m.Host) != "web1" || f.Stats.Refused.Load() != 0 {
		t.Errorf("host %q, %d refused, want web1 and 0", m.Host, f.Stats.Refused.Load())
	}
}

func TestHost(t *testing.T) {
	long := strings.Repeat("h", parse.MaxHost)
	tests := []struct{ line, host, text, want string }{
		{"<13>web1 x", "web1", "", "web1"},
		{"<13>web10 x", "web1", "", ""},
		{"<13>web1.example.com x", "web1", "", ""},
		{"<13>web10 web1 x", "web1", "", "web1"},
		{"<13>x for web1", "web1", "x for web1", ""}, // in the text it is no host
		{"<13>web1 for web1", "web1", "for web1", "web1"},
		{`{"text":"a b","host":"web1"}`, "web1", "a b", "web1"},
		{"<13>" + long + " x", long, "", long},
		{"<13>" + long + "h x", long + "h", "", ""},
	}
	for _, tt := range tests {
		m, _, _ := read(tt.line, format.LogParts{"hostname": tt.host, "content": tt.text, "tag": "x"})
		if string(m.Host) != tt.want {
			t.Errorf("%.60q: Host = %.20q, want %.20q", tt.line, m.Host, tt.want)
		}
	}
}

func TestPriority(t *testing.T) {
	tests := []struct {
		line  string
		value any
		want  message.Priority
	}{
		{"<13>x", 13, 13},
		{"<13>x", uint8(13), 13},
		{"<13>x", int64(14), message.NoPriority},
		{"<13>x", 13.0, message.NoPriority},
		{"<192>x", 192, message.NoPriority},
		{"<-1>x", -1, message.NoPriority},
		{"<130>x", 13, message.NoPriority},
		{"Oct 13 22:13:15 x", 13, message.NoPriority},
		{"10:13 x", 13, message.NoPriority},
		{`{"pri": 13, "x": 1}`, 13, 13},
		{`{"pri":"13"}`, 13, 13},
		{"pri=13 x", 13, 13},
		{"pri=131 x", 13, message.NoPriority},
	}
	for _, tt := range tests {
		if m, _, _ := read(tt.line, format.LogParts{"priority": tt.value}); m.Priority != tt.want {
			t.Errorf("%q, %v: Priority = %d, want %d", tt.line, tt.value, m.Priority, tt.want)
		}
	}
}

func TestSplitFunc(t *testing.T) {
	f := New(scripted{split: func() bufio.SplitFunc { panic("no") }})
	if f.SplitFunc() != nil || f.Stats.Panicked.Load() != 1 {
		t.Errorf("a panic is a function, or not counted: %d", f.Stats.Panicked.Load())
	}
	if New(&format.RFC3164{}).SplitFunc() != nil {
		t.Error("RFC3164 has a function")
	}
	if New(&format.RFC6587{}).SplitFunc() == nil {
		t.Error("RFC6587 has no function")
	}
}
