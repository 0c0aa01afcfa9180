package api

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/skewatch/skewatch/analysis"
	"github.com/skewatch/skewatch/analysis/report"
)

// Where warnings and mutes are asked for. Below the last two, a mute stands under its number.
const (
	PathWarnings         = "/api/v1/warnings"
	PathSilences         = "/api/v1/silences"
	PathAcknowledgements = "/api/v1/acknowledgements"
)

// MutePath returns where mutes of a kind are.
func MutePath(k analysis.MuteKind) string {
	if k == analysis.Acknowledgement {
		return PathAcknowledgements
	}
	return PathSilences
}

// Limits of what can be asked for.
const (
	MostBody       = 64 << 10 // octets of an order
	longestHost    = 512      // octets of a glob
	longestComment = 1000     // columns of a comment; it is clipped
	mostAuthor     = 100      // columns of an author; likewise
	LongestMute    = 366 * 24 * time.Hour

	// DefaultAcknowledged is how long an acknowledgement lasts unless it says so.
	DefaultAcknowledged = 24 * time.Hour
)

// Why an order isn't carried out.
var (
	// ErrFilesOnly is returned where no server runs.
	ErrFilesOnly = errors.New("no server runs on these files: nothing sends warnings that could be held back")

	// ErrNotKept is returned when an order is carried out, but couldn't be stored in time.
	ErrNotKept = errors.New("it holds from now on, but isn't on disk yet: the store can't write at the moment, and goes on trying")
)

// A Warning is one that is open: raised, and not cleared.
type Warning struct {
	Host       string    `json:"host"`
	Source     string    `json:"source"`
	Severity   string    `json:"severity"`
	Verdict    string    `json:"verdict"`
	Since      time.Time `json:"since"`
	Offset     *float64  `json:"offset_seconds"` // now
	OffsetLow  *float64  `json:"offset_low_seconds"`
	OffsetHigh *float64  `json:"offset_high_seconds"`
	Text       string    `json:"text"`
	Check      string    `json:"check,omitempty"` // what to check on the host
	Told       bool      `json:"told"`            // the outputs were told of it as it is

	Silenced     *Mute `json:"silenced"`     // of several silences the one that lasts longest
	Acknowledged *Mute `json:"acknowledged"` // null if it isn't
}

// Warnings is the answer that lists them.
type Warnings struct {
	Warnings []Warning `json:"warnings"`
}

// States of a mute.
const (
	MutePlanned = "planned"
	MuteLasts   = "lasts"
	MuteEnded   = "ended"
)

// A Mute is a silence or an acknowledgement.
type Mute struct {
	ID       uint64            `json:"id"`
	Kind     analysis.MuteKind `json:"kind"`
	State    string            `json:"state"`              // planned, lasts or ended
	Host     string            `json:"host"`               // a glob; of an acknowledgement a name
	Source   string            `json:"source,omitempty"`   // of an acknowledgement
	Severity string            `json:"severity,omitempty"` // of an acknowledgement: what is graver is told
	Verdicts []string          `json:"verdicts,omitempty"` // of a silence: only these
	Made     time.Time         `json:"made"`
	Begins   time.Time         `json:"begins"`
	Ends     time.Time         `json:"ends"`
	Author   string            `json:"author"`
	Comment  string            `json:"comment"`

	Ended   *time.Time          `json:"ended,omitempty"` // when it did
	Why     analysis.MuteEnding `json:"why,omitempty"`   // expired, ended, cleared, graver or replaced
	EndedBy string              `json:"ended_by,omitempty"`
}

// Mutes is the answer that lists them.
type Mutes struct {
	Mutes []Mute `json:"mutes"`
}

// MuteOf returns a mute that hasn't ended as it is shown. Shown turns the fleet's time into
// that of clocks.
func MuteOf(m *analysis.Mute, shown func(time.Time) time.Time) Mute {
	v := Mute{
		ID: m.ID, Kind: m.Kind, State: MuteLasts, Host: m.Host, Source: m.Source, Severity: m.Severity.String(),
		Made: shown(m.Made), Begins: shown(m.Begins), Ends: shown(m.Ends), Author: m.Author, Comment: m.Comment,
	}
	if !m.Begun {
		v.State = MutePlanned
	}
	for _, of := range m.Verdicts {
		v.Verdicts = append(v.Verdicts, of.String())
	}
	return v
}

