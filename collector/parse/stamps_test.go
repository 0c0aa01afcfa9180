package parse

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/skewatch/skewatch/collector/message"
)

// Every value of a stamp is judged on its own, and a bad one spoils the stamp
// without hiding the host behind it.
func TestStampValues(t *testing.T) {
	const invalid = "" // stands for StampInvalid
	tests := []struct {
		in, civil string
		digits    uint8
		leap      bool
	}{
		{"2003-10-11T22:14:15Z", "2003-10-11 22:14:15", 0, false},
		{"2003-10-11T22:14:15.1Z", "2003-10-11 22:14:15.1", 1, false},
		{"2003-10-11T22:14:15.100Z", "2003-10-11 22:14:15.1", 3, false},
		{"2003-10-11T22:14:15.123456789Z", "2003-10-11 22:14:15.123456789", 9, false},
		{"2003-10-11T22:14:15.000000000Z", "2003-10-11 22:14:15", 9, false},
		{"2003-10-11T22:14:15.1234567890Z", invalid, 0, false},
		{"2003-10-11T22:14:15.Z", invalid, 0, false},
		{"2003-10-11T22:14:15,5Z", invalid, 0, false},

		{"2003-10-11T00:00:00Z", "2003-10-11 00:00:00", 0, false},
		{"2003-10-11T23:59:59Z", "2003-10-11 23:59:59", 0, false},
		{"2003-10-11T24:00:00Z", invalid, 0, false},
		{"2003-10-11T22:60:00Z", invalid, 0, false},
		{"2003-10-11T22:14:61Z", invalid, 0, false},
		{"2016-12-31T23:59:60Z", "2017-01-01 00:00:00", 0, true},
		{"2016-12-31T23:59:60.25Z", "2017-01-01 00:00:00.25", 2, true},
		{"2016-12-31T15:59:60-08:00", "2016-12-31 16:00:00", 0, true},

		{"2003-10-11T22:14:15+23:59", "2003-10-11 22:14:15", 0, false},
		{"2003-10-11T22:14:15-23:59", "2003-10-11 22:14:15", 0, false},
		{"2003-10-11T22:14:15-00:00", "2003-10-11 22:14:15", 0, false},
		{"2003-10-11T22:14:15+24:00", invalid, 0, false},
		{"2003-10-11T22:14:15+02:60", invalid, 0, false},
		{"2003-10-11T22:14:15+2:00", invalid, 0, false},
		{"2003-10-11T22:14:15+0200", invalid, 0, false},
		{"2003-10-11T22:14:15", invalid, 0, false},
		{"2003-10-11T22:14:15+02:00x", invalid, 0, false},
		{"2003-10-11T22:14:15z", invalid, 0, false},
		{"2003-10-11t22:14:15Z", invalid, 0, false},

		{"2003-02-28T00:00:00Z", "2003-02-28 00:00:00", 0, false},
		{"2003-02-29T00:00:00Z", invalid, 0, false},
		{"2004-02-29T00:00:00Z", "2004-02-29 00:00:00", 0, false},
		{"2004-02-30T00:00:00Z", invalid, 0, false},
		{"1900-02-29T00:00:00Z", invalid, 0, false},
		{"2000-02-29T00:00:00Z", "2000-02-29 00:00:00", 0, false},
		{"2100-02-29T00:00:00Z", invalid, 0, false},
		{"2003-04-31T00:00:00Z", invalid, 0, false},
		{"2003-00-11T00:00:00Z", invalid, 0, false},
		{"2003-13-11T00:00:00Z", invalid, 0, false},
		{"2003-10-00T00:00:00Z", invalid, 0, false},
		{"2003-10-32T00:00:00Z", invalid, 0, false},

		{"1970-01-01T00:00:00Z", "1970-01-01 00:00:00", 0, false},
		{"1969-12-31T23:59:59.5Z", "1969-12-31 23:59:59.5", 1, false},
		{"1678-01-01T00:00:00+23:59", "1678-01-01 00:00:00", 0, false},
		{"1677-12-31T00:00:00Z", invalid, 0, false},
		{"2261-12-31T23:59:60-23:59", "2262-01-01 00:00:00", 0, true},
		{"2262-01-01T00:00:00Z", invalid, 0, false},
		{"0001-01-01T00:00:00Z", invalid, 0, false},
		{"9999-12-31T23:59:59Z", invalid, 0, false},
	}
	for _, tt := range tests {
		var m message.Message
		Parse([]byte("<13>1 "+tt.in+" web1 su - - - x"), &m)
		have := have(&m)
		if have.civil != tt.civil || have.digits != tt.digits || have.leap != tt.leap {
			t.Errorf("%s: have %s, %d digits, leap %v, want %s, %d, %v",
				tt.in, have.civil, have.digits, have.leap, tt.civil, tt.digits, tt.leap)
		}
		if have.host != "web1" {
			t.Errorf("%s: Host = %q, want web1", tt.in, have.host)
		}
		if want := tt.civil == invalid; want != (m.Sent == message.Stamp{Format: message.StampInvalid}) {
			t.Errorf("%s: Sent = %+v, want invalid: %v", tt.in, m.Sent, want)
		}
	}
}

