package main

import (
	"fmt"
	"io"
	"os"
	"path"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/skewatch/skewatch/analysis"
	"github.com/skewatch/skewatch/analysis/report"
	"github.com/skewatch/skewatch/cmd/internal/archive"
	"github.com/skewatch/skewatch/cmd/internal/build"
	"github.com/skewatch/skewatch/cmd/internal/config"
	"github.com/skewatch/skewatch/cmd/internal/server"
)

func (p *program) analyzeCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:  "analyze",
		Args: oneFile,
		Long: `Judge the clocks in an archive that kept two times of each message: when it was
sent, by its own stamp, and when it was received.

Usage:
  skewatch analyze [FLAG ...] FILE
  skewatch analyze [FLAG ...] -

"-" reads the standard input. The archive may be packed by gzip or zstd, and is one of

  csv      with the columns host, sent, received (and source) named in the first
           line; sent is the stamp as it stood in the message, of RFC 3164 or RFC
           3339, received RFC 3339, or seconds, milli-, micro- or nanoseconds
  ndjson   one object of the same names a line, such as skewatch export writes
  syslog   lines of rsyslog or syslog-ng whose template keeps both times: the time
           of receipt in RFC 3339, then the message as it was received, or its own
           time and the host; the peer's address may stand between or behind
  journal  what journalctl -o export writes. Both times are of one machine's clock:
           they show what was held up, not how far the clock is off
  pcap     captured packets with syslog over UDP and TCP, in pcap or pcapng

The receive times are taken as true. Lines (of a journal entries, of a capture
packets) that can't be used are counted, and the first of them named.`,
		Example: "  $ skewatch analyze --assume-zone Europe/Paris messages.csv",
	}
	r := addSelection(cmd, "table", "json", "csv")
	config.JudgingFlags(cmd.Flags())
	format := addChoice(cmd, "input-format", "what the archive is, where its beginning doesn't show it", archive.Formats...)
	at := cmd.Flags().String("at", "", "judge as of this `TIME`, by what was received up to then")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		cfg, err := config.Load(cmd.Flags(), p.environ)
		if err != nil {
			return err
		}
		q, err := p.analysisRequest(r, *at)
		if err != nil {
			return err
		}
		q.Input = archive.Format(format.chosen)
		return p.analyze(args[0], cfg, q)
	}
	return cmd
}

func oneFile(cmd *cobra.Command, args []string) error {
	switch len(args) {
	case 0:
		return &config.Error{Field: cmd.CommandPath(), Problem: "no file given", Hint: `name one, or "-" for the standard input`}
	case 1:
		return nil
	}
	return &config.Error{Field: cmd.CommandPath(), Problem: "takes one file", Value: args[1],
		Hint: "give the lines of all of them on the standard input, with one header"}
}

// An analysisRequest is what analyze is asked for.
type analysisRequest struct {
	request
	Input archive.Format
	At    time.Time // zero for the newest line's
}

func (p *program) analysisRequest(r *reading, at string) (analysisRequest, error) {
	selection, err := r.selection(p)
	if err != nil {
		return analysisRequest{}, err
	}
	q := analysisRequest{request: selection}
	if q.At, err = instant("--at", at, p.now()); err != nil {
		return q, err
	}
	if !q.At.IsZero() && q.At.Before(q.Period.Since) {
		return q, &config.Error{Field: "--at", Problem: "before --since", Value: at, Hint: "nothing is left to judge by: write a later time"}
	}
	return q, nil
}

// analyze judges the clocks in a file and reports on them.
func (p *program) analyze(file string, cfg *config.Config, q analysisRequest) error {
	from, name, err := p.openArchive(file)
	if err != nil {
		return err
	}
	defer from.Close()
	bar := p.progressBar("reading")
	defer bar.clear()
	r, err := archive.NewReaderOf(q.Input, bar.watch(from))
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	c := complaints{to: p.stderr, file: name}
	result, err := archive.Judge(r, archive.Options{
		Fleet: server.FleetConfig(cfg), Since: q.Period.Since, Until: q.Period.Until, At: q.At, Bad: c.add,
	})
	if err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	bar.clear()
	c.conclude(r, result)
	if result.Readable == 0 {
		return fmt.Errorf("%s: none of its lines can be used", name)
	}
	return p.analysisReport(cfg, q, r, result).Write(p.stdout, q.Format)
}

