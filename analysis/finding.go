package analysis

import (
	"time"
)

// A Finding is something that happened to a host's clock, or that a rule found in messages,
// and is kept: one of Event, Step, Backlog, Rule and Said is set. One about many hosts has
// neither Host nor Source, one that the fleet's vote found bears the collector's name,
// CollectorName, one about the collector's own clock has Collector set, and one about what
// people are told has Mute.
type Finding struct {
	Key       string // of the originator
	Host      string
	Source    string // the peer's address
	Event     *Event
	Step      *Step
	Backlog   *Backlog
	Collector *Happening `json:",omitempty"`
	Mute      *MuteNews  `json:",omitempty"`
	Rule      *RuleEvent `json:",omitempty"`
	Said      *Saying    `json:",omitempty"`
}

// CollectorKey is the key of findings about the collector's own clock: no originator's.
const CollectorKey = "\x00collector"

// A Happening is something that happened to the collector's own clock.
type Happening struct {
	At      time.Time
	Seconds float64 // by how much it was set, or two of its clocks differ
	Text    string
}

// A RuleEvent is what people are told of what a rule over messages found. The finding's Host
// is the only host that it was found on when it was raised, and empty for several.
type RuleEvent struct {
	Time     time.Time
	Kind     EventKind
	Severity Severity
	Rule     string // the rule's name
	Subject  string // what it was found of: "address=192.0.2.7"
	Count    uint64
	First    time.Time // when the first message was written, by a true clock
	Last     time.Time // the same of the last one
	Text     string
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
	Check    string `json:",omitempty"` // what to check on the host; empty where nothing is to be done

	Common *CommonMove `json:",omitempty"` // of the fleet's vote on the collector
	Muted  *MuteRef    `json:",omitempty"` // why nobody was told; nil if people were
}

func (o *originator) finding(f Finding) Finding {
	f.Key, f.Host, f.Source = o.key, o.host, o.source()
	return f
}

// event gives a transition of the originator's warning its particulars.
func (o *originator) event(t transition, now int64) *Event {
	text := o.judged.reason
	if t.previous == Silent {
		text = "speaks again: " + text
	}
	return &Event{
		Time: unixUTC(now), Kind: t.kind, Severity: t.severity, Verdict: t.verdict,
		Previous: t.previous, Interval: o.interval, Since: unixUTC(t.since), Text: text, Check: o.checkNow(t.kind),
	}
}

// checkNow says what to check after an event of a kind: nothing once all is well.
func (o *originator) checkNow(kind EventKind) string {
	if kind == Clear {
		return ""
	}
	return o.check()
}

// remark tells what was noticed beside the verdict, which stays what it is, and what to
// check.
func (o *originator) remark(text, check string, now int64) *Event {
	return &Event{
		Time: unixUTC(now), Kind: Raise, Severity: Warn, Verdict: o.judged.verdict,
		Previous: o.judged.verdict, Interval: o.interval, Since: unixUTC(now), Text: text, Check: check,
	}
}

func unixUTC(ns int64) time.Time { return time.Unix(0, ns).UTC() }
