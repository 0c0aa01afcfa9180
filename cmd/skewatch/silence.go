package main

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/user"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/skewatch/skewatch/analysis"
	"github.com/skewatch/skewatch/analysis/report"
	"github.com/skewatch/skewatch/cmd/internal/api"
	"github.com/skewatch/skewatch/cmd/internal/config"
)

func (p *program) silenceCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "silence",
		Long: `Keep people from being told of the warnings of hosts whose names match a glob, for a
time. They are judged, logged and kept as ever, and tail shows them, marked; only the
outputs (webhook, Alertmanager, e-mail, syslog, stdout) are told nothing of raise and
change. What still stands at the end is told then, once; what began and ended within
it never is; the end of what was told before is told at once.

Usage:
  skewatch silence HOST-GLOB --for TIME [FLAG ...]
  skewatch silence list [FLAG ...]
  skewatch silence end ID [FLAG ...]

Commands:
  list  show those that last or are planned, and with --since past ones
  end   end one before its time

A host named list or end comes last, after two dashes: skewatch silence --for 2h -- list`,
		Example: `  $ skewatch silence 'web*' --for 2h --comment 'kernel update'
  $ skewatch silence 'cam*' --until 2026-12-01T06:00:00Z --verdict late --verdict drifting`,
	}
	cmd.AddCommand(p.mutesCommand(analysis.Silence), p.unmuteCommand(analysis.Silence))
	r := addPlace(cmd, "table", "json")
	flags := cmd.Flags()
	s := addSpan(cmd, "")
	from := flags.String("from", "", "begin at this `TIME`: RFC 3339, or from now, such as 30m (default: now)")
	verdicts := flags.StringArray("verdict", nil, "only warnings of this `VERDICT`, such as late; may be given more than once")
	cmd.Args = cobra.ArbitraryArgs
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		host, err := oneArgument(cmd, args, "a glob over host names", "skewatch silence 'web*' --for 2h")
		if err != nil {
			return err
		}
		o := api.SilenceOrder{Host: host, Verdicts: *verdicts}
		if o.Begins, err = later("--from", *from, p.now()); err != nil {
			return err
		}
		if o.Span, o.Signature, err = s.read(p); err != nil {
			return err
		}
		if s.length == "" && s.until == "" {
			return &config.Error{Field: "--for", Problem: "missing: how long", Hint: "write --for 2h, or --until 2026-03-01T12:00:00Z"}
		}
		if _, err := o.Mute(p.now()); refused(err) {
			return s.inFlags(err, "HOST-GLOB")
		}
		err = p.mute(cmd, r, func(ctx context.Context, d api.Desk) (api.Mute, error) { return d.Silence(ctx, o) })
		return s.inFlags(err, "HOST-GLOB")
	}
	return cmd
}

func (p *program) acknowledgeCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "acknowledge",
		Long: `Say that somebody sees to the open warning of a host. The outputs are told nothing
more of it until it is cleared, becomes critical, or the acknowledgement ends; when that
has lasted its time and the warning still stands, they are told of it once more.

Usage:
  skewatch acknowledge HOST --comment TEXT [FLAG ...]
  skewatch acknowledge list [FLAG ...]
  skewatch acknowledge end ID [FLAG ...]

Commands:
  list  show those that last, and with --since past ones
  end   end one before its time

A host named list or end comes last, after two dashes, as with silence.`,
		Example: "  $ skewatch acknowledge web1 --for 4h --comment 'its NTP server is being replaced'",
	}
	cmd.AddCommand(p.mutesCommand(analysis.Acknowledgement), p.unmuteCommand(analysis.Acknowledgement))
	r := addPlace(cmd, "table", "json")
	s := addSpan(cmd, " (default: 24h)")
	source := cmd.Flags().String("source", "", "the warning of this `IP`, where several of that name are open")
	cmd.Args = cobra.ArbitraryArgs
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		host, err := oneArgument(cmd, args, "a host's name", "skewatch acknowledge web1 --comment 'I see to it'")
		if err != nil {
			return err
		}
		o := api.AcknowledgeOrder{Host: host, Source: *source}
		if o.Span, o.Signature, err = s.read(p); err != nil {
			return err
		}
		if _, err := o.Mute(p.now()); refused(err) {
			return s.inFlags(err, "HOST")
		}
		err = p.mute(cmd, r, func(ctx context.Context, d api.Desk) (api.Mute, error) { return d.Acknowledge(ctx, o) })
		return s.inFlags(err, "HOST")
	}
	return cmd
}

// spanning holds the flags that say how long a mute lasts, and who made it and why.
type spanning struct{ length, until, author, comment string }

