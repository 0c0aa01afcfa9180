package report

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/skewatch/skewatch/analysis"
	"github.com/skewatch/skewatch/analysis/plot"
)

// A Series is how the offset of one originator ran over the period: a point for each
// roll-up that knows it.
type Series struct {
	Host   string  `json:"host"`
	Source string  `json:"source"`
	Trust  string  `json:"trust"`
	Points []Point `json:"points"`
}

// A Point is an offset and the interval that the truth lies in, in seconds, as at the last
// message of a roll-up.
type Point struct {
	At     time.Time `json:"at"`
	Low    float64   `json:"low_seconds"`
	Offset float64   `json:"offset_seconds"`
	High   float64   `json:"high_seconds"`
}

// mostSeries bounds how many series a report has.
const mostSeries = 60

// flagged reports whether there is something to show of a row.
func (r *Row) flagged() bool {
	switch r.Verdict {
	case "in-sync", "insufficient", "no-clock":
		return r.Compliance == "fail" || r.OutOfTolerance > 0 || len(r.Steps) > 0
	}
	return true
}

// worse orders rows by how much they call for attention: failed first, then by the
// magnitude of the offset.
func worse(a, b *Row) int {
	grade := func(r *Row) int {
		switch {
		case r.Compliance == "fail":
			return 0
		case r.flagged():
			return 1
		case r.Compliance == "insufficient":
			return 2
		}
		return 3
	}
	return cmp.Or(cmp.Compare(grade(a), grade(b)), cmp.Compare(magnitude(b.Offset), magnitude(a.Offset)))
}

func magnitude(offset *float64) float64 {
	if offset == nil {
		return -1
	}
	return math.Abs(*offset)
}

// worstFirst returns the rows in the order in which people should look at them.
func (r *Report) worstFirst() []*Row {
	rows := make([]*Row, len(r.Hosts))
	for i := range r.Hosts {
		rows[i] = &r.Hosts[i]
	}
	slices.SortStableFunc(rows, worse)
	return rows
}

// An Album gathers the series of originators, worst first and no more than 60.
type Album struct {
	series []Series
	pages  map[string]albumPage // by key
}

// An albumPage is where an originator's points go, and from which start on they aren't taken as
// stored.
type albumPage struct {
	series    int
	unsettled int64
}

// NewAlbum returns an album without points for the rows that a builder has made: those that
// the report flags, or all.
func (b *Builder) NewAlbum(rows []Row, all bool) *Album {
	shown := (&Report{Hosts: rows}).worstFirst()
	shown = slices.DeleteFunc(shown, func(r *Row) bool { return !all && !r.flagged() })
	shown = shown[:min(len(shown), mostSeries)]
	a := &Album{pages: map[string]albumPage{}}
	for _, r := range shown {
		a.series = append(a.series, Series{Host: r.Host, Source: r.Source, Trust: r.Trust, Points: []Point{}})
	}
	for key, account := range b.accounts {
		i := account.identity
		at := slices.IndexFunc(a.series, func(s Series) bool {
			return s.Host == i.Host && s.Source == i.Source && s.Trust == account.trust()
		})
		if at >= 0 {
			a.pages[key] = albumPage{at, account.unsettled}
		}
	}
	return a
}

// Part returns an album of the same originators without points, for a part of the period.
// Several may be filled at once.
func (a *Album) Part() *Album {
	part := &Album{series: slices.Clone(a.series), pages: a.pages}
	for i := range part.series {
		part.series[i].Points = nil
	}
	return part
}

// Join takes in what a part has gathered, which must come after all that the album has.
func (a *Album) Join(part *Album) {
	for i := range part.series {
		a.series[i].Points = append(a.series[i].Points, part.series[i].Points...)
	}
}

// Add takes in an encoded roll-up of any originator, unless it is unsettled. Those of one
// must come in order of time.
func (a *Album) Add(start int64, key, blob []byte) error {
	at, wanted := a.pages[string(key)]
	if !wanted || start >= at.unsettled {
		return nil
	}
	var r analysis.RollUp
	if err := r.UnmarshalBinary(blob); err != nil {
		return err
	}
	a.add(at.series, &r)
	return nil
}

// AddRecent takes in a roll-up that isn't stored as it is.
func (a *Album) AddRecent(r *analysis.KeyedRollUp) {
	if at, wanted := a.pages[r.Key]; wanted {
		a.add(at.series, &r.RollUp)
	}
}

func (a *Album) add(at int, r *analysis.RollUp) {
	if !r.Known || r.Messages == 0 {
		return
	}
	p := Point{
		At: time.Unix(0, r.Last).UTC(), Low: seconds(r.Interval.Low), Offset: seconds(r.Interval.Offset), High: seconds(r.Interval.High),
	}
	a.series[at].Points = append(a.series[at].Points, p)
}

// Series returns what was gathered.
func (a *Album) Series() []Series { return a.series }

// chart returns the drawing of a series.
func (r *Report) chart(row *Row, s *Series) *plot.Chart {
	c := &plot.Chart{Title: "offset of " + Printable(row.name()) + " in the period", Tolerance: r.Header.Profile.Warn}
	for _, p := range s.Points {
		c.Points = append(c.Points, plot.Point{At: p.At, Low: p.Low, Offset: p.Offset, High: p.High})
	}
	c.From, c.To = r.span(s.Points)
	for _, step := range row.Steps {
		c.Marks = append(c.Marks, plot.Mark{At: step.At, Label: "set by " + Offset(&step.Seconds) + " s at " + moment(&step.At, "")})
	}
	return c
}

// span returns the period, as far as it isn't open, else that of the points.
func (r *Report) span(points []Point) (from, to time.Time) {
	if len(points) > 0 {
		from, to = points[0].At, points[len(points)-1].At
	}
	if p := &r.Header.Effective; p.Since != nil {
		from = *p.Since
		if p.Until != nil {
			to = *p.Until
		} else {
			to = r.Header.Generated
		}
	}
	return from, to
}

// seriesOf returns the series of a row, nil if there is none.
func (r *Report) seriesOf(row *Row) *Series {
	i := slices.IndexFunc(r.Series, func(s Series) bool {
		return s.Host == row.Host && s.Source == row.Source && s.Trust == row.Trust
	})
	if i < 0 || len(r.Series[i].Points) == 0 {
		return nil
	}
	return &r.Series[i]
}
