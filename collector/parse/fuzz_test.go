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
	"<189>29: sw1: 000123: .Dec 31 2026 23:59:60.411 UTC: %SYS-5-CONFIG_I: x",
	"<189>29: xr1 RP/0/RP0/CPU0:Apr 29 13:58:40.411 EST: bgp[1051]: x",
	"<189>29: sw1: 20w2d: %SYS-5-CONFIG_I: x",
	"<189>: wlc1: *task1: Apr 29 2026 12:58:40 AM.969 UTC : %SYS-5-CONFIG_I: x",
	"<166>Apr 29 2026 13:58:40+08:00 fw1 : %ASA-6-302013: x",
	"<187>Feb 29 08:20:51 2026 ap1 authmgr[4130]: x",
	"<134>Feb 03 06:25:26:094 nac1 x",
	"<29>2018-7-23 01:00:34.270.1 sw1 %%01IFNET/4/IF_STATE(l)[4997]:x",
	"<134>1 1791756855.123456789 mx1 events x",
	`<189>date=2026-10-11 time=22:14:15 devname="fw1" tz="+0200" eventtime=1791749655123456789 msg="a \" b" x`,
	"<30>Oct 11 22:14:15 ap1 ap1,18e829487600,v4.0.66 hostapd[7]: x",
	"<13>Oct 11 22:14:15 Message forwarded from aix1: su: x",
	"30 <13>Oct 11 22:14:15 web1 su: x",
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
	if len(m.Host) > MaxHost {
		t.Errorf("Parse(%q): Host has %d octets, want at most %d", raw, len(m.Host), MaxHost)
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
		s.Format > message.StampEpoch,
		s.Format == message.StampEpoch && (!s.HasZone || s.ZoneEast != 0),
		s.HasYear == (s.Format == message.StampBSD),
		s.Format == message.StampRFC5424 && !s.HasZone,
		s.LeapSecond && s.Civil%int64(time.Minute) >= int64(time.Second):
		t.Errorf("Parse(%q): Sent = %+v makes no sense", raw, s)
	}
}
