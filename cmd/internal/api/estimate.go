package api

import (
	"time"

	"github.com/skewatch/skewatch/analysis"
)

// An Estimate is what is known of the clock that stamped a message, as of its receipt.
type Estimate struct {
	Verdict string // "" if nothing is known of the host

	// Known says that there is an Interval, and Bounds what its high side rests on.
	Known    bool
	Interval analysis.Interval
	Bounds   analysis.BoundKind

	// Dated says that the message's stamp names a moment: Sent, in Unix ns, which it is
	// behind by less than Resolution, since stamps are truncated.
	Dated      bool
	Sent       int64
	Resolution time.Duration
}

// Corrected returns the moment at which the message was stamped, in true time, in Unix ns,
// and by how much it may be off either way; false if that isn't known.
func (e *Estimate) Corrected() (at int64, bound time.Duration, ok bool) {
	if !e.Known || !e.Dated {
		return 0, 0, false
	}
	earliest, latest := e.Sent-int64(e.Interval.High), e.Sent-int64(e.Interval.Low)+int64(e.Resolution)
	at = min(max(e.Sent-int64(e.Interval.Offset), earliest), latest)
	return at, time.Duration(max(at-earliest, latest-at)), true
}
