package analysis

import (
	"time"
)

// EventKind is what happened to a warning.
type EventKind uint8

// The kinds of events.
const (
	Raise  EventKind = iota // a warning begins
	Change                  // its verdict changed, or it became critical
	Clear                   // it is over
)

var eventKinds = [...]string{"raise", "change", "clear"}

func (k EventKind) String() string { return eventKinds[k] }

// Severity is how bad it is.
type Severity uint8

// The severities of warnings.
const (
	NoSeverity Severity = iota
	Warn
	Crit
)

var severities = [...]string{"", "warn", "crit"}

func (s Severity) String() string { return severities[s] }

// A warning is the state machine between verdicts and what people are told: one
// event for each change, and none for a change that doesn't hold.
type warning struct {
	raised   Verdict // the verdict warned of; InSync when there is no warning
	severity Severity
	since    int64 // when it was raised, Unix ns
	voice    voice // how people learnt of it
	free     bool  // the clock runs free, whatever that has made of it

	// What the verdicts since from say, if that isn't what was raised.
	pending bool
	from    int64
}

func newWarning() warning { return warning{raised: InSync} }

// transition is an event without its host.
type transition struct {
	kind     EventKind
	verdict  Verdict
	previous Verdict
	severity Severity
	since    int64
	voice    voice // how people know of what was raised
}

// advance takes the present judgement and returns what people have to be told. A
// change must hold for the time given; a verdict that still settles meanwhile
// makes one event, with the verdict it settled on.
//
// A step that leaves the clock within its tolerance is no warning, and ends the one
// that it put right. A clock that runs free and has passed its tolerance is warned of for
// that until it is set right, though it may seem to be back for a while.
func (w *warning) advance(j judgement, s Severity, now int64, hold time.Duration) (transition, bool) {
	if j.verdict == Stepped {
		j.verdict, s = InSync, NoSeverity
	}
	v, decides := j.verdict, j.verdict.decides() || w.ends(j)
	if !decides || v == w.raised && s <= w.severity || v == Drifting && w.free {
		w.pending = w.pending && !decides // doubt neither raises nor clears, nor does it start the hold anew
		return transition{}, false
	}
	if !w.pending {
		w.pending, w.from = true, now
	}
	if now-w.from < int64(hold) {
		return transition{}, false
	}
	return w.tell(v, s, now, v == InSync || w.ends(j)), true
}

// ends reports whether a host that was warned of for its silence has spoken, whatever
// can be said of its clock.
func (w *warning) ends(j judgement) bool {
	return w.raised == Silent && j.verdict != Silent && !j.held && !j.verdict.decides()
}

// tell makes the transition to a verdict.
func (w *warning) tell(v Verdict, s Severity, now int64, over bool) transition {
	t := transition{kind: Change, verdict: v, previous: w.raised, severity: s, since: w.since, voice: w.voice}
	switch {
	case over:
		t.kind, t.severity = Clear, w.severity
	case w.raised == InSync:
		t.kind, t.since = Raise, w.from
	}
	free := v == Drifting || w.free && (v == Ahead || v == Late)
	*w = warning{raised: v, severity: s, since: t.since, voice: w.voice, free: free}
	if over {
		*w = newWarning()
	}
	return t
}

// anew returns the transition that raises what was raised before, for who wasn't told.
func (w *warning) anew() transition {
	return transition{verdict: w.raised, previous: InSync, severity: w.severity, since: w.since}
}

// decides reports whether a verdict can raise or clear a warning. Those that can't
// leave it as it is: they say nothing about the clock.
func (v Verdict) decides() bool {
	switch v {
	case NoClock, Insufficient, Backlogged:
		return false
	}
	return true
}

// severity grades a verdict: critical when the clock is certainly off by more than
// the critical tolerance, or stands still.
func severity(v Verdict, i Interval, t Tolerance) Severity {
	switch {
	case v == InSync || !v.decides():
		return NoSeverity
	case v == Silent:
		return Warn
	case v == Stuck, v == DeadRTC, i.Outside(max(t.Crit, t.Warn)):
		return Crit
	}
	return Warn
}
