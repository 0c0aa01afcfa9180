package pages

import (
	"context"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/skewatch/skewatch/analysis/plot"
	"github.com/skewatch/skewatch/analysis/report"
	"github.com/skewatch/skewatch/cmd/internal/api"
	"github.com/skewatch/skewatch/collector/message"
)

// A timelinePage shows messages of many hosts in the order in which they were written.
type timelinePage struct {
	Form     timelineForm
	Windows  []option
	Text     string // how much is shown
	Chart    template.HTML
	Entries  []timelineRow
	Severity []string // to choose from, the gravest first
	Live     bool     // it is kept up to date
}

// A timelineForm is what was asked for, as it was written.
type timelineForm struct{ Host, App, Grep, Severity, Window, Until string }

// A timelineRow is one message.
type timelineRow struct {
	Corrected string
	Bound     string
	Host      string
	Path      string
	App       string
	Severity  string
	Message   string
	Sent      string
	Undecided bool // whether it was written after the one above isn't proven
	Grave     bool
}

// What one page shows, and how long it takes at most to find it.
const (
	mostEntries    = 500
	mostLanes      = 40
	timelineWithin = 3 * time.Second
	longestLive    = 15 * time.Minute // what is longer isn't looked for again and again
)

// timelineWindows are the periods, the first if none is chosen.
var timelineWindows = []period{
	{"15m", "15 minutes", 15 * time.Minute}, {"1m", "a minute", time.Minute}, {"5m", "5 minutes", 5 * time.Minute}, {"1h", "an hour", time.Hour},
	{"6h", "6 hours", 6 * time.Hour}, {"24h", "24 hours", 24 * time.Hour},
}

// graveSeverities are those that stand out.
var graveSeverities = []string{"emerg", "alert", "crit", "err"}

func (p *Pages) timeline(r *http.Request) (any, error) {
	page, q, err := parseTimeline(r.URL.Query(), time.Now())
	if err != nil {
		return nil, err
	}
	within, end := context.WithTimeout(r.Context(), timelineWithin)
	defer end()
	var entries []api.Entry
	all := 0
	err = p.desk.Timeline(within, q, func(e api.Entry) error {
		e.Undecided = slices.Clone(e.Undecided)
		if all++; len(entries) == 2*mostEntries {
			entries = append(entries[:0], entries[mostEntries:]...)
		}
		entries = append(entries, e)
		return nil
	})
	if late := errors.Is(err, context.DeadlineExceeded) && r.Context().Err() == nil; late {
		err = &api.QueryError{Parameter: "window", Problem: "too much to be shown: narrow it down by time, host or text", Value: page.Form.Window}
	}
	if err != nil {
		return nil, err
	}
	entries = entries[max(0, len(entries)-mostEntries):]
	page.fill(entries, all, q)
	return page, nil
}

// parseTimeline reads what the form says.
func parseTimeline(v url.Values, now time.Time) (*timelinePage, api.TimelineQuery, error) {
	page := &timelinePage{Severity: message.Severities(), Form: timelineForm{v.Get("host"), v.Get("app"), v.Get("grep"), v.Get("severity"), v.Get("window"), v.Get("until")}}
	var q api.TimelineQuery
	window, err := chosenOf(v, "window", timelineWindows, func(p period) string { return p.value })
	if err != nil {
		return nil, q, err
	}
	for _, w := range timelineWindows {
		page.Windows = append(page.Windows, option{w.value, w.text})
	}
	page.Form.Window, page.Live = window.value, page.Form.Until == "" && window.span <= longestLive
	until := now
	if text := page.Form.Until; text != "" {
		if until, err = parseMoment(text); err != nil {
			return nil, q, err
		}
	}
	hosts, err := parseFleetQuery(url.Values{"host": {page.Form.Host}})
	if err != nil {
		return nil, q, err
	}
	q, err = api.ParseTimelineQuery(url.Values{
		"host": {hosts.Host}, "app": {page.Form.App}, "grep": {page.Form.Grep}, "severity": {page.Form.Severity}})
	q.Since, q.Until = until.Add(-window.span), until
	return page, q, err
}

// parseMoment reads a time as browsers' forms write it, in UTC.
func parseMoment(text string) (time.Time, error) {
	for _, layout := range []string{"2006-01-02T15:04", "2006-01-02T15:04:05", time.RFC3339} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, nil
		}
	}
	return time.Time{}, &api.QueryError{Parameter: "until", Problem: `not a time in UTC such as "2026-03-01T12:00"`, Value: text}
}

// fill takes in what was found, which is in order.
func (p *timelinePage) fill(entries []api.Entry, all int, q api.TimelineQuery) {
	p.Text = many(all, "message") + " in the order in which they were written."
	if all > len(entries) {
		p.Text = fmt.Sprintf("The last %d of %s, in the order in which they were written.", len(entries), many(all, "message"))
	}
	for i := range entries {
		p.Entries = append(p.Entries, rowOfEntry(&entries[i]))
	}
	if len(entries) > 0 {
		p.draw(entries, q)
	}
}

func rowOfEntry(e *api.Entry) timelineRow {
	row := timelineRow{
		Corrected: e.Corrected.UTC().Format("2006-01-02 15:04:05.000000"), Bound: "not after", Host: report.Printable(nameOfEntry(e)),
		Path: "host?" + url.Values{"name": {nameOfEntry(e)}, "source": {e.Source}}.Encode(), App: report.Printable(e.App), Severity: e.Severity,
		Message: report.Printable(e.Message.Message), Undecided: slices.Contains(e.Undecided, api.UndecidedPrevious), Sent: "no stamp",
		Grave: slices.Contains(graveSeverities, e.Severity),
	}
	if e.Bound != nil {
		row.Bound = "± " + span(*e.Bound)
	}
	if e.Sent != nil {
		row.Sent = *e.Sent
	}
	return row
}

func nameOfEntry(e *api.Entry) string {
	if e.Host == "" {
		return e.Source
	}
	return e.Host
}

// draw makes the chart of the hosts that have most of the messages.
func (p *timelinePage) draw(entries []api.Entry, q api.TimelineQuery) {
	l := plot.Lanes{Title: "when each host wrote its messages", From: entries[0].Corrected, To: q.Until}
	at := map[string]int{}
	for i := range entries {
		e := &entries[i]
		name := report.Printable(nameOfEntry(e))
		lane, known := at[name]
		if !known {
			lane = len(l.Lanes)
			at[name] = lane
			l.Lanes = append(l.Lanes, plot.Lane{Name: name})
		}
		event := plot.Event{At: e.Corrected, High: e.Latest, Grave: slices.Contains(graveSeverities, e.Severity),
			Label: e.Corrected.UTC().Format("15:04:05.000") + " " + report.Clip(e.App+": "+e.Message.Message, 120)}
		if e.Earliest != nil {
			event.Low = *e.Earliest
		}
		l.Lanes[lane].Events = append(l.Lanes[lane].Events, event)
	}
	slices.SortStableFunc(l.Lanes, func(a, b plot.Lane) int { return strings.Compare(a.Name, b.Name) })
	if len(l.Lanes) > mostLanes {
		slices.SortStableFunc(l.Lanes, func(a, b plot.Lane) int { return len(b.Events) - len(a.Events) })
		l.Lanes = l.Lanes[:mostLanes]
	}
	var b strings.Builder
	_ = l.WriteSVG(&b) // a Builder takes everything
	p.Chart = template.HTML(b.String())
}
