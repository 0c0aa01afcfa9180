package analysis

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// TestRunsFreeLately: a clock that has been kept for hours and then is not is warned of
// once, and cleared once it is set right, whatever happens to its messages in between.
func TestRunsFreeLately(t *testing.T) {
	const kept, mended, end = 5 * time.Hour, 12 * time.Hour, 16 * time.Hour
	free := func(ppm float64) func(at time.Duration) time.Duration {
		return func(at time.Duration) time.Duration {
			if at < kept || at >= mended {
				return 0
			}
			return skewed(0, ppm)(at - kept)
		}
	}
	slewedBack := func(at time.Duration) time.Duration {
		away := skewed(0, 30)(min(max(0, at-kept), mended-kept))
		return max(0, away-max(0, skewed(0, 500)(at-mended)))
	}
	quiet := newHost("web1").delay
	congested := func(from, to, by time.Duration) func(*rand.Rand, time.Duration) time.Duration {
		return func(r *rand.Rand, at time.Duration) time.Duration {
			if during(from, to)(at) {
				return quiet(r, at) + by
			}
			return quiet(r, at)
		}
	}
	tests := []struct {
		name  string
		clock func(at time.Duration) time.Duration
		delay func(*rand.Rand, time.Duration) time.Duration
		want  []string
	}{
		{"gains", free(30), quiet, []string{"web1 raise drifting", "web1 clear in-sync"}},
		{"loses", free(-30), quiet, []string{"web1 raise drifting", "web1 clear in-sync"}},
		{"slewed back", slewedBack, quiet, []string{"web1 raise drifting", "web1 clear in-sync"}},
		{"passes the tolerance", free(60), quiet, []string{"web1 raise drifting", "web1 change ahead", "web1 clear in-sync"}},
		{"congested for 5 minutes", free(-30), congested(9*time.Hour, 9*time.Hour+5*time.Minute, 300*time.Millisecond),
			[]string{"web1 raise drifting", "web1 clear in-sync"}},
		{"congested past the tolerance", free(-30), congested(11*time.Hour, 11*time.Hour+5*time.Minute, 700*time.Millisecond),
			[]string{"web1 raise drifting", "web1 change late", "web1 clear in-sync"}},
		{"kept", constant(0), quiet, nil},
	}
	for _, tt := range tests {
		h := newHost("web1")
		h.mean, h.offset, h.delay = 3*time.Second, tt.clock, tt.delay
		f := newFleet()
		found := speak(f, 10*time.Hour, 7, h)
		f = restored(t, f)
		found = append(found, continued(f, 10*time.Hour, end, 8, h)...)
		if have := told(found); !slices.Equal(have, tt.want) {
			t.Errorf("%s: told %q, want %q", tt.name, have, tt.want)
		}
	}
}

// TestStepFoundLateClears: a host that speaks seldom, in stamps too coarse to show that it
// is within the tolerance, shows long after it was set that it isn't ahead any more.
func TestStepFoundLateClears(t *testing.T) {
	h := newHost("web1").coarse()
	h.mean = 100 * time.Millisecond
	h.speaks = func(at time.Duration) bool { return at%(4*time.Minute) < 300*time.Millisecond }
	h.offset = func(at time.Duration) time.Duration {
		if during(time.Hour, 4*time.Hour)(at) {
			return 24 * time.Second
		}
		return 0
	}
	have := told(speak(newFleet(), 6*time.Hour, 1, h))
	if want := []string{"web1 raise ahead", "web1 clear in-sync"}; !slices.Equal(have, want) {
		t.Errorf("told %q, want %q", have, want)
	}
}
