package analysis

import (
	"testing"
	"time"

	"github.com/skewatch/skewatch/collector/message"
)

func TestTransit(t *testing.T) {
	tests := []struct {
		name, sent, received string
		want                 time.Duration
	}{
		{"originator ahead", "2026-03-01T12:00:02.000Z", "2026-03-01T12:00:00.004Z", -1996 * time.Millisecond},
		{"zone is not offset", "2026-03-01T14:00:00.000+02:00", "2026-03-01T12:00:00.004Z", 4 * time.Millisecond},
		{"across new year", "2025-12-31T23:59:59.999Z", "2026-01-01T00:00:00.001Z", 2 * time.Millisecond},
	}
	for _, tt := range tests {
		if got := Transit(at(t, tt.sent), at(t, tt.received)); got != tt.want {
			t.Errorf("%s: Transit(%s, %s) = %v, want %v", tt.name, tt.sent, tt.received, got, tt.want)
		}
	}
}

func at(t *testing.T, text string) time.Time {
	t.Helper()
	v, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// bsd returns the stamp of an RFC 3164 message.
func bsd(month time.Month, day, hour, minute, sec int) message.Stamp {
	civil := time.Date(message.YearUnknown, month, day, hour, minute, sec, 0, time.UTC).UnixNano()
	return message.Stamp{Format: message.StampBSD, Civil: civil}
}

func TestInstantSettlesYearAndZone(t *testing.T) {
	paris, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name     string
		stamp    message.Stamp
		received string
		zone     *time.Location
		want     string // "" if the stamp names no moment
	}{
		{"this year", bsd(time.March, 1, 12, 0, 0), "2026-03-01T12:00:00.2Z", time.UTC, "2026-03-01T12:00:00Z"},
		{"the old year, received in the new", bsd(time.December, 31, 23, 59, 59), "2026-01-01T00:00:00.1Z", time.UTC, "2025-12-31T23:59:59Z"},
		{"the new year, received in the old", bsd(time.January, 1, 0, 0, 1), "2025-12-31T23:59:58Z", time.UTC, "2026-01-01T00:00:01Z"},
		{"the sender's new year, east of here", bsd(time.January, 1, 8, 59, 59), "2025-12-31T23:59:59.5Z", time.FixedZone("", 9*3600), "2025-12-31T23:59:59Z"},
		{"29 February in a leap year", bsd(time.February, 29, 12, 0, 0), "2028-02-29T12:00:01Z", time.UTC, "2028-02-29T12:00:00Z"},
		{"29 February, received in the year after", bsd(time.February, 29, 12, 0, 0), "2025-02-28T12:00:01Z", time.UTC, "2024-02-29T12:00:00Z"},
		{"29 February, no such day near", bsd(time.February, 29, 12, 0, 0), "2026-03-01T12:00:00Z", time.UTC, ""},
		{"1 March in a common year", bsd(time.March, 1, 0, 0, 0), "2026-03-01T00:00:00Z", time.UTC, "2026-03-01T00:00:00Z"},
		{"28 February in a common year", bsd(time.February, 28, 23, 0, 0), "2026-02-28T23:00:00Z", time.UTC, "2026-02-28T23:00:00Z"},
		{"winter time by IANA name", bsd(time.January, 15, 13, 0, 0), "2026-01-15T12:00:00Z", paris, "2026-01-15T12:00:00Z"},
		{"summer time by IANA name", bsd(time.July, 15, 14, 0, 0), "2026-07-15T12:00:00Z", paris, "2026-07-15T12:00:00Z"},
		{"the hour that comes twice, before the change", bsd(time.October, 25, 2, 30, 0), "2026-10-25T00:30:01Z", paris, "2026-10-25T00:30:00Z"},
		{"the hour that comes twice, after it", bsd(time.October, 25, 2, 30, 0), "2026-10-25T01:30:01Z", paris, "2026-10-25T01:30:00Z"},
		{"just before the change, received just after", bsd(time.October, 25, 2, 59, 59), "2026-10-25T01:00:00.1Z", paris, "2026-10-25T00:59:59Z"},
		{"just before the clocks go forward, received just after", bsd(time.March, 29, 1, 59, 59), "2026-03-29T01:00:00.1Z", paris, "2026-03-29T00:59:59Z"},
		{"no stamp", message.Stamp{}, "2026-03-01T12:00:00Z", time.UTC, ""},
		{"invalid stamp", message.Stamp{Format: message.StampInvalid}, "2026-03-01T12:00:00Z", time.UTC, ""},
	}
	for _, tt := range tests {
		got, ok := Instant(tt.stamp, at(t, tt.received).UnixNano(), tt.zone)
		have := ""
		if ok {
			have = time.Unix(0, got).UTC().Format(time.RFC3339)
		}
		if have != tt.want {
			t.Errorf("%s: Instant = %q, want %q", tt.name, have, tt.want)
		}
	}
}

func TestInstantTakesWhatTheStampSays(t *testing.T) {
	civil := time.Date(2003, 10, 11, 22, 14, 15, 0, time.UTC).UnixNano()
	s := message.Stamp{Format: message.StampRFC5424, Civil: civil, HasYear: true, HasZone: true, ZoneEast: -7 * 3600}
	got, ok := Instant(s, epoch, time.UTC)
	if want := civil + 7*hour; !ok || got != want {
		t.Errorf("Instant = %d, %v, want %d: neither year nor zone is changed", got, ok, want)
	}
}
