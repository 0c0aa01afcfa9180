package analysis

import (
	"math"
	"strings"
	"testing"
	"time"
)

func TestForecast(t *testing.T) {
	const s, ms, day = time.Second, time.Millisecond, 24 * time.Hour
	tests := []struct {
		name      string
		offset    time.Duration
		low, high float64 // ppm
		span      time.Duration
		tolerance time.Duration
		want      string
	}{
		{"sharp", 0, 19.5, 20.5, day, s, "; passes +1 s in 14 h"},
		{"blunt", 0, 10, 20, day, s, "; passes +1 s in 14 h to 28 h"},
		{"losing", 0, -20.5, -19.5, day, s, "; passes -1 s in 14 h"},
		{"on its way", 900 * ms, 98, 102, day, s, "; passes +1 s in 17 min"},
		{"first through zero", -900 * ms, 98, 102, day, s, "; passes +1 s in 5 h"},
		{"away from zero", -900 * ms, -102, -98, day, s, "; passes -1 s in 17 min"},
		{"a small tolerance", 0, 98, 102, day, 50 * ms, "; passes +0.05 s in 8 min"},
		{"days", 0, 1.9, 2.1, day, s, "; passes +1 s in 6 days"},
		{"direction unknown", 0, -1, 20, day, s, ""},
		{"skew unknown", 0, 0, 0, day, s, ""},
		{"bounds say nothing", 0, 1, 20, day, s, ""},
		{"too far off", 0, 0.1, 0.11, day, s, ""},
		{"as far as the evidence reaches", 0, 98, 102, 2 * time.Minute, s, "; passes +1 s in 3 h"},
		{"further than that", 0, 98, 102, time.Minute, s, ""},
		{"has passed", 2 * s, 98, 102, day, s, ""},
	}
	for _, tt := range tests {
		if have := (trend{tt.low, tt.high, tt.span}).forecast(tt.offset, tt.tolerance); have != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, have, tt.want)
		}
	}
}

// TestForecastOfClocks: a clock that runs away says when, and one that is disciplined
// doesn't.
func TestForecastOfClocks(t *testing.T) {
	tests := []struct {
		name    string
		offset  func(time.Duration) time.Duration
		verdict Verdict
		says    bool
	}{
		{"200 ppm fast, a minute known", skewed(0, 200), InSync, true},
		{"right", constant(0), InSync, false},
		{"wanders by a millisecond", func(at time.Duration) time.Duration {
			return time.Duration(float64(time.Millisecond) * math.Sin(at.Hours()*8))
		}, InSync, false},
	}
	for _, tt := range tests {
		h := newHost("web1")
		h.offset = tt.offset
		f := newFleet()
		speak(f, 20*time.Minute, 3, h)
		i := only(t, f)
		if i.Verdict != tt.verdict || strings.Contains(i.Explanation, "; passes ") != tt.says {
			t.Errorf("%s: %v, %q; want %v, and a forecast is %v", tt.name, i.Verdict, i.Explanation, tt.verdict, tt.says)
		}
	}
}

func TestDriftingSaysWhen(t *testing.T) {
	h := newHost("web1")
	h.mean, h.offset = 2*time.Second, skewed(0, 40)
	f := newFleet()
	speak(f, 3*time.Hour, 3, h)
	// 1 s less 40 ppm × 3 h is 0.568 s, and that is 3.9 h.
	if i := only(t, f); i.Verdict != Drifting || !strings.HasSuffix(i.Explanation, "; passes +1 s in 4 h") {
		t.Errorf("%v: %q, want drifting and when it passes 1 s", i.Verdict, i.Explanation)
	}
}
