package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/skewatch/skewatch/analysis/report"
	"github.com/skewatch/skewatch/cmd/internal/simulate"
)

// writeScore writes how a report compares with the truth.
func writeScore(w io.Writer, s *simulate.Score, format string) error {
	switch format {
	case "json":
		return writeIndented(w, s)
	case "csv":
		return scoreCSV(w, s.Hosts)
	}
	return scoreTable(w, s)
}

const scoreRow = "%s %-12s %-6s %12s %12s %11s %-6s %9s %9s\n"

// scoreTable writes a line a host, what is to be said of some, and a sum.
func scoreTable(w io.Writer, s *simulate.Score) error {
	b := bufio.NewWriter(w)
	fmt.Fprintf(b, scoreRow, report.Cell("HOST", 15), "VERDICT", "RIGHT", "TRUTH s", "OFFSET s", "ERROR ms", "BOUNDS", "SKEW ppm", "TRUE ppm")
	for i := range s.Hosts {
		m := &s.Hosts[i]
		fmt.Fprintf(b, scoreRow, report.Cell(m.Host, 15), m.Verdict, yes(m.VerdictRight), report.Offset(m.Truth), report.Offset(m.Offset),
			inMilli(m.Error), held(m.Held), inOne(m.Skew), inOne(m.SkewTruth))
	}
	fmt.Fprintln(b)
	for i := range s.Hosts {
		m := &s.Hosts[i]
		fmt.Fprint(b, report.Wrap("", m.Host+": "+m.Clock))
		if !m.VerdictRight {
			fmt.Fprint(b, report.Wrap("  ", "WRONG: right would be "+strings.Join(m.Right, " or ")))
		}
		if m.Held != nil && !*m.Held {
			fmt.Fprint(b, report.Wrap("  ", fmt.Sprintf("WRONG: the truth %+.6f lies outside of %+.6f to %+.6f", *m.Truth, *m.Low, *m.High)))
		}
		fmt.Fprint(b, report.Wrap("  ", m.Note))
	}
	fmt.Fprint(b, "\n", report.Wrap("", sumUp(&s.Summary)))
	return b.Flush()
}

// sumUp says in a sentence how a report compares with the truth.
func sumUp(s *simulate.Summary) string {
	text := fmt.Sprintf("%d of %d verdicts are right, %d of %d intervals hold the truth", s.Right, s.Hosts, s.Held, s.Intervals)
	if s.Median != nil {
		text += fmt.Sprintf("; offsets are off by %.1f ms in the median and %.1f ms at most", *s.Median*1e3, *s.Worst*1e3)
	}
	if s.Skews > 0 {
		text += fmt.Sprintf("; %d of %d skews are within their bounds", s.SkewsHeld, s.Skews)
	}
	return text
}

func yes(right bool) string {
	if right {
		return "yes"
	}
	return "NO"
}

// held says whether an interval holds the truth; "-" if that can't be told.
func held(h *bool) string {
	switch {
	case h == nil:
		return "-"
	case *h:
		return "held"
	}
	return "MISSED"
}

func inMilli(seconds *float64) string {
	if seconds == nil {
		return "-"
	}
	return fmt.Sprintf("%+.3f", *seconds*1e3)
}

func inOne(v *float64) string {
	if v == nil {
		return "-"
	}
	return fmt.Sprintf("%+.1f", *v)
}

func scoreCSV(w io.Writer, hosts []simulate.HostMark) error {
	row := csvRows(w, "host", "source", "clock", "verdict", "verdicts_allowed", "verdict_right", "truth_seconds", "offset_seconds",
		"offset_low_seconds", "offset_high_seconds", "error_seconds", "interval_held", "skew_truth_ppm", "skew_ppm", "skew_bound_ppm", "note")
	for i := range hosts {
		m := &hosts[i]
		allowed, err := json.Marshal(m.Right)
		if err != nil {
			return err
		}
		if err := row(m.Host, m.Source, m.Clock, m.Verdict, string(allowed), fmt.Sprint(m.VerdictRight), plain(m.Truth), plain(m.Offset),
			plain(m.Low), plain(m.High), plain(m.Error), known(m.Held), plain(m.SkewTruth), plain(m.Skew), plain(m.SkewBound), m.Note); err != nil {
			return err
		}
	}
	return nil
}

// known writes an answer, "" if there is none.
func known(answer *bool) string {
	if answer == nil {
		return ""
	}
	return fmt.Sprint(*answer)
}
