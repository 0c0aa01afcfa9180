package custom

import (
	"testing"
	"time"

	"gopkg.in/mcuadros/go-syslog.v2/format"

	"github.com/skewatch/skewatch/collector/message"
)

func TestStamp(t *testing.T) {
	const none, invalid, bsd, bsdYear, rfc3339, epoch = message.StampNone, message.StampInvalid, message.StampBSD,
		message.StampBSDYear, message.StampRFC3339, message.StampEpoch
	east := time.FixedZone("", 2*3600)
	utc := func(year int, nanos int) time.Time { return time.Date(year, 10, 11, 22, 14, 15, nanos, time.UTC) }
	tests := []struct {
		name, line string
		time       any
		format     message.StampFormat
		civil      string
		digits     uint8
		zone       any // seconds, or nil
	}{
		{"as written", "2003-10-11 22:14:15 x", utc(2003, 0), rfc3339, "2003-10-11 22:14:15", 0, nil},
		{"the fraction is the message's", "2003-10-11T22:14:15.120Z x", utc(2003, 999), rfc3339, "2003-10-11 22:14:15.12", 3, 0},
		{"a comma", "2003-10-11 22:14:15,003 x", utc(2003, 0), rfc3339, "2003-10-11 22:14:15.003", 3, nil},
		{"nine digits", "2003-10-11T22:14:15.123456789Z x", utc(2003, 0), rfc3339, "2003-10-11 22:14:15.123456789", 9, 0},
		{"ten digits", "2003-10-11T22:14:15.1234567890Z x", utc(2003, 0), invalid, "", 0, nil},
		{"zone", "2003-10-11T22:14:15+02:00 x", utc(2003, 0).Add(-2 * time.Hour).In(east), rfc3339, "2003-10-11 22:14:15", 0, 7200},
		{"zone without colon", "2003-10-11T22:14:15-0330 x", utc(2003, 0), rfc3339, "2003-10-11 22:14:15", 0, -12600},
		{"Apache", "[11/Oct/2003:22:14:15 +0200] x", utc(2003, 0), bsdYear, "2003-10-11 22:14:15", 0, 7200},
		{"a number that is no zone", "2003-10-11 22:14:15 -12345 x", utc(2003, 0), rfc3339, "2003-10-11 22:14:15", 0, nil},
		{"in another location than written", "2003-10-11T22:14:15+02:00 x", utc(2003, 0).Add(-2 * time.Hour), none, "", 0, nil},
		{"BSD", "<13>Oct 11 22:14:15 x", utc(2026, 0), bsd, "2000-10-11 22:14:15", 0, nil},
		{"BSD, year 0", "<13>Oct 11 22:14:15 x", utc(0, 0), bsd, "2000-10-11 22:14:15", 0, nil},
		{"year behind", "<13>Oct 11 22:14:15 2003 x", utc(2003, 0), bsdYear, "2003-10-11 22:14:15", 0, nil},
		{"year before", "<13>2003 Oct 11 22:14:15 x", utc(2003, 0), bsdYear, "2003-10-11 22:14:15", 0, nil},
		{"another year behind", "<13>Oct 11 22:14:15 2004 x", utc(2003, 0), bsd, "2000-10-11 22:14:15", 0, nil},
		{"the host is no year", "<13>Oct 11 22:14:15 web-2003 x", utc(2003, 0), bsd, "2000-10-11 22:14:15", 0, nil},
		{"a word beginning as the year", "<13>Oct 11 22:14:15 2003x x", utc(2003, 0), bsd, "2000-10-11 22:14:15", 0, nil},
		{"a long date", "Saturday, 11 October 2003 at 22:14:15 x", utc(2003, 0), bsdYear, "2003-10-11 22:14:15", 0, nil},
		{"day first", "11.10.2003 22:14:15 x", utc(2003, 0), rfc3339, "2003-10-11 22:14:15", 0, nil},
		{"compact", "20031011T221415Z x", utc(2003, 0), rfc3339, "2003-10-11 22:14:15", 0, 0},
		{"compact without T", "20031011221415.5 x", utc(2003, 0), rfc3339, "2003-10-11 22:14:15.5", 1, nil},
		{"compact in a number", "99920031011221415 x", utc(2003, 0), invalid, "", 0, nil},
		{"epoch", "1065910455 x", utc(2003, 0), epoch, "2003-10-11 22:14:15", 0, 0},
		{"epoch with a fraction", "1065910455.123 x", utc(2003, 0), epoch, "2003-10-11 22:14:15.123", 3, 0},
		{"epoch in a number", "11065910455 x", utc(2003, 0), none, "", 0, nil},
		{"epoch as a fraction", "0.1065910455 x", utc(2003, 0), none, "", 0, nil},
		{"29 February without a year", "Feb 29 22:14:15 x", time.Date(2028, 2, 29, 22, 14, 15, 0, time.UTC), bsd, "2000-02-29 22:14:15", 0, nil},

		{"invented", "<13>x", utc(2003, 0), none, "", 0, nil},
		{"another second", "2003-10-11 22:14:16 x", utc(2003, 0), none, "", 0, nil},
		{"another day", "2003-10-12 22:14:15 x", utc(2003, 0), invalid, "", 0, nil},
		{"another month", "2003-09-11 22:14:15 x", utc(2003, 0), invalid, "", 0, nil},
		{"no date", "22:14:15 x", utc(2003, 0), invalid, "", 0, nil},
		{"PRI is no day", "<11>Oct 22:14:15 x", utc(2003, 0), invalid, "", 0, nil},
		{"in a longer time", "2003-10-11 22:14:15:99 x", utc(2003, 0), none, "", 0, nil},
		{"behind a part of a time", "Oct 11 1:22:14:15 x", utc(2003, 0), none, "", 0, nil},
		{"compact at the end of a number", "Oct 11 3221415 x", utc(2003, 0), invalid, "", 0, nil},
		{"in a longer number", "2003-10-11 122:14:15 x", utc(2003, 0), none, "", 0, nil},
		{"second time is the one", "1:22:14:15 2003-10-11 22:14:15 x", utc(2003, 0), rfc3339, "2003-10-11 22:14:15", 0, nil},
		{"a year that nanoseconds don't hold", "9999-10-11 22:14:15 x", utc(9999, 0), invalid, "", 0, nil},
		{"zero", "0001-01-01 00:00:00 x", time.Time{}, none, "", 0, nil},
		{"a string", "2003-10-11 22:14:15 x", "2003-10-11 22:14:15", none, "", 0, nil},
		{"a pointer", "2003-10-11 22:14:15 x", new(time.Time), none, "", 0, nil},
		{"nothing", "2003-10-11 22:14:15 x", nil, none, "", 0, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m, _, _ := read(tt.line, format.LogParts{"timestamp": tt.time, "hostname": "web-2003", "tag": "x"})
			have := m.Sent
			want := message.Stamp{Format: tt.format, Digits: tt.digits, HasYear: tt.format > bsd || tt.format == rfc3339}
			if tt.civil != "" {
				civil, err := time.Parse("2006-01-02 15:04:05", tt.civil)
				if err != nil {
					t.Fatal(err)
				}
				want.Civil = civil.UnixNano()
			}
			if east, ok := tt.zone.(int); ok {
				want.HasZone, want.ZoneEast = true, int32(east)
			}
			if have != want {
				t.Errorf("%q, %v:\nSent = %+v\nwant   %+v", tt.line, tt.time, have, want)
			}
		})
	}
}

// A time that the format made up may happen to stand in the text.
func TestStampInText(t *testing.T) {
	const text = "2003-10-11T22:14:15.807954Z web1 x"
	made := time.Date(2003, 10, 11, 22, 14, 15, 0, time.UTC)
	if m, _, _ := read("<13>"+text, format.LogParts{"timestamp": made, "content": text}); m.Sent != (message.Stamp{}) {
		t.Errorf("Sent = %+v, want none", m.Sent)
	}
}

// A host may come before the stamp, and look like a year.
func TestHostIsNoYear(t *testing.T) {
	made := time.Date(2003, 10, 11, 22, 14, 15, 0, time.UTC)
	for _, line := range []string{"<13>2003 Oct 11 22:14:15 x", "<13>Oct 11 22:14:15 2003 x"} {
		m, _, _ := read(line, format.LogParts{"timestamp": made, "hostname": "2003"})
		if m.Sent.Format != message.StampBSD || m.Sent.HasYear {
			t.Errorf("%q with host 2003: Sent = %+v, want no year", line, m.Sent)
		}
	}
}