func TestBSDStampValues(t *testing.T) {
	tests := []struct {
		in, civil string
		digits    uint8
	}{
		{"Oct 11 22:14:15", "2000-10-11 22:14:15", 0},
		{"Oct  1 22:14:15", "2000-10-01 22:14:15", 0},
		{"Oct 01 22:14:15", "2000-10-01 22:14:15", 0},
		{"Oct 1 22:14:15", "2000-10-01 22:14:15", 0},
		{"Oct  11 22:14:15", "2000-10-11 22:14:15", 0},
		{"Oct 11 22:14:15.123", "2000-10-11 22:14:15.123", 3},
		{"Jan  1 00:00:00", "2000-01-01 00:00:00", 0},
		{"Dec 31 23:59:59", "2000-12-31 23:59:59", 0},
		{"Dec 31 23:59:60", "2001-01-01 00:00:00", 0},
		{"Feb 29 12:00:00", "2000-02-29 12:00:00", 0},
		{"Feb 30 12:00:00", "", 0},
		{"Jun 31 12:00:00", "", 0},
		{"Oct  0 12:00:00", "", 0},
		{"Oct 32 12:00:00", "", 0},
		{"Oct 11 24:00:00", "", 0},
		{"Oct 11 12:60:00", "", 0},
		{"Oct 11 12:00:61", "", 0},
		{"Oct 11 12:00:00.1234567890", "", 0},
	}
	for _, tt := range tests {
		var m message.Message
		Parse([]byte("<13>"+tt.in+" web1 su: x"), &m)
		have := have(&m)
		if have.civil != tt.civil || have.digits != tt.digits || have.host != "web1" || have.text != "x" {
			t.Errorf("%q: have %q, %d digits, host %q, text %q, want %q, %d, web1, x",
				tt.in, have.civil, have.digits, have.host, have.text, tt.civil, tt.digits)
		}
		if m.Sent.HasYear || m.Sent.HasZone {
			t.Errorf("%q: HasYear %v, HasZone %v, want neither", tt.in, m.Sent.HasYear, m.Sent.HasZone)
		}
	}
}

// Whatever package time writes must be read as the same moment, and what it does
// not accept as a date must be refused.
func TestStampsAgainstPackageTime(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	first, last := time.Date(firstYear, 1, 2, 0, 0, 0, 0, time.UTC), time.Date(lastYear, 12, 30, 0, 0, 0, 0, time.UTC)
	for range 20_000 {
		east := (random.IntN(2*1439+1) - 1439) * 60
		at := time.Unix(first.Unix()+random.Int64N(last.Unix()-first.Unix()), random.Int64N(1e9)).In(time.FixedZone("", east))
		checkInstant(t, at.Format("2006-01-02T15:04:05.000000000Z07:00"), at)
		checkInstant(t, at.Format(time.RFC3339), at.Truncate(time.Second))
	}
}

