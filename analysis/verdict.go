package analysis

import (
	"fmt"
	"time"
)

// Verdict is what is wrong with a clock, or that nothing is.
type Verdict uint8

// The verdicts, in the order in which they are tried: the first that applies is
// given. The numbers are stored.
const (
	NoClock      Verdict = iota // the sender's messages carry no usable stamp
	Insufficient                // too little evidence, or our own clock is in doubt
	Mixed                       // several clocks speak under one name
	Stuck                       // one stamp repeats while time goes on
	DeadRTC                     // the clock started from its epoch
	WrongDate                   // off by days
	WrongZone                   // off by a multiple of a quarter of an hour
	Stepped                     // was set a moment ago
	Backlogged                  // a queue is being flushed: nothing said of the clock
	Ahead                       // proved ahead by more than the tolerance
	Late                        // behind, or its messages are delayed, by more than the tolerance
	Drifting                    // runs free
	InSync                      // within the tolerance, delays included
	Silent                      // should speak and doesn't
)

var verdicts = [...]string{
	"no-clock", "insufficient", "mixed", "stuck", "dead-rtc", "wrong-date", "wrong-zone",
	"stepped", "backlog", "ahead", "late", "drifting", "in-sync", "silent",
}

func (v Verdict) String() string { return verdicts[v] }

// judges reports whether the offset was held against the tolerance: there was evidence
// enough, and news of the clock.
func (v Verdict) judges() bool { return v != NoClock && v != Insufficient && v != Silent }

// MarshalText writes the verdict's name.
func (v Verdict) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// UnmarshalText reads a verdict's name.
func (v *Verdict) UnmarshalText(text []byte) error {
	for i, name := range verdicts {
		if name == string(text) {
			*v = Verdict(i)
			return nil
		}
	}
	return fmt.Errorf("analysis: unknown verdict %q", text)
}

// A Tolerance is how far a clock may be off before somebody is warned.
type Tolerance struct {
	Warn time.Duration
	Crit time.Duration // 0: the same as Warn
}

// judgement is a verdict with its reason in words.
type judgement struct {
	verdict Verdict
	reason  string
	held    bool  // our own clock is in doubt
	local   bool  // the stamps name no zone and fit another than the assumed one,
	fits    int32 // which lies that many seconds east of UTC
}

// A hearing is the evidence that a verdict is given on.
type hearing struct {
	now       int64
	estimate  *Estimate
	interval  Interval // against true time
	first     int64    // receive time of the first message with a usable stamp
	zone      zone
	yearless  bool           // the stamps name no year
	assumed   *time.Location // where they name no zone
	quiet     quiet
	reference Reference
	held      bool          // the reference isn't good enough to judge by
	rule      time.Duration // the host's tolerance
	tolerance time.Duration // what is judged by: the same, or less to end a warning
	warned    warning       // what people know
	unusable  uint64        // messages without a usable stamp
	lastStep  *Step
	params    *Params
}

// judge tries the verdicts in their order.
func (h *hearing) judge() judgement {
	for _, try := range [...]func() (judgement, bool){
		h.silent, h.noClock, h.tooLittle, h.referenceInDoubt, h.mixed, h.stuck, h.doubtful, h.wrongDate, h.wrongZone,
		h.stepped, h.backlog, h.ahead, h.late, h.drifting,
	} {
		if j, ok := try(); ok {
			return j
		}
	}
	if h.interval.High < -h.tolerance {
		return judgement{verdict: Insufficient, reason: fmt.Sprintf("behind or delayed by %s at least so far: a queue that drains looks the same until the offset has held still for %s",
			rounded(-h.interval.High), spelled(h.params.SettleSpan))}
	}
	if !h.interval.Inside(h.tolerance) {
		return judgement{verdict: Insufficient, reason: h.straddles()}
	}
	words := fmt.Sprintf("within %s and %s", signed(h.interval.Low), signed(h.interval.High))
	return judgement{verdict: InSync, reason: words + h.forecast()}
}

// straddles says that the interval lies neither inside nor outside of the tolerance.
func (h *hearing) straddles() string {
	words := fmt.Sprintf("the interval %s to %s ", signed(h.interval.Low), signed(h.interval.High))
	if h.interval.Inside(h.rule) {
		return words + fmt.Sprintf("isn't within %s yet, where the warning ends", spelled(h.tolerance))
	}
	return words + fmt.Sprintf("is wider than the tolerance of %s allows", spelled(h.rule))
}

func (h *hearing) noClock() (judgement, bool) {
	words := fmt.Sprintf("none of %d messages carries a usable stamp", h.unusable)
	if h.unusable == 1 {
		words = "its one message carries no usable stamp"
	}
	return judgement{verdict: NoClock, reason: words}, h.estimate.Messages == 0 && h.unusable > 0
}

func (h *hearing) tooLittle() (judgement, bool) {
	e := h.estimate
	if (e.Known || e.Stuck || e.Voices != OneVoice) && e.Messages >= h.params.MinMessages && e.Span >= h.params.MinSpan {
		return judgement{}, false
	}
	return judgement{verdict: Insufficient, reason: fewWords(e.Messages, e.Span)}, true
}

