package report

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"time"
)

// TableWidth is the width that tables fit into, in columns.
const TableWidth = 100

// tableRow is the layout of a row: host, source, verdict, offset, its interval,
// skew, and messages or compliance.
const tableRow = "%s %s %-12s %11s %11s %11s %8s %s\n"

// WriteTable writes the report for a terminal of TableWidth columns: the reference,
// a line a host, and below them what is wrong with those that are not in sync. Where a
// profile was asked for, compliance stands in the place of the number of messages.
func (r *Report) WriteTable(w io.Writer) error {
	b := bufio.NewWriter(w)
	if r.Header.Simulated {
		fmt.Fprintf(b, "SIMULATED: %s\n", MadeUp)
	}
	r.writeReference(b)
	r.writeScope(b)
	if len(r.Hosts) == 0 {
		fmt.Fprint(b, "\n", r.nobody())
		return b.Flush()
	}
	host, last := 17, "MESSAGES"
	if r.Compliance {
		host, last = 13, "COMPLIANCE"
	}
	fmt.Fprintf(b, "\n"+tableRow, Cell("HOST", host), Cell("SOURCE", 15), "VERDICT", "OFFSET s", "LOW s", "HIGH s", "SKEW ppm", last)
	for i := range r.Hosts {
		h := &r.Hosts[i]
		last := fmt.Sprintf("%8s", count(h.Messages))
		if r.Compliance {
			last = h.Compliance
		}
		fmt.Fprintf(b, tableRow, Cell(h.Host, host), Cell(h.Source, 15), h.Verdict,
			Offset(h.Offset), Offset(h.OffsetLow), Offset(h.OffsetHigh), ppm(h.Skew), last)
	}
	r.writeExplanations(b)
	fmt.Fprintln(b, "\nOffset: host clock minus true time; + is ahead. Low is proved; high assumes prompt delivery.")
	return b.Flush()
}

// nobody says that the report is empty.
func (r *Report) nobody() string {
	who := "no host"
	if r.Pattern != "" {
		who += fmt.Sprintf(" that matches %q", r.Pattern)
	}
	return Wrap("", who+" has sent anything in this period")
}

// TakenAsTrue stands where a table says how far off our own clock is, if nobody
// measures it.
const TakenAsTrue = ", taken as true on the operator's word"

// MadeUp says of a report that it is of a simulation.
const MadeUp = "these hosts and their messages are made up, and evidence of nothing"

// writeScope writes the period, if one was asked for, and the profile, if it isn't the
// default one.
func (r *Report) writeScope(b *bufio.Writer) {
	if h := &r.Header; h.Asked.Since != nil || h.Asked.Until != nil {
		fmt.Fprintf(b, "Period: %s to %s\n", moment(h.Effective.Since, "the beginning"), moment(h.Effective.Until, "now"))
	}
	if p := &r.Header.Profile; r.Compliance || p.Name != "default" {
		fmt.Fprint(b, Wrap("", fmt.Sprintf("Profile: %s, warns at %g s, critical at %g s", p.Name, p.Warn, p.Crit)))
	}
}

// moment writes an end of a period; open stands for one that is.
func moment(t *time.Time, open string) string {
	if t == nil {
		return open
	}
	return t.UTC().Format(time.RFC3339)
}

func (r *Report) writeReference(b *bufio.Writer) {
	ref := &r.Header.Reference
	fmt.Fprint(b, Wrap("", "Reference: "+ref.text()), Wrap("  ", ref.Reason))
	for _, m := range ref.Moves[max(0, len(ref.Moves)-mostEvents):] {
		fmt.Fprint(b, Wrap("  ", moment(&m.At, "")+": "+m.Text))
	}
	for _, e := range ref.Events[max(0, len(ref.Events)-mostEvents):] {
		fmt.Fprint(b, Wrap("  ", e.At.Format(time.RFC3339)+" "+e.Text))
	}
}

// mostEvents is how many of the moves, and of the things that happened to the collector's clock,
// a table names.
const mostEvents = 3

func (r *Report) writeExplanations(b *bufio.Writer) {
	for i := range r.Hosts {
		h := &r.Hosts[i]
		claims := h.Claims
		if h.Verdict == "in-sync" {
			claims = slices.DeleteFunc(slices.Clone(claims), func(c string) bool { return !grave(c) })
			if len(claims) == 0 {
				continue
			}
		}
		fmt.Fprint(b, "\n", Wrap("", h.name()+": "+h.Explanation), Check("  ", h.Check))
		for _, c := range claims {
			fmt.Fprint(b, Wrap("  ", c))
		}
	}
}

// grave reports whether a claim is worth a line even where the clock is in sync: another
// speaks in the host's name, or the measurement contradicts what the host says.
func grave(claim string) bool {
	return strings.HasPrefix(claim, "somebody else speaks") || strings.HasPrefix(claim, "claims to be synchronised")
}

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
