package report

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"strconv"
	"strings"
	"unicode"
)

//go:embed report.html
var pageText string

var page = template.Must(template.New("report").Parse(pageText))

// WriteHTML writes the report as one page that needs nothing else, and no script: what it
// rests on, a table with the worst hosts first, and for each that is flagged how its offset
// ran. It prints on A4, and reads in black and white.
func (r *Report) WriteHTML(w io.Writer) error {
	return page.Execute(w, r.page())
}

// A htmlPage is what the template shows.
type htmlPage struct {
	Title    string
	Running  template.CSS // at the foot of each printed page
	Facts    []Fact
	Columns  []string
	Rows     []htmlRow
	Nobody   string // why there are no rows
	Details  []htmlDetail
	Unjudged []unjudged
	Notes    []string
	More     int // flagged hosts that aren't drawn
}

type htmlRow struct {
	Anchor     string // "" if there are no details
	Cells      []string
	Compliance string
}

type htmlDetail struct {
	Anchor      string
	Name        string
	Verdict     string
	Explanation string
	Check       string
	Findings    []string
	Long        bool // so much that it may go over the end of a page
	Chart       template.HTML
}

// mostTogether is how many findings stand on one page with their drawing.
const mostTogether = 80

func (r *Report) page() htmlPage {
	p := htmlPage{
		Title: "Clock skew report", Running: r.running(), Facts: r.facts(), Columns: reportColumns[:],
		Nobody: r.nobody(), Unjudged: r.unjudged(), Notes: r.legend(),
	}
	for i, row := range r.worstFirst() {
		shown := htmlRow{Cells: row.cells(), Compliance: row.Compliance}
		if row.flagged() {
			d := r.detail(row, anchor(i))
			p.Details = append(p.Details, d)
			shown.Anchor = d.Anchor
			if d.Chart == "" {
				p.More++
			}
		}
		p.Rows = append(p.Rows, shown)
	}
	return p
}

func (r *Report) detail(row *Row, anchor string) htmlDetail {
	d := htmlDetail{Anchor: anchor, Name: row.name(), Verdict: row.Verdict, Explanation: Printable(row.Explanation), Check: Printable(row.Check), Findings: mapped(row.findings(), Printable)}
	d.Long = len(d.Findings) > mostTogether
	if s := r.seriesOf(row); s != nil {
		var b strings.Builder
		_ = r.chart(row, s).WriteSVG(&b) // a Builder takes everything
		d.Chart = template.HTML(b.String())
	}
	return d
}

// running says in short what report a page belongs to.
func (r *Report) running() template.CSS {
	h := &r.Header
	return cssString(fmt.Sprintf("Clock skew, %s, by %s, generated %s", r.period(), Printable(h.Collector.Host), moment(&h.Generated, "")))
}

// cssString returns a text as a string of CSS, all but its letters and digits escaped.
func cssString(s string) template.CSS {
	var b strings.Builder
	for _, r := range s {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			b.WriteRune(r)
		} else {
			fmt.Fprintf(&b, `\%06x`, r)
		}
	}
	return template.CSS(`"` + b.String() + `"`)
}

// anchor names the place of a host's details.
func anchor(place int) string { return "host-" + strconv.Itoa(place+1) }
