package api

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"path"
	"regexp"
	"regexp/syntax"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/skewatch/skewatch/analysis"
	"github.com/skewatch/skewatch/analysis/report"
	"github.com/skewatch/skewatch/collector/message"
)

// The paths of the HTTP API.
const (
	PathReport   = "/api/v1/report"
	PathSources  = "/api/v1/sources"
	PathEvents   = "/api/v1/events"
	PathMessages = "/api/v1/messages"
	PathTimeline = "/api/v1/timeline"
)

// A Failure is the body of an answer that isn't one.
type Failure struct {
	Error string      `json:"error"`
	Wrong *QueryError `json:"wrong,omitempty"` // the parameter that can't be understood, if that is it
}

// A QueryError names the parameter of a query that can't be understood.
type QueryError struct {
	Parameter string `json:"parameter"`
	Problem   string `json:"problem"`
	Value     string `json:"value"` // what was given; "" for nothing
}

func (e *QueryError) Error() string {
	return fmt.Sprintf("%s: %s (got %q)", e.Parameter, e.Problem, e.Value)
}

// Values writes a query as URL parameters; ParseQuery reads them.
func (q Query) Values() url.Values {
	v := url.Values{}
	set := func(name, value string, given bool) {
		if given {
			v.Set(name, value)
		}
	}
	set("since", q.Since.Format(time.RFC3339Nano), !q.Since.IsZero())
	set("until", q.Until.Format(time.RFC3339Nano), !q.Until.IsZero())
	set("host", q.Host, q.Host != "")
	set("follow", "true", q.Follow)
	set("raw", "true", q.Raw)
	set("after", strconv.FormatUint(q.After, 10), q.After > 0)
	set("clock", string(q.Clock), q.Clock != ClockReceived)
	set("grep", q.Grep, q.Grep != "")
	set("app", q.App, q.App != "")
	set("severity", q.Severity, q.Severity != "")
	set("estimates", "true", q.Estimates)
	set("progress", "true", q.Progress != nil)
	set("min_severity", q.MinSeverity.String(), q.MinSeverity != analysis.NoSeverity)
	for _, verdict := range q.Verdicts {
		v.Add("verdict", verdict.String())
	}
	return v
}

// ParseQuery reads a query about messages from URL parameters. Those that it doesn't
// know are refused: passed over, they would have another question answered. Progress, if
// it is asked for, is for whoever answers to set.
func ParseQuery(v url.Values) (Query, error) {
	p := parameters{values: v}
	q := p.query()
	q.Clock, q.Estimates = p.clock("clock"), p.bool("estimates")
	p.contents(&q)
	if p.bool("progress") {
		q.Progress = func(Progress) {}
	}
	return q, p.end()
}

// Values writes a query as URL parameters; ParseTimelineQuery reads them.
func (q TimelineQuery) Values() url.Values {
	v := q.Query.Values()
	if q.Around > 0 {
		v.Set("around", strconv.FormatUint(q.Around, 10))
		v.Set("span_seconds", strconv.FormatFloat(q.Span.Seconds(), 'g', -1, 64))
	}
	return v
}

// ParseTimelineQuery reads a query from URL parameters, as strictly as ParseQuery.
func ParseTimelineQuery(v url.Values) (TimelineQuery, error) {
	p := parameters{values: v}
	q := TimelineQuery{Query: Query{Since: p.time("since"), Until: p.time("until"), Host: p.glob("host"), Raw: p.bool("raw")}}
	p.contents(&q.Query)
	if q.Around = p.number("around"); q.Around > 0 {
		q.Span = time.Duration(p.seconds("span_seconds") * float64(time.Second))
	}
	return q, p.end()
}

// contents reads what selects messages by what they say.
func (p *parameters) contents(q *Query) {
	q.Grep, q.App, q.Severity = p.expression("grep"), p.glob("app"), p.leastSevere("severity")
}

// ParseEventQuery is ParseQuery with what can be asked of events only, and without what can
// be asked of messages only.
func ParseEventQuery(v url.Values) (Query, error) {
	p := parameters{values: v}
	q := p.query()
	q.MinSeverity, q.Verdicts = p.severity("min_severity"), p.verdicts("verdict")
	return q, p.end()
}

// Values writes a query as URL parameters; ParseReportQuery reads them.
func (q ReportQuery) Values() url.Values {
	v := q.Query.Values()
	if p := q.Profile; p != nil {
		v.Set("profile", p.Name)
		v.Set("warn_seconds", strconv.FormatFloat(p.Warn, 'g', -1, 64))
		v.Set("crit_seconds", strconv.FormatFloat(p.Crit, 'g', -1, 64))
	}
	if q.Series != NoSeries {
		v.Set("series", string(q.Series))
	}
	if q.Everyone {
		v.Set("everyone", "true")
	}
	if q.Sign != "" {
		v.Set("sign", q.Sign)
	}
	return v
}

// ParseReportQuery reads a query from URL parameters, as strictly as ParseQuery.
func ParseReportQuery(v url.Values) (ReportQuery, error) {
	p := parameters{values: v}
	q := ReportQuery{Query: p.query(), Series: p.series("series"), Everyone: p.bool("everyone")}
	if format, given := p.text("sign"); given {
		if q.Sign = format; !slices.Contains(report.Formats, format) {
			p.fail("sign", "not a report's format: known are "+strings.Join(report.Formats, ", "))
		}
	}
	if name, given := p.text("profile"); given {
		q.Profile = &report.Profile{Name: name, Warn: p.seconds("warn_seconds"), Crit: p.seconds("crit_seconds")}
	}
	return q, p.end()
}