func addSpan(cmd *cobra.Command, usual string) *spanning {
	s := new(spanning)
	flags := cmd.Flags()
	flags.StringVar(&s.length, "for", "", "last this `TIME`, such as 2h or 7d"+usual)
	flags.StringVar(&s.until, "until", "", "last until this `TIME`: RFC 3339")
	flags.StringVar(&s.comment, "comment", "", "why, in `WORDS`")
	addAuthor(cmd, &s.author)
	return s
}

func addAuthor(cmd *cobra.Command, author *string) {
	cmd.Flags().StringVar(author, "author", "", "who asks for it, by `NAME` (default: who is logged in)")
}

// read returns what the flags say.
func (s *spanning) read(p *program) (span api.Span, by api.Signature, err error) {
	by = api.Signature{Author: cmp.Or(s.author, p.login()), Comment: s.comment}
	if span.Ends, err = later("--until", s.until, p.now()); err != nil || s.length == "" {
		return span, by, err
	}
	length, ok := config.ParseSpan(s.length)
	switch {
	case s.until != "":
		err = &config.Error{Field: "--for", Problem: "can't stand beside --until", Value: s.length, Hint: "write one of the two"}
	case !ok || length <= 0 || length > api.LongestMute:
		err = &config.Error{Field: "--for", Problem: "not a length of time up to a year", Value: s.length, Hint: `write one such as "90m", "2h" or "7d"`}
	}
	span.For = length.Seconds()
	return span, by, err
}

// login returns the name of who is logged in, behind sudo too; "" if nobody knows.
func (p *program) login() string {
	for _, name := range []string{"SUDO_USER", "LOGNAME", "USER"} {
		if login := p.lookup(name); login != "" {
			return login
		}
	}
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return ""
}

// oneArgument returns the one argument that a command takes.
func oneArgument(cmd *cobra.Command, args []string, what, example string) (string, error) {
	switch {
	case len(args) == 0 || args[0] == "":
		return "", &config.Error{Field: cmd.CommandPath(), Problem: "missing: " + what, Hint: "write " + example}
	case len(args) > 1:
		return "", &config.Error{Field: cmd.CommandPath(), Problem: "takes one argument", Value: args[1], Hint: "write " + example + ": a shell expands what isn't quoted"}
	}
	return args[0], nil
}

// refused reports whether an order can't be carried out, whatever the server's clock says: by
// that it is judged whether the end is in the future.
func refused(err error) bool {
	var wrong *api.QueryError
	return errors.As(err, &wrong) && wrong.Parameter != "ends"
}

// inFlags says what is wrong with an order in the words of the command line, and passes every
// other error on.
func (s *spanning) inFlags(err error, argument string) error {
	var wrong *api.QueryError
	if !errors.As(err, &wrong) {
		return err
	}
	e := &config.Error{Field: "--" + wrong.Parameter, Problem: wrong.Problem, Value: wrong.Value}
	switch wrong.Parameter {
	case "host":
		e.Field, e.Hint = argument, "write a host's name, or for a silence a pattern such as 'web*'"
	case "verdicts":
		e.Field, e.Hint = "--verdict", "write one such as --verdict late"
	case "for_seconds":
		e.Field, e.Hint = "--for", "write one such as --for 2h"
	case "ends":
		e.Field, e.Hint = "--until", `write a time to come within a year, such as "2h" or "7d", or one with its zone`
		if s.until == "" { // it is as far from the beginning as it may be
			e.Field, e.Problem = "--from", "the end is "+wrong.Problem
		}
	case "author":
		e.Hint = "write --author NAME"
	case "comment":
		e.Hint = "write --comment 'its NTP server is being replaced'"
	case "source":
		e.Hint = "write --source IP: warnings shows which there are"
	}
	return e
}

// mute has a running server carry out an order, and shows what came of it.
func (p *program) mute(cmd *cobra.Command, r *reading, order func(context.Context, api.Desk) (api.Mute, error)) error {
	return p.ask(cmd, r, func(ctx context.Context, d api.Desk, q request) error {
		m, err := order(ctx, d)
		if errors.Is(err, api.ErrFilesOnly) {
			return &remedied{err, "start one with `skewatch serve`, or name one with --server URL"}
		}
		if err != nil {
			return err
		}
		if q.Format == "json" {
			return writeIndented(p.stdout, m)
		}
		return mutesTable(p.stdout, []api.Mute{m})
	})
}

