package testbed

import (
	"fmt"
	"regexp"
	"testing"
	"time"
)

var stampOfSyslogNG = regexp.MustCompile(`^counted:<14>1 (\S+) ng1 feed - - \[meta sequenceId="\d+"\] number (\d+)$`)

func TestSyslogNGSendsWithItsOwnClock(t *testing.T) {
	tests := []struct {
		name   string
		clock  Clock
		zone   string
		suffix string // of the stamp
	}{
		{"right", Clock{}, "UTC0", "+00:00"},
		{"ahead", Clock{Offset: 37500 * time.Millisecond}, "XST-5:30", "+05:30"},
		{"behind", Clock{Offset: -3200 * time.Millisecond}, "XST5", "-05:00"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			collector := listen(t, "tcp", "127.0.0.1:0")
			h := Host{Name: "ng1", Target: collector.address, Clock: tt.clock, Zone: tt.zone}
			logSyslogNGNumbers(t, StartSyslogNG(t, h, `syslog(TARGET transport("tcp") frac-digits(6))`), 0, 20)
			for i, a := range collector.await(t, 20) {
				parts := stampOfSyslogNG.FindStringSubmatch(a.text)
				if parts == nil || parts[2] != fmt.Sprint(i) || parts[1][len(parts[1])-6:] != tt.suffix {
					t.Fatalf("message %q, want number %d in the shape %v and a stamp with %s", a.text, i, stampOfSyslogNG, tt.suffix)
				}
				off := instant(t, parts[1]).Sub(a.at.Add(tt.clock.Offset))
				if off < -time.Second || off > 20*time.Millisecond {
					t.Errorf("the stamp of %q is %v off the host's clock, want within [-1s, 20ms]", a.text, off)
				}
			}
		})
	}
}
