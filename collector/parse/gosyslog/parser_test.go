package gosyslog

import (
	"maps"
	"testing"
	"time"

	"gopkg.in/mcuadros/go-syslog.v2/format"
)

func dump(f format.Format, line string) format.LogParts {
	raw := []byte(line)
	p := f.GetParser(raw)
	if err := p.Parse(); err != nil {
		panic(err)
	}
	parts := p.Dump()
	clear(raw) // the server uses the buffer again
	return parts
}

func TestDump(t *testing.T) {
	tests := []struct {
		name, line string
		want       format.LogParts
	}{
		{"RFC 5424", `<165>1 2003-10-11T22:14:15.003-07:00 web1 evntslog 12 ID47 [a b="c"] hello`, format.LogParts{
			"priority": 165, "facility": 20, "severity": 5, "version": 1,
			"timestamp": time.Date(2003, 10, 12, 5, 14, 15, 3e6, time.UTC),
			"hostname":  "web1", "app_name": "evntslog", "proc_id": "12", "msg_id": "ID47",
			"structured_data": `[a b="c"]`, "message": "hello",
			"skewatch.stamp_format": "rfc5424", "skewatch.sent_civil": "2003-10-11T22:14:15.003"}},
		{"RFC 5424, all nil", "<13>1 - - - - - -", format.LogParts{
			"priority": 13, "facility": 1, "severity": 5, "version": 1, "timestamp": time.Time{},
			"hostname": "", "app_name": "", "proc_id": "", "msg_id": "", "structured_data": "", "message": "",
			"skewatch.stamp_format": "none", "skewatch.sent_civil": ""}},
		{"RFC 5424, unreadable stamp", "<13>1 2003-02-30T22:14:15Z web1 su - - - x", format.LogParts{
			"priority": 13, "facility": 1, "severity": 5, "version": 1, "timestamp": time.Time{},
			"hostname": "web1", "app_name": "su", "proc_id": "", "msg_id": "", "structured_data": "", "message": "x",
			"skewatch.stamp_format": "invalid", "skewatch.sent_civil": ""}},
		{"RFC 3164 has no year", "<38>Oct 11 22:14:15 web1 sshd[12]: hello", format.LogParts{
			"priority": 38, "facility": 4, "severity": 6, "timestamp": time.Time{},
			"hostname": "web1", "tag": "sshd", "proc_id": "12", "content": "hello",
			"skewatch.stamp_format": "bsd", "skewatch.sent_civil": "10-11T22:14:15"}},
		{"RFC 3339 in its place", "<38>2026-11-20T23:53:09.807954+01:00 web1 sshd[12]: hello", format.LogParts{
			"priority": 38, "facility": 4, "severity": 6, "timestamp": time.Date(2026, 11, 20, 22, 53, 9, 807954000, time.UTC),
			"hostname": "web1", "tag": "sshd", "proc_id": "12", "content": "hello",
			"skewatch.stamp_format": "rfc3339", "skewatch.sent_civil": "2026-11-20T23:53:09.807954"}},
		{"nothing but text", "hello world", format.LogParts{
			"priority": -1, "facility": -1, "severity": -1, "timestamp": time.Time{},
			"hostname": "", "tag": "", "proc_id": "", "content": "hello world",
			"skewatch.stamp_format": "none", "skewatch.sent_civil": ""}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			have := dump(Format{}, tt.line)
			if !maps.EqualFunc(have, tt.want, samePart) {
				t.Errorf("Dump of %q\nhave %v\nwant %v", tt.line, have, tt.want)
			}
		})
	}
}

func samePart(have, want any) bool {
	if have, ok := have.(time.Time); ok {
		want, ok := want.(time.Time)
		return ok && have.Equal(want)
	}
	return have == want
}

func TestTimestampKeepsTheZoneWritten(t *testing.T) {
	have := dump(Format{}, "<13>1 2003-10-11T22:14:15-07:00 h a p i - x")["timestamp"].(time.Time)
	if have, want := have.Format(time.RFC3339), "2003-10-11T22:14:15-07:00"; have != want {
		t.Errorf("timestamp = %s, want %s", have, want)
	}
}

// A zone is assumed only where none is written, and never makes up for a year.
func TestAssumedZone(t *testing.T) {
	east := time.FixedZone("", 2*3600)
	tests := []struct{ line, want string }{
		{"<13>2026-07-01T12:00:00 web1 su: x", "2026-07-01T12:00:00+02:00"},
		{"<13>2026-07-01T12:00:00Z web1 su: x", "2026-07-01T12:00:00Z"},
		{"<13>Jul  1 12:00:00 web1 su: x", "0001-01-01T00:00:00Z"},
		{"<13>2026-02-30T12:00:00 web1 su: x", "0001-01-01T00:00:00Z"},
	}
	for _, tt := range tests {
		have := dump(Format{AssumedZone: east}, tt.line)["timestamp"].(time.Time)
		if have := have.Format(time.RFC3339); have != tt.want {
			t.Errorf("with AssumedZone: %q: timestamp = %s, want %s", tt.line, have, tt.want)
		}

		p := Format{}.GetParser([]byte(tt.line))
		p.Location(east)
		p.Parse()
		if have := p.Dump()["timestamp"].(time.Time).Format(time.RFC3339); have != tt.want {
			t.Errorf("with Location: %q: timestamp = %s, want %s", tt.line, have, tt.want)
		}
	}
}
