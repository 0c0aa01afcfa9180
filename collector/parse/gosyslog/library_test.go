package gosyslog

import (
	"os"
	"testing"
	"time"

	"gopkg.in/mcuadros/go-syslog.v2/format"
)

// These tests pin what the formats of go-syslog.v2 v2.3.0 do to a message, as the
// reasons why this package exists. One that fails says that the library has
// changed: look whether the reason still stands.

func TestLibraryPanics(t *testing.T) {
	tests := []struct {
		name string
		call func()
	}{
		{"RFC3164, <13>", func() { read(t, &format.RFC3164{}, "<13>") }},
		{"RFC3164, no tag", func() { read(t, &format.RFC3164{}, "<13>Oct 11 22:14:15 host") }},
		{"Automatic, <13>", func() { read(t, &format.Automatic{}, "<13>") }},
		{"Automatic, negative count", func() { (&format.Automatic{}).GetSplitFunc()([]byte("-5 abc"), true) }},
		{"RFC6587, negative count", func() { (&format.RFC6587{}).GetSplitFunc()([]byte("-5 abc"), true) }},
	}
	for _, tt := range tests {
		if !panics(tt.call) {
			t.Errorf("%s: no panic any more", tt.name)
		}
	}
}

func panics(call func()) (did bool) {
	defer func() { did = recover() != nil }()
	call()
	return false
}

// read returns what one of the library's formats makes of a message.
func read(t *testing.T, f format.Format, line string) (parts format.LogParts, err error) {
	t.Helper()
	p := f.GetParser([]byte(line))
	err = p.Parse()
	return p.Dump(), err
}

// The library's clock stands where the sender's should: such a host looks as if it
// were never wrong.
func TestLibraryInventsTimestamp(t *testing.T) {
	tests := []struct {
		name, line string
		want       time.Time // what is true, and what this package says
	}{
		{"fraction", "<38>2003-11-20T23:53:09.807954+00:00 web1 sshd[1]: x", time.Date(2003, 11, 20, 23, 53, 9, 807954000, time.UTC)},
		{"no priority", "2003-11-20T23:53:09+00:00 web1 sshd[1]: x", time.Date(2003, 11, 20, 23, 53, 9, 0, time.UTC)},
		{"no stamp", "<13>hello world", time.Time{}},
	}
	for _, tt := range tests {
		before := time.Now().Round(time.Second)
		parts, err := read(t, &format.RFC3164{}, tt.line)
		after := time.Now().Round(time.Second)

		stamp := parts["timestamp"].(time.Time)
		if err != nil || stamp.Before(before) || stamp.After(after) || parts["hostname"] != "" {
			t.Errorf("%s: library: timestamp %v, hostname %q, error %v, want the present second, no host, no error",
				tt.name, stamp, parts["hostname"], err)
		}
		if have := dump(Format{}, tt.line)["timestamp"].(time.Time); !have.Equal(tt.want) {
			t.Errorf("%s: ours: timestamp %v, want %v", tt.name, have, tt.want)
		}
	}
}

func TestLibraryInventsHost(t *testing.T) {
	self, err := os.Hostname()
	if err != nil {
		t.Skip("this machine has no name")
	}
	tests := []struct{ line, library, ours string }{
		{"<13>Oct 11 22:14:15.123 web1 su: x", ".123", "web1"},
		{"<13>Oct 11 22:14:15 su: x", self, ""},
	}
	for _, tt := range tests {
		if parts, err := read(t, &format.RFC3164{}, tt.line); err != nil || parts["hostname"] != tt.library {
			t.Errorf("%q: library: hostname %q, error %v, want %q", tt.line, parts["hostname"], err, tt.library)
		}
		if have := dump(Format{}, tt.line)["hostname"]; have != tt.ours {
			t.Errorf("%q: ours: hostname %q, want %q", tt.line, have, tt.ours)
		}
	}
}

// The year is the present one on the last day of December as well as on the first
// of January, and the zone is UTC whatever the sender's.
func TestLibraryInventsYearAndZone(t *testing.T) {
	for _, day := range []string{"Jan  1", "Dec 31"} {
		before := time.Now().Year()
		parts, err := read(t, &format.RFC3164{}, "<13>"+day+" 12:00:00 web1 su: x")
		after := time.Now().Year()

		stamp := parts["timestamp"].(time.Time)
		if err != nil || stamp.Year() < before || stamp.Year() > after || stamp.Location() != time.UTC {
			t.Errorf("%s: library: timestamp %v, error %v, want one in %d, UTC", day, stamp, err, after)
		}
	}
}

func TestLibraryLosesMessage(t *testing.T) {
	tests := []struct{ name, stamp string }{
		{"seven digits", "2003-10-11T22:14:15.1234567Z"},
		{"leap second", "2016-12-31T23:59:60Z"},
	}
	for _, tt := range tests {
		line := "<13>1 " + tt.stamp + " web1 su - - - hello"
		parts, err := read(t, &format.RFC5424{}, line)
		if err == nil || parts["hostname"] != "" || parts["message"] != "" {
			t.Errorf("%s: library: hostname %q, message %q, error %v, want nothing but an error",
				tt.name, parts["hostname"], parts["message"], err)
		}
		ours := dump(Format{}, line)
		if ours["hostname"] != "web1" || ours["message"] != "hello" || ours["skewatch.stamp_format"] != "rfc5424" {
			t.Errorf("%s: ours: %v, want hostname, message and stamp", tt.name, ours)
		}
	}
}

// A day that does not exist becomes another one.
func TestLibraryInventsDay(t *testing.T) {
	const line = "<13>1 2003-02-30T12:00:00Z web1 su - - - x"
	parts, err := read(t, &format.RFC5424{}, line)
	if want := time.Date(2003, 3, 2, 12, 0, 0, 0, time.UTC); err != nil || !samePart(parts["timestamp"], want) {
		t.Errorf("library: timestamp %v, error %v, want %v", parts["timestamp"], err, want)
	}
	if have := dump(Format{}, line)["skewatch.stamp_format"]; have != "invalid" {
		t.Errorf("ours: stamp format %v, want invalid", have)
	}
}
