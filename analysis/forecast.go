package analysis

import (
	"fmt"
	"time"
)

const (
	// forecastReach is how far ahead a forecast may lie, in spans of the evidence that
	// it rests on, and forecastMost in all: a clock in service doesn't keep its skew.
	forecastReach = 100
	forecastMost  = 30 * 24 * time.Hour

	// forecastSpread is by which factor the bounds of the skew may differ: beyond, a
	// forecast says nothing.
	forecastSpread = 5
)

// A trend is a skew that has lasted for some time.
type trend struct {
	low, high float64 // ppm
	span      time.Duration
}

// trend returns the skew of the longest window whose halves agree, or else of the
// present fit.
func (e *Estimate) trend() trend {
	if e.Drift.Steady {
		return trend{e.Drift.Low, e.Drift.High, e.Drift.Span}
	}
	return trend{e.Skew - e.SkewBound, e.Skew + e.SkewBound, e.Span}
}

// forecast says when a clock passes a tolerance if the trend goes on: "; passes +1 s
// in 14 h". It returns "" when its bounds don't agree on the direction, or that is too
// far off.
func (t trend) forecast(offset, tolerance time.Duration) string {
	slow, fast, limit := t.low, t.high, tolerance
	if t.high < 0 {
		slow, fast, limit = t.high, t.low, -tolerance
	}
	if t.low*t.high <= 0 || fast/slow > forecastSpread || offset.Abs() >= tolerance {
		return ""
	}
	way := (limit - offset).Seconds() * 1e6
	soonest, latest := way/fast, way/slow // seconds
	if latest > min(forecastMost, forecastReach*t.span).Seconds() {
		return ""
	}
	from, to := roughly(inSeconds(soonest)), roughly(inSeconds(latest))
	if latest < 1.2*soonest {
		from = roughly(inSeconds((soonest + latest) / 2))
		to = from
	}
	if from == to {
		return fmt.Sprintf("; passes %+g s in %s", limit.Seconds(), from)
	}
	return fmt.Sprintf("; passes %+g s in %s to %s", limit.Seconds(), from, to)
}

func inSeconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
