package analysis_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/skewatch/skewatch/analysis"
	"github.com/skewatch/skewatch/analysis/simulation"
	"github.com/skewatch/skewatch/collector/message"
)

// An excuse is a span in which the interval may fail, since it rests on what doesn't
// hold then.
type excuse struct {
	from, to time.Duration
	step     time.Duration // which ends the span when it is found; 0 if none
	left     time.Duration // and what of it hasn't been found
}

// always excuses a host altogether.
var always = []excuse{{to: 1 << 62}}

// A bracketing is an experiment on whether the interval holds the truth.
type bracketing struct {
	name string
	make func(h *simulation.Host, r *rand.Rand) []excuse
}

const intervalSpan = 5 * time.Hour

// aged is how long Params.MaxSkew takes for a movement.
func aged(by time.Duration) time.Duration {
	p := analysis.DefaultParams()
	return time.Duration(float64(by.Abs()) / p.MaxSkew)
}

// until returns when a lower bound holds again after a clock was moved, if it isn't found
// before. A movement back adds to those before it.
func until(excused []excuse, at, by time.Duration) time.Duration {
	if by > 0 {
		return at + unseen
	}
	for _, x := range excused {
		if x.step < 0 {
			at = max(at, x.to)
		}
	}
	return at + aged(by)
}

// unseen is for how long a step forward excuses what rests on older messages, unless it
// is found before.
const unseen = 10 * time.Minute

func steps(sign float64) func(*simulation.Host, *rand.Rand) []excuse {
	return func(h *simulation.Host, r *rand.Rand) (excused []excuse) {
		for at := 30 * time.Minute; at < intervalSpan; at += spanOf(between(r, 1800, 5400)) {
			by := spanOf(sign * logarithmic(r, 0.05, 60))
			setClock(h, simulation.Step{At: at, By: by})
			excused = append(excused, excuse{at, until(excused, at, by), by, by})
		}
		return excused
	}
}

// corrected returns what slews clocks at known rates.
func corrected(slews simulation.Slews) func(*simulation.Host, *rand.Rand) []excuse {
	return func(h *simulation.Host, r *rand.Rand) (excused []excuse) {
		away := simulation.Away{Every: time.Hour, Least: 5 * time.Millisecond, Most: time.Second, Rate: 100}
		d := simulation.NewDiscipline(h.Seed, intervalSpan, away, slews)
		setClock(h, d)
		end := time.Duration(0)
		for _, c := range d.Slewed {
			end = max(end, c.At) + aged(c.By)
			excused = append(excused, excuse{from: c.At, to: end + unseen})
		}
		return excused
	}
}

func unexcused(change func(h *simulation.Host, r *rand.Rand)) func(*simulation.Host, *rand.Rand) []excuse {
	return func(h *simulation.Host, r *rand.Rand) []excuse { change(h, r); return nil }
}

func excusedAlways(change func(h *simulation.Host, r *rand.Rand)) func(*simulation.Host, *rand.Rand) []excuse {
	return func(h *simulation.Host, r *rand.Rand) []excuse { change(h, r); return always }
}

var bracketings = []bracketing{
	{"kept by NTP", unexcused(func(h *simulation.Host, r *rand.Rand) {
		h.Clock = simulation.Wander(h.Seed, spanOf(logarithmic(r, 50e-6, 2e-3)), 10*time.Minute)
	})},
	{"skew up to 150 ppm", unexcused(func(h *simulation.Host, r *rand.Rand) {
		setClock(h, simulation.Skew(between(r, -150, 150)))
	})},
	{"long tail, congestion", unexcused(func(h *simulation.Host, r *rand.Rand) {
		tail := simulation.Tail{Share: 0.1, Least: 100 * time.Millisecond, Shape: 0.9, Most: 5 * time.Minute}
		h.Delay = simulation.Delays{h.Delay, tail, congested(h.Seed+1<<32, time.Hour)}
	})},
	{"outages and flushes", unexcused(func(h *simulation.Host, r *rand.Rand) {
		for at := 20 * time.Minute; at < 4*time.Hour; at += 90 * time.Minute {
			o := dailyOutage(r, time.Second)
			o.At, o.For = at, spanOf(between(r, 60, 2400))
			h.Outages = append(h.Outages, o)
		}
	})},
	{"first seen in a flush", unexcused(func(h *simulation.Host, r *rand.Rand) { firstSeenInFlush(h, r, 0) })},
	{"stalled reader", unexcused(func(h *simulation.Host, _ *rand.Rand) {
		h.InOrder = true
		h.Reader = &simulation.Reader{Busy: 200 * time.Microsecond, StallEvery: 10 * time.Minute, StallFor: 5 * time.Second}
	})},
	{"bursts", unexcused(func(h *simulation.Host, _ *rand.Rand) {
		h.Process = simulation.Bursts{Every: 20 * time.Second, Size: 20}
	})},
	{"even intervals of 1 s", unexcused(func(h *simulation.Host, r *rand.Rand) {
		h.Process = simulation.Even{Every: time.Second, Phase: spanOf(r.Float64())}
	})},
	{"cron", unexcused(func(h *simulation.Host, r *rand.Rand) {
		h.Process = simulation.Cron{Every: time.Minute, Phase: spanOf(between(r, 0, 60)), Size: 3}
	})},
	{"one in 100 s, skewed", unexcused(func(h *simulation.Host, r *rand.Rand) {
		setClock(h, simulation.Skew(between(r, -100, 100)))
		h.Process = simulation.Poisson(100 * time.Second)
	})},
	{"smeared leap second", func(h *simulation.Host, _ *rand.Rand) []excuse {
		leap := 3 * time.Hour // true time goes back by a second, which a smeared clock doesn't
		setClock(h, simulation.LeapSmear{Leap: leap, Before: 12 * time.Hour, After: 12 * time.Hour})
		return []excuse{{leap, leap + unseen, time.Second, time.Second}}
	}},
	{"steps forward", steps(1)},
	{"steps back", steps(-1)},
	{"slews by chronyd", corrected(simulation.Slews{Slowest: 500, Fastest: simulation.SlewChrony})},
	{"slews by ntpd", corrected(simulation.Slews{Slowest: simulation.SlewNTPD, Fastest: simulation.SlewNTPD})},
	{"rounded stamps", excusedAlways(rounding)},
	{"garbage stamps", excusedAlways(func(h *simulation.Host, r *rand.Rand) { garbage(h, r, 0) })},
	{"relay of 2 s", excusedAlways(func(h *simulation.Host, _ *rand.Rand) {
		h.Delay = simulation.Delays{h.Delay, simulation.Fixed(2 * time.Second)}
	})},
}

