package main

import (
	"bufio"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strconv"

	"github.com/spf13/cobra"

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
	fmt.Fprintf(b, "Reference: %s", ref.State)
	if ref.Source != "" {
		fmt.Fprintf(b, ", %s", ref.Source)
	}
	if ref.OffsetSeconds != nil {
		fmt.Fprintf(b, ", our clock needs %s ± %s", signedMicro(ref.OffsetSeconds), unsigned(ref.BoundSeconds))
	}
	if ref.Reason != "" {
		fmt.Fprintf(b, "\n  %s", ref.Reason)
	}
	const row = "^%s %-30s %7s %5s %5s %9s %8s %8s %9s\n"
	fmt.Fprintf(b, "\n\nM"+row[1:], "S", "Name/IP address", "Stratum", "Poll", "Reach", "Offset", "Delay", "Jitter", "RootDist")
	for i := range s.Sources {
		x := &s.Sources[i]
		fmt.Fprintf(b, row, sourceMarks[x.State], x.Address, whole(x.Stratum), strconv.FormatFloat(x.PollSeconds, 'g', 4, 64), x.Reach,
			signedMicro(x.OffsetSeconds), unsigned(x.DelaySeconds), unsigned(x.JitterSeconds), unsigned(x.RootDistanceSeconds))
		if x.Reason != "" {
			fmt.Fprintf(b, "     %s: %s\n", x.State, x.Reason)
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
	c := csv.NewWriter(w)
	rows := [][]string{{"address", "state", "stratum", "poll_seconds", "reach", "offset_seconds", "delay_seconds",
		"jitter_seconds", "root_distance_seconds", "authenticated", "reason"}}
	for i := range s.Sources {
		x := &s.Sources[i]
		stratum := ""
		if x.Stratum != nil {
			stratum = strconv.Itoa(*x.Stratum)
		}
		rows = append(rows, []string{x.Address, x.State.String(), stratum, plain(&x.PollSeconds), x.Reach, plain(x.OffsetSeconds),
			plain(x.DelaySeconds), plain(x.JitterSeconds), plain(x.RootDistanceSeconds), strconv.FormatBool(x.Authenticated), x.Reason})
	}
	return c.WriteAll(rows)
}

// plain writes a number without exponent, "" if it isn't known.
func plain(v *float64) string {
	if v == nil {
		return ""
	}
	return strconv.FormatFloat(*v, 'f', -1, 64)
}
