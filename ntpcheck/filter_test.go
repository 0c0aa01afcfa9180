package ntpcheck

import (
	"testing"
	"time"
)

const ms = time.Millisecond

var epoch = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func TestFilterBest(t *testing.T) {
	at := func(age, delay time.Duration) sample { return sample{at: epoch.Add(-age), delay: delay} }
	for _, tt := range []struct {
		name    string
		samples filter
		want    time.Duration // the chosen delay
	}{
		{"only one", filter{at(0, 30*ms)}, 30 * ms},
		{"smallest delay", filter{at(48*time.Second, 40*ms), at(32*time.Second, 20*ms), at(16*time.Second, 25*ms), at(0, 90*ms)}, 20 * ms},
		{"age outweighs a small advantage", filter{at(128*time.Second, 20*ms), at(0, 23*ms)}, 23 * ms}, // 1.92 ms by drift against 1.5 ms of half a delay
		{"but not a large one", filter{at(128*time.Second, 20*ms), at(0, 24*ms)}, 20 * ms},
		{"an hour's silence ages all before", filter{at(time.Hour, 10*ms), at(0, 100*ms)}, 100 * ms},
		{"the newer of equals", filter{at(0, 10*ms), {at: epoch, delay: 10 * ms, offset: 1}}, 10 * ms},
	} {
		if have := tt.samples.best(epoch); have.delay != tt.want {
			t.Errorf("%s: chose delay %v, want %v", tt.name, have.delay, tt.want)
		}
	}
}

func TestFilterKeepsTheLastEight(t *testing.T) {
	var f filter
	for i := range 20 {
		f.add(sample{at: epoch.Add(time.Duration(i) * time.Second), offset: time.Duration(i)})
	}
	if len(f) != filterStages || f[0].offset != 12 || f.newest().offset != 19 {
		t.Errorf("kept %d samples from %v to %v, want 8 from 12 to 19", len(f), f[0].offset, f.newest().offset)
	}
}

func TestRootDistance(t *testing.T) {
	s := sample{at: epoch, delay: 20 * ms, dispersion: ms, rootDelay: 10 * ms, rootDispersion: 3 * ms}
	for _, tt := range []struct{ age, want time.Duration }{
		{0, 19 * ms}, // (20 + 10)/2 + 3 + 1
		{1000 * time.Second, 34 * ms},
		{-time.Second, 19 * ms}, // age is never negative
	} {
		if have := s.distance(epoch.Add(tt.age)); have != tt.want {
			t.Errorf("distance at age %v is %v, want %v", tt.age, have, tt.want)
		}
	}
}

func TestEstimate(t *testing.T) {
	f := filter{
		{at: epoch, offset: 13 * ms, delay: 40 * ms},
		{at: epoch, offset: 10 * ms, delay: 20 * ms},
		{at: epoch, offset: 6 * ms, delay: 40 * ms},
	}
	have := f.estimate(epoch)
	jitter := time.Duration(3535533) // sqrt((3² + 4²) / 2) ms
	want := estimate{offset: 10 * ms, delay: 20 * ms, jitter: jitter, distance: 10*ms + jitter, newest: epoch, at: epoch}
	if have != want {
		t.Errorf("estimate %+v, want %+v", have, want)
	}
	near := filter{{at: epoch, delay: 50 * time.Microsecond}}
	if have := near.estimate(epoch).distance; have != minDistance {
		t.Errorf("distance of a near server %v, want the least of %v", have, minDistance)
	}
}
