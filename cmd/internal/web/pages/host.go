package pages

import (
	"cmp"
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
)

// A hostPage shows one host's clock.
type hostPage struct {
	Name     string
	Row      *report.Row
	Clock    *api.HostClock // now; nil if it isn't judged any more
	Open     *api.Warning   // the one that stands; nil without
	Class    string
	Others   []other // that bear the same name
	Windows  []link
	Facts    []fact
	Chart    template.HTML
	Points   []report.Point // newest first
	Findings []string
	Events   []api.Event // newest first
	Messages []api.Message
	RawFrom  time.Time // from when on single messages are drawn; zero for none
}

// A fact is one thing that is known.
type fact struct{ Name, Value string }

// A link leads to another page; the one that is shown already is marked.
type link struct {
	Text, Path string
	Here       bool
}

// An other is another sender of the same name.
type other struct{ Source, Trust, Verdict, Path string }

// windows are the periods that a page can show, the first if none is chosen.
var windows = []period{{"6h", "6 h", 6 * time.Hour}, {"1h", "1 h", time.Hour}, {"24h", "24 h", 24 * time.Hour}, {"7d", "7 d", 7 * 24 * time.Hour}, {"30d", "30 d", 30 * 24 * time.Hour}}

// windowOf returns the period that is asked for.
func windowOf(v url.Values) (period, error) {
	return chosenOf(v, "window", windows, func(p period) string { return p.value })
}

// windowLinks returns the links to the same page with another period.
func windowLinks(u *url.URL, now period) (links []link) {
	inOrder := slices.SortedFunc(slices.Values(windows), func(a, b period) int { return cmp.Compare(a.span, b.span) })
	for _, w := range inOrder {
		v := u.Query()
		v.Set("window", w.value)
		links = append(links, link{w.text, u.Path + "?" + v.Encode(), w == now})
	}
	return links
}

func (p *Pages) host(r *http.Request) (any, error) {
	v := r.URL.Query()
	name := v.Get("name")
	if name == "" {
		return nil, &api.QueryError{Parameter: "name", Problem: "missing: whose page is it", Value: name}
	}
	window, err := windowOf(v)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	q := api.Query{Host: api.GlobOf(name), Since: now.Add(-window.span)}
	rep, err := p.desk.Report(r.Context(), api.ReportQuery{Query: q, Series: api.SeriesAll})
	if err != nil {
		return nil, err
	}
	h := &hostPage{Name: report.Printable(name), Windows: windowLinks(r.URL, window)}
	if err := p.pick(r, h, rep.Hosts, v.Get("source")); err != nil {
		return nil, err
	}
	if h.Row == nil && h.Clock == nil {
		return nil, &missing{fmt.Sprintf("Nothing is known of a host named %q in the last %s.", report.Printable(name), window.text)}
	}
	return h, p.fill(r.Context(), h, rep, q, now)
}

// pick chooses the sender that is shown of those that bear the name.
func (p *Pages) pick(r *http.Request, h *hostPage, rows []report.Row, source string) error {
	clocks, err := p.desk.Clocks(r.Context(), api.ClocksQuery{Host: api.GlobOf(r.URL.Query().Get("name"))})
	if err != nil {
		return err
	}
	for i := range clocks.Hosts {
		if c := &clocks.Hosts[i]; h.Clock == nil && (source == "" || c.Source == source) {
			h.Clock, h.Class = c, classOf(c)
		}
	}
	if h.Clock != nil {
		source = h.Clock.Source
	}
	for i := range rows {
		row := &rows[i]
		if h.Row == nil && (source == "" || row.Source == source) {
			h.Row = row
			continue
		}
		path := "/host?" + url.Values{"name": {row.Host}, "source": {row.Source}}.Encode()
		h.Others = append(h.Others, other{row.Source, row.Trust, row.Verdict, path})
	}
	return nil
}

// fill gathers what the page shows of the sender.
func (p *Pages) fill(ctx context.Context, h *hostPage, rep *report.Report, q api.Query, now time.Time) error {
	h.Facts = h.facts()
	of := func(source string) bool { return h.Row == nil || source == h.Row.Source }
	err := p.desk.Events(ctx, q, func(e api.Event) error {
		if of(e.Source) {
			h.Events = append(h.Events, e)
		}
		return nil
	})
	if err != nil {
		return err
	}
	slices.Reverse(h.Events)
	open, err := p.desk.Warnings(ctx, api.Query{Host: q.Host})
	if err != nil {
		return err
	}
	for i := range open {
		if of(open[i].Source) {
			h.Open = &open[i]
		}
	}
	if h.Row == nil {
		return nil
	}
	if first := h.Row.First; first != nil && first.After(q.Since) {
		q.Since = *first // a young host's course fills the chart
	}
	raw, err := p.rawPoints(ctx, h, q, now)
	if err != nil {
		return err
	}
	h.draw(rep, raw, q.Since, now)
	return p.recent(ctx, h, q, now)
}

