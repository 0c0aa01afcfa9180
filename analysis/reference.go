package analysis

import "time"

// Reference is what is known of the collector's own clock at one time.
type Reference struct {
	State ReferenceState

	// Offset is what must be added to the collector's clock to get true time, the
	// sign of RFC 5905 and of chrony: positive when the collector is behind.
	Offset time.Duration

	// Bound is the half-width of Offset: true time lies within Offset ± Bound.
	Bound time.Duration
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

// correction returns what is added to receive stamps before they are compared: the
// offset, or nothing while it lies inside its own bound and so may be noise.
func (r Reference) correction() int64 {
	if r.Offset.Abs() <= r.Bound {
		return 0
	}
	return int64(r.Offset)
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
