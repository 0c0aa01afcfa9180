package analysis

import (
	"strings"
	"testing"
	"time"

	"github.com/skewatch/skewatch/collector/message"
)

func TestZoneWords(t *testing.T) {
	paris, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name    string
		format  message.StampFormat
		assumed *time.Location
		offset  time.Duration // against what is read
		want    string
		fits    int32 // seconds east; 0 for no such zone
	}{
		{"local time read as UTC", message.StampBSD, nil, 2 * time.Hour,
			"stamps carry no zone and are read as UTC; they fit +02:00: set zone for this host", 7200},
		{"half an hour", message.StampBSD, nil, 330 * time.Minute, "they fit +05:30: set zone", 19800},
		{"west", message.StampBSD, nil, -8 * time.Hour, "they fit -08:00: set zone", -28800},
		{"another zone than assumed", message.StampBSD, time.FixedZone("+02:00", 7200), -3 * time.Hour, "read as +02:00; they fit -01:00", -3600},
		{"summer time in winter", message.StampBSD, paris, time.Hour, "read as Europe/Paris; they fit +02:00, which is Europe/Paris with DST: set", 7200},
		{"no such zone", message.StampBSD, time.FixedZone("+13:00", 46800), 5 * time.Hour, "the zone is 5 h east of where it should be", 0},
		{"written zone", message.StampRFC5424, nil, 2 * time.Hour, "the zone is 2 h east of where it should be: it reads ahead", 0},
		{"written zone, an hour", message.StampRFC5424, nil, -time.Hour, "the zone is 1 h west of where it should be: it reads behind; is DST applied as it should be?", 0},
	}
	for _, tt := range tests {
		h := newHost("web1")
		h.format, h.offset = tt.format, constant(tt.offset)
		if tt.assumed != nil {
			_, east := time.Unix(0, epoch).In(tt.assumed).Zone()
			h.offset = constant(tt.offset + time.Duration(east)*time.Second)
		}
		f := fleetOf(HostRule{Zone: tt.assumed})
		speak(f, 2*time.Minute, 1, h)
		i := only(t, f)
		if i.Verdict != WrongZone || !strings.Contains(i.Explanation, tt.want) {
			t.Errorf("%s: %v, %q, want %q", tt.name, i.Verdict, i.Explanation, tt.want)
		}
		j := f.originators[i.Key].judged
		if j.fits != tt.fits || j.local != (tt.fits != 0) {
			t.Errorf("%s: fits %d (%v), want %d", tt.name, j.fits, j.local, tt.fits)
		}
	}
}
