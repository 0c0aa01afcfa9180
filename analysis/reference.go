package analysis

import (
	"math"
	"time"
)

// Reference is what is known of the collector's own clock at one time.
type Reference struct {
	State ReferenceState

	// Offset is what must be added to the collector's clock to get true time, the
	// sign of RFC 5905 and of chrony: positive when the collector is behind.
	Offset time.Duration

	// Bound is the half-width of Offset: true time lies within Offset ± Bound.
	Bound time.Duration

	// At is when Offset holds, in Unix nanoseconds of the collector's clock.
	At int64

	// Rate is how fast Offset changes, ppm: positive when the collector's clock loses.
	// RateBound is its half-width; 0 if nothing was measured, and somebody's word holds
	// for all times.
	Rate, RateBound float64
}

// ReferenceState says whether the collector's clock may judge others.
type ReferenceState uint8

// The states of the reference.
const (
	Unsynchronised ReferenceState = iota // nothing vouches for our clock
	Holdover                             // the sources are lost; the bound grows
	Synchronised                         // measured against sources that agree
)

var referenceStates = [...]string{"unsynchronised", "holdover", "synchronised"}

func (s ReferenceState) String() string { return referenceStates[s] }

const (
	// clockWander is what the rate of a clock may change within minutes, ppm.
	clockWander = 15

	// carried is how far a reference says anything of other times than its own.
	carried = hour
)

// as returns the reference as it was, or will be, at a time of the collector's clock:
// the offset moves at its rate, and the bound widens.
func (r Reference) as(at int64) Reference {
	if r.RateBound > 0 {
		away := float64(max(-carried, min(at-r.At, carried)))
		r.Offset += time.Duration(r.Rate * 1e-6 * away)
		r.Bound += time.Duration(max(r.RateBound, clockWander) * 1e-6 * math.Abs(away))
	}
	r.At = at
	return r
}

// contradicts reports whether both can't be true: they are of the same time.
func (r Reference) contradicts(other Reference) bool {
	return (r.Offset - other.Offset).Abs() > r.Bound+other.Bound
}

// correction returns what is added to receive stamps before they are compared: the
// offset, or nothing while it lies inside its own bound and so may be noise.
func (r Reference) correction() int64 {
	if r.Offset.Abs() <= r.Bound {
		return 0
	}
	return int64(r.Offset)
}

// gain returns by how many ppm a skew reckoned on the collector's clock is too large:
// its own rate, or nothing while that lies inside its own bound.
func (r Reference) gain() float64 {
	if math.Abs(r.Rate) <= r.RateBound {
		return 0
	}
	return r.Rate
}

// correct turns skew and drift of an estimate into those against true time. A drift that
// is our own clock's is none of the host's.
func (r Reference) correct(e Estimate, p *Params) Estimate {
	gain := r.gain()
	if gain == 0 || !e.Known {
		return e
	}
	e.Skew -= gain
	e.SkewBound += r.RateBound
	d := &e.Drift
	d.Skew -= gain
	d.Low -= gain + r.RateBound
	d.High -= gain - r.RateBound
	d.Rise = min(d.Rise, time.Duration(slowest(d.Low, d.High)*1e-6*float64(d.Span)))
	if !d.free(p) {
		d.Held = 0
	}
	return e
}

// slowest returns the least rate of an interval, 0 if it can be either way.
func slowest(low, high float64) float64 {
	if low*high <= 0 {
		return 0
	}
	return min(math.Abs(low), math.Abs(high))
}

// judges reports whether the reference is good enough to judge against the
// tolerance.
func (r Reference) judges(tolerance time.Duration) bool {
	return r.State != Unsynchronised && r.Bound <= tolerance/2
}

// apply turns an interval reckoned on the collector's clock into one against true
// time: moved by the correction and wider by the reference's own bound.
func (r Reference) apply(i Interval) Interval {
	c, b := time.Duration(r.correction()), r.Bound
	return Interval{Offset: i.Offset - c, Low: i.Low - c - b, High: i.High - c + b}
}

// Interval is an estimated offset with the bounds it lies between.
type Interval struct {
	Offset, Low, High time.Duration
}

// Inside reports whether the whole interval lies within ± tolerance.
func (i Interval) Inside(tolerance time.Duration) bool {
	return i.Low >= -tolerance && i.High <= tolerance
}

// Outside reports whether no part of the interval lies within ± tolerance.
func (i Interval) Outside(tolerance time.Duration) bool {
	return i.Low > tolerance || i.High < -tolerance
}
