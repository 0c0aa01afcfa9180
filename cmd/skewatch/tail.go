package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/skewatch/skewatch/analysis/report"
	"github.com/skewatch/skewatch/cmd/internal/api"
)

func (p *program) tailCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:  "tail",
		Args: noArguments,
		Long: `Follow the warnings about the hosts' clocks, or with --messages the messages
themselves, from now on or from --since, until interrupted or up to --until.

Usage:
  skewatch tail [FLAG ...]

When the server is restarted it waits, and goes on where it was. What nobody was
told of, because of a silence or an acknowledgement, says so.`,
		Example: "  $ skewatch tail --since 1h",
	}
	r := addReading(cmd, "table", "json", "csv")
	messages := cmd.Flags().Bool("messages", false, "follow messages instead of warnings")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return p.follow(cmd, r, func(q request) func(context.Context, api.Desk) error {
			query := q.apiQuery()
			query.Follow = true
			if query.Since.IsZero() {
				query.Since = p.now()
			}
			if *messages {
				print := messagePrinter(p.stdout, q.Format, false)
				return func(ctx context.Context, d api.Desk) error {
					return d.Messages(ctx, query, func(m api.Message) error { query.After = m.ID; return print(m) })
				}
			}
			print := eventPrinter(p.stdout, q)
			return func(ctx context.Context, d api.Desk) error {
				return d.Events(ctx, query, func(e api.Event) error { query.After = max(query.After, e.ID); return print(e) })
			}
		})
	}
	return cmd
}

// eventPrinter returns what prints events in the format asked for.
func eventPrinter(w io.Writer, q request) func(api.Event) error {
	switch q.Format {
	case "json":
		lines := json.NewEncoder(w)
		lines.SetEscapeHTML(false)
		return func(e api.Event) error { e.ID = 0; return lines.Encode(e) }
	case "csv":
		return csvEvents(w)
	}
	return func(e api.Event) error { return printEvent(w, e, q.Color) }
}

// The colours of a terminal (ECMA-48, SGR).
const (
	plainText = "\x1b[0m"
	red       = "\x1b[31m"
	green     = "\x1b[32m"
	yellow    = "\x1b[33m"
)

// printEvent prints an event as a line: time, what happened, host, verdict, offset,
// and in a second one why. A further one says if nobody was told, and why.
func printEvent(w io.Writer, e api.Event, color bool) error {
	on, off := "", ""
	if color {
		on, off = eventColor(e), plainText
	}
	what := e.Event
	if e.Severity != "" && e.Event != "clear" {
		what += " " + e.Severity
	}
	muted := ""
	if e.Muted != "" {
		muted = report.Wrap("    ", "nobody was told: "+e.Muted)
	}
	_, err := fmt.Fprintf(w, "%s %s%-11s%s %s %-12s %s s\n%s%s", e.Time.Format("2006-01-02T15:04:05Z"), on, what, off,
		report.Cell(whom(e), 36), e.Verdict, report.Offset(e.Offset), report.Wrap("    ", e.Text), muted)
	return err
}

// whom names the host that an event is about. A digest is about many.
func whom(e api.Event) string {
	switch {
	case e.Host == "":
		return "several hosts"
	case e.Source == "":
		return e.Host
	}
	return e.Host + " (" + e.Source + ")"
}

func eventColor(e api.Event) string {
	switch {
	case e.Event == "clear":
		return green
	case e.Severity == "crit":
		return red
	}
	return yellow
}

// csvEvents returns what prints events as CSV, the names of the columns first.
func csvEvents(w io.Writer) func(api.Event) error {
	row := csvRows(w, "time", "host", "source", "event", "severity", "verdict", "previous",
		"offset_seconds", "offset_low_seconds", "offset_high_seconds", "since", "text", "muted")
	return func(e api.Event) error {
		return row(e.Time.Format(time.RFC3339Nano), e.Host, e.Source, e.Event, e.Severity, e.Verdict, e.Previous,
			plain(e.Offset), plain(e.OffsetLow), plain(e.OffsetHigh), e.Since.Format(time.RFC3339Nano), e.Text, e.Muted)
	}
}
