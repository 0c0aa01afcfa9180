package pages

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/skewatch/skewatch/analysis"
	"github.com/skewatch/skewatch/analysis/report"
	"github.com/skewatch/skewatch/cmd/internal/access"
	"github.com/skewatch/skewatch/cmd/internal/api"
)

// A warningsPage shows what is warned of, who sees to it, and what happened lately.
type warningsPage struct {
	Class, Text string
	Open        []openWarning
	Mutes       []api.Mute
	Events      []api.Event // newest first
	Spans       []option
	MayChange   bool
	Author      string // who asks; "" if that isn't known
}

// An openWarning is one that stands.
type openWarning struct {
	api.Warning
	Name string
	Path string
}

// The events that the page shows: those of a week at most.
const (
	mostEvents   = 100
	eventsReach  = 7 * 24 * time.Hour
	longestReach = 366 * 24 // hours of a mute
)

// muteSpans is for how long people acknowledge and silence, in hours.
var muteSpans = []option{{"24", "a day"}, {"1", "an hour"}, {"4", "4 hours"}, {"8", "8 hours"}, {"72", "3 days"}, {"168", "a week"}}

func (p *Pages) warnings(r *http.Request) (any, error) {
	caller := access.Of(r.Context())
	page := &warningsPage{Spans: muteSpans, MayChange: caller.Role == access.Admin}
	if caller.Named() {
		page.Author = caller.Name
	}
	open, err := p.desk.Warnings(r.Context(), api.Query{})
	if err != nil {
		return nil, err
	}
	page.list(open)
	for _, kind := range []analysis.MuteKind{analysis.Silence, analysis.Acknowledgement} {
		mutes, err := p.desk.Mutes(r.Context(), api.MuteQuery{Kind: kind})
		if err != nil {
			return nil, err
		}
		page.Mutes = append(page.Mutes, mutes...)
	}
	err = p.desk.Events(r.Context(), api.Query{Since: time.Now().Add(-eventsReach)}, func(e api.Event) error {
		if page.Events = append(page.Events, e); len(page.Events) == 2*mostEvents {
			page.Events = append(page.Events[:0], page.Events[mostEvents:]...)
		}
		return nil
	})
	page.Events = page.Events[max(0, len(page.Events)-mostEvents):]
	slices.Reverse(page.Events)
	return page, err
}

// list takes in the open warnings: what nobody sees to first.
func (p *warningsPage) list(open []api.Warning) {
	p.Class, p.Text = classFine, "Nothing is warned of."
	unseen := 0
	for _, w := range open {
		if w.Acknowledged == nil && w.Silenced == nil {
			unseen++
		}
		if p.Class != classCrit {
			p.Class = w.Severity
		}
		p.Open = append(p.Open, openWarning{w, nameOf(&w), "/host?" + url.Values{"name": {w.Host}, "source": {w.Source}}.Encode()})
	}
	slices.SortStableFunc(p.Open, func(a, b openWarning) int { return order(a.seen()) - order(b.seen()) })
	switch {
	case len(open) == 0:
	case unseen == len(open):
		p.Text = many(len(open), "warning") + " open."
	case unseen == 0:
		p.Text = many(len(open), "warning") + " open, all silenced or seen to."
	default:
		p.Text = fmt.Sprintf("%s open, and nobody sees to %d of them.", many(len(open), "warning"), unseen)
	}
}

func (w *openWarning) seen() bool { return w.Acknowledged != nil || w.Silenced != nil }

// nameOf names whom a warning is about.
func nameOf(w *api.Warning) string {
	if w.Host == "" {
		return "several hosts"
	}
	return report.Printable(w.Host)
}

func order(last bool) int {
	if last {
		return 1
	}
	return 0
}

// order returns what carries out the order of a form and leads back to the warnings.
func (p *Pages) order(do func(*http.Request) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := do(r); err != nil {
			p.refuse(w, r, err)
			return
		}
		http.Redirect(w, r, "/warnings", http.StatusSeeOther)
	})
}

func (p *Pages) acknowledge(r *http.Request) error {
	span, err := spanIn(r)
	if err != nil {
		return err
	}
	_, err = p.desk.Acknowledge(r.Context(), api.AcknowledgeOrder{
		Host: r.PostFormValue("host"), Source: r.PostFormValue("source"), Span: span, Signature: signatureIn(r)})
	return err
}

func (p *Pages) silence(r *http.Request) error {
	span, err := spanIn(r)
	if err != nil {
		return err
	}
	_, err = p.desk.Silence(r.Context(), api.SilenceOrder{Host: r.PostFormValue("host"), Span: span, Signature: signatureIn(r)})
	return err
}

func (p *Pages) unmute(r *http.Request) error {
	kind := analysis.Silence
	if r.PostFormValue("kind") == analysis.Acknowledgement.String() {
		kind = analysis.Acknowledgement
	}
	id, err := strconv.ParseUint(r.PostFormValue("id"), 10, 64)
	if err != nil {
		return analysis.ErrNoMute
	}
	_, err = p.desk.Unmute(r.Context(), api.UnmuteOrder{Kind: kind, ID: id, Author: signatureIn(r).Author})
	return err
}

// spanIn returns for how long a form's order holds.
func spanIn(r *http.Request) (api.Span, error) {
	text := r.PostFormValue("hours")
	hours, err := strconv.ParseFloat(text, 64)
	if err != nil || !(hours > 0 && hours <= longestReach) {
		return api.Span{}, &api.QueryError{Parameter: "hours", Problem: "not a number of hours up to a year", Value: text}
	}
	return api.Span{For: hours * 3600}, nil
}

func signatureIn(r *http.Request) api.Signature {
	return api.Signature{Author: access.Author(r.Context(), r.PostFormValue("author")), Comment: r.PostFormValue("comment")}
}
