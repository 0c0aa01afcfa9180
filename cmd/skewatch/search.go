package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/skewatch/skewatch/analysis/report"
	"github.com/skewatch/skewatch/cmd/internal/api"
	"github.com/skewatch/skewatch/cmd/internal/config"
)

func (p *program) searchCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:  "search",
		Args: noArguments,
		Long: `Print stored messages in the order in which they were stored: when each was
received, the time it bears itself, and what it says.

Usage:
  skewatch search [FLAG ...]

--since and --until mean the time of receipt, or with --clock sent the time that
the message bears. --grep searches the whole message as it was sent, also its
stamp and host; a regular expression is written in RE2's syntax. With --raw each
message is written as it was sent, bit for bit, and a line feed; in JSON as "raw"
in base64.`,
		Example: "  $ skewatch search --host 'web*' --since 1h --grep 'Failed password for .* from'",
	}
	r := addReading(cmd, "table", "json", "csv")
	flags := cmd.Flags()
	raw := flags.Bool("raw", false, "write the messages as they were sent")
	grep := flags.String("grep", "", "only messages that this regular `EXPR` matches, such as 'port 2[0-9]+'")
	clock := addChoice(cmd, "clock", "the clock that --since and --until go by", "received", "sent")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := checkGrep(*grep); err != nil {
			return err
		}
		return p.ask(cmd, r, func(ctx context.Context, d api.Desk, q request) error {
			out := bufio.NewWriter(p.stdout)
			query := q.apiQuery()
			query.Raw, query.Grep = *raw, *grep
			if clock.chosen == "sent" {
				query.Clock = api.ClockSent
			}
			bar := p.progressBar("searching")
			query.Progress = bar.show()
			print := messagePrinter(out, q.Format, *raw)
			err := d.Messages(ctx, query, print)
			bar.clear()
			return errors.Join(err, out.Flush())
		})
	}
	return cmd
}

// checkGrep refuses what is no regular expression.
func checkGrep(expr string) error {
	problem := api.BadExpression(expr)
	if problem == "" {
		return nil
	}
	return &config.Error{Field: "--grep", Problem: "not a regular expression: " + problem, Value: expr,
		Hint: `write \ before a character that stands for itself, such as "\(" or "\*"`}
}

// messagePrinter returns what prints messages in a format, or if raw is set their
// frames.
func messagePrinter(w io.Writer, format string, raw bool) func(api.Message) error {
	switch {
	case format == "json":
		lines := json.NewEncoder(w)
		lines.SetEscapeHTML(false)
		return func(m api.Message) error { m.ID = 0; return lines.Encode(m) }
	case raw:
		return func(m api.Message) error { return printFrame(w, m) }
	case format == "csv":
		return csvMessages(w)
	}
	return func(m api.Message) error { return printMessage(w, m) }
}

func printFrame(w io.Writer, m api.Message) error {
	_, err := w.Write(append(m.Raw, '\n'))
	return err
}

// printMessage prints a message as a line that begins with the time of receipt. The
// spaces that some senders put before a text of RFC 5424 are not shown.
func printMessage(w io.Writer, m api.Message) error {
	sent := "-"
	if m.Sent != nil {
		sent = *m.Sent
	}
	app := m.App
	if m.ProcID != "" {
		app += "[" + m.ProcID + "]"
	}
	if app != "" {
		app += ": "
	}
	host := m.Host
	if host == "" {
		host = m.Source
	}
	_, err := fmt.Fprintf(w, "%s sent %s %s %s%s\n", m.Received.Format("2006-01-02T15:04:05.000000Z"), sent,
		report.Printable(host), report.Printable(app), report.Printable(strings.TrimLeft(m.Message, " ")))
	return err
}

// csvMessages returns what prints messages as CSV, the names of the columns first.
func csvMessages(w io.Writer) func(api.Message) error {
	row := csvRows(w, "received", "sent", "host", "source", "transport", "facility", "severity", "app", "procid", "msgid",
		"stamp_format", "stamped_by", "message")
	return func(m api.Message) error {
		sent := ""
		if m.Sent != nil {
			sent = *m.Sent
		}
		return row(m.Received.Format(time.RFC3339Nano), sent, m.Host, m.Source, m.Transport, m.Facility, m.Severity,
			m.App, m.ProcID, m.MsgID, m.StampFormat, m.StampedBy, m.Message)
	}
}
