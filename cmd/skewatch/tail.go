package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/skewatch/skewatch/analysis"
	"github.com/skewatch/skewatch/analysis/report"
	"github.com/skewatch/skewatch/cmd/internal/api"
	"github.com/skewatch/skewatch/cmd/internal/config"
)

func (p *program) tailCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:  "tail",
		Args: noArguments,
		Long: `Follow the warnings about the hosts' clocks, or with --messages the messages
themselves, from now on or from --since, until interrupted or up to --until.

Usage:
  skewatch tail [FLAG ...]

--grep, --app and --severity select messages by what they say, as for search.
When the server is restarted it waits, and goes on where it was. A warning that
--min-severity or --verdict selects is followed to its end. What nobody was told of,
because of a silence or an acknowledgement, says so.`,
		Example: "  $ skewatch tail --since 1h --min-severity crit",
	}
	r := addReading(cmd, "table", "json", "csv")
	messages := cmd.Flags().Bool("messages", false, "follow messages instead of warnings")
	w, c := addWarnings(cmd), addContents(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		var selected api.Query
		if err := cmp.Or(w.ask(&selected), c.check()); err != nil {
			return err
		}
		if err := w.refuse(); *messages && err != nil {
			return err
		}
		if flag := c.given(); flag != "" && !*messages {
			return &config.Error{Field: flag, Problem: "selects messages, and warnings are followed", Hint: "write --messages too"}
		}
		return p.follow(cmd, r, func(q request) func(context.Context, api.Desk) error {
			query := q.apiQuery()
			query.Follow = true
			query.MinSeverity, query.Verdicts = selected.MinSeverity, selected.Verdicts
			if query.Since.IsZero() {
				query.Since = p.now()
			}
			if *messages {
				c.apply(&query)
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

// warnings holds the flags that select warnings.
type warnings struct {
	flags    *pflag.FlagSet
	severity *choice
	names    []string // of verdicts
}

// addWarnings declares the flags that select warnings.
func addWarnings(cmd *cobra.Command) *warnings {
	w := &warnings{flags: cmd.Flags()}
	w.severity = addChoice(cmd, "min-severity", "only warnings that are or become so grave", analysis.Warn.String(), analysis.Crit.String())
	w.flags.StringSliceVar(&w.names, "verdict", nil, "only warnings with this `VERDICT`, such as wrong-zone (repeatable)")
	var verdicts []string
	for _, v := range analysis.Verdicts() {
		verdicts = append(verdicts, v.String())
	}
	cobra.CheckErr(cmd.RegisterFlagCompletionFunc("verdict", cobra.FixedCompletions(verdicts, cobra.ShellCompDirectiveNoFileComp)))
	return w
}

// refuse returns an error if a warning is asked for.
func (w *warnings) refuse() error {
	for _, name := range []string{"min-severity", "verdict"} {
		if w.flags.Changed(name) {
			return &config.Error{Field: "--" + name, Problem: "can't be given together with --messages", Value: w.flags.Lookup(name).Value.String(),
				Hint: "leave out one of the two: messages have no verdict"}
		}
	}
	return nil
}

// ask adds to a query what the flags ask for.
func (w *warnings) ask(q *api.Query) error {
	if w.severity.chosen == analysis.Crit.String() {
		q.MinSeverity = analysis.Crit
	}
	for _, name := range w.names {
		v, err := api.ParseVerdict(name)
		if err != nil {
			return &config.Error{Field: "--verdict", Problem: err.Error(), Value: name, Hint: "write one such as --verdict wrong-zone"}
		}
		q.Verdicts = append(q.Verdicts, v)
	}
	return nil
}

// eventPrinter returns what prints events in the format asked for.
func eventPrinter(w io.Writer, q request) func(api.Event) error {
	switch q.Format {
	case "json":
		lines := jsonLines(w)
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

// printEvent prints an event as a line: time, what happened, host, verdict, offset. Below
// stand why, the bounds and since when, what to check, and if nobody was told, why not.
func printEvent(w io.Writer, e api.Event, color bool) error {
	on, off := "", ""
	if color {
		on, off = eventColor(e), plainText
	}
	what := e.Event
	if e.Severity != "" && e.Event != "clear" {
		what += " " + e.Severity
	}
	if e.Rule != "" {
		_, err := fmt.Fprintf(w, "%s %s%-11s%s %s\n%s", e.Time.Format("2006-01-02T15:04:05Z"), on, what, off,
			report.Clip(strings.TrimSpace(e.Rule+" "+e.Subject), 66), report.Wrap("    ", e.Text))
		return err
	}
	muted := ""
	if e.Muted != "" {
		muted = report.Wrap("    ", "nobody was told: "+e.Muted)
	}
	_, err := fmt.Fprintf(w, "%s %s%-11s%s %s %-12s %s s\n%s%s", e.Time.Format("2006-01-02T15:04:05Z"), on, what, off,
		report.Cell(whom(e), 36), e.Verdict, report.Offset(e.Offset), reasons("    ", e), muted)
	return err
}

// reasons returns the lines below an event's first.
func reasons(indent string, e api.Event) string {
	if e.Event == "clear" {
		return report.Wrap(indent, e.Text)
	}
	return report.Wrap(indent, e.Text) + report.Figures(indent, e.OffsetLow, e.OffsetHigh, e.Since) + report.Check(indent, e.Check)
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

// countCell writes how many a rule counted, nothing where none did.
func countCell(n uint64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatUint(n, 10)
}

// csvEvents returns what prints events as CSV, the names of the columns first.
func csvEvents(w io.Writer) func(api.Event) error {
	row := csvRows(w, "time", "host", "source", "event", "severity", "verdict", "previous",
		"offset_seconds", "offset_low_seconds", "offset_high_seconds", "since", "text", "muted", "check", "rule", "subject", "count")
	return func(e api.Event) error {
		return row(e.Time.Format(time.RFC3339Nano), e.Host, e.Source, e.Event, e.Severity, e.Verdict, e.Previous,
			plain(e.Offset), plain(e.OffsetLow), plain(e.OffsetHigh), e.Since.Format(time.RFC3339Nano), e.Text, e.Muted, e.Check,
			e.Rule, e.Subject, countCell(e.Count))
	}
}