// draw makes the chart, and lists what is in it.
func (h *hostPage) draw(rep *report.Report, raw []plot.Dot, from, to time.Time) {
	c := plot.Chart{Title: "offset of " + h.Name, From: from, To: to, Raw: raw, Values: true}
	if h.Clock != nil {
		c.Tolerance = h.Clock.Tolerance
	}
	for i := range rep.Series {
		s := &rep.Series[i]
		if s.Source != h.Row.Source || s.Trust != h.Row.Trust {
			continue
		}
		for _, point := range s.Points {
			c.Points = append(c.Points, plot.Point{At: point.At, Low: point.Low, Offset: point.Offset, High: point.High})
		}
		h.Points = slices.Clone(s.Points)
		slices.Reverse(h.Points)
	}
	for _, s := range h.Row.Steps {
		text := "set by " + plot.Offset(s.Seconds)
		c.Marks = append(c.Marks, plot.Mark{At: s.At, Label: text + " at " + moment(s.At)})
		h.Findings = append(h.Findings, moment(s.At)+" UTC: the clock was "+text)
	}
	for _, b := range h.Row.Backlogs {
		text := fmt.Sprintf("a queue of %d messages was flushed, the oldest %s late", b.Messages, span(b.Oldest))
		c.Spans = append(c.Spans, plot.Span{From: b.From, To: b.To, Label: text})
		h.Findings = append(h.Findings, moment(b.From)+" UTC: "+text)
	}
	for _, e := range h.Events {
		if e.Event != "clear" {
			c.Marks = append(c.Marks, plot.Mark{At: e.Time, Label: e.Event + " " + e.Severity + " at " + moment(e.Time) + ": " + report.Printable(e.Verdict), Kind: plot.Warning})
		}
	}
	var b strings.Builder
	_ = c.WriteSVG(&b) // a Builder takes everything
	h.Chart = template.HTML(b.String())
}

// The bounds of what is read of single messages for one page.
const (
	mostRaw     = 40_000 // messages
	rawReach    = 6 * time.Hour
	rawWithin   = time.Second // for which they are read
	rawColumns  = 640         // of the chart: what lies in one column is drawn as its ends
	mostRecent  = 25          // messages shown
	recentLeast = time.Minute
)

// rawPoints returns the leads of single messages, stamp minus receipt, thinned to what can
// be seen. A host that says much has them for the last minutes only.
func (p *Pages) rawPoints(ctx context.Context, h *hostPage, q api.Query, now time.Time) ([]plot.Dot, error) {
	reach := min(now.Sub(q.Since), rawReach)
	if rate := float64(h.Row.Messages) / max(1, h.spoken().Seconds()); rate*reach.Seconds() > mostRaw {
		reach = time.Duration(mostRaw / rate * float64(time.Second))
	}
	q.Since = now.Add(-reach)
	within, end := context.WithTimeout(ctx, rawWithin)
	defer end()
	t := thinner{from: q.Since, column: max(1, now.Sub(q.Since)/rawColumns)}
	err := p.desk.Messages(within, q, func(m api.Message) error {
		if m.Source == h.Row.Source {
			t.add(&m)
		}
		return nil
	})
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		err = nil // what was read is drawn
	}
	h.RawFrom = q.Since
	return t.flush(), err
}

// spoken returns for how long the host spoke in the period.
func (h *hostPage) spoken() time.Duration {
	if h.Row.First == nil || h.Row.Last == nil {
		return 0
	}
	return h.Row.Last.Sub(*h.Row.First)
}

// recent gathers the newest messages, looking further and further back.
func (p *Pages) recent(ctx context.Context, h *hostPage, q api.Query, now time.Time) error {
	all := now.Sub(q.Since)
	for reach := min(recentLeast, all); len(h.Messages) < mostRecent; reach = min(8*reach, all) {
		h.Messages = h.Messages[:0]
		some := q
		some.Since = now.Add(-reach)
		err := p.desk.Messages(ctx, some, func(m api.Message) error {
			if m.Source == h.Row.Source {
				h.Messages = append(h.Messages, m)
			}
			if len(h.Messages) >= 2*mostRecent {
				h.Messages = append(h.Messages[:0], h.Messages[mostRecent:]...)
			}
			return nil
		})
		if err != nil {
			return err
		}
		if reach == all {
			break
		}
	}
	h.Messages = h.Messages[max(0, len(h.Messages)-mostRecent):]
	slices.Reverse(h.Messages)
	return nil
}

// facts lists what is known of the host and its clock.
func (h *hostPage) facts() (facts []fact) {
	add := func(name, value string) {
		if value != "" {
			facts = append(facts, fact{name, report.Printable(value)})
		}
	}
	if c := h.Clock; c != nil && c.Offset != nil {
		add("Offset", fmt.Sprintf("%s, between %s and %s", plot.Offset(*c.Offset), plot.Offset(*c.OffsetLow), plot.Offset(*c.OffsetHigh)))
		if c.Skew != nil {
			add("Skew", fmt.Sprintf("%s ppm ± %s ppm", ppm(*c.Skew), strings.TrimPrefix(ppm(*c.SkewBound), "+")))
		}
		add("Tolerance", "± "+span(c.Tolerance))
	}
	r := h.Row
	if r == nil {
		return facts
	}
	add("Messages", fmt.Sprint(r.Messages))
	add("Sent from", r.Source)
	add("Through the relay", r.Via)
	add("Trust", trustWords[r.Trust])
	add("Stamps", stampWords(r))
	if r.OffsetMax != nil {
		add("In the period", fmt.Sprintf("median %s, 95 %% within ± %s, at most %s", offset(r.OffsetP50), span(*r.OffsetP95), offset(r.OffsetMax)))
	}
	if r.OutOfTolerance > 0 {
		add("Out of tolerance for", span(r.OutOfTolerance))
	}
	for _, claim := range r.Claims {
		add("Says of itself", claim)
	}
	return facts
}

var trustWords = map[string]string{
	"certificate": "certificate: a client certificate names it",
	"handshake":   "handshake: a completed TCP handshake vouches for its address",
	"udp":         "UDP: anybody can forge its address",
}

// stampWords says what stamps a host writes.
func stampWords(r *report.Row) string {
	text := r.StampFormat
	if r.Resolution != nil {
		text += ", to " + span(*r.Resolution)
	}
	if r.Zone != "" {
		text += ", zone " + r.Zone
	}
	return text
}
