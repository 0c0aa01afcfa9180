package analysis

import (
	"testing"
	"time"
)

// TestClocksFromNewYear: stamps without a year hide from which epoch a clock counts,
// but not that it counts from a year's beginning.
func TestClocksFromNewYear(t *testing.T) {
	newYear := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Sub(time.Unix(0, epoch))
	tests := []struct {
		name   string
		offset func(at time.Duration) time.Duration
		want   Verdict
	}{
		{"started on 1 January at midnight", constant(newYear + 40*time.Second), DeadRTC},
		{"on 1 January at noon", constant(newYear + 12*time.Hour), WrongDate},
		{"on 3 January", constant(newYear + 48*time.Hour), WrongDate},
		{"was right, and lost its power", func(at time.Duration) time.Duration {
			if at < 10*time.Minute {
				return 0
			}
			return newYear - 10*time.Minute + 30*time.Second
		}, DeadRTC},
		{"was right, and was set to 20 January", func(at time.Duration) time.Duration {
			if at < 10*time.Minute {
				return 0
			}
			return newYear + 20*24*time.Hour
		}, WrongDate},
	}
	for _, tt := range tests {
		h := newHost("switch1").coarse()
		h.yearless, h.offset = true, tt.offset
		f := newFleet()
		speak(f, 2*time.Hour, 1, h)
		if i := only(t, f); i.Verdict != tt.want {
			t.Errorf("%s: %v (%s), want %v", tt.name, i.Verdict, i.Explanation, tt.want)
		}
	}
}

// TestClocksThatBeganAtNewYear: a host that was first heard at New Year, with the right
// time, has not lost its power when its date is wrong later.
func TestClocksThatBeganAtNewYear(t *testing.T) {
	newYear := time.Date(2026, 1, 1, 0, 10, 0, 0, time.UTC).Sub(time.Unix(0, epoch))
	h := newHost("switch1").coarse()
	h.yearless = true
	f := newFleet()
	continued(f, newYear, newYear+10*time.Minute, 1, h)
	h.offset = constant(-20 * 24 * time.Hour)
	speak(f, 2*time.Hour, 1, h)
	if i := only(t, f); i.Verdict != WrongDate {
		t.Errorf("%v (%s), want %v", i.Verdict, i.Explanation, WrongDate)
	}
}
