package pages

import (
	"cmp"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/skewatch/skewatch/analysis/plot"
	"github.com/skewatch/skewatch/cmd/internal/api"
)

// mostRows is how many hosts one page shows.
const mostRows = 2000

// A fleetPage shows every host.
type fleetPage struct {
	Summary summary
	Query   fleetQuery
	Columns []column
	Groups  []group
	Ticks   []plot.Tick
	Marks   []marks
	More    int // hosts that aren't shown
	Seq     uint64
}

// A fleetQuery is how the hosts are chosen and put in order.
type fleetQuery struct {
	Host    string
	Verdict string
	Sort    string
	Down    bool // from the largest
	Group   bool
}

// A group is hosts with the same verdict, or all.
type group struct {
	Name string // "" if there are no groups
	Rows []template.HTML
}

// A column is the head of one.
type column struct {
	Name    string
	Class   string
	Link    string
	Sorted  string // ascending or descending, "" if not by this one
	Title   string
	HasAxis bool
}

// marks are what shows a tolerance on the common axis.
type marks struct{ ID, Path string }

// The orders of hosts. The first is taken if none is asked for.
const (
	sortWorst   = "worst"
	sortHost    = "host"
	sortVerdict = "verdict"
	sortOffset  = "offset"
	sortSkew    = "skew"
	sortSeen    = "seen"
)

var sorts = []string{sortWorst, sortHost, sortVerdict, sortOffset, sortSkew, sortSeen}

func (p *Pages) fleet(r *http.Request) (any, error) {
	q, err := parseFleetQuery(r.URL.Query())
	if err != nil {
		return nil, err
	}
	view, err := p.board.look(r.Context())
	if err == nil && view.omitted > 0 && q.Host != "" {
		view, err = newBoard(p.board.ending, p.desk, q.Host).look(r.Context())
	}
	if err != nil {
		return nil, err
	}
	f := fleetPage{Summary: view.summary, Query: q, Columns: q.columns(), Ticks: plot.AxisTicks(), Seq: view.seq,
		Marks: view.marks}
	hosts := view.chosen(&q)
	f.More = view.omitted + max(0, len(hosts)-mostRows)
	hosts = hosts[:min(len(hosts), mostRows)]
	f.Groups = q.groups(hosts)
	return f, nil
}

func parseFleetQuery(v url.Values) (fleetQuery, error) {
	q := fleetQuery{Host: strings.ToLower(strings.TrimSpace(v.Get("host"))), Verdict: v.Get("verdict"), Sort: cmp.Or(v.Get("sort"), sortWorst), Group: v.Get("group") != ""}
	if !slices.Contains(sorts, q.Sort) {
		return q, &api.QueryError{Parameter: "sort", Problem: "not an order: known are " + strings.Join(sorts, ", "), Value: q.Sort}
	}
	q.Down = v.Get("down") != ""
	if q.Host != "" && !strings.ContainsAny(q.Host, `*?[\`) {
		q.Host = "*" + q.Host + "*" // what somebody types is a part of the name
	}
	_, err := api.ParseClocksQuery(url.Values{"host": {q.Host}})
	return q, err
}

// values returns the query as URL parameters.
func (q fleetQuery) values() url.Values {
	v := url.Values{}
	set := func(name, value string, given bool) {
		if given {
			v.Set(name, value)
		}
	}
	set("host", q.Host, q.Host != "")
	set("verdict", q.Verdict, q.Verdict != "")
	set("sort", q.Sort, q.Sort != sortWorst)
	set("down", "1", q.Down)
	set("group", "1", q.Group)
	return v
}

// link returns the path of the page with this query.
func (q fleetQuery) link() string {
	if v := q.values().Encode(); v != "" {
		return "/?" + v
	}
	return "/"
}

// columns returns the heads: each sorts by its column, and once sorted the other way round.
func (q fleetQuery) columns() []column {
	all := []column{
		{Name: "Host", Link: sortHost},
		{Name: "Verdict", Link: sortVerdict},
		{Name: "behind ← offset → ahead", Class: "axis", HasAxis: true, Title: "The bar is what the truth lies in, the dot the offset, the thin lines the tolerance."},
		{Name: "Offset", Class: "n", Link: sortOffset, Title: "Host clock minus true time: + is ahead."},
		{Name: "Skew, ppm", Class: "n", Link: sortSkew, Title: "How fast the clock gains; 1 ppm is 86 ms a day."},
		{Name: "Last 2 h", Class: "n", Title: "How the offset ran; the height is a fifth of the tolerance at least."},
		{Name: "Seen", Class: "n", Link: sortSeen, Title: "How long ago the newest message arrived."},
	}
	for i := range all {
		c := &all[i]
		if c.Link == "" {
			continue
		}
		by := q
		by.Sort, by.Down = c.Link, false
		if q.Sort == c.Link {
			by.Down = !q.Down
			c.Sorted = "ascending"
			if q.Down {
				c.Sorted = "descending"
			}
		}
		c.Link = by.link()
	}
	return all
}

// groups puts hosts together that have the same verdict, in the order of the first of each.
func (q *fleetQuery) groups(hosts []*entry) (groups []group) {
	at := map[string]int{}
	for _, e := range hosts {
		name := ""
		if q.Group {
			name = e.row.Verdict
		}
		i, known := at[name]
		if !known {
			i = len(groups)
			at[name] = i
			groups = append(groups, group{Name: name})
		}
		groups[i].Rows = append(groups[i].Rows, e.html)
	}
	for i := range groups {
		if q.Group {
			groups[i].Name += ": " + many(len(groups[i].Rows), "host")
		}
	}
	return groups
}

// Verdicts returns the verdicts that hosts have, for the form.
func (f fleetPage) Verdicts() []count { return f.Summary.Counts }
