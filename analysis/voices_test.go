package analysis

import (
	"testing"
	"time"
)

// Foreign messages under a host's own key, two a minute beside one honest a second:
// nothing false may be said of the clock at any time, and within half an hour it must
// be said that two clocks speak.
func TestForeignStampsUnderOneKey(t *testing.T) {
	Long(t)
	ramp := func(at time.Duration) time.Duration { return time.Duration(50e-6 * float64(at)) }
	tests := []struct {
		name    string
		honest  func(time.Duration) time.Duration
		foreign func(time.Duration) time.Duration
		mean    time.Duration // between foreign messages
		coarse  bool
		span    time.Duration
	}{
		{"30 s behind, foreign right", constant(-30 * time.Second), constant(0), 30 * time.Second, true, time.Hour},
		{"30 s behind, foreign right, fine", constant(-30 * time.Second), constant(0), 30 * time.Second, false, time.Hour},
		{"right, foreign 40 s ahead", constant(0), constant(40 * time.Second), 30 * time.Second, true, time.Hour},
		{"right, foreign 40 s ahead, fine", constant(0), constant(40 * time.Second), 30 * time.Second, false, time.Hour},
		{"right, foreign 40 s ahead, often", constant(0), constant(40 * time.Second), 4 * time.Second, false, time.Hour},
		{"-100 ppm, foreign right", skewed(0, -100), constant(0), 30 * time.Second, true, 8 * time.Hour},
		{"-100 ppm, foreign right, fine", skewed(0, -100), constant(0), 30 * time.Second, false, 8 * time.Hour},
		{"a ramp of fine stamps", constant(0), ramp, 16 * time.Second, false, 2 * time.Hour},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for seed := range uint64(5) {
				honest, foreign := newHost("web1"), newHost("web1")
				if tt.coarse {
					honest, foreign = honest.coarse(), foreign.coarse()
				}
				honest.mean, honest.offset = time.Second, tt.honest
				foreign.mean, foreign.offset = tt.mean, tt.foreign
				watchVoices(t, seed, tt.span, tt.coarse, honest, foreign)
			}
		})
	}
}

// watchVoices lets both speak and looks at the verdict each minute.
func watchVoices(t *testing.T, seed uint64, span time.Duration, coarse bool, honest, foreign host) {
	t.Helper()
	f := newFleet()
	mixed := time.Duration(-1)
	watch := func(at time.Duration) {
		v, truth := only(t, f).Verdict, honest.offset(at)
		if v == Mixed && mixed < 0 {
			mixed = at
		}
		false := v == InSync && truth.Abs() > time.Second || v == Ahead && truth <= time.Second || v == Drifting && truth == honest.offset(0)
		if false {
			t.Errorf("seed %d: after %v %v, while the clock is %v off", seed, at, v, truth)
		}
	}
	speakWatched(f, span, seed, watch, honest, foreign)
	const limit = 30 * time.Minute
	if apart := (honest.offset(limit) - foreign.offset(limit)).Abs(); (apart > time.Second || !coarse && apart > time.Second/20) && (mixed < 0 || mixed > limit) {
		t.Errorf("seed %d: mixed after %v, want within %v", seed, mixed, limit)
	}
}
