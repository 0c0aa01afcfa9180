package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/skewatch/skewatch/cmd/internal/api"
	"github.com/skewatch/skewatch/cmd/internal/config"
)

func (p *program) timelineCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:  "timeline",
		Args: noArguments,
		Long: `Print the messages of all hosts in the order in which they were written: each
host's stamps are taken for what its clock was known to show then, so that hosts
whose clocks disagree stand in one true order.

Usage:
  skewatch timeline [FLAG ...]

A line begins with the corrected time in UTC and how far that may be off, either
way, at the most. A message whose stamp proves nothing, because the host's clock
isn't known or stood still, bears the time of its receipt and "before": it was
written then or before. A "?" stands on a line whose order against the line above,
of another host, isn't proven: the bounds of the two overlap. --since and --until mean
the corrected time. With --original a line shows the stamp as it was sent and the
message's ID, which --around takes; with --raw the messages are written as they
were sent, bit for bit, and a line feed each; in JSON as "raw" in base64.

--compare prints only neighbours that the hosts' own stamps would put the wrong way
round, where the order is proven, and how many events must be moved to get from
the order of the stamps to the true one.`,
		Example: "  $ skewatch timeline --around 2026-11-21T02:13:07Z --span 5m --host 'web*'",
	}
	r := addReading(cmd, "table", "json", "csv")
	flags := cmd.Flags()
	around := flags.String("around", "", "only what was written around this `TIME`, or around the message of this ID")
	span := flags.String("span", "1m", "how far around: before it and after it, a `SPAN`")
	raw := flags.Bool("raw", false, "write the messages as they were sent")
	original := flags.Bool("original", false, "show stamps as they were sent, and IDs")
	compare := flags.Bool("compare", false, "print what the hosts' own stamps put in the wrong order")
	c := addContents(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := c.check(); err != nil {
			return err
		}
		if *compare && *raw {
			return &config.Error{Field: "--raw", Problem: "can't stand beside --compare", Hint: "write one of the two"}
		}
		return p.ask(cmd, r, func(ctx context.Context, d api.Desk, q request) error {
			query := api.TimelineQuery{Query: q.apiQuery()}
			query.Raw = *raw
			c.apply(&query.Query)
			if err := aroundOf(&query, *around, *span, p.now()); err != nil {
				return err
			}
			out := bufio.NewWriterSize(p.stdout, 64<<10)
			if *compare {
				return errors.Join(compareTimeline(ctx, d, query, out, q.Format, p.stderr), out.Flush())
			}
			print := entryPrinter(out, q.Format, *raw, *original)
			return errors.Join(d.Timeline(ctx, query, eager(out, print)), out.Flush())
		})
	}
	return cmd
}

// eager has the first entry shown at once, while the others are looked for.
func eager(out *bufio.Writer, print func(*api.Entry) error) func(api.Entry) error {
	begun := false
	return func(e api.Entry) error {
		if err := print(&e); err != nil || begun {
			return err
		}
		begun = true
		return out.Flush()
	}
}

// aroundOf takes --around and --span into a query.
func aroundOf(q *api.TimelineQuery, around, span string, now time.Time) error {
	if around == "" {
		return nil
	}
	if !q.Since.IsZero() || !q.Until.IsZero() {
		return &config.Error{Field: "--around", Problem: "can't stand beside --since and --until", Value: around, Hint: "write --around and --span only"}
	}
	reach, ok := config.ParseSpan(span)
	if !ok || reach <= 0 {
		return &config.Error{Field: "--span", Problem: "not a span of time", Value: span, Hint: `write one such as "30s", "5m" or "2h"`}
	}
	if id, err := strconv.ParseUint(around, 10, 64); err == nil && id > 0 {
		q.Around, q.Span = id, reach
		return nil
	}
	at, err := instant("--around", around, now)
	q.Since, q.Until = at.Add(-reach), at.Add(reach+1)
	return err
}

// entryPrinter returns what prints the entries of a timeline in a format, or if raw is set
// their frames.
func entryPrinter(w io.Writer, format string, raw, original bool) func(*api.Entry) error {
	var line []byte
	write := func() error { _, err := w.Write(append(line, '\n')); return err }
	switch {
	case format == "json":
		return func(e *api.Entry) error { line = e.AppendJSON(line[:0]); return write() }
	case raw:
		return func(e *api.Entry) error { return printFrame(w, e.Message) }
	case format == "csv":
		return csvEntries(w)
	}
	return func(e *api.Entry) error { line = appendEntry(line[:0], e, original); return write() }
}

// appendEntry appends an entry as a line of a table.
func appendEntry(b []byte, e *api.Entry, original bool) []byte {
	b = e.Corrected.AppendFormat(b, "2006-01-02T15:04:05.000000Z")
	b = append(b, ' ')
	b = appendBound(b, e.Bound)
	mark := byte(' ')
	if len(e.Undecided) > 0 && e.Undecided[0] == api.UndecidedPrevious {
		mark = '?'
	}
	b = append(b, ' ', mark, ' ')
	b = appendPrintable(b, whose(e.Message))
	if original {
		b = append(b, " sent "...)
		b = append(b, orDash(e.Sent)...)
		b = append(b, " #"...)
		b = strconv.AppendUint(b, e.ID, 10)
	}
	b = append(b, ' ')
	b = appendSays(b, &e.Message)
	return b
}

// boundColumns is how wide a bound is shown.
const boundColumns = 8

// appendBound appends a half-width in the unit that fits, or that there is none.
func appendBound(b []byte, bound *float64) []byte {
	begin := len(b)
	switch {
	case bound == nil:
		b = append(b, "before"...)
	case *bound < 9.9995e-3:
		b = append(strconv.AppendFloat(append(b, "±"...), *bound*1e3, 'f', 2, 64), "ms"...)
	case *bound < 9.9995:
		b = append(strconv.AppendFloat(append(b, "±"...), *bound*1e3, 'f', 0, 64), "ms"...)
	default:
		b = append(strconv.AppendFloat(append(b, "±"...), *bound, 'f', 0, 64), 's')
	}
	width := len(b) - begin
	if bound != nil {
		width-- // "±" is two bytes
	}
	for ; width < boundColumns; width++ {
		b = append(b, ' ')
	}
	return b
}

func orDash(sent *string) string {
	if sent == nil {
		return "-"
	}
	return *sent
}

func timeText(t time.Time) string { return string(api.AppendTime(nil, t)) }

// csvEntries returns what prints entries as CSV, the names of the columns first.
func csvEntries(w io.Writer) func(*api.Entry) error {
	row := csvRows(w, entryColumns...)
	return func(e *api.Entry) error { return row(entryCells(e)...) }
}

var entryColumns = append([]string{"corrected", "bound_seconds", "earliest", "latest", "placed_by", "undecided", "id"}, messageColumns...)

func entryCells(e *api.Entry) []string {
	earliest := ""
	if e.Earliest != nil {
		earliest = timeText(*e.Earliest)
	}
	undecided := "[]"
	if len(e.Undecided) > 0 {
		undecided = `["` + strings.Join(e.Undecided, `","`) + `"]`
	}
	return append([]string{timeText(e.Corrected), plain(e.Bound), earliest, timeText(e.Latest), e.PlacedBy,
		undecided, strconv.FormatUint(e.ID, 10)}, messageCells(e.Message)...)
}
