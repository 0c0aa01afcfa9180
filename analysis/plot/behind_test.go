package plot

import "testing"

func TestOffset(t *testing.T) {
	tests := []struct {
		seconds float64
		want    string
	}{
		{0, "0 s"}, {1e-12, "0 s"}, {3e-9, "+3 ns"}, {-250e-9, "−250 ns"}, {1.5e-6, "+1.5 us"}, {3.14159e-3, "+3.142 ms"}, {-0.9996, "−999.6 ms"},
		{1, "+1 s"}, {-59.1, "−59.1 s"}, {37.83, "+37.83 s"}, {60, "+00:01:00"}, {-61.5, "−00:01:01.5"}, {3600.02, "+01:00:00.02"},
		{-183600, "−2 d 03:00:00"}, {1774000000, "+20532 d 09:46:40"}, {1e11, "+3169 years"},
	}
	for _, tt := range tests {
		if have := Offset(tt.seconds); have != tt.want {
			t.Errorf("Offset(%g) = %q, want %q", tt.seconds, have, tt.want)
		}
	}
}
