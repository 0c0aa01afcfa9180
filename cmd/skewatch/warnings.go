package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/skewatch/skewatch/analysis/report"
	"github.com/skewatch/skewatch/cmd/internal/api"
)

func (p *program) warningsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:  "warnings",
		Args: noArguments,
		Long: `Show the warnings that are open: raised, and not cleared. Each says since when it
stands, how far the clock is off now, and who has silenced or acknowledged it.

Usage:
  skewatch warnings [FLAG ...]

--since and --until select those that were raised in that time.`,
		Example: "  $ skewatch warnings --host 'web*'",
	}
	r := addReading(cmd, "table", "json", "csv")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return p.ask(cmd, r, func(ctx context.Context, d api.Desk, q request) error {
			all, err := d.Warnings(ctx, api.Query{Host: q.Host})
			if err != nil {
				return err
			}
			all = slices.DeleteFunc(all, func(w api.Warning) bool { return !q.Period.holds(w.Since) })
			return writeWarnings(p.stdout, all, q)
		})
	}
	return cmd
}

// holds reports whether a moment lies in the period.
func (p period) holds(at time.Time) bool {
	return (p.Since.IsZero() || !at.Before(p.Since)) && (p.Until.IsZero() || at.Before(p.Until))
}

func writeWarnings(w io.Writer, all []api.Warning, q request) error {
	switch q.Format {
	case "json":
		return writeIndented(w, api.Warnings{Warnings: all})
	case "csv":
		return warningsCSV(w, all)
	}
	return warningsTable(w, all, q.Color)
}

// warningsTable prints a line a warning, and below it why it is one and who mutes it.
func warningsTable(w io.Writer, all []api.Warning, color bool) error {
	b := bufio.NewWriter(w)
	if len(all) == 0 {
		fmt.Fprintln(b, "no warning is open")
		return b.Flush()
	}
	const row = "%s%-8s%s %s %s %-12s %11s %s\n"
	fmt.Fprintf(b, row, "", "SEVERITY", "", report.Cell("HOST", 26), report.Cell("SOURCE", 15), "VERDICT", "OFFSET s", "SINCE")
	for i := range all {
		x := &all[i]
		on, off := "", ""
		if color {
			on, off = eventColor(api.Event{Severity: x.Severity}), plainText
		}
		fmt.Fprintf(b, row, on, x.Severity, off, report.Cell(x.Host, 26), report.Cell(x.Source, 15), x.Verdict,
			report.Offset(x.Offset), second(x.Since))
		fmt.Fprint(b, report.Wrap("    ", x.Text))
		if x.Check != "" {
			fmt.Fprint(b, report.Wrap("    ", "Check: "+x.Check))
		}
		for _, m := range []*api.Mute{x.Silenced, x.Acknowledged} {
			fmt.Fprint(b, report.Wrap("    ", mutedBy(m)))
		}
		if !x.Told {
			fmt.Fprint(b, report.Wrap("    ", "nobody was told of it as it is now"))
		}
	}
	fmt.Fprintln(b, "\nOffset: host clock minus true time; + is ahead.")
	return b.Flush()
}

// mutedBy says who mutes a warning and until when; "" for nil.
func mutedBy(m *api.Mute) string {
	if m == nil {
		return ""
	}
	text := fmt.Sprintf("%v %d by %s until %s", m.Kind, m.ID, m.Author, second(m.Ends))
	if m.Comment != "" {
		text += ": " + m.Comment
	}
	return text
}

// second writes a time to the second.
func second(t time.Time) string { return t.UTC().Format(time.RFC3339) }

func warningsCSV(w io.Writer, all []api.Warning) error {
	row := csvRows(w, "host", "source", "severity", "verdict", "since", "offset_seconds", "offset_low_seconds", "offset_high_seconds",
		"text", "told", "silence", "silenced_until", "acknowledgement", "acknowledged_until", "acknowledged_by", "check")
	for i := range all {
		x := &all[i]
		silence, silencedUntil, _ := muteCells(x.Silenced)
		seen, seenUntil, by := muteCells(x.Acknowledged)
		if err := row(x.Host, x.Source, x.Severity, x.Verdict, x.Since.Format(time.RFC3339Nano), plain(x.Offset), plain(x.OffsetLow), plain(x.OffsetHigh),
			x.Text, strconv.FormatBool(x.Told), silence, silencedUntil, seen, seenUntil, by, x.Check); err != nil {
			return err
		}
	}
	return nil
}

// muteCells returns a mute's number, end and author; empty ones for nil.
func muteCells(m *api.Mute) (id, until, by string) {
	if m == nil {
		return "", "", ""
	}
	return strconv.FormatUint(m.ID, 10), m.Ends.Format(time.RFC3339Nano), m.Author
}
