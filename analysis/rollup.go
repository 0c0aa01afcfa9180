package analysis

import (
	"time"

	"github.com/skewatch/skewatch/collector/message"
)

// RollUpSpan is the length of a roll-up, until it is merged into an hourly one. Periods
// of reports widen to the edges of roll-ups.
const RollUpSpan = 5 * time.Minute

// A RollUp is what one originator's clock did in one span of receive time, and the
// row from which reports are made: they never look at messages.
type RollUp struct {
	Start    int64  // Unix ns, a multiple of RollUpSpan; of an hourly one of HourlySpan
	Messages uint64 // 0 while a host is silent that should speak
	First    int64  // receive times of its first and newest message, Unix ns
	Last     int64

	Verdict     Verdict
	Known       bool     // there is an interval
	Held        bool     // the reference was in doubt: nothing is judged by it
	Interval    Interval // against true time, as at Last
	Bounds      BoundKind
	Skew        float64       // ppm
	SkewBound   float64       // ppm
	Extreme     time.Duration // the offset of the largest magnitude, among those judged; 0 if none was
	Out         time.Duration // how long the interval lay wholly outside the tolerance
	Trust       message.Trust
	StampFormat message.StampFormat
	Resolution  time.Duration
	ZoneWritten bool
	ZoneEast    int32  // seconds, if ZoneWritten
	Unusable    uint64 // of all the originator's messages so far

	noted   int64  // receive time up to which Out is reckoned
	merged  bool   // it is an hourly one,
	offsets uint64 // and so many roll-ups with messages and an interval are in it
}

// next returns the empty roll-up that follows, with what is known carried over.
func (r RollUp) next(start int64) RollUp {
	r.Start, r.Messages, r.First, r.Last, r.Out, r.Extreme = start, 0, 0, 0, 0, 0
	if r.Verdict.judges() {
		r.Extreme = r.Interval.Offset
	}
	return r
}

// Noted returns the receive time, Unix ns, as of which Interval stands: that of the newest
// message when the clock was last evaluated. Up to Last there may be some minutes more.
func (r *RollUp) Noted() int64 { return r.noted }

// worth reports whether the roll-up has anything to keep: messages, or the silence of
// a host that should speak.
func (r *RollUp) worth() bool { return r.Messages > 0 || r.Verdict == Silent }

// count takes a message into the roll-up.
func (r *RollUp) count(received int64) {
	if r.Messages == 0 {
		r.First, r.Last = received, received
	}
	r.Messages++
	r.First, r.Last = min(r.First, received), max(r.Last, received)
}

// note enters an evaluation as of a receive time, from which the roll-up's verdict comes.
// Only one that was judged counts as an extreme: the first guesses at a clock are far off.
func (r *RollUp) note(i Interval, at int64, tolerance time.Duration) {
	if r.Verdict.judges() && i.Offset.Abs() > r.Extreme.Abs() {
		r.Extreme = i.Offset
	}
	if i.Outside(tolerance) {
		since := max(r.noted, r.First)
		r.Out += time.Duration(max(0, at-since))
	}
	r.Known, r.Interval, r.noted = true, i, max(at, r.noted)
}

// end reckons the time since the last evaluation by what that found.
func (r *RollUp) end(tolerance time.Duration) {
	if r.Known && r.Interval.Outside(tolerance) {
		r.Out += time.Duration(max(0, r.Last-max(r.noted, r.First)))
	}
}

// rollUpStart returns the beginning of the roll-up that a receive time falls into.
func rollUpStart(received int64) int64 { return received - received%int64(RollUpSpan) }