// parameters reads URL parameters and keeps the first error.
type parameters struct {
	values url.Values
	known  []string
	lists  []string // those that may be given more than once
	err    error
}

func (p *parameters) query() Query {
	return Query{
		Since: p.time("since"), Until: p.time("until"), Host: p.glob("host"),
		Follow: p.bool("follow"), Raw: p.bool("raw"), After: p.number("after"),
	}
}

// end returns what is wrong with the parameters, once all known ones are read.
func (p *parameters) end() error {
	for _, name := range slices.Sorted(maps.Keys(p.values)) {
		switch {
		case !slices.Contains(p.known, name):
			p.fail(name, "unknown parameter: known are "+strings.Join(p.known, ", "))
		case len(p.values[name]) > 1 && !slices.Contains(p.lists, name):
			p.fail(name, "given more than once")
		}
	}
	return p.err
}

func (p *parameters) fail(name, problem string) {
	if p.err == nil {
		p.err = &QueryError{name, problem, p.values.Get(name)}
	}
}

func (p *parameters) text(name string) (value string, given bool) {
	p.known = append(p.known, name)
	return p.values.Get(name), p.values.Has(name)
}

func (p *parameters) list(name string) []string {
	p.known, p.lists = append(p.known, name), append(p.lists, name)
	return p.values[name]
}

func (p *parameters) time(name string) time.Time {
	text, given := p.text(name)
	if !given {
		return time.Time{}
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		p.fail(name, `not an RFC 3339 time such as "2026-03-01T12:00:00Z"`)
	}
	return t
}

func (p *parameters) glob(name string) string {
	text, _ := p.text(name)
	if _, err := path.Match(text, ""); err != nil {
		p.fail(name, `not a name pattern such as "web*"`)
	}
	return strings.ToLower(text)
}

func (p *parameters) bool(name string) bool {
	text, given := p.text(name)
	if !given {
		return false
	}
	b, err := strconv.ParseBool(text)
	if err != nil {
		p.fail(name, "neither true nor false")
	}
	return b
}

func (p *parameters) series(name string) Series {
	switch text, given := p.text(name); {
	case !given, text == "false":
	case text == string(SeriesFlagged), text == string(SeriesAll):
		return Series(text)
	default:
		p.fail(name, "neither true nor false nor all")
	}
	return NoSeries
}

func (p *parameters) clock(name string) Clock {
	switch text, given := p.text(name); {
	case !given, text == "received":
		return ClockReceived
	case text == string(ClockSent):
		return ClockSent
	}
	p.fail(name, "neither received nor sent")
	return ClockReceived
}

func (p *parameters) severity(name string) analysis.Severity {
	text, given := p.text(name)
	if !given {
		return analysis.NoSeverity
	}
	for _, s := range [...]analysis.Severity{analysis.Warn, analysis.Crit} {
		if text == s.String() {
			return s
		}
	}
	p.fail(name, "neither warn nor crit")
	return analysis.NoSeverity
}

func (p *parameters) verdicts(name string) (verdicts []analysis.Verdict) {
	for _, text := range p.list(name) {
		v, err := ParseVerdict(text)
		if err != nil && p.err == nil {
			p.err = &QueryError{name, err.Error(), text}
		}
		verdicts = append(verdicts, v)
	}
	return verdicts
}

// ParseVerdict reads the name of a verdict. The error says which there are.
func ParseVerdict(name string) (v analysis.Verdict, err error) {
	if v.UnmarshalText([]byte(name)) == nil {
		return v, nil
	}
	var known []string
	for _, v := range analysis.Verdicts() {
		known = append(known, v.String())
	}
	return v, errors.New("not a verdict: known are " + strings.Join(known, ", "))
}

func (p *parameters) leastSevere(name string) string {
	text, _ := p.text(name)
	if text != "" && !slices.Contains(message.Severities(), text) {
		p.fail(name, "not a severity: known are "+strings.Join(message.Severities(), ", "))
	}
	return text
}

func (p *parameters) expression(name string) string {
	text, _ := p.text(name)
	if problem := BadExpression(text); problem != "" {
		p.fail(name, "not a regular expression: "+problem)
	}
	return text
}

// BadExpression returns what is wrong with a regular expression in RE2's syntax, "" if
// nothing is.
func BadExpression(expr string) string {
	_, err := regexp.Compile(expr)
	var bad *syntax.Error
	switch {
	case err == nil:
		return ""
	case errors.As(err, &bad) && bad.Expr != "" && bad.Expr != expr:
		return fmt.Sprintf("%s: %q", bad.Code, bad.Expr)
	case bad != nil:
		return bad.Code.String()
	}
	return err.Error()
}

func (p *parameters) number(name string) uint64 {
	text, given := p.text(name)
	if !given {
		return 0
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		p.fail(name, "not a whole number")
	}
	return n
}

func (p *parameters) seconds(name string) float64 {
	text, _ := p.text(name)
	s, err := strconv.ParseFloat(text, 64)
	if err != nil || !(s > 0 && s <= 1e9) { // so put, it refuses NaN
		p.fail(name, "not a positive number of seconds")
	}
	return s
}
