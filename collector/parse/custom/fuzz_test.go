package custom

import (
	"bytes"
	"testing"
	"time"

	"gopkg.in/mcuadros/go-syslog.v2/format"

	"github.com/skewatch/skewatch/collector/message"
	"github.com/skewatch/skewatch/collector/parse"
)

// formats are what a message is read with: the library's, and one that says what it is
// told.
func formats(parts format.LogParts) []format.Format {
	return []format.Format{&format.RFC3164{}, &format.RFC5424{}, &format.Automatic{}, scripted{parts: parts}}
}

func FuzzFormat(f *testing.F) {
	at := time.Date(2003, 10, 11, 22, 14, 15, 0, time.UTC).Unix()
	for _, line := range []string{
		"<38>Oct 11 22:14:15 web1 sshd[1]: x", "<38>2003-10-11T22:14:15.807954+00:00 web1 sshd[1]: x",
		`<165>1 2003-10-11T22:14:15.003Z web1 app 12 ID47 [a b="c"] hello`, "20031011221415.5 web1 x",
		`{"pri": 13, "t": 1065910455.123, "host": "web1", "text": "x"}`, "[11/Oct/2003:22:14:15 +0200] web1 x", "<13>", "",
	} {
		for which := range formats(nil) {
			f.Add([]byte(line), uint8(which), 13, at, "web1", "app", "x")
		}
	}
	f.Fuzz(func(t *testing.T, raw []byte, which uint8, priority int, seconds int64, host, tag, text string) {
		all := formats(format.LogParts{"priority": priority, "timestamp": time.Unix(seconds, 0).UTC(), "hostname": host, "tag": tag, "content": text,
			"proc_id": host, "msg_id": tag, "structured_data": text})
		before := bytes.Clone(raw)
		var m message.Message
		New(all[int(which)%len(all)]).Parse(raw, &m)
		if !bytes.Equal(raw, before) || len(m.Raw) != len(raw) {
			t.Errorf("raw is %q, was %q", m.Raw, before)
		}
		checkParts(t, &m)
		checkStamp(t, &m)
	})
}

// checkParts demands that each part lies inside Raw, where nothing can be appended to
// it.
func checkParts(t *testing.T, m *message.Message) {
	t.Helper()
	for i, part := range [][]byte{m.Host, m.AppName, m.ProcID, m.MsgID, m.StructuredData, m.Text} {
		if part == nil {
			continue
		}
		if len(part) == 0 || !bytes.Contains(m.Raw, part) {
			t.Errorf("%q: part %d, %q, is empty or not in it", m.Raw, i, part)
		}
	}
	if len(m.Host) > parse.MaxHost || m.Priority < message.NoPriority || m.Priority > 191 {
		t.Errorf("%q: host of %d octets, priority %d", m.Raw, len(m.Host), m.Priority)
	}
}

// checkStamp demands that the time of day stands in the message, and makes sense.
func checkStamp(t *testing.T, m *message.Message) {
	t.Helper()
	s := m.Sent
	if !s.Usable() {
		if s != (message.Stamp{Format: s.Format}) {
			t.Errorf("%q: Sent = %+v, want nothing beside its format", m.Raw, s)
		}
		return
	}
	civil := time.Unix(0, s.Civil).UTC()
	year := civil.Year()
	stands := bytes.Contains(m.Raw, []byte(civil.Format("15:04:05"))) || bytes.Contains(m.Raw, []byte(civil.Format("150405")))
	switch {
	case s.Format != message.StampEpoch && !stands,
		s.HasYear && (year < firstYear || year > lastYear),
		!s.HasYear && year != message.YearUnknown,
		s.HasYear == (s.Format == message.StampBSD),
		!s.HasZone && s.ZoneEast != 0,
		s.Digits > maxDigits,
		s.Civil%int64(s.Resolution()) != 0:
		t.Errorf("%q: Sent = %+v makes no sense", m.Raw, s)
	}
}
