package pages

import (
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/skewatch/skewatch/analysis/plot"
	"github.com/skewatch/skewatch/analysis/report"
	"github.com/skewatch/skewatch/cmd/internal/api"
	"github.com/skewatch/skewatch/ntpcheck"
)

// A referencePage shows the collector's own clock.
type referencePage struct {
	Status  ntpcheck.Status
	Facts   []fact
	Sources []sourceRow
	Windows []link
	Chart   template.HTML
	Points  []api.ReferencePoint // newest first, as far as they differ in state, or each hour's first
	Events  []report.ClockEvent  // newest first
}

// A sourceRow is one source as `skewatch sources` prints it.
type sourceRow struct {
	Address, State, Class, Stratum, Poll, Reach, Offset, Delay, Jitter, Distance, Authentication, Reason string
}

func (p *Pages) reference(r *http.Request) (any, error) {
	window, err := windowOf(r.URL.Query())
	if err != nil {
		return nil, err
	}
	status, err := p.desk.Sources(r.Context())
	if err != nil {
		return nil, err
	}
	now := time.Now()
	since := now.Add(-window.span)
	history, err := p.desk.Reference(r.Context(), api.Query{Since: since})
	if err != nil {
		return nil, err
	}
	page := &referencePage{Status: status, Windows: windowLinks(r.URL, window), Events: slices.Clone(history.Events), Facts: referenceFacts(&status)}
	slices.Reverse(page.Events)
	for i := range status.Sources {
		page.Sources = append(page.Sources, sourceRowOf(&status.Sources[i]))
	}
	page.draw(history, since, now)
	return page, nil
}

// draw makes the chart of the reference's offset with its bound.
func (p *referencePage) draw(h *api.ReferenceHistory, from, to time.Time) {
	if len(h.Points) > 0 && h.Points[0].At.After(from) {
		from = h.Points[0].At
	}
	c := plot.Chart{Title: "what had to be added to the collector's clock", Sign: "To be added to our clock: + if it is behind", From: from, To: to, Values: true}
	state := ""
	var hour time.Time
	for _, point := range h.Points {
		if point.State != state || point.At.Sub(hour) >= time.Hour {
			p.Points = append(p.Points, point)
			state, hour = point.State, point.At
		}
		if point.Offset != nil && point.Bound != nil {
			c.Points = append(c.Points, plot.Point{At: point.At, Low: *point.Offset - *point.Bound, Offset: *point.Offset, High: *point.Offset + *point.Bound})
		}
	}
	slices.Reverse(p.Points)
	for _, e := range h.Events {
		if e.Seconds != 0 {
			c.Marks = append(c.Marks, plot.Mark{At: e.At, Label: e.Text})
		}
	}
	var b strings.Builder
	_ = c.WriteSVG(&b) // a Builder takes everything
	p.Chart = template.HTML(b.String())
}

func referenceFacts(s *ntpcheck.Status) (facts []fact) {
	add := func(name, format string, values ...any) {
		facts = append(facts, fact{name, fmt.Sprintf(format, values...)})
	}
	r := &s.Reference
	add("State", "%s", r.State)
	if r.OffsetSeconds != nil && r.BoundSeconds != nil {
		add("To be added to our clock", "%s ± %s", plot.Offset(*r.OffsetSeconds), span(*r.BoundSeconds))
	}
	if r.Source != "" {
		add("By", "%s", r.Source)
	}
	if r.Stratum != nil {
		add("Stratum", "%d", *r.Stratum)
	}
	if r.RatePPM != nil && r.RateBoundPPM != nil {
		add("Our clock's own rate", "%s ppm ± %.2g ppm (+ loses)", ppm(*r.RatePPM), *r.RateBoundPPM)
	}
	if k := &s.Kernel; k.Synchronised != nil {
		word := "not synchronised"
		if *k.Synchronised {
			word = "synchronised, within " + span(orZero(k.MaxErrorSeconds))
		}
		add("The kernel says", "%s", word)
	}
	for _, text := range s.Contradictions {
		add("Contradiction", "%s", text)
	}
	return facts
}

// sourceClasses are how grave the states of a source are.
var sourceClasses = map[ntpcheck.SourceState]string{
	ntpcheck.Selected: classFine, ntpcheck.Combined: classFine, ntpcheck.Candidate: classUnknown,
	ntpcheck.Falseticker: classCrit, ntpcheck.Refused: classWarn, ntpcheck.Unreachable: classWarn,
}

func sourceRowOf(s *ntpcheck.SourceStatus) sourceRow {
	r := sourceRow{
		Address: s.Address, State: s.State.String(), Class: sourceClasses[s.State], Poll: span(s.PollSeconds), Reach: s.Reach,
		Offset: offset(s.OffsetSeconds), Delay: spanOf(s.DelaySeconds), Jitter: spanOf(s.JitterSeconds),
		Distance: spanOf(s.RootDistanceSeconds), Reason: s.Reason, Authentication: "no",
	}
	if s.Stratum != nil {
		r.Stratum = fmt.Sprint(*s.Stratum)
	}
	if s.Authenticated {
		r.Authentication = "yes"
	}
	return r
}

// spanOf writes a length of time, "" if it isn't known.
func spanOf(seconds *float64) string {
	if seconds == nil {
		return ""
	}
	return span(*seconds)
}
