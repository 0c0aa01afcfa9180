package api

import (
	"fmt"
	"net/url"
	"path"
	"strconv"
	"time"

	"github.com/skewatch/skewatch/analysis/report"
)

// The paths of the HTTP API.
const (
	PathReport   = "/api/v1/report"
	PathSources  = "/api/v1/sources"
	PathEvents   = "/api/v1/events"
	PathMessages = "/api/v1/messages"
)

// A Failure is the body of an answer that isn't one.
type Failure struct {
	Error string `json:"error"`
}

// A QueryError names the parameter of a query that can't be understood.
type QueryError struct {
	Parameter string
	Problem   string
	Value     string
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
	return v
}

// ParseQuery reads a query from URL parameters.
func ParseQuery(v url.Values) (Query, error) {
	p := parameters{values: v}
	q := Query{
		Since: p.time("since"), Until: p.time("until"), Host: p.glob("host"),
		Follow: p.bool("follow"), Raw: p.bool("raw"), After: p.number("after"),
	}
	return q, p.err
}

// Values writes a query as URL parameters; ParseReportQuery reads them.
func (q ReportQuery) Values() url.Values {
	v := q.Query.Values()
	if p := q.Profile; p != nil {
		v.Set("profile", p.Name)
		v.Set("warn_seconds", strconv.FormatFloat(p.Warn, 'g', -1, 64))
		v.Set("crit_seconds", strconv.FormatFloat(p.Crit, 'g', -1, 64))
	}
	return v
}

// ParseReportQuery reads a query from URL parameters.
func ParseReportQuery(v url.Values) (ReportQuery, error) {
	q, err := ParseQuery(v)
	p := parameters{values: v, err: err}
	rq := ReportQuery{Query: q}
	if v.Has("profile") {
		rq.Profile = &report.Profile{Name: v.Get("profile"), Warn: p.seconds("warn_seconds"), Crit: p.seconds("crit_seconds")}
	}
	return rq, p.err
}

// parameters reads URL parameters and keeps the first error.
type parameters struct {
	values url.Values
	err    error
}

func (p *parameters) fail(name, problem string) {
	if p.err == nil {
		p.err = &QueryError{name, problem, p.values.Get(name)}
	}
}

func (p *parameters) time(name string) time.Time {
	if !p.values.Has(name) {
		return time.Time{}
	}
	t, err := time.Parse(time.RFC3339, p.values.Get(name))
	if err != nil {
		p.fail(name, `not an RFC 3339 time such as "2026-03-01T12:00:00Z"`)
	}
	return t
}

func (p *parameters) glob(name string) string {
	g := p.values.Get(name)
	if _, err := path.Match(g, ""); err != nil {
		p.fail(name, `not a name pattern such as "web*"`)
	}
	return g
}

func (p *parameters) bool(name string) bool {
	if !p.values.Has(name) {
		return false
	}
	b, err := strconv.ParseBool(p.values.Get(name))
	if err != nil {
		p.fail(name, "neither true nor false")
	}
	return b
}

func (p *parameters) number(name string) uint64 {
	if !p.values.Has(name) {
		return 0
	}
	n, err := strconv.ParseUint(p.values.Get(name), 10, 64)
	if err != nil {
		p.fail(name, "not a whole number")
	}
	return n
}

func (p *parameters) seconds(name string) float64 {
	s, err := strconv.ParseFloat(p.values.Get(name), 64)
	if err != nil || s <= 0 || s > 1e9 {
		p.fail(name, "not a positive number of seconds")
	}
	return s
}
