package report

import (
	"bufio"
	"fmt"
	"io"
	"math"
)

// TableWidth is the width that tables fit into, in columns.
const TableWidth = 100

// tableRow is the layout of a row: host, source, verdict, offset, its interval,
// skew and messages.
const tableRow = "%s %s %-12s %11s %11s %11s %8s %8s\n"

// WriteTable writes the report for a terminal of TableWidth columns: the reference,
// a line a host, and below them what is wrong with those that are not in sync.
func (r *Report) WriteTable(w io.Writer) error {
	b := bufio.NewWriter(w)
	r.writeReference(b)
	fmt.Fprintf(b, tableRow, Cell("HOST", 17), Cell("SOURCE", 15), "VERDICT", "OFFSET s", "LOW s", "HIGH s", "SKEW ppm", "MESSAGES")
	for i := range r.Hosts {
		h := &r.Hosts[i]
		fmt.Fprintf(b, tableRow, Cell(h.Host, 17), Cell(h.Source, 15), h.Verdict,
			Offset(h.Offset), Offset(h.OffsetLow), Offset(h.OffsetHigh), ppm(h.Skew), count(h.Messages))
	}
	r.writeExplanations(b)
	fmt.Fprintln(b, "\nOffset: host clock minus true time; + is ahead. Low is proved; high assumes prompt delivery.")
	return b.Flush()
}

func (r *Report) writeReference(b *bufio.Writer) {
	ref := &r.Header.Reference
	text := "Reference: " + ref.State
	if ref.Source != "" {
		text += ", " + ref.Source
	}
	if ref.Offset != nil && ref.Bound != nil {
		text += fmt.Sprintf(", our clock needs %+.6f s ± %.6f s", *ref.Offset, *ref.Bound)
	}
	fmt.Fprint(b, Wrap("", text), Wrap("  ", ref.Reason), "\n")
}

func (r *Report) writeExplanations(b *bufio.Writer) {
	for i := range r.Hosts {
		h := &r.Hosts[i]
		if h.Verdict == "in-sync" && !h.remarkable() {
			continue
		}
		fmt.Fprint(b, "\n", Wrap("", h.name()+": "+h.Explanation))
		for _, c := range h.Claims {
			fmt.Fprint(b, Wrap("  ", c))
		}
	}
}

// remarkable reports whether anything is said of the host besides that it is behind a
// relay, as hundreds may be.
func (h *Row) remarkable() bool { return len(h.Claims) > 1 || len(h.Claims) == 1 && h.Via == "" }

// name returns the host's name with its source, if that is known.
func (h *Row) name() string {
	name := Clip(h.Host, 64)
	if h.Source != "" {
		name += " (" + h.Source + ")"
	}
	return name
}

// Offset writes an offset in seconds with its sign, in at most 11 columns; "-" if it
// isn't known.
func Offset(v *float64) string {
	if v == nil {
		return "-"
	}
	if math.Abs(*v) < 1e5 {
		return fmt.Sprintf("%+.3f", *v)
	}
	return fmt.Sprintf("%+.0f", *v)
}

func ppm(v *float64) string {
	if v == nil {
		return "-"
	}
	return fmt.Sprintf("%+.1f", *v)
}

// count writes a number of messages in at most 8 columns.
func count(n uint64) string {
	switch {
	case n < 1e7:
		return fmt.Sprint(n)
	case n < 1e10:
		return fmt.Sprintf("%.1fM", float64(n)/1e6)
	}
	return fmt.Sprintf("%.1fG", float64(n)/1e9)
}
