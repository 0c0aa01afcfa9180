package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/skewatch/skewatch/analysis/report"
	"github.com/skewatch/skewatch/cmd/internal/api"
	"github.com/skewatch/skewatch/ntpcheck"
)

func (p *program) sourcesCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:  "sources",
		Args: noArguments,
		Long: `Show the NTP sources that the collector's own clock is measured against, as
chronyc sources does, and what follows from them.

Usage:
  skewatch sources [FLAG ...]`,
		Example: "  $ skewatch sources",
	}
	r := addReading(cmd, "table", "json", "csv")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return p.ask(cmd, r, func(ctx context.Context, d api.Desk, q request) error {
			s, err := d.Sources(ctx)
			if err != nil {
				return err
			}
			return writeSources(p.stdout, &s, q.Format)
		})
	}
	return cmd
}

func writeSources(w io.Writer, s *ntpcheck.Status, format string) error {
	switch format {
	case "json":
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(s)
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
	const row = "%s%s %s %7s %5s %5s %9s %8s %8s %9s\n"
	fmt.Fprintf(b, row, "M", "S", report.Cell("Name/IP address", 30), "Stratum", "Poll", "Reach", "Offset", "Delay", "Jitter", "RootDist")
	for i := range s.Sources {
		x := &s.Sources[i]
		fmt.Fprintf(b, row, "^", sourceMarks[x.State], report.Cell(x.Address, 30), whole(x.Stratum),
			plain(&x.PollSeconds), x.Reach, signedMicro(x.OffsetSeconds), unsigned(x.DelaySeconds),
			unsigned(x.JitterSeconds), unsigned(x.RootDistanceSeconds))
		if x.Reason != "" {
			fmt.Fprint(b, report.Wrap("     ", x.State.String()+": "+x.Reason))
		}
	}
	fmt.Fprintln(b, "\nS: * selected, + combined, - candidate, x falseticker, ? unreachable or refused. Poll in seconds.")
	fmt.Fprintln(b, "Offset: to be added to our clock, + means we are behind.")
	return b.Flush()
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
		"jitter_seconds", "root_distance_seconds", "authenticated", "reason")
	for i := range s.Sources {
		x := &s.Sources[i]
		stratum := ""
		if x.Stratum != nil {
			stratum = strconv.Itoa(*x.Stratum)
		}
		err := row(x.Address, x.State.String(), stratum, plain(&x.PollSeconds), x.Reach, plain(x.OffsetSeconds),
			plain(x.DelaySeconds), plain(x.JitterSeconds), plain(x.RootDistanceSeconds), strconv.FormatBool(x.Authenticated), x.Reason)
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
