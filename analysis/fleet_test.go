package analysis

import (
	"testing"
	"time"

	"github.com/skewatch/skewatch/collector/message"
)

func TestOffsetAndVerdict(t *testing.T) {
	const span = 2 * time.Minute
	tests := []struct {
		name   string
		offset func(time.Duration) time.Duration
		coarse bool
		within time.Duration // of the true offset
		want   Verdict
		events int
	}{
		{"in sync", constant(0), false, 5 * time.Millisecond, InSync, 0},
		{"in sync, whole seconds", constant(0), true, 60 * time.Millisecond, InSync, 0},
		{"half a second ahead", constant(400 * time.Millisecond), false, 5 * time.Millisecond, InSync, 0},
		{"half a second ahead, whole seconds", constant(400 * time.Millisecond), true, 60 * time.Millisecond, InSync, 0},
		{"ahead", constant(37500 * time.Millisecond), false, 5 * time.Millisecond, Ahead, 1},
		{"ahead, whole seconds", constant(37500 * time.Millisecond), true, 60 * time.Millisecond, Ahead, 1},
		{"behind", constant(-3200 * time.Millisecond), false, 5 * time.Millisecond, Late, 1},
		{"behind, whole seconds", constant(-3200 * time.Millisecond), true, 60 * time.Millisecond, Late, 1},
		{"an hour east", constant(time.Hour), true, 60 * time.Millisecond, WrongZone, 1},
		{"five and a half hours west", constant(-330 * time.Minute), false, 5 * time.Millisecond, WrongZone, 1},
		{"200 ppm fast", skewed(0, 200), false, 5 * time.Millisecond, InSync, 0},
		{"200 ppm fast, whole seconds", skewed(0, 200), true, 60 * time.Millisecond, InSync, 0},
		{"year 2003", constant(-200000 * time.Hour), false, 5 * time.Millisecond, WrongDate, 1},
		{"from the epoch", constant(time.Duration(-epoch) + time.Hour), false, 5 * time.Millisecond, DeadRTC, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for seed := range uint64(20) {
				h := newHost("web1")
				if tt.coarse {
					h = h.coarse()
				}
				h.offset = tt.offset
				f := newFleet()
				found := events(speak(f, span, seed, h))
				i := only(t, f)
				r := rollUpOf(t, f, i.Key)
				truth := tt.offset(time.Duration(r.Last - epoch))
				if i.Verdict != tt.want {
					t.Errorf("seed %d: verdict %v (%s), want %v", seed, i.Verdict, i.Explanation, tt.want)
				}
				if got := (r.Interval.Offset - truth).Abs(); got > tt.within {
					t.Errorf("seed %d: offset %v is %v off, want within %v", seed, r.Interval.Offset, got, tt.within)
				}
				if r.Interval.Low > truth || r.Interval.High < truth {
					t.Errorf("seed %d: interval %v to %v doesn't hold %v", seed, r.Interval.Low, r.Interval.High, truth)
				}
				if len(found) != tt.events {
					t.Errorf("seed %d: %d events, want %d: %v", seed, len(found), tt.events, found)
				}
				for _, e := range found {
					if e.Kind != Raise || e.Verdict != tt.want {
						t.Errorf("seed %d: event %v %v, want raise %v", seed, e.Kind, e.Verdict, tt.want)
					}
				}
			}
		})
	}
}

func TestStepsRaiseOnceAndClear(t *testing.T) {
	for _, step := range []time.Duration{20 * time.Second, -20 * time.Second} {
		h := newHost("web1").coarse()
		h.offset = func(at time.Duration) time.Duration {
			if at > 5*time.Minute && at < 15*time.Minute {
				return step
			}
			return 0
		}
		f := newFleet()
		found := speak(f, 40*time.Minute, 3, h)
		var kinds []EventKind
		for _, e := range events(found) {
			if e.Verdict != Stepped && e.Previous != Stepped {
				kinds = append(kinds, e.Kind)
			}
			t.Logf("%+v at %v: %v %v, was %v: %s", step, e.Time.Sub(time.Unix(0, epoch)), e.Kind, e.Verdict, e.Previous, e.Text)
		}
		_ = kinds
		if v := only(t, f).Verdict; v != InSync {
			t.Errorf("%v: verdict %v in the end, want in-sync", step, v)
		}
		var steps []float64
		for _, x := range found {
			if x.Step != nil {
				steps = append(steps, x.Step.Seconds)
			}
		}
		want := []float64{step.Seconds(), -step.Seconds()}
		if len(steps) != 2 || abs(steps[0]-want[0]) > 1 || abs(steps[1]-want[1]) > 1 {
			t.Errorf("%v: steps %v, want %v", step, steps, want)
		}
	}
}

func abs(x float64) float64 {
	if x < 0 {
		return -x
	}
	return x
}

func TestForgedSpeaker(t *testing.T) {
	good := newHost("web1")
	forger := newHost("WEB1")
	forger.trust, forger.mean, forger.offset = message.TrustUDP, 30*time.Second, constant(40*time.Second)
	for _, peer := range []string{"192.0.2.1", "192.0.2.66"} {
		forger.peer = peer
		f := newFleet()
		found := events(speak(f, 10*time.Minute, 7, good, forger))
		if len(found) != 1 || found[0].Verdict != InSync || found[0].Kind != Raise {
			t.Errorf("from %s: events %v, want one that leaves the verdict in-sync", peer, found)
		}
		for _, i := range f.Identities() {
			if i.Source == "192.0.2.1" && (i.Verdict != InSync || len(i.Claims) != 1) {
				t.Errorf("from %s: verdict %v, claims %q, want in-sync and one claim", peer, i.Verdict, i.Claims)
			}
			if i.Source == "192.0.2.66" && i.Verdict != Insufficient {
				t.Errorf("from %s: the forger's own verdict is %v, want insufficient", peer, i.Verdict)
			}
		}
	}
}
