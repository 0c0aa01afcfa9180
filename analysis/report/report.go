// Package report makes the rows that people export from what the clocks did, and
// writes them as a table, CSV, JSON, Markdown or HTML.
//
// It works from roll-ups and findings alone and never looks at messages, so a
// report over a month costs no more than its roll-ups.
package report

import (
	"time"

	"github.com/skewatch/skewatch/analysis"
)

// A Report is the skew of every host over a period, with what it rests on.
type Report struct {
	Header Header `json:"header"`
	Hosts  []Row  `json:"hosts"`

	// Series are of the rows that are flagged, if they were asked for.
	Series []Series `json:"series,omitempty"`

	// Signed is the report as it was written and signed, if that was asked for.
	Signed *Signed `json:"signed,omitempty"`

	// What only the table says.
	Pattern    string `json:"-"` // of the hosts' names, if one was asked for
	Compliance bool   `json:"-"` // a profile was asked for: a column says who complies
}

// Signed is a report in one of its formats, and a signed note over these very bytes.
type Signed struct {
	Body []byte `json:"body"`
	Note []byte `json:"note"`
}

// A Header says what a report covers and by what its figures can be checked.
type Header struct {
	Generated time.Time `json:"generated"`
	Simulated bool      `json:"simulated,omitempty"` // the hosts and their messages are made up
	Asked     Period    `json:"period_asked"`
	Effective Period    `json:"period_effective"` // widened to the edges of roll-ups
	Collector Collector `json:"collector"`
	Reference Reference `json:"reference"`
	Profile   Profile   `json:"profile"`
	Estimator Estimator `json:"estimator"`
	Notes     []string  `json:"notes"`
}

// A Period is a span of receive time; a zero end is open.
type Period struct {
	Since *time.Time `json:"since"`
	Until *time.Time `json:"until"`
}

// Collector identifies the server that made the measurements.
type Collector struct {
	Host       string `json:"host"`
	Version    string `json:"version"`
	ConfigHash string `json:"config_hash"`
}

// Reference is the collector's own clock, as at the time of the report.
type Reference struct {
	State   string   `json:"state"` // synchronised, holdover or unsynchronised; assumed for an archive
	Source  string   `json:"source"`
	Stratum *int     `json:"stratum"`
	Offset  *float64 `json:"offset_seconds"`    // to be added to the collector's clock
	Bound   *float64 `json:"bound_seconds"`     // half-width of offset_seconds
	Trusted bool     `json:"trusted,omitempty"` // nothing was measured: the operator's word
	Gaps    []Gap    `json:"gaps"`
	Moves   []Move   `json:"moves,omitempty"`
	Reason  string   `json:"reason,omitempty"`

	// Events are what happened to the collector's own clock within the period. Times of
	// hosts are reckoned as if it hadn't been set.
	Events []ClockEvent `json:"events,omitempty"`
}

// A ClockEvent is something that happened to the collector's own clock.
type ClockEvent struct {
	At      time.Time `json:"at"`
	Seconds float64   `json:"seconds"` // by how much it was set, or two of its clocks differ
	Text    string    `json:"text"`
}

// A Move is what most of the fleet's clocks seemed to do at once within the period: the
// collector's clock or its network moved, and verdicts were held.
type Move struct {
	At      time.Time  `json:"at"`
	Until   *time.Time `json:"until"`   // when it was explained; null while verdicts are held
	Seconds float64    `json:"seconds"` // by how much the hosts seemed to move; positive if they seem ahead
	Moved   int        `json:"peers_moved"`
	Voters  int        `json:"peers"`
	Text    string     `json:"text"`
}

// A Gap is a time within the period during which the reference was not
// synchronised, or no server was running.
type Gap struct {
	From  time.Time  `json:"from"`
	To    *time.Time `json:"to"`    // null while it lasts
	State string     `json:"state"` // the reference's, or "not running"
}

// A Profile is the tolerance that compliance is reckoned by.
type Profile struct {
	Name string  `json:"name"`
	Warn float64 `json:"warn_seconds"`
	Crit float64 `json:"crit_seconds"`
}

// Tolerance returns the profile's tolerance to warn at.
func (p Profile) Tolerance() time.Duration { return time.Duration(p.Warn * float64(time.Second)) }

// Estimator is the assumptions that the figures rest on.
type Estimator struct {
	LeastDelay float64 `json:"least_delay_seconds"` // δ, part of every offset_high_seconds
	MaxSkew    float64 `json:"max_skew_ppm"`        // by which proved bounds are aged
}

// EstimatorOf takes over what a report prints of the parameters.
func EstimatorOf(p *analysis.Params) Estimator {
	return Estimator{LeastDelay: p.LeastDelay.Seconds(), MaxSkew: p.MaxSkew * 1e6}
}

// Notes says what one-way evidence can't show, by the names of JSON and CSV. Every report
// carries it.
func Notes() []string {
	return []string{
		"offset: host clock minus true time, in seconds; positive means the host is ahead",
		"offset_low is proved, given that one clock wrote the stamps and truncated them",
		"offset_high assumes that some messages were delivered within least_delay_seconds; a constant delay beyond it can't be told from a clock that is behind",
		"offset_p50 is the median of the offsets over the period, taken every five minutes, and every hour where that is more than two days back; offset_p95 and offset_max are of their magnitude, offset_max with its sign, and where any was judged of those alone",
		"figures of a row stand as at its last message",
	}
}