// MuteOfNews returns a mute as it is shown after something happened to it.
func MuteOfNews(n *analysis.MuteNews, shown func(time.Time) time.Time) Mute {
	v := MuteOf(&n.Mute, shown)
	if n.Ended != analysis.NotEnded {
		at := shown(n.At)
		v.State, v.Ended, v.Why, v.EndedBy = MuteEnded, &at, n.Ended, n.By
	}
	return v
}

// WarningOf returns an open warning as it is shown, with what mutes it.
func WarningOf(w *analysis.OpenWarning, silence *analysis.Mute, shown func(time.Time) time.Time) Warning {
	e := &w.Event
	v := Warning{
		Host: w.Host, Source: w.Source, Severity: e.Severity.String(), Verdict: e.Verdict.String(), Since: e.Since, Text: e.Text, Check: e.Check,
		Told: w.Told != nil && w.Held == nil,
	}
	v.Offset, v.OffsetLow, v.OffsetHigh = ofInterval(e.Interval)
	v.Silenced, v.Acknowledged = muteOrNil(silence, shown), muteOrNil(w.Acknowledged, shown)
	return v
}

func muteOrNil(m *analysis.Mute, shown func(time.Time) time.Time) *Mute {
	if m == nil {
		return nil
	}
	v := MuteOf(m, shown)
	return &v
}

// A MuteQuery asks for mutes of one kind.
type MuteQuery struct {
	Kind analysis.MuteKind

	// With Since, those that were made or ended from then on are among the answer, though
	// they last no longer.
	Since, Until time.Time
}

// Values writes a query as URL parameters; ParseMuteQuery reads them.
func (q MuteQuery) Values() url.Values { return Query{Since: q.Since, Until: q.Until}.Values() }

// ParseMuteQuery reads a query from URL parameters, as strictly as ParseQuery.
func ParseMuteQuery(k analysis.MuteKind, v url.Values) (MuteQuery, error) {
	p := parameters{values: v}
	q := MuteQuery{Kind: k, Since: p.time("since"), Until: p.time("until")}
	return q, p.end()
}

// ParseWarningQuery reads a query about open warnings: only their hosts can be selected.
func ParseWarningQuery(v url.Values) (Query, error) {
	p := parameters{values: v}
	q := Query{Host: p.glob("host")}
	return q, p.end()
}

// A SilenceOrder asks for a silence.
type SilenceOrder struct {
	Host     string    `json:"host"`               // a glob over host names
	Verdicts []string  `json:"verdicts,omitempty"` // only these; none for all
	Begins   time.Time `json:"begins,omitzero"`    // zero for now
	Span
	Signature
}

// An AcknowledgeOrder asks for an acknowledgement.
type AcknowledgeOrder struct {
	Host   string `json:"host"`             // a name, in any case
	Source string `json:"source,omitempty"` // "" if no other warning of that name is open
	Span
	Signature
}

// An UnmuteOrder asks for the end of a mute.
type UnmuteOrder struct {
	Kind   analysis.MuteKind
	ID     uint64
	Author string
}

// ParseUnmute reads from URL parameters who ends a mute.
func ParseUnmute(v url.Values) (author string, err error) {
	p := parameters{values: v}
	author, _ = p.text("author")
	return author, p.end()
}

// A Span says how long a mute lasts: one of the two is given.
type Span struct {
	Ends time.Time `json:"ends,omitzero"`
	For  float64   `json:"for_seconds,omitempty"` // from its beginning on
}

// A Signature says who made a mute, and why.
type Signature struct {
	Author  string `json:"author"`
	Comment string `json:"comment"`
}

// Mute returns the silence that is asked for, at a time, or a *QueryError.
func (o SilenceOrder) Mute(now time.Time) (analysis.Mute, error) {
	m := analysis.Mute{Host: strings.ToLower(o.Host), Begins: o.Begins.UTC()}
	if o.Begins.IsZero() {
		m.Begins = now
	}
	if _, err := path.Match(m.Host, ""); err != nil || m.Host == "" {
		return m, &QueryError{"host", `not a name pattern such as "web*"`, o.Host}
	}
	if len(m.Host) > longestHost {
		return m, tooLong("host", o.Host)
	}
	var err error
	if m.Verdicts, err = verdicts(o.Verdicts); err != nil {
		return m, err
	}
	return m, cmp.Or(o.Span.apply(&m, now, 0), o.Signature.apply(&m, false))
}

