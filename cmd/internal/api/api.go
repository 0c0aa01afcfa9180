// Package api is what a skewatch server can be asked, and the shapes of its answers.
//
// The running server answers from memory and store, the files of a stopped one answer
// the same, and the client asks either over HTTP or directly: the commands don't know
// which.
package api

import (
	"context"
	"time"

	"github.com/skewatch/skewatch/analysis"
	"github.com/skewatch/skewatch/analysis/report"
	"github.com/skewatch/skewatch/ntpcheck"
	"github.com/skewatch/skewatch/storage"
)

// A Desk answers questions about a fleet's clocks.
type Desk interface {
	// Report returns a row for each host that sent messages in the period.
	Report(ctx context.Context, q ReportQuery) (*report.Report, error)

	// Clocks returns what is said of the fleet's clocks now.
	Clocks(ctx context.Context, q ClocksQuery) (*Clocks, error)

	// Reference returns how the collector's own clock ran in a period.
	Reference(ctx context.Context, q Query) (*ReferenceHistory, error)

	// Sources returns what is known of the collector's own clock.
	Sources(ctx context.Context) (ntpcheck.Status, error)

	// Events calls fn with each warning event of the query, in order of time. With
	// Follow it goes on until the context ends.
	Events(ctx context.Context, q Query, fn func(Event) error) error

	// Messages calls fn with each stored message of the query, in order of storing.
	// With Follow it goes on until the context ends.
	Messages(ctx context.Context, q Query, fn func(Message) error) error

	// Timeline calls fn with each stored message of the query in the order in which they
	// were written, as far as that can be told. Since and Until mean that time.
	Timeline(ctx context.Context, q TimelineQuery, fn func(Entry) error) error

	// Warnings returns the open warnings of the hosts that match the query, those first
	// that have stood longest.
	Warnings(ctx context.Context, q Query) ([]Warning, error)

	// Mutes returns the silences or acknowledgements that last or are planned, and those
	// that were made or ended in the query's period, in order of their numbers.
	Mutes(ctx context.Context, q MuteQuery) ([]Mute, error)

	// Silence, Acknowledge and Unmute return the mute that they make or end, once that is
	// on disk.
	Silence(ctx context.Context, o SilenceOrder) (Mute, error)
	Acknowledge(ctx context.Context, o AcknowledgeOrder) (Mute, error)
	Unmute(ctx context.Context, o UnmuteOrder) (Mute, error)

	// Verify goes through all that is stored, calls fn with each thing that is wrong,
	// and returns what it has seen.
	Verify(ctx context.Context, q VerifyQuery, fn func(Flaw) error) (storage.Verified, error)
}

// A Query selects by time and host, and messages by what they say. The zero value
// selects all there is.
type Query struct {
	Since  time.Time // from this time on; zero for the beginning
	Until  time.Time // before this time; zero for no end
	Host   string    // a glob over host names in lower case; "" for all
	Follow bool      // go on with what comes
	Raw    bool      // messages: with their frames
	After  uint64    // only what has a greater ID: to go on where another query ended
	Clock  Clock     // messages: whose time Since and Until are
	Grep   string    // messages: only those whose frame this expression matches; "" for all
	App    string    // messages: a glob over application names in lower case; "" for all

	// Severity is the least severe one of the messages, a keyword; "" for all.
	Severity string

	// Events: only those of warnings that are or become so grave, and have or get one of
	// these verdicts. Such a warning is followed to its end, whatever becomes of it. The zero
	// values are for all.
	MinSeverity analysis.Severity
	Verdicts    []analysis.Verdict

	Estimates bool // messages: with what was known of their hosts' clocks

	// Progress, if not nil, is called from time to time while stored messages are read.
	Progress func(Progress)
}

// A Clock is one of the two whose times a message has.
type Clock string

// The clocks.
const (
	ClockReceived Clock = ""     // the collector's, at receipt
	ClockSent     Clock = "sent" // the host's, as its stamp shows it
)

// A Progress says how far a reading has come: to the message At of Last.
type Progress struct {
	At   uint64 `json:"at"`
	Last uint64 `json:"last"`
}

// A ProgressLine stands between the messages of an answer that streams, if it is asked for.
type ProgressLine struct {
	Progress *Progress `json:"progress"`
}