// mutesCommand lists mutes.
func (p *program) mutesCommand(k analysis.MuteKind) *cobra.Command {
	which := map[analysis.MuteKind]string{analysis.Silence: "silences that last or are planned", analysis.Acknowledgement: "acknowledgements that last"}[k]
	parent := map[analysis.MuteKind]string{analysis.Silence: "silence", analysis.Acknowledgement: "acknowledge"}[k]
	cmd := &cobra.Command{
		Use:  "list",
		Args: noArguments,
		Long: fmt.Sprintf(`Show the %s. With --since also those that were made
or have ended from then on: when, and why.

Usage:
  skewatch %s list [FLAG ...]`, which, parent),
		Example: "  $ skewatch " + parent + " list --since 7d",
	}
	r := addReading(cmd, "table", "json", "csv")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return p.ask(cmd, r, func(ctx context.Context, d api.Desk, q request) error {
			all, err := d.Mutes(ctx, api.MuteQuery{Kind: k, Since: q.Period.Since, Until: q.Period.Until})
			if err != nil {
				return err
			}
			all = slices.DeleteFunc(all, func(m api.Mute) bool { return !api.MatchHost(q.Host, m.Host) })
			return writeMutes(p.stdout, k, all, q.Format)
		})
	}
	return cmd
}

// unmuteCommand ends a mute.
func (p *program) unmuteCommand(k analysis.MuteKind) *cobra.Command {
	parent := map[analysis.MuteKind]string{analysis.Silence: "silence", analysis.Acknowledgement: "acknowledge"}[k]
	cmd := &cobra.Command{
		Use:  "end",
		Args: cobra.ArbitraryArgs,
		Long: fmt.Sprintf(`End the %v with the number that list shows, before its time. What it
held back and still stands is told at once.

Usage:
  skewatch %s end ID [FLAG ...]`, k, parent),
		Example: "  $ skewatch " + parent + " end 3",
	}
	r := addPlace(cmd, "table", "json")
	var author string
	addAuthor(cmd, &author)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		example := fmt.Sprintf("skewatch %s end 3: list shows the numbers", parent)
		text, err := oneArgument(cmd, args, "its number", example)
		if err != nil {
			return err
		}
		id, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			return &config.Error{Field: cmd.CommandPath(), Problem: "not a number", Value: text, Hint: "write " + example}
		}
		o := api.UnmuteOrder{Kind: k, ID: id, Author: cmp.Or(author, p.login())}
		err = p.mute(cmd, r, func(ctx context.Context, d api.Desk) (api.Mute, error) { return d.Unmute(ctx, o) })
		return new(spanning).inFlags(err, "ID")
	}
	return cmd
}

func writeMutes(w io.Writer, k analysis.MuteKind, all []api.Mute, format string) error {
	switch {
	case format == "json":
		return writeIndented(w, api.Mutes{Mutes: all})
	case format == "csv":
		return mutesCSV(w, all)
	case len(all) == 0:
		_, err := fmt.Fprintf(w, "no %v\n", k)
		return err
	}
	return mutesTable(w, all)
}

// mutesTable prints a line a mute, and below it what there is besides.
func mutesTable(w io.Writer, all []api.Mute) error {
	b := bufio.NewWriter(w)
	const row = "%4s %-7s %s %-20s %-20s %s\n"
	fmt.Fprintf(b, row, "ID", "STATE", report.Cell("HOST", 30), "BEGINS", "ENDS", "AUTHOR")
	for i := range all {
		m := &all[i]
		host := whom(api.Event{Host: m.Host, Source: m.Source})
		fmt.Fprintf(b, row, strconv.FormatUint(m.ID, 10), m.State, report.Cell(host, 30), second(m.Begins), second(m.Ends), report.Clip(m.Author, 14))
		fmt.Fprint(b, report.Wrap("     ", m.Comment), report.Wrap("     ", besides(m)))
	}
	return b.Flush()
}

// besides says what a mute is limited to, and how it ended.
func besides(m *api.Mute) string {
	var parts []string
	if len(m.Verdicts) > 0 {
		parts = append(parts, "only "+strings.Join(m.Verdicts, ", "))
	}
	if m.Severity != "" {
		parts = append(parts, "acknowledged as "+m.Severity)
	}
	if m.Ended != nil {
		over := fmt.Sprintf("over at %s: %s", second(*m.Ended), m.Why)
		if m.EndedBy != "" {
			over += " by " + m.EndedBy
		}
		parts = append(parts, over)
	}
	return strings.Join(parts, "; ")
}

func mutesCSV(w io.Writer, all []api.Mute) error {
	row := csvRows(w, "id", "kind", "state", "host", "source", "severity", "verdicts", "made", "begins", "ends", "author", "comment", "ended", "why", "ended_by")
	for i := range all {
		m := &all[i]
		verdicts, err := json.Marshal(append([]string{}, m.Verdicts...))
		if err != nil {
			return err
		}
		ended := ""
		if m.Ended != nil {
			ended = m.Ended.Format(time.RFC3339Nano)
		}
		if err := row(strconv.FormatUint(m.ID, 10), m.Kind.String(), m.State, m.Host, m.Source, m.Severity, string(verdicts), m.Made.Format(time.RFC3339Nano),
			m.Begins.Format(time.RFC3339Nano), m.Ends.Format(time.RFC3339Nano), m.Author, m.Comment, ended, string(m.Why), m.EndedBy); err != nil {
			return err
		}
	}
	return nil
}
