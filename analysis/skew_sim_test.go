package analysis_test

import (
	"math"
	"testing"
	"time"

	"github.com/skewatch/skewatch/analysis"
	"github.com/skewatch/skewatch/analysis/simulation"
)

// A skewTrial is an experiment in which the skew is compared with the true mean rate of
// the clock over the window that it is stated for.
type skewTrial struct {
	name       string
	network    network
	resolution time.Duration
	span       time.Duration
	outage     bool // of an hour, flushed, in the middle
	want       target
}

var (
	skewAfterHour = target{0.5, 1.5}
	skewAfterDay  = target{0.1, 0.2}
)

var skewTrials = []skewTrial{
	{"1 h, 1 s stamps", simulation.LAN, time.Second, time.Hour, false, skewAfterHour},
	{"1 h, 1 ms stamps", simulation.LAN, time.Millisecond, time.Hour, false, skewAfterHour},
	{"24 h, 1 s stamps", simulation.LAN, time.Second, 24 * time.Hour, false, skewAfterDay},
	{"24 h, 1 ms stamps", simulation.LAN, time.Millisecond, 24 * time.Hour, false, skewAfterDay},
	{"24 h, 1 s stamps, outage", simulation.LAN, time.Second, 24 * time.Hour, true, skewAfterDay},
	{"24 h, 1 s stamps, WAN, outage", simulation.WAN, time.Second, 24 * time.Hour, true, skewAfterDay},
}

func (c *skewTrial) host(seed uint64) *simulation.Host {
	r := random(seed)
	h := plainHost(seed, r, c.span, c.resolution, c.network(r))
	setClock(h, simulation.Constant(spanOf(between(r, -2, 2))), simulation.Skew(between(r, -100, 100)))
	if c.outage {
		h.Outages = []simulation.Outage{{
			At: spanOf(between(r, 20000, 60000)), For: time.Hour, Rate: []float64{5, 50, 1000}[r.IntN(3)],
			Flush: []simulation.Flush{simulation.Queued, simulation.Interleaved}[r.IntN(2)],
		}}
	}
	return h
}

// skewErrors are absolute errors in ppm.
type skewErrors struct {
	drift   float64 // of the drift's middle, over its span
	skew    float64 // of the skew, against the rate of the last hour
	span    time.Duration
	outside bool // the drift's interval doesn't hold the truth
	squares float64
	hull    float64
}

// trueSkew returns the mean rate of a clock in the span before a time, in ppm.
func trueSkew(c simulation.Clock, at, span time.Duration) float64 {
	return float64(c.Offset(at)-c.Offset(at-span)) / float64(span) * 1e6
}

func (c *skewTrial) run(seed uint64) (found skewErrors) {
	h := c.host(seed)
	v := newRivals(c.resolution)
	every := time.Minute
	if c.span > time.Hour {
		every = 5 * time.Minute
	}
	follow(h, every, v.add, func(at time.Duration, e *analysis.Estimate) {
		if at%(10*time.Minute) == 0 {
			sayEstimate(at, e, h.Clock.Offset(at))
		}
		if at+2*every > c.span && e.Drift.Span > 0 {
			truth, all := trueSkew(h.Clock, at, min(e.Drift.Span, at)), trueSkew(h.Clock, at, at)
			found = skewErrors{
				drift:   math.Abs(e.Drift.Skew - truth),
				skew:    math.Abs(e.Skew - trueSkew(h.Clock, at, time.Hour)),
				span:    e.Drift.Span,
				outside: truth < e.Drift.Low || truth > e.Drift.High,
				squares: math.Abs(v.squares.line().slope*1e6 - all),
				hull:    math.Abs(v.hull.line().slope*1e6 - all),
			}
		}
	})
	return found
}

func TestSkew(t *testing.T) {
	analysis.Long(t)
	tab := newTable("median / 95th percentile, ppm", "drift", "99 % interval off", "span", "skew of the last hour", "least squares", "linear programme")
	for _, c := range skewTrials {
		t.Run(c.name, func(t *testing.T) {
			var drift, skew, squares, hull, span sample
			off := 0
			for i, e := range gather(sized(8, 60), func(_ int, seed uint64) skewErrors { return c.run(seed) }) {
				drift, skew, span = append(drift, e.drift), append(skew, e.skew), append(span, e.span.Hours())
				squares, hull = append(squares, e.squares), append(hull, e.hull)
				if e.outside {
					off++
				}
				t.Logf("seed %d: %+v", *seed+uint64(i), e)
			}
			tab.row(c.name, drift.plain(), ratio(off, len(drift)), span.plain()+" h", skew.plain(), squares.plain(), hull.plain())
			c.want.check(t, "drift, ppm", drift)
		})
	}
	t.Log(tab)
}
