package main

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"io"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/skewatch/skewatch/analysis/report"
	"github.com/skewatch/skewatch/cmd/internal/api"
	"github.com/skewatch/skewatch/cmd/internal/config"
	"github.com/skewatch/skewatch/ntpcheck"
)

func (p *program) sourcesCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:  "sources",
		Args: noArguments,
		Long: `Show the NTP sources that the collector's own clock is measured against, as
chronyc sources does, and what follows from them.

With --check it writes one line for a monitoring system and exits with 0 (OK: synchronised
with three sources or more; or trusted on the operator's word, without any), 1 (WARNING: off
by more than the tolerance for hosts, holdover, a falseticker, fewer than three usable
sources, a kernel that contradicts them), 2 (CRITICAL: off by more than the critical
tolerance, unsynchronised) or 3 (UNKNOWN: no server answers within 10 s, or a flag that
makes no sense).

With --audit it asks each source, as a stranger would, for the two things by which NTP
servers are misused for floods: one small datagram each to the sources themselves and
nobody else. It exits with 1 if one answers.

Usage:
  skewatch sources [FLAG ...]`,
		Example: `  $ skewatch sources
  $ skewatch sources --check
  $ skewatch sources --audit --format json`,
	}
	var check, auditing bool
	cmd.Flags().BoolVar(&check, "check", false, "be a monitoring plugin: one line, and exit codes 0 to 3")
	cmd.Flags().BoolVar(&auditing, "audit", false, "ask the sources what strangers can misuse them for")
	r := addReading(cmd, "table", "json", "csv")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		switch {
		case check && auditing:
			return &config.Error{Field: "--check", Problem: "can't be given together with --audit", Hint: "call it twice"}
		case check:
			return p.checkSources(cmd, r, pluginTimeout)
		}
		return p.showSources(cmd, r, auditing)
	}
	return cmd
}

// showSources shows the sources, or what an audit of them found.
func (p *program) showSources(cmd *cobra.Command, r *reading, auditing bool) error {
	var found error // an exitCode: it is no failure of the question
	err := p.ask(cmd, r, func(ctx context.Context, d api.Desk, q request) error {
		s, err := d.Sources(ctx)
		if err != nil {
			return err
		}
		if !auditing {
			return writeSources(p.stdout, &s, q.Format)
		}
		results := auditSources(ctx, &s)
		found = verdictOf(results)
		return writeAudit(p.stdout, results, q.Format)
	})
	return cmp.Or(err, found)
}

func writeSources(w io.Writer, s *ntpcheck.Status, format string) error {
	switch format {
	case "json":
		return writeIndented(w, s)
	case "csv":
		return sourcesCSV(w, s)
	}
	return sourcesTable(w, s)
}

// sourceMarks are chronyc's: selected, combined, not combined, falseticker, unusable.
var sourceMarks = map[ntpcheck.SourceState]string{
	ntpcheck.Selected: "*", ntpcheck.Combined: "+", ntpcheck.Candidate: "-", ntpcheck.Falseticker: "x",
	ntpcheck.Unreachable: "?", ntpcheck.Refused: "?",
}

// sourcesTable lays the sources out as chronyc's users know them. Offsets are what
// must be added to our clock.
func sourcesTable(w io.Writer, s *ntpcheck.Status) error {
	b := bufio.NewWriter(w)
	ref := &s.Reference
	text := "Reference: " + ref.State.String()
	if ref.Source != "" {
		text += ", " + ref.Source
	}
	switch {
	case ref.Trusted:
		text += report.TakenAsTrue
	case ref.OffsetSeconds != nil:
		text += fmt.Sprintf(", our clock needs %s ± %s", signedMicro(ref.OffsetSeconds), unsigned(ref.BoundSeconds))
	}
	fmt.Fprint(b, report.Wrap("", text), report.Wrap("  ", ref.Reason), "\n")
	const row = "%s%s %s %7s %5s %5s %9s %8s %8s %9s %4s\n"
	fmt.Fprintf(b, row, "M", "S", report.Cell("Name/IP address", 30), "Stratum", "Poll", "Reach", "Offset", "Delay", "Jitter", "RootDist", "Auth")
	for i := range s.Sources {
		x := &s.Sources[i]
		fmt.Fprintf(b, row, "^", sourceMarks[x.State], report.Cell(x.Address, 30), whole(x.Stratum),
			plain(&x.PollSeconds), x.Reach, signedMicro(x.OffsetSeconds), unsigned(x.DelaySeconds),
			unsigned(x.JitterSeconds), unsigned(x.RootDistanceSeconds), authMark(x.Authentication))
		if x.Reason != "" {
			fmt.Fprint(b, report.Wrap("     ", x.State.String()+": "+x.Reason))
		}
	}
	fmt.Fprintln(b)
	writeClaims(b, s)
	fmt.Fprintln(b, "S: * selected, + combined, - candidate, x falseticker, ? unreachable or refused. Poll in seconds.")
	fmt.Fprintln(b, "Reach: the last eight queries as bits, in octal: 377 if all were answered.")
	fmt.Fprintln(b, "Offset: to be added to our clock, + means we are behind. Auth: ! failed, ? not tried yet.")
	return b.Flush()
}

// authMark says in four columns how a source proves its replies.
func authMark(a ntpcheck.Authentication) string {
	switch {
	case a.Kind == "":
		return "-"
	case a.State == ntpcheck.AuthenticationOK:
		return a.Kind
	case a.State == ntpcheck.AuthenticationFailed:
		return a.Kind + "!"
	}
	return a.Kind + "?"
}

func whole(n *int) string {
	if n == nil {
		return "-"
	}
	return strconv.Itoa(*n)
}

// sourcesCSV writes a row a source, with the columns of the JSON.
func sourcesCSV(w io.Writer, s *ntpcheck.Status) error {
	b := bufio.NewWriter(w)
	row := csvRows(b, "address", "state", "stratum", "poll_seconds", "reach", "offset_seconds", "delay_seconds",
		"jitter_seconds", "root_distance_seconds", "authenticated", "reason", "leap", "reference_id", "authentication")
	for i := range s.Sources {
		x := &s.Sources[i]
		stratum := ""
		if x.Stratum != nil {
			stratum = strconv.Itoa(*x.Stratum)
		}
		err := row(x.Address, x.State.String(), stratum, plain(&x.PollSeconds), x.Reach, plain(x.OffsetSeconds),
			plain(x.DelaySeconds), plain(x.JitterSeconds), plain(x.RootDistanceSeconds), strconv.FormatBool(x.Authenticated), x.Reason,
			string(x.Leap), x.ReferenceID, x.Authentication.String())
		if err != nil {
			return err
		}
	}
	return b.Flush()
}

// plain writes a number without exponent, "" if it isn't known.
func plain(v *float64) string {
	if v == nil {
		return ""
	}
	return strconv.FormatFloat(*v, 'f', -1, 64)
}