// fewWords says that so many messages, over such a span, are too few.
func fewWords(messages uint64, span time.Duration) string {
	switch span = span.Round(100 * time.Millisecond); {
	case messages == 1:
		return "1 message is too little to judge"
	case span == 0:
		return fmt.Sprintf("%d messages at once are too few to judge", messages)
	}
	return fmt.Sprintf("%d messages over %s are too few to judge", messages, spelled(span))
}

func (h *hearing) referenceInDoubt() (judgement, bool) {
	r := h.reference
	return judgement{verdict: Insufficient, reason: fmt.Sprintf("held: our own clock is in doubt (reference %s, bound %s)", r.State, rounded(r.Bound))},
		h.held
}

func (h *hearing) doubtful() (judgement, bool) {
	return judgement{verdict: Insufficient, reason: "held: its messages lie on two levels, and it is not clear yet whether two clocks speak"},
		h.estimate.Voices == Doubtful
}

func (h *hearing) mixed() (judgement, bool) {
	return judgement{verdict: Mixed, reason: "two clocks speak under this name: somebody else uses it, or several hosts or programs share it"},
		h.estimate.Voices == ManyVoices
}

func (h *hearing) stuck() (judgement, bool) {
	return judgement{verdict: Stuck, reason: "the same stamp repeats while messages go on"}, h.estimate.Stuck
}

// steppedFor is how long a step stands as the verdict. One that puts right what was warned
// of stands until people know: of a host that speaks seldom it may be found later.
const steppedFor = 10 * time.Minute

func (h *hearing) stepped() (judgement, bool) {
	s, w := h.lastStep, &h.warned
	if s == nil || h.interval.Outside(h.tolerance) || w.free && !h.mended() {
		return judgement{}, false
	}
	words := fmt.Sprintf("set by %s s at %s", signedSeconds(s.Seconds), clockTime(s.At))
	if s.Said != "" {
		words += "; " + s.Said
	}
	news := w.raised != InSync && s.At > w.since
	return judgement{verdict: Stepped, reason: words}, news || h.now-s.At <= int64(steppedFor)
}

func (h *hearing) backlog() (judgement, bool) {
	b := h.estimate.Behind
	return judgement{verdict: Backlogged, reason: fmt.Sprintf("its newest messages come %s late: a queue is flushed, or the clock was set back", rounded(b))},
		b > h.tolerance && !h.interval.Outside(h.tolerance)
}

func (h *hearing) ahead() (judgement, bool) {
	return judgement{verdict: Ahead, reason: fmt.Sprintf("ahead by %s at least, proved: messages arrived before the time they were stamped with",
		rounded(h.interval.Low))}, h.interval.Low > h.tolerance
}

func (h *hearing) late() (judgement, bool) {
	return judgement{verdict: Late, reason: fmt.Sprintf("behind, or its messages are delayed, by %s at least; one-way stamps can't tell which (δ %s assumed)",
			rounded(-h.interval.High), spelled(h.params.LeastDelay))},
		h.estimate.Settled && h.interval.High < -h.tolerance
}

// forecast says when the clock passes the tolerance.
func (h *hearing) forecast() string {
	return h.estimate.trend().forecast(h.interval.Offset, h.rule)
}

// drifting finds clocks that nothing disciplines. Only a rise beyond the least
// delay is proof; a fall may always be a delay that grows. A clock that was warned of as
// ahead or late is no better for as long as its interval isn't within the tolerance.
func (h *hearing) drifting() (judgement, bool) {
	d, p := h.estimate.Drift, h.params
	free, doubt := d.Held >= d.hold(p), false
	if h.warned.free && !free {
		free, doubt = h.estimate.goesOn(p)
	}
	switch {
	case doubt && !h.mended():
		return judgement{verdict: Insufficient, reason: "held: it was found to run free, and nothing shows yet that it doesn't any more"}, true
	case !free, (h.warned.raised == Ahead || h.warned.raised == Late) && !h.interval.Inside(h.tolerance):
		return judgement{}, false
	}
	t := h.estimate.trend()
	words := fmt.Sprintf("runs free, at %+.1f to %+.1f ppm for %s", t.low, t.high, spelled(t.span.Round(time.Minute)))
	if t.low < 0 || d.Rise < p.LeastDelay {
		words += ", or its delay changes by that much"
	}
	return judgement{verdict: Drifting, reason: words + h.forecast()}, true
}

// mended reports whether a clock that ran free was set right since: it lies much nearer to
// the truth than before. Congestion looks like a small step at first, and passes; so that
// must have lasted for as long as a step stands.
func (h *hearing) mended() bool {
	s := h.lastStep
	if s == nil || s.At <= h.warned.since {
		return false
	}
	by, after := inSeconds(s.Seconds), h.interval.Offset
	return after.Abs() < (after-by).Abs()/2 && (by.Abs() > h.tolerance || h.now-s.At >= int64(steppedFor))
}
