package ntpcheck

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// A course is our clock's true offset over time, and by how much samples of it scatter
// within their bound.
type course struct {
	name   string
	offset func(s float64) float64 // seconds, at a time in seconds
	noise  time.Duration           // evenly, either way
	bound  time.Duration
	smooth bool // it is straight: half an hour later the line lies well within the noise
}

var courses = []course{
	{"20 ppm slow", func(s float64) float64 { return 20e-6 * s }, 3 * ms, 9 * ms, true},
	{"true", func(float64) float64 { return 0 }, 3 * ms, 4 * ms, true},
	{"14 ppm fast, an hour ahead", func(s float64) float64 { return -3600 - 14e-6*s }, ms, ms, true},
	{"breathes by half a ppm", func(s float64) float64 { return 20e-6*s + 0.6e-3*math.Sin(s/1200) }, ms, 2 * ms, false},
	{"12 ppm less after two hours", func(s float64) float64 { return 14e-6*s - 12e-6*max(0, s-7200) }, 2 * ms, 3 * ms, false},
	{"slewed by 10 ms within a minute", func(s float64) float64 { return 5e-3 - 10e-3*min(1, max(0, (s-6000)/900)) }, ms, 2 * ms, false},
}

func TestTrack(t *testing.T) {
	for _, c := range courses {
		t.Run(c.name, func(t *testing.T) { c.follow(t) })
	}
}

// follow samples a course for four hours, and holds every answer against the truth.
func (c *course) follow(t *testing.T) {
	var track Track
	r := rand.New(rand.NewPCG(1, 2))
	var squares float64
	answers := 0
	for s := 0.0; s < 4*3600; s++ {
		now := epoch.Add(fromSeconds(s))
		if int(s)%16 == 0 {
			noise := time.Duration((2*r.Float64() - 1) * float64(c.noise))
			track.Add(now, fromSeconds(c.offset(s))+noise, c.bound, 8*time.Second)
		}
		offset, bound, ok := track.At(now, 64*time.Second)
		if !ok {
			continue
		}
		off := (offset - fromSeconds(c.offset(s))).Abs()
		if off > bound {
			t.Fatalf("after %v s the offset is %v ± %v, off by %v", s, offset, bound, off)
		}
		if bound > 2*(c.bound+c.noise) {
			t.Fatalf("after %v s the bound is %v", s, bound)
		}
		if s > 5400 {
			squares += off.Seconds() * off.Seconds()
			answers++
		}
	}
	if answers == 0 {
		t.Fatal("there never was a line")
	}
	if rms, limit := math.Sqrt(squares/float64(answers)), c.noise.Seconds()/6; c.smooth && rms > limit {
		t.Errorf("the line is off by %v s in the mean (rms), want at most a sixth of %v", rms, c.noise)
	}
}

// TestTrackRate holds the learnt rate against the truth.
func TestTrackRate(t *testing.T) {
	var track Track
	if got := track.Rate(); got.Known || got.Bound != 15 {
		t.Errorf("rate of nothing is %+v, want 15 ppm as bound", got)
	}
	r := rand.New(rand.NewPCG(3, 4))
	for s := 0; s < 7200; s += 16 {
		noise := time.Duration(r.Float64() * float64(ms))
		track.Add(epoch.Add(time.Duration(s)*time.Second), time.Duration(20_000*s)+noise, 2*ms, 8*time.Second)
		rate := track.Rate()
		if rate.Known && math.Abs(rate.PPM-20) > rate.Bound {
			t.Fatalf("after %d s: %+v, want 20 ppm within", s, rate)
		}
	}
	if rate := track.Rate(); !rate.Known || rate.Bound > 2 {
		t.Errorf("after two hours: %+v, want it known to 2 ppm", rate)
	}
}

// TestHoldoverGrows loses all sources of a clock that loses 20 ppm: the bound grows by
// what the rate isn't known by, the offset runs on, and the truth stays inside.
func TestHoldoverGrows(t *testing.T) {
	b := newBench(t, 1, KernelOff)
	b.cfg.Holdover, b.cfg.Poll = time.Hour, 4*time.Second
	var s int
	truth := func() time.Duration { return time.Duration(20_000 * s) }
	for ; s < 3600; s += 4 {
		b.hear(truth())
		b.wait(4 * time.Second)
	}
	rate := b.Reference().Rate
	if !rate.Known || rate.PPM < 19 || rate.PPM > 21 || rate.Bound >= 10 {
		t.Fatalf("learnt %+v, want about 20 ppm, known to less than 10", rate)
	}
	var lost Reference
	for later := range 3000 {
		if later == 60 {
			lost = b.Reference()
		}
		s++
		b.wait(time.Second)
		r := b.Reference()
		if later > 20 && r.State != Holdover {
			t.Fatalf("%d s later: %+v, want holdover", later, r)
		}
		if off := (r.Offset - truth()).Abs(); off > r.Bound {
			t.Fatalf("%d s later: %v ± %v, off by %v", later, r.Offset, r.Bound, off)
		}
	}
	grown := (b.Reference().Bound - lost.Bound).Seconds()
	if want := 2940 * rate.Bound * 1e-6; math.Abs(grown-want) > want/10 {
		t.Errorf("within 2940 s the bound grew by %.6f s, want %.6f s", grown, want)
	}
}
