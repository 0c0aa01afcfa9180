package pages

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/skewatch/skewatch/analysis/report"
	"github.com/skewatch/skewatch/cmd/internal/api"
	"github.com/skewatch/skewatch/cmd/internal/config"
)

// A reportsPage is where people choose a report.
type reportsPage struct {
	Periods  []option
	Profiles []option
	Formats  []option
}

// An option is a choice of a form.
type option struct{ Value, Text string }

// A period is one that a report can be had for.
type period struct {
	value, text string
	span        time.Duration // 0 for all there is
}

// periods are the choices, the first if none is made.
var periods = []period{
	{"24h", "the last 24 hours", 24 * time.Hour}, {"7d", "the last 7 days", 7 * 24 * time.Hour},
	{"30d", "the last 30 days", 30 * 24 * time.Hour}, {"90d", "the last 90 days", 90 * 24 * time.Hour}, {"all", "all there is", 0},
}

// A format is one that a report can be had in: one of report.Formats.
type format struct{ value, text, kind, suffix string }

// formats are the choices, the first if none is made.
var formats = []format{
	{"html", "web page, to read and print", "text/html; charset=utf-8", "html"},
	{"md", "Markdown", "text/markdown; charset=utf-8", "md"},
	{"csv", "CSV, for a spreadsheet", "text/csv; charset=utf-8", "csv"},
	{"json", "JSON", "application/json", "json"},
	{"table", "table, as text", "text/plain; charset=utf-8", "txt"},
}

func (p *Pages) reports(*http.Request) (any, error) {
	page := &reportsPage{Profiles: []option{
		{"", "as the hosts are judged here"}, {string(config.ProfileSRG), "srg: within 1 s"}, {string(config.ProfileFINRA), "finra: within 50 ms"},
	}}
	for _, p := range periods {
		page.Periods = append(page.Periods, option{p.value, p.text})
	}
	for _, f := range formats {
		page.Formats = append(page.Formats, option{f.value, f.text})
	}
	return page, nil
}

// download answers with a report as a file.
func (p *Pages) download(w http.ResponseWriter, r *http.Request) {
	q, f, err := parseDownload(r.URL.Query(), time.Now())
	if err != nil {
		p.refuse(w, r, err)
		return
	}
	rep, err := p.desk.Report(r.Context(), q)
	if err != nil {
		p.refuse(w, r, err)
		return
	}
	name := fmt.Sprintf("skewatch-%s.%s", rep.Header.Generated.Format("2006-01-02-1504"), f.suffix)
	w.Header().Set("Content-Type", f.kind)
	w.Header().Set("Content-Disposition", `attachment; filename="`+name+`"`)
	w.Header().Set("Cache-Control", "no-store")
	if err := rep.Write(w, f.value); err != nil {
		p.log.WithError(err).Warn("a report was cut short")
		panic(http.ErrAbortHandler) // nobody shall take it for a whole one
	}
}

// parseDownload reads what the form says.
func parseDownload(v url.Values, now time.Time) (q api.ReportQuery, f format, err error) {
	span, err := chosenOf(v, "period", periods, func(p period) string { return p.value })
	if err != nil {
		return q, f, err
	}
	if span.span > 0 {
		q.Since = now.Add(-span.span)
	}
	if f, err = chosenOf(v, "format", formats, func(f format) string { return f.value }); err != nil {
		return q, f, err
	}
	q.Series = api.SeriesFor(f.value)
	hosts, err := parseFleetQuery(url.Values{"host": v["host"]})
	if err != nil {
		return q, f, err
	}
	q.Host = hosts.Host
	q.Profile, err = chosenProfile(v.Get("profile"))
	return q, f, err
}

// chosenOf returns the choice that a parameter names, the first if it names none.
func chosenOf[T any](v url.Values, parameter string, choices []T, name func(T) string) (T, error) {
	var known []string
	value := cmp.Or(v.Get(parameter), name(choices[0]))
	for _, c := range choices {
		if name(c) == value {
			return c, nil
		}
		known = append(known, name(c))
	}
	return choices[0], &api.QueryError{Parameter: parameter, Problem: "not a choice: there are " + strings.Join(known, ", "), Value: value}
}

// chosenProfile returns the profile of a name, nil for none.
func chosenProfile(name string) (*report.Profile, error) {
	if name == "" {
		return nil, nil
	}
	tolerance, critical, known := config.Profile(name).Limits()
	if !known {
		return nil, &api.QueryError{Parameter: "profile", Problem: "not a profile: there are default, srg and finra", Value: name}
	}
	return &report.Profile{Name: name, Warn: tolerance.Seconds(), Crit: critical.Seconds()}, nil
}
