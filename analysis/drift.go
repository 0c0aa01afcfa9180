package analysis

import (
	"math"
	"time"
)

// Drift is the skew over the longest window of the present level, up to a day. A
// constant delay doesn't disturb it.
type Drift struct {
	Skew      float64       // ppm
	Low, High float64       // 99 % interval, ppm
	Span      time.Duration // of the window
	Rise      time.Duration // by which the clock has been carried at least
	Steady    bool          // both halves of the window show the same drift
	Smear     bool          // it may be that of a leap smear
	Held      time.Duration // how long it has looked free-running
}

// free reports whether the clock looks free-running: its skew is known, doesn't change,
// and has carried the clock further than delays explain.
func (d Drift) free(p *Params) bool {
	return d.Steady && d.Span >= p.DriftSpan && d.Rise >= p.DriftRise
}

// goesOn holds the recent skew against what a clock was that has been found to run free. It
// still does, or there is doubt: what has come since doesn't show otherwise.
func (e *Estimate) goesOn(p *Params) (still, doubt bool) {
	carries := func(skew float64, span time.Duration) bool {
		return skew*1e-6*float64(span) >= float64(p.DriftRise)
	}
	d, recent := &e.Drift, math.Abs(e.Skew)
	half := math.Abs(d.Skew) / 2 // of the day's, where that is a slow drift
	if d.Span < p.DriftSpan || !carries(2*half, d.Span) {
		half = math.Inf(1)
	}
	along := math.Copysign(recent, e.Skew*d.Skew)
	still = recent > e.SkewBound && (carries(recent, p.DriftSpan) || along > half)
	return still, !still && (d.Span < p.DriftSpan || carries(recent+e.SkewBound, p.DriftSpan) || along+e.SkewBound > half)
}

// A leap smear spreads one second over a day, from noon to noon.
const (
	smearSkew  = 1e6 / 86400.0 // ppm
	smearSlack = 1             // ppm
	smearNoise = 25e3          // ppm seconds: what 25 ms of wander do to the skew
	smearSpan  = 26 * time.Hour
)

// smears reports whether a line may be that of a leap smear: of a clock that is kept,
// and for a day runs at another rate on purpose.
func (l *line) smears() bool {
	slack := smearSlack + smearNoise/l.span
	slow, fast := min(math.Abs(l.skewLow), math.Abs(l.skewHigh))*1e6, max(math.Abs(l.skewLow), math.Abs(l.skewHigh))*1e6
	return slow-slack <= smearSkew && smearSkew <= fast+slack
}

// hold returns for how long a clock must have looked free-running before it is called so.
func (d Drift) hold(p *Params) time.Duration {
	if d.Smear {
		return smearSpan
	}
	return p.DriftHold
}

// driftOf fits all evidence of the level up to a day. Where that is no drift, but the
// clock has run at the recent skew, in ppm, for some time, the newest half of the day is
// looked at, then a quarter: a clock that has been kept for long runs free from some time on.
func driftOf(pts []point, recent float64, now, origin, resolution int64, p *Params) Drift {
	d := driftSince(now-day, pts, now, origin, resolution, p)
	for w := day / 2; !d.Steady && w >= int64(p.DriftSpan) && math.Abs(recent)*1e-6*float64(w) >= float64(p.DriftRise); w /= 2 {
		if lately := driftSince(now-w, pts, now, origin, resolution, p); lately.Steady {
			return lately
		}
	}
	return d
}

// driftSince fits the evidence since a time. A shift in the middle must not pass for a
// drift, so both halves have to show it.
func driftSince(since int64, pts []point, now, origin, resolution int64, p *Params) Drift {
	pts, _ = newest(pts, since)
	if len(pts) < 12 {
		return Drift{}
	}
	f := fit{p: p}
	l := f.line(pts, now, origin, resolution)
	d := Drift{Skew: l.skew * 1e6, Low: l.skewLow*1e6 - skewWander, High: l.skewHigh*1e6 + skewWander, Span: time.Duration(now - pts[0].at)}
	if d.Low*d.High <= 0 {
		return d
	}
	d.Rise = time.Duration(min(math.Abs(d.Low), math.Abs(d.High)) * 1e-6 * float64(d.Span))
	if rise := d.Rise.Seconds(); rise < 2*l.scale || rise < 4*f.deviation(l.skew) {
		return d // the points scatter by as much
	}
	mid := pts[0].at + (now-pts[0].at)/2
	second, _ := newest(pts, mid)
	first := pts[:len(pts)-len(second)]
	if len(first) < 6 || len(second) < 6 {
		return d
	}
	a := fitLine(first, now, origin, resolution, p)
	b := fitLine(second, now, origin, resolution, p)
	half, slack := min(math.Abs(l.skewLow), math.Abs(l.skewHigh))/2, math.Abs(l.skew)/5
	d.Steady = a.skew*l.skew > 0 && b.skew*l.skew > 0 && min(math.Abs(a.skew), math.Abs(b.skew)) > half &&
		a.agrees(&b, slack) && a.agrees(&l, slack) && b.agrees(&l, slack)
	d.Smear = l.smears() || a.smears() || b.smears()
	return d
}
