package report

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"strings"
	"unicode"
	"unicode/utf8"
)

// TableWidth is the width that tables fit into, in columns.
const TableWidth = 100

// tableRow is the layout of a row: host, source, verdict, offset, its interval,
// skew and messages.
const tableRow = "%-18s %-15s %-12s %11s %11s %11s %8s %7s\n"

// WriteTable writes the report for a terminal of TableWidth columns: the reference,
// a line a host, and below them what is wrong with those that are not in sync.
func (r *Report) WriteTable(w io.Writer) error {
	b := bufio.NewWriter(w)
	r.writeReference(b)
	fmt.Fprintf(b, tableRow, "HOST", "SOURCE", "VERDICT", "OFFSET s", "LOW s", "HIGH s", "SKEW ppm", "MESSAGES")
	for i := range r.Hosts {
		h := &r.Hosts[i]
		fmt.Fprintf(b, tableRow, Clip(h.Host, 18), Clip(h.Source, 15), h.Verdict,
			Offset(h.Offset), Offset(h.OffsetLow), Offset(h.OffsetHigh), ppm(h.Skew), count(h.Messages))
	}
	r.writeExplanations(b)
	fmt.Fprintln(b, "\nOffset: host clock minus true time; + is ahead. Low is proved; high assumes prompt delivery.")
	return b.Flush()
}

func (r *Report) writeReference(b *bufio.Writer) {
	ref := &r.Header.Reference
	fmt.Fprintf(b, "Reference: %s", ref.State)
	if ref.Source != "" {
		fmt.Fprintf(b, ", %s", ref.Source)
	}
	if ref.Offset != nil && ref.Bound != nil {
		fmt.Fprintf(b, ", our clock needs %+.6f s ± %.6f s", *ref.Offset, *ref.Bound)
	}
	if ref.Reason != "" {
		fmt.Fprintf(b, "\n  %s", ref.Reason)
	}
	fmt.Fprint(b, "\n\n")
}

func (r *Report) writeExplanations(b *bufio.Writer) {
	for i := range r.Hosts {
		h := &r.Hosts[i]
		if h.Verdict == "in-sync" && len(h.Claims) == 0 {
			continue
		}
		fmt.Fprintln(b)
		wrap(b, fmt.Sprintf("%s (%s): %s", Printable(h.Host), h.Source, h.Explanation))
		for _, c := range h.Claims {
			wrap(b, "  "+Printable(c))
		}
	}
}

// wrap writes a text in lines of TableWidth columns, further ones indented.
func wrap(b *bufio.Writer, text string) {
	indent := text[:len(text)-len(strings.TrimLeft(text, " "))]
	width := 0
	for i, word := range strings.Fields(text) {
		n := utf8.RuneCountInString(word)
		switch {
		case i == 0:
			fmt.Fprint(b, indent)
			width = len(indent)
		case width+1+n > TableWidth:
			fmt.Fprint(b, "\n", indent, "  ")
			width = len(indent) + 2
		default:
			fmt.Fprint(b, " ")
			width++
		}
		fmt.Fprint(b, word)
		width += n
	}
	fmt.Fprintln(b)
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

// count writes a number of messages in at most 7 columns.
func count(n uint64) string {
	switch {
	case n < 1e7:
		return fmt.Sprint(n)
	case n < 1e10:
		return fmt.Sprintf("%.1fM", float64(n)/1e6)
	}
	return fmt.Sprintf("%.1fG", float64(n)/1e9)
}

// Clip shortens a text to so many columns, and makes it printable.
func Clip(s string, columns int) string {
	s = Printable(s)
	if utf8.RuneCountInString(s) <= columns {
		return s
	}
	return string([]rune(s)[:columns-1]) + "…"
}

// Printable replaces what could move the cursor, change colours or reverse the
// writing: a host's name is whatever somebody sent.
func Printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '\uFFFD'
	}, s)
}
