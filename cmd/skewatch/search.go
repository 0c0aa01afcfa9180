package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/skewatch/skewatch/analysis/report"
	"github.com/skewatch/skewatch/cmd/internal/api"
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
	c := addContents(cmd)
	r.clock = addChoice(cmd, "clock", "the clock that --since and --until go by", "received", "sent")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := c.check(); err != nil {
			return err
		}
		return p.ask(cmd, r, func(ctx context.Context, d api.Desk, q request) error {
			out := bufio.NewWriter(p.stdout)
			query := q.apiQuery()
			query.Raw = *raw
			c.apply(&query)
			if r.clock.chosen == "sent" {
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

// messagePrinter returns what prints messages in a format, or if raw is set their
// frames.
func messagePrinter(w io.Writer, format string, raw bool) func(api.Message) error {
	switch {
	case format == "json":
		lines := jsonLines(w)
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

// printMessage prints a message as a line that begins with the time of receipt.
func printMessage(w io.Writer, m api.Message) error {
	b := append(m.Received.AppendFormat(nil, "2006-01-02T15:04:05.000000Z"), " sent "...)
	b = append(append(b, orDash(m.Sent)...), ' ')
	b = append(appendPrintable(b, whose(m)), ' ')
	_, err := w.Write(append(appendSays(b, &m), '\n'))
	return err
}

// whose names the host of a message, or else the peer.
func whose(m api.Message) string {
	if m.Host == "" {
		return m.Source
	}
	return m.Host
}

// appendSays appends application, process and text. The spaces that some senders put before a
// text of RFC 5424 are not shown.
func appendSays(b []byte, m *api.Message) []byte {
	b = appendPrintable(b, m.App)
	if m.ProcID != "" {
		b = append(appendPrintable(append(b, '['), m.ProcID), ']')
	}
	if m.App != "" || m.ProcID != "" {
		b = append(b, ": "...)
	}
	return appendPrintable(b, strings.TrimLeft(m.Message, " "))
}

// appendPrintable appends a text that a message brought. Mostly it is plain ASCII, which
// need not be looked at twice.
func appendPrintable(b []byte, s string) []byte {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return append(b, report.Printable(s)...)
		}
	}
	return append(b, s...)
}

// csvMessages returns what prints messages as CSV, the names of the columns first.
func csvMessages(w io.Writer) func(api.Message) error {
	row := csvRows(w, messageColumns...)
	return func(m api.Message) error { return row(messageCells(m)...) }
}

var messageColumns = []string{"received", "sent", "host", "source", "transport", "facility", "severity", "app", "procid", "msgid",
	"stamp_format", "stamped_by", "message"}

func messageCells(m api.Message) []string {
	sent := ""
	if m.Sent != nil {
		sent = *m.Sent
	}
	return []string{m.Received.Format(time.RFC3339Nano), sent, m.Host, m.Source, m.Transport, m.Facility, m.Severity,
		m.App, m.ProcID, m.MsgID, m.StampFormat, m.StampedBy, m.Message}
}
