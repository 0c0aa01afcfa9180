package analysis_test

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/skewatch/skewatch/analysis"
	"github.com/skewatch/skewatch/analysis/simulation"
)

// A contest is an experiment in which our estimate and those of others are compared
// with the truth, after ten minutes and from an hour to two.
type contest struct {
	name       string
	network    network
	resolution time.Duration
	knowRTT    bool
	span       time.Duration
	vary       func(h *simulation.Host, r *rand.Rand) // from a plain host; nil for its clock alone
	early      target                                 // after ten minutes, s
	later      target                                 // from an hour on, s; without targets it is run in full only
}

// variedClock gives a third of the hosts a constant offset, a third a skew of up to
// 100 ppm besides, and a third the wander of one that NTP keeps.
func variedClock(h *simulation.Host, r *rand.Rand) {
	offset := simulation.Constant(spanOf(between(r, -2, 2)))
	switch r.IntN(3) {
	case 0:
		setClock(h, offset)
	case 1:
		setClock(h, offset, simulation.Skew(between(r, -100, 100)))
	case 2:
		h.Clock = simulation.Sum{offset, simulation.Wander(h.Seed, spanOf(logarithmic(r, 200e-6, 2e-3)), 10*time.Minute)}
	}
}

// steadyClock is a variedClock without wander: what fine stamps and known paths are
// measured on.
func steadyClock(h *simulation.Host, r *rand.Rand) {
	setClock(h, simulation.Constant(spanOf(between(r, -2, 2))))
	if r.IntN(2) == 0 {
		setClock(h, simulation.Skew(between(r, -100, 100)))
	}
}

func every(mean time.Duration) func(*simulation.Host, *rand.Rand) {
	return func(h *simulation.Host, r *rand.Rand) {
		variedClock(h, r)
		h.Process = simulation.Poisson(mean)
	}
}

func speaking(p func(r *rand.Rand) simulation.Process) func(*simulation.Host, *rand.Rand) {
	return func(h *simulation.Host, r *rand.Rand) {
		variedClock(h, r)
		h.Process = p(r)
	}
}

func rounding(h *simulation.Host, r *rand.Rand) {
	h.Clock = simulation.Wander(h.Seed, spanOf(logarithmic(r, 200e-6, 2e-3)), 10*time.Minute)
	h.Stamp.Rounded = true
}

func coalescing(h *simulation.Host, r *rand.Rand) {
	steadyClock(h, r)
	h.InOrder = true
	h.Reader = &simulation.Reader{Busy: 200 * time.Microsecond, StallEvery: 10 * time.Minute, StallFor: 3 * time.Second}
}

const ms = 1e-3

var contests = []contest{
	{name: "LAN, 1 s stamps", network: simulation.LAN, resolution: time.Second, vary: variedClock, early: target{3 * ms, 15 * ms}, later: target{1 * ms, 5 * ms}},
	{name: "LAN, 1 ms stamps, RTT", network: simulation.LAN, resolution: time.Millisecond, knowRTT: true, vary: steadyClock, later: target{0.1 * ms, 0.3 * ms}},
	{name: "LAN, 1 us stamps, RTT", network: simulation.LAN, resolution: time.Microsecond, knowRTT: true, vary: steadyClock, later: target{0.1 * ms, 0.3 * ms}},
	{name: "LAN, 1 us stamps, RTT, stalls", network: simulation.LAN, resolution: time.Microsecond, knowRTT: true, vary: coalescing, later: target{0.1 * ms, 0.3 * ms}},
	{name: "WAN, 1 s stamps, RTT", network: simulation.WAN, resolution: time.Second, knowRTT: true, vary: variedClock, later: target{5 * ms, 12 * ms}},
	{name: "WAN, 1 ms stamps, RTT", network: simulation.WAN, resolution: time.Millisecond, knowRTT: true, vary: steadyClock, later: target{5 * ms, 12 * ms}},
	{name: "LAN, 1 s stamps, 0.1 msg/s", network: simulation.LAN, resolution: time.Second, vary: every(10 * time.Second), early: target{20 * ms, 40 * ms}},
	{name: "LAN, 1 s stamps, 10 msg/s", network: simulation.LAN, resolution: time.Second, vary: every(100 * time.Millisecond)},
	{name: "LAN, 1 s stamps, 0.01 msg/s", network: simulation.LAN, resolution: time.Second, span: 8 * time.Hour, vary: every(100 * time.Second)},
	{name: "LAN, 1 ms stamps, wander", network: simulation.LAN, resolution: time.Millisecond, knowRTT: true, vary: variedClock},
	{name: "LAN, 1 s stamps, bursts", network: simulation.LAN, resolution: time.Second, vary: speaking(func(*rand.Rand) simulation.Process {
		return simulation.Bursts{Every: 20 * time.Second, Size: 20}
	})},
	{name: "LAN, 1 s stamps, one phase", network: simulation.LAN, resolution: time.Second, vary: speaking(func(r *rand.Rand) simulation.Process {
		return simulation.Cron{Every: time.Minute, Phase: spanOf(between(r, 0, 60)), Size: 3}
	})},
	{name: "LAN, 1 s stamps, rounded", network: simulation.LAN, resolution: time.Second, vary: rounding},
}