// openArchive opens a file, or the standard input for "-", and returns its name for
// people.
func (p *program) openArchive(file string) (io.ReadCloser, string, error) {
	if file == "-" {
		return io.NopCloser(p.stdin), "standard input", nil
	}
	f, err := os.Open(file)
	return f, file, err
}

// analysisReport makes the report of what was judged.
func (p *program) analysisReport(cfg *config.Config, q analysisRequest, r *archive.Reader, judged *archive.Result) *report.Report {
	rows := judged.Rows.Rows(func(host string) bool {
		ok, err := path.Match(q.Host, strings.ToLower(host))
		return q.Host == "" || ok && err == nil
	})
	for i := range rows {
		rows[i].Trust = "" // an archive doesn't say who answers for its lines
	}
	params := analysis.DefaultParams()
	until := q.Period.Until
	if !q.At.IsZero() {
		until = q.At
	}
	return &report.Report{Hosts: rows, Pattern: q.Host, Compliance: cfg.Profile != config.ProfileDefault, Header: report.Header{
		Generated: p.now().UTC(),
		Asked:     report.Period{Since: orNil(q.Period.Since), Until: orNil(until)},
		Effective: report.Period{Since: orNil(unixTime(judged.First)), Until: orNil(unixTime(judged.Last))},
		Collector: report.Collector{Version: build.This().Version, ConfigHash: cfg.Hash()},
		Reference: assumedReference(judged, r.Resolution()),
		Profile:   report.Profile{Name: string(cfg.Profile), Warn: cfg.Tolerance.Seconds(), Crit: cfg.Critical.Seconds()},
		Estimator: report.EstimatorOf(&params),
		Notes:     report.Notes(),
	}}
}

// assumedReference says what the receive times were taken for.
func assumedReference(judged *archive.Result, resolution int64) report.Reference {
	bound := judged.Reference.Bound.Seconds()
	reason := "receive times are taken as true"
	if resolution > int64(time.Millisecond) {
		reason += fmt.Sprintf(", and as cut off below %v: that much every interval is wider", time.Duration(resolution))
	}
	return report.Reference{State: "assumed", Bound: &bound, Gaps: []report.Gap{}, Reason: reason}
}

func unixTime(ns int64) time.Time {
	if ns == 0 {
		return time.Time{}
	}
	return time.Unix(0, ns)
}

func orNil(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

// complaints tells what is wrong with an archive: of each of the first bad lines what,
// of the others only how many.
type complaints struct {
	to    io.Writer
	file  string
	named int
}

// mostNamed is how many bad lines are named.
const mostNamed = 5

func (c *complaints) add(bad *archive.LineError) {
	if c.named < mostNamed {
		c.named++
		fmt.Fprintf(c.to, "warning: %s:%d: %v\n", c.file, bad.Number, bad)
	}
}

func (c *complaints) conclude(r *archive.Reader, judged *archive.Result) {
	if judged.Bad > 0 {
		fmt.Fprintf(c.to, "warning: %s: %d of %d lines are bad\n", c.file, judged.Bad, r.Read())
	}
	if n := r.Passed(); n > 0 {
		fmt.Fprintf(c.to, "%s: %d packets complete no message of syslog\n", c.file, n)
	}
	if n := r.Displaced(); n > 0 {
		fmt.Fprintf(c.to, "warning: %s: %d lines stand over %d lines behind others of their host that were received later\n",
			c.file, n, archive.Window/2)
		hint(c.to, "sort the archive by the time of receipt: what is said of steps and queues may be wrong")
	}
}