func checkInstant(t *testing.T, stamp string, at time.Time) {
	t.Helper()
	var m message.Message
	Parse([]byte("<13>1 "+stamp+" h a p i - x"), &m)
	if nano, ok := m.Sent.Instant(); !ok || nano != at.UnixNano() {
		t.Errorf("Parse(%s): Instant = %d, %v, want %d", stamp, nano, ok, at.UnixNano())
	}
	if _, east := at.Zone(); int(m.Sent.ZoneEast) != east {
		t.Errorf("Parse(%s): ZoneEast = %d, want %d", stamp, m.Sent.ZoneEast, east)
	}
}

func TestDatesAgainstPackageTime(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for range 20_000 {
		year, month, day := firstYear+random.IntN(lastYear-firstYear+1), random.IntN(14), random.IntN(33)
		if random.IntN(4) == 0 {
			month, day = 2, 28+random.IntN(3)
		}
		date := fmt.Sprintf("%04d-%02d-%02d", year, month, day)
		want, err := time.Parse(time.DateOnly, date)
		if isDate(year, month, day) != (err == nil) {
			t.Fatalf("isDate(%s) = %v, want %v (%v)", date, err != nil, err == nil, err)
		}
		if err != nil {
			continue
		}
		if have := daysSince1970(year, month, day); int64(have) != want.Unix()/86400 {
			t.Errorf("daysSince1970(%s) = %d, want %d", date, have, want.Unix()/86400)
		}
	}
}

func TestBSDStampsAgainstPackageTime(t *testing.T) {
	start := time.Date(message.YearUnknown, 1, 1, 0, 0, 0, 0, time.UTC)
	for day := range 366 {
		at := start.AddDate(0, 0, day).Add(time.Duration(day) * 201 * time.Second)
		var m message.Message
		Parse([]byte("<13>"+at.Format(time.Stamp)+" h su: x"), &m)
		if m.Sent.Format != message.StampBSD || m.Sent.Civil != at.UnixNano() {
			t.Errorf("Parse(%s): Sent = %+v, want Civil %d", at.Format(time.Stamp), m.Sent, at.UnixNano())
		}
	}
}

// A stamp that stands alone is all of the text, but for spaces.
func TestStamp(t *testing.T) {
	const civil = "2003-10-11 22:14:15"
	tests := []struct {
		in     string
		format message.StampFormat
		civil  string
		digits uint8
		zone   bool
	}{
		{"Oct 11 22:14:15", message.StampBSD, "2000-10-11 22:14:15", 0, false},
		{" Oct 11 22:14:15.250: ", message.StampBSD, "2000-10-11 22:14:15.25", 3, false},
		{"2003-10-11T22:14:15+02:00", message.StampRFC3339, civil, 0, true},
		{"2003-10-11 22:14:15", message.StampRFC3339, civil, 0, false},
		{"", message.StampNone, "", 0, false},
		{" - ", message.StampNone, "", 0, false},
		{"--", message.StampInvalid, "", 0, false},
		{"yesterday", message.StampInvalid, "", 0, false},
		{"1065910455", message.StampInvalid, "", 0, false},
		{"Feb 30 22:14:15", message.StampInvalid, "", 0, false},
		{"Oct 11 22:14:15 web1", message.StampInvalid, "", 0, false},
		{"2003-10-11T22:14:15Zulu", message.StampInvalid, "", 0, false},
		{"2003-10-11", message.StampInvalid, "", 0, false},
		{"Oct", message.StampInvalid, "", 0, false},
	}
	for _, tt := range tests {
		have := Stamp([]byte(tt.in))
		civil := ""
		if have.Usable() {
			civil = time.Unix(0, have.Civil).UTC().Format("2006-01-02 15:04:05.999999999")
		}
		if have.Format != tt.format || civil != tt.civil || have.Digits != tt.digits || have.HasZone != tt.zone {
			t.Errorf("Stamp(%q) = %v %s, %d digits, zone %v; want %v %s, %d, %v", tt.in,
				have.Format, civil, have.Digits, have.HasZone, tt.format, tt.civil, tt.digits, tt.zone)
		}
	}
}