// host returns a host whose network, stamps and rate are drawn, too.
func (b *bracketing) host(seed uint64) (*simulation.Host, []excuse) {
	r := random(seed)
	path := []network{simulation.LAN, simulation.WAN}[r.IntN(2)](r)
	resolution := []time.Duration{time.Second, time.Second, 100 * time.Millisecond, time.Millisecond, time.Microsecond}[r.IntN(5)]
	h := plainHost(seed, r, intervalSpan, resolution, path)
	h.Stamp.Format = message.StampRFC5424
	h.Process = simulation.Poisson([]time.Duration{time.Second, time.Second, 10 * time.Second}[r.IntN(3)])
	if r.IntN(2) == 0 {
		h.MinRTT = path.MinRTT()
	}
	setClock(h, simulation.Constant(spanOf(between(r, -2, 2))))
	return h, b.make(h, r)
}

// tally counts intervals.
type tally struct {
	looked  int
	outside int // that don't hold the truth
	tooHigh int // of them those whose lower bound lies above it
	worst   time.Duration
}

func (t *tally) count(i analysis.Interval, truth time.Duration) {
	t.looked++
	if over := i.Low - truth; over > 0 {
		t.tooHigh++
		t.worst = max(t.worst, over)
	}
	if truth < i.Low || truth > i.High {
		t.outside++
	}
}

func (t *tally) add(o tally) {
	t.looked += o.looked
	t.outside += o.outside
	t.tooHigh += o.tooHigh
	t.worst = max(t.worst, o.worst)
}

// strict and excused intervals of one host.
type tallies struct{ strict, excused tally }

func (b *bracketing) run(seed uint64) (n tallies) {
	h, excused := b.host(seed)
	follow(h, 16*time.Second, nil, func(at time.Duration, e *analysis.Estimate) {
		truth := h.Clock.Offset(at)
		for _, s := range e.Steps {
			say(at, "step %+.3f s", s.Seconds)
			excused = found(excused, at, s)
		}
		if !e.Known {
			return
		}
		which := &n.strict
		if slices.ContainsFunc(excused, func(x excuse) bool { return at >= x.from && at < x.to }) {
			which = &n.excused
		}
		which.count(e.Interval, truth)
		if which == &n.strict && (truth < e.Low || truth > e.High) || at%(20*time.Minute) < 16*time.Second {
			sayEstimate(at, e, truth)
		}
	})
	return n
}

// found ends the excuses of steps that are found. One may be found in parts, or with
// others: it is excused until no more than a fifth of it is left.
func found(excused []excuse, at time.Duration, s analysis.Step) (still []excuse) {
	rest := spanOf(s.Seconds)
	for _, x := range excused {
		if x.from < at && x.step.Seconds()*rest.Seconds() > 0 {
			part := x.left
			if rest.Abs() < part.Abs() {
				part = rest
			}
			rest -= part
			if x.left -= part; x.left.Abs() <= x.step.Abs()/5 {
				continue
			}
		}
		still = append(still, x)
	}
	return still
}

func TestIntervals(t *testing.T) {
	analysis.Long(t)
	tab := newTable("host", "held", "low too high", "by", "excused: held", "low too high", "by")
	var all tally
	for _, b := range bracketings {
		t.Run(b.name, func(t *testing.T) {
			var sum tallies
			for i, n := range gather(sized(3, 60), func(_ int, seed uint64) tallies { return b.run(seed) }) {
				sum.strict.add(n.strict)
				sum.excused.add(n.excused)
				if n.strict.outside > 0 {
					t.Logf("seed %d: %d of %d intervals don't hold, %d lie above, by up to %v", *seed+uint64(i), n.strict.outside, n.strict.looked, n.strict.tooHigh, n.strict.worst)
				}
			}
			tab.row(b.name, held(sum.strict), sum.strict.tooHigh, sum.strict.worst, held(sum.excused), sum.excused.tooHigh, sum.excused.worst)
			all.add(sum.strict)
			if sum.strict.tooHigh > 0 {
				t.Errorf("lower bound above the truth %d of %d times, by up to %v", sum.strict.tooHigh, sum.strict.looked, sum.strict.worst)
			}
		})
	}
	tab.row("all", held(all), all.tooHigh, all.worst)
	t.Log(tab)
	if float64(all.outside) > 0.001*float64(all.looked) {
		t.Errorf("%d of %d intervals don't hold the truth, want at most 0.1 %%", all.outside, all.looked)
	}
}

// held writes how many intervals held.
func held(n tally) string { return percentHeld(n.looked-n.outside, n.looked) }
