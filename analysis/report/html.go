package report

import (
	_ "embed"
	"html/template"
	"io"
	"strconv"
	"strings"
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
	Title   string
	Facts   []Fact
	Columns []string
	Rows    []htmlRow
	Details []htmlDetail
	Notes   []string
	More    int // flagged hosts that aren't drawn
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
	Findings    []string
	Chart       template.HTML
}

func (r *Report) page() htmlPage {
	p := htmlPage{Title: "Clock skew report", Facts: r.facts(), Columns: reportColumns[:], Notes: r.Header.Notes}
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
	d := htmlDetail{Anchor: anchor, Name: row.name(), Verdict: row.Verdict, Explanation: Printable(row.Explanation), Findings: mapped(row.findings(), Printable)}
	if s := r.seriesOf(row); s != nil {
		var b strings.Builder
		_ = r.chart(row, s).WriteSVG(&b) // a Builder takes everything
		d.Chart = template.HTML(b.String())
	}
	return d
}

// anchor names the place of a host's details.
func anchor(place int) string { return "host-" + strconv.Itoa(place+1) }