// Mute returns the acknowledgement that is asked for, at a time, or a *QueryError.
func (o AcknowledgeOrder) Mute(now time.Time) (analysis.Mute, error) {
	m := analysis.Mute{Host: o.Host, Source: o.Source, Begins: now}
	switch {
	case o.Host == "":
		return m, &QueryError{"host", "missing: whose warning is it", ""}
	case len(o.Host) > longestHost:
		return m, tooLong("host", o.Host)
	case len(o.Source) > longestHost:
		return m, tooLong("source", o.Source)
	}
	return m, cmp.Or(o.Span.apply(&m, now, DefaultAcknowledged), o.Signature.apply(&m, true))
}

func tooLong(parameter, value string) error {
	return &QueryError{parameter, fmt.Sprintf("longer than %d octets", longestHost), report.Clip(value, 40)}
}

// verdicts reads names of verdicts, and leaves out what comes twice.
func verdicts(names []string) (all []analysis.Verdict, err error) {
	for _, name := range names {
		var v analysis.Verdict
		if v.UnmarshalText([]byte(name)) != nil {
			return nil, &QueryError{"verdicts", "no such verdict: known are " + VerdictNames(), report.Clip(name, 40)}
		}
		if !slices.Contains(all, v) {
			all = append(all, v)
		}
	}
	return all, nil
}

// VerdictNames returns the names of all verdicts, for people.
func VerdictNames() string {
	var names []string
	for _, v := range analysis.Verdicts() {
		names = append(names, v.String())
	}
	return strings.Join(names, ", ")
}

// apply sets a mute's end. Without one it lasts as long as is usual; 0 for no usual length.
func (s Span) apply(m *analysis.Mute, now time.Time, usual time.Duration) error {
	given := !s.Ends.IsZero()
	switch {
	case given && s.For != 0:
		return &QueryError{"for_seconds", "given beside ends: one of the two says how long", secondsText(s.For)}
	case given:
		m.Ends = s.Ends.UTC()
	case s.For == 0 && usual == 0:
		return &QueryError{"ends", "missing, and so is for_seconds: one of the two says how long", ""}
	case s.For == 0:
		m.Ends = m.Begins.Add(usual)
	case !(s.For > 0 && s.For <= LongestMute.Seconds()): // so put, it refuses NaN
		return &QueryError{"for_seconds", fmt.Sprintf("not a number of seconds between 0 and %.0f, which is a year", LongestMute.Seconds()), secondsText(s.For)}
	default:
		m.Ends = m.Begins.Add(time.Duration(s.For * float64(time.Second)))
	}
	problem := ""
	switch {
	case !m.Ends.After(now):
		problem = "not in the future"
	case !m.Ends.After(m.Begins):
		problem = "not after its beginning"
	case m.Ends.Sub(now) > 2*LongestMute || m.Ends.Sub(m.Begins) > LongestMute:
		problem = "more than a year away: what nobody is ever to be told of belongs into the configuration"
	default:
		return nil
	}
	return &QueryError{"ends", problem, m.Ends.Format(time.RFC3339)}
}

func secondsText(s float64) string { return strconv.FormatFloat(s, 'g', -1, 64) }

// apply sets a mute's author and comment, made printable and clipped.
func (s Signature) apply(m *analysis.Mute, needsComment bool) error {
	m.Author, m.Comment = Author(s.Author), report.Clip(strings.TrimSpace(s.Comment), longestComment)
	switch {
	case m.Author == "":
		return &QueryError{"author", "missing: who asks for it", s.Author}
	case m.Comment == "" && needsComment:
		return &QueryError{"comment", "missing: who sees to it, and how", s.Comment}
	}
	return nil
}

// Author returns a name as it is kept: printable, and clipped.
func Author(name string) string { return report.Clip(strings.TrimSpace(name), mostAuthor) }