// A TimelineQuery asks for messages in the order in which they were written. Follow, After,
// Clock and Progress mean nothing in it.
type TimelineQuery struct {
	Query

	// Around is the ID of a message around which to look, Span before it and after it, 0 for
	// none: then Since and Until aren't looked at.
	Around uint64
	Span   time.Duration
}

// A ReportQuery asks for a report.
type ReportQuery struct {
	Query

	// Profile is the tolerance that compliance is reckoned by; nil for the one
	// the server judges by.
	Profile *report.Profile

	// Series says whose course of offsets is asked for too.
	Series Series

	// Everyone asks for a row of every host that is known: one that said nothing since the
	// period began has that of the last stretch in which it spoke, and of all the reason of
	// the present verdict is given. It is for periods that end now.
	Everyone bool

	// Sign is the format of report.Formats to write and sign the report in; "" for none.
	Sign string
}

// Series says for which hosts of a report the course of their offsets is asked for.
type Series string

// The choices of series.
const (
	NoSeries      Series = ""
	SeriesFlagged Series = "true" // those that the report flags, the worst 60 of them
	SeriesAll     Series = "all"  // the 60 that come first in the report's order of severity
)

// SeriesFor returns what a report in a format shows: the course of offsets is drawn in HTML.
func SeriesFor(format string) Series {
	if format == "html" {
		return SeriesFlagged
	}
	return NoSeries
}

// An Event is a change of what is warned of, in the form that `skewatch tail` prints.
type Event struct {
	ID         uint64    `json:"id,omitempty"` // rises from event to event; not printed
	Time       time.Time `json:"time"`
	Host       string    `json:"host"`
	Source     string    `json:"source"`
	Event      string    `json:"event"` // raise, change or clear
	Severity   string    `json:"severity"`
	Verdict    string    `json:"verdict"`
	Previous   string    `json:"previous"`
	Offset     *float64  `json:"offset_seconds"`
	OffsetLow  *float64  `json:"offset_low_seconds"`
	OffsetHigh *float64  `json:"offset_high_seconds"`
	Since      time.Time `json:"since"`
	Text       string    `json:"text"`
	Muted      string    `json:"muted,omitempty"` // why nobody was told, such as "silence 3"; "" if people were
	Check      string    `json:"check,omitempty"` // what to check on the host

	// Of what a rule over messages found: its verdict is VerdictRule. Host and Source are
	// those of the only host that it was found on when it was raised, or empty.
	Rule    string `json:"rule,omitempty"`
	Subject string `json:"subject,omitempty"` // what it was found of: "address=192.0.2.7"
	Count   uint64 `json:"count,omitempty"`
}

// VerdictRule stands in the place of a clock's verdict in what a rule over messages found.
const VerdictRule = "rule"

// EventOf returns the event of a finding, if it is one.
func EventOf(f *analysis.Finding) (Event, bool) {
	if f.Rule != nil {
		return ruleEvent(f), true
	}
	e := f.Event
	if e == nil {
		return Event{}, false
	}
	shown := Event{
		Time: e.Time, Host: f.Host, Source: f.Source, Event: e.Kind.String(), Severity: e.Severity.String(),
		Verdict: e.Verdict.String(), Previous: e.Previous.String(), Since: e.Since, Text: e.Text, Check: e.Check,
	}
	shown.Offset, shown.OffsetLow, shown.OffsetHigh = ofInterval(e.Interval)
	if e.Muted != nil {
		shown.Muted = e.Muted.String()
	}
	return shown, true
}

// ofInterval returns an offset and its bounds in seconds, nil if they aren't known.
func ofInterval(i analysis.Interval) (offset, low, high *float64) {
	if i == (analysis.Interval{}) {
		return nil, nil, nil
	}
	return inSeconds(i.Offset), inSeconds(i.Low), inSeconds(i.High)
}

// ruleEvent returns the event of what a rule found.
func ruleEvent(f *analysis.Finding) Event {
	r := f.Rule
	shown := Event{
		Time: r.Time, Host: f.Host, Source: f.Source, Event: r.Kind.String(), Severity: r.Severity.String(),
		Verdict: VerdictRule, Previous: VerdictRule, Since: r.First, Text: r.Text, Rule: r.Rule, Subject: r.Subject, Count: r.Count,
	}
	if r.Kind == analysis.Raise {
		shown.Previous = ""
	}
	return shown
}

func inSeconds(d time.Duration) *float64 {
	s := d.Seconds()
	return &s
}
