package main

import (
	"context"
	"errors"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/skewatch/skewatch/analysis/report"
	"github.com/skewatch/skewatch/cmd/internal/api"
	"github.com/skewatch/skewatch/cmd/internal/config"
)

func (p *program) hostsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:  "hosts",
		Args: noArguments,
		Long: `Show the clock of every host as it is now: its offset with the bounds it lies
between, its skew, and what is wrong with it.

Usage:
  skewatch hosts [FLAG ...]

Figures that sum up a period, such as its messages and steps, are those of the last 24
hours; of a host that said nothing in them, those of the last five minutes or hour in
which it spoke. With --since or --until they are those of that period, and only the
hosts are shown that spoke in it.`,
		Example: "  $ skewatch hosts --host 'web*'",
	}
	r := addReading(cmd, "table", "json", "csv")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return p.report(cmd, r, "", func(q *api.ReportQuery) {
			if q.Since.IsZero() && q.Until.IsZero() {
				q.Since, q.Everyone = p.now().Add(-presentSpan), true
			}
		})
	}
	return cmd
}

// presentSpan is the period of which the state now is shown: all history would be read for
// figures that few ask for.
const presentSpan = 24 * time.Hour

func (p *program) reportCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:  "report",
		Args: noArguments,
		Long: `Export the skew of every host over a period: offset, skew and their bounds, steps,
backlogs, the time out of tolerance, and whether the tolerance was kept.

Usage:
  skewatch report [FLAG ...]

The period widens to whole five minutes, and where it lies more than two days back
to whole hours. A profile sets the tolerance that compliance is reckoned by; without
one it is the server's own.`,
		Example: "  $ skewatch report --since 7d --format html > skew.html",
	}
	r := addReading(cmd, report.Formats...)
	receipt := cmd.Flags().String("sign", "", "sign what is written, and write the signed note to this `FILE`")
	profile := pflag.NewFlagSet("", pflag.ContinueOnError)
	config.ProfileFlags(profile)
	cmd.Flags().AddFlagSet(profile)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		chosen, err := chosenProfile(profile)
		if err != nil {
			return err
		}
		return p.report(cmd, r, *receipt, func(q *api.ReportQuery) { q.Profile = chosen })
	}
	return cmd
}

// chosenProfile returns the profile that the flags name, nil if they name none.
func chosenProfile(flags *pflag.FlagSet) (*report.Profile, error) {
	if !flags.Changed("profile") && !flags.Changed("tolerance") {
		return nil, nil
	}
	cfg, err := config.Load(flags, nil)
	if err != nil {
		return nil, err
	}
	return &report.Profile{Name: string(cfg.Profile), Warn: cfg.Tolerance.Seconds(), Crit: cfg.Critical.Seconds()}, nil
}

// report asks for a report, of which more is said by particulars, and writes it, and what
// signs it to a file if one is named.
func (p *program) report(cmd *cobra.Command, r *reading, receipt string, particulars func(*api.ReportQuery)) error {
	return p.ask(cmd, r, func(ctx context.Context, d api.Desk, q request) error {
		query := api.ReportQuery{Query: q.apiQuery(), Series: api.SeriesFor(q.Format)}
		particulars(&query)
		if receipt != "" {
			query.Sign = q.Format
		}
		rep, err := d.Report(ctx, query)
		if err != nil {
			return err
		}
		if receipt != "" {
			return errors.Join(os.WriteFile(receipt, rep.Signed.Note, 0o644), writeAll(p.stdout, rep.Signed.Body))
		}
		rep.Pattern, rep.Compliance = q.Host, query.Profile != nil
		return rep.Write(p.stdout, q.Format)
	})
}

func writeAll(w io.Writer, b []byte) error {
	_, err := w.Write(b)
	return err
}
