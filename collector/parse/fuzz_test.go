package parse

import (
	"testing"
	"time"

	"github.com/skewatch/skewatch/collector/message"
)

// whole are messages that use every part of the grammars.
var whole = []string{
	`<165>1 2003-10-11T22:14:15.003+02:00 web1 evntslog 12 ID47 [timeQuality tzKnown="1" isSynced="1" syncAccuracy="5"][a b="c\"\]\\"] ` + "\xEF\xBB\xBFtext",
	"<13>1 - - - - - -",
	"<38>Oct 11 22:14:15.123 web1 sshd[24817]: Failed password",
	"<38>Oct  1 22:14:15 docker/abc[12]: x",
	"<38>2026-11-20T23:53:09.807954+00:00 web1 sshd[1]: x",
	"<38>2026-11-20 23:53:09-0330 web1 su: x",
	"<190>2018 Apr 20 13:15:07 host %ETHPORT-5-IF_UP: x",
	"<189>29: host: 000123: *Apr 29 13:58:40.411 UTC: %X-5-Y: x",
	"<13>Feb 30 10:00:00 web1 su: x",
	"<192>hello",
	"<13>2016-12-31T23:59:60Z web1 su: x",
}

// A message may be cut anywhere: by a limit, by the network, by its sender.
func TestPrefixes(t *testing.T) {
	for _, line := range whole {
		for n := range len(line) + 1 {
			check(t, []byte(line[:n]))
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, line := range whole {
		f.Add([]byte(line))
	}
	for _, bm := range benchmarkLines {
		f.Add([]byte(bm.line))
	}
	f.Fuzz(check)
}

// check holds Parse to what is true of every message.
func check(t *testing.T, raw []byte) {
	t.Helper()
	var m message.Message
	Parse(raw, &m)
	checkParts(t, raw, &m)
	checkStamp(t, raw, m.Sent)
	if m.Priority < message.NoPriority || m.Priority > maxPriority {
		t.Errorf("Parse(%q): Priority = %d, want -1 to 191", raw, m.Priority)
	}

	again := message.Message{}
	Parse([]byte(whole[0]), &again)
	Parse(raw, &again)
	if have, want := have(&again), have(&m); have != want {
		t.Errorf("Parse(%q) a second time\nhave %+v\nwant %+v", raw, have, want)
	}
}

// checkParts demands that each part lies inside raw and that they stand in order
// and apart from each other.
func checkParts(t *testing.T, raw []byte, m *message.Message) {
	t.Helper()
	end := 0
	for i, part := range [][]byte{m.Host, m.AppName, m.ProcID, m.MsgID, m.StructuredData, m.Text} {
		if part == nil {
			continue
		}
		start := cap(raw) - cap(part)
		if len(part) == 0 || start < end || start+len(part) > len(raw) || &raw[start] != &part[0] {
			t.Fatalf("Parse(%q): part %d, %q, is empty, out of raw or out of order", raw, i, part)
		}
		end = start + len(part)
	}
}

func checkStamp(t *testing.T, raw []byte, s message.Stamp) {
	t.Helper()
	if !s.Usable() {
		if s != (message.Stamp{Format: s.Format}) {
			t.Errorf("Parse(%q): Sent = %+v, want nothing beside its format", raw, s)
		}
		return
	}
	year := time.Unix(0, s.Civil).UTC().Year()
	switch {
	case s.HasYear && (year < firstYear || year > lastYear+1),
		!s.HasYear && year != message.YearUnknown && !s.LeapSecond,
		s.Digits > maxDigits,
		s.Civil%int64(s.Resolution()) != 0,
		s.ZoneEast <= -86400 || s.ZoneEast >= 86400,
		!s.HasZone && s.ZoneEast != 0,
		s.HasYear == (s.Format == message.StampBSD),
		s.Format == message.StampRFC5424 && !s.HasZone,
		s.LeapSecond && s.Civil%int64(time.Minute) >= int64(time.Second):
		t.Errorf("Parse(%q): Sent = %+v makes no sense", raw, s)
	}
}
