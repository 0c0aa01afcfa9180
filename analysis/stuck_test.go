package analysis

import (
	"fmt"
	"testing"
	"time"
)

// stopped returns the offset of a clock that stands still from a time on.
func stopped(from time.Duration) func(time.Duration) time.Duration {
	return func(at time.Duration) time.Duration { return min(0, from-at) }
}

// TestStuckFromTheStart wants clocks that stop within seconds of the first message to be
// called stuck, wherever in a bucket of the lattice that is.
func TestStuckFromTheStart(t *testing.T) {
	for _, stop := range []time.Duration{0, 1800 * time.Millisecond, 4500 * time.Millisecond} {
		var hosts []host
		for phase := range 16 {
			for _, mean := range []time.Duration{300 * time.Millisecond, time.Second, 3 * time.Second} {
				from := time.Duration(phase) * time.Second
				h := newHost(fmt.Sprintf("web%d", len(hosts)))
				h.peer, h.mean = fmt.Sprintf("192.0.2.%d", len(hosts)), mean
				h.speaks, h.offset = during(from, time.Hour), stopped(from+stop)
				if phase%2 == 1 {
					h = h.coarse()
				}
				hosts = append(hosts, h)
			}
		}
		f := newFleet()
		watch := func(at time.Duration) {
			for i := range hosts {
				if id := identityOf(f, hosts[i].name); at > time.Minute && id.Verdict != Stuck {
					t.Errorf("%s, which stopped after %v, at %v: %v (%s), want stuck", hosts[i].name, stop, at, id.Verdict, id.Explanation)
				}
			}
		}
		speakWatched(f, 4*time.Minute, 1, watch, hosts...)
	}
}

// TestStuckBesideAnother wants a clock that stands still not to speak for an honest one
// that shares its name and says less.
func TestStuckBesideAnother(t *testing.T) {
	for seed := range uint64(5) {
		honest, other := newHost("web1"), newHost("web1")
		honest.mean, other.mean = time.Minute, 5*time.Second
		other.offset = stopped(0)
		f := newFleet()
		watch := func(at time.Duration) {
			if id := only(t, f); at >= 5*time.Minute && id.Verdict == Stuck {
				t.Errorf("seed %d: after %v %v, while two clocks speak", seed, at, id.Verdict)
			}
		}
		speakWatched(f, time.Hour, seed, watch, honest, other)
	}
}