// host returns one of the contest's hosts.
func (c *contest) host(seed uint64) *simulation.Host {
	r := random(seed)
	path := c.network(r)
	h := plainHost(seed, r, max(c.span, 2*time.Hour), c.resolution, path)
	if c.knowRTT {
		h.MinRTT = path.MinRTT()
	}
	c.vary(h, r)
	return h
}

// scores are absolute errors in seconds.
type scores struct {
	early, later sample
	rivals       []sample // after ten minutes and later, by method
	outside      int      // intervals that don't hold the truth
	tooHigh      int      // lower bounds above it
	width        sample
}

func (c *contest) run(seed uint64) scores {
	h := c.host(seed)
	v := newRivals(c.resolution)
	s := scores{rivals: make([]sample, len(methods))}
	follow(h, 16*time.Second, v.add, func(at time.Duration, e *analysis.Estimate) {
		truth := h.Clock.Offset(at)
		if at%(4*time.Minute) == 0 {
			sayEstimate(at, e, truth)
		}
		early, later := at == 608*time.Second, at >= time.Hour && at%(64*time.Second) == 0
		if !early && !later {
			return
		}
		off := (e.Offset - truth).Abs().Seconds()
		if early {
			s.early = append(s.early, off)
			return
		}
		s.later = append(s.later, off)
		for i, estimate := range v.estimates(h.Start.UnixNano() + int64(at)) {
			s.rivals[i] = append(s.rivals[i], math.Abs(estimate-truth.Seconds()))
		}
		if s.width = append(s.width, (e.High - e.Low).Seconds()); e.Low > truth {
			s.tooHigh++
		}
		if e.Low > truth || e.High < truth {
			s.outside++
		}
	})
	return s
}

func TestAccuracy(t *testing.T) {
	analysis.Long(t)
	columns := append([]string{"median / 95th percentile", "after 10 min", "from 1 h"}, methods...)
	tab := newTable(append(columns, "outside", "low too high", "width")...)
	for _, c := range contests {
		if unasked := c.early == (target{}) && c.later == (target{}); unasked && !full && !*verbose {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			all := scores{rivals: make([]sample, len(methods))}
			looked := 0
			for i, s := range gather(sized(8, 200), func(_ int, seed uint64) scores { return c.run(seed) }) {
				all.early, all.later, all.width = append(all.early, s.early...), append(all.later, s.later...), append(all.width, s.width...)
				all.outside, all.tooHigh, looked = all.outside+s.outside, all.tooHigh+s.tooHigh, looked+len(s.later)
				for i := range methods {
					all.rivals[i] = append(all.rivals[i], s.rivals[i]...)
				}
				t.Logf("seed %d: %s, then %s, outside %d", *seed+uint64(i), s.early.errors(), s.later.errors(), s.outside)
			}
			row := []any{c.name, all.early.errors(), all.later.errors()}
			for _, r := range all.rivals {
				row = append(row, r.errors())
			}
			tab.row(append(row, ratio(all.outside, looked), all.tooHigh, inUnits(all.width.quantile(0.5)))...)
			c.early.check(t, "after 10 min", all.early)
			c.later.check(t, "from 1 h", all.later)
		})
	}
	t.Log(tab)
}
