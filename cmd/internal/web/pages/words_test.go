package pages

import (
	"testing"
	"time"
)

func TestRounded(t *testing.T) {
	tests := []struct{ v, bound, want, wide float64 }{
		{0.0031415, 0.0502, 0.003, 0.0505}, {0.00312, 0.0001, 0.00312, 0.0001}, {-46.9512, 0.111, -46.95, 0.115}, {3, 0, 3, 0},
	}
	near := func(a, b float64) bool { return a-b < 1e-9 && b-a < 1e-9 }
	for _, tt := range tests {
		if have := rounded(tt.v, tt.bound); !near(have, tt.want) {
			t.Errorf("rounded(%g, %g) = %g, want %g", tt.v, tt.bound, have, tt.want)
		}
		if have := widened(tt.bound); !near(have, tt.wide) {
			t.Errorf("widened(%g) = %g, want %g", tt.bound, have, tt.wide)
		}
	}
}

func TestAgo(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for d, want := range map[time.Duration]string{
		-time.Second: "now", 0: "now", 20 * time.Second: "< 1 min", time.Minute: "1 min", 119 * time.Minute: "119 min",
		2 * time.Hour: "2 h", 47 * time.Hour: "47 h", 50 * time.Hour: "2 d",
	} {
		at := now.Add(-d)
		if have := ago(&at, now); have != want {
			t.Errorf("%v before: %q, want %q", d, have, want)
		}
	}
	if have := ago(nil, now); have != "never" {
		t.Errorf("no message: %q", have)
	}
}

func TestPPM(t *testing.T) {
	for v, want := range map[float64]string{0: "0", 0.04: "0", -0.04: "0", 12.34: "+12.3", -900: "−900"} {
		if have := ppm(v); have != want {
			t.Errorf("ppm(%g) = %q, want %q", v, have, want)
		}
	}
}
