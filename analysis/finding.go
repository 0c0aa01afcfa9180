package analysis

import (
	"time"
)

// A Finding is something that happened to a host's clock and is kept: one of Event,
// Step and Backlog is set.
type Finding struct {
	Key     string // of the originator
	Host    string
	Source  string // the peer's address
	Event   *Event
	Step    *Step
	Backlog *Backlog
}

// An Event is what people are told: a warning raised, changed or cleared.
type Event struct {
	Time     time.Time
	Kind     EventKind
	Severity Severity
	Verdict  Verdict
	Previous Verdict
	Interval Interval // against true time
	Since    time.Time
	Text     string
}

func (o *originator) finding(f Finding) Finding {
	f.Key, f.Host, f.Source = o.key, o.host, o.source()
	return f
}

// event gives a transition of the originator's warning its particulars.
func (o *originator) event(t transition, now int64) *Event {
	return &Event{
		Time: unixUTC(now), Kind: t.kind, Severity: t.severity, Verdict: t.verdict,
		Previous: t.previous, Interval: o.interval, Since: unixUTC(t.since), Text: o.judged.reason,
	}
}

// impostorEvent tells that somebody else speaks in the originator's name. The
// verdict on its clock stays what it is.
func (o *originator) impostorEvent(now int64) *Event {
	return &Event{
		Time: unixUTC(now), Kind: Raise, Severity: Warn, Verdict: o.judged.verdict,
		Previous: o.judged.verdict, Interval: o.interval, Since: unixUTC(now), Text: o.impostor.words,
	}
}

func unixUTC(ns int64) time.Time { return time.Unix(0, ns).UTC() }
