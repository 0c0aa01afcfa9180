package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/sirupsen/logrus"
	"github.com/spf13/cobra"

	"github.com/skewatch/skewatch/cmd/internal/api"
	"github.com/skewatch/skewatch/cmd/internal/config"
	"github.com/skewatch/skewatch/cmd/internal/server"
	"github.com/skewatch/skewatch/cmd/internal/simulate"
)

func (p *program) simulateCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:  "simulate",
		Args: noArguments,
		Long: `Have made-up hosts, whose clocks are known, send real syslog to a server, until
--for is over or SIGINT comes; and hold what a report says of them against the truth.

Usage:
  skewatch simulate [--target URL ...] [--for TIME] [--truth FILE] [--score] [FLAG ...]
  skewatch simulate --replay DIR [--for TIME] [--truth FILE] [--score] [FLAG ...]
  skewatch simulate --score --truth FILE [--server URL | --data DIR]

The hosts are a dozen kinds, of which two have clocks that are right, or those that
--fleet describes. On this machine each sends from a loopback address of its own.

With --replay nothing is sent: what a server would have received in a day, or in --for,
up to now, is written into a new data directory within seconds. Every report that is
made from it says that it is simulated.

--score compares each verdict, and each interval with the true offset, and exits with
1 if one is wrong. Without --for and --replay it sends nothing.`,
		Example: `  $ skewatch simulate --target udp://127.0.0.1:5514 --target tcp://127.0.0.1:5514 --for 90s --score
  $ skewatch simulate --replay ./yesterday --truth truth.ndjson
  $ skewatch report --data ./yesterday --format html > yesterday.html`,
	}
	s := simulation{program: p, cmd: cmd}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVar(&s.fleet, "fleet", "", "simulate the hosts that this YAML `FILE` describes")
	flags.IntVar(&s.hosts, "hosts", 12, "simulate `N` built-in hosts")
	flags.Uint64Var(&s.seed, "seed", 1, "draw all random numbers from this `N` (default: the file's, or 1)")
	flags.Lookup("seed").DefValue = "0" // which isn't shown
	flags.StringArrayVar(&s.targets, "target", nil, "send to this `URL`, such as udp://127.0.0.1:514 (also tcp, tls, relp); repeatable (default: the local server)")
	flags.BoolVar(&s.beyond, "beyond-loopback", false, "send to other machines too: what is made up is kept there like what is real")
	flags.StringVar(&s.ca, "target-ca", "", "believe TLS targets whose certificate one of the CAs in this `FILE` (PEM) has signed")
	flags.StringVar(&s.length, "for", "", "go on for this `TIME`, such as 90s or 24h (default: until interrupted; with --replay 24h)")
	flags.StringVar(&s.replay, "replay", "", "send nothing, and fill this new `DIR` as a server would have")
	flags.StringVar(&s.truth, "truth", "", "write what is true of the hosts to this `FILE`, an object a line; \"-\" for stdout")
	flags.BoolVar(&s.score, "score", false, "hold the server's report against the truth")
	s.reading = addPlace(cmd, "table", "json", "csv")
	cmd.RunE = func(*cobra.Command, []string) error { return s.run() }
	return cmd
}

// A simulation is one run of simulate: its flags, and what follows from them.
type simulation struct {
	*program
	cmd     *cobra.Command
	reading *reading

	fleet, ca, length, replay, truth string
	hosts                            int
	seed                             uint64
	targets                          []string
	beyond, score                    bool
}

func (s *simulation) run() error {
	span, err := s.span()
	if err != nil {
		return err
	}
	switch {
	case s.replay != "":
		if err := s.refuse("beside --replay", "a replay sends nothing, and asks nobody: leave it out", "target", "target-ca", "beyond-loopback", "server", "data"); err != nil {
			return err
		}
		return s.replayed(span)
	case s.score && s.length == "":
		if err := s.refuse("where nothing is sent", "with --for too, hosts send before the report is scored", "target", "target-ca", "beyond-loopback", "fleet", "hosts", "seed"); err != nil {
			return err
		}
		return s.scoreFile()
	}
	return s.live(span)
}

// refuse returns an error for the first flag that was given and would have no effect.
func (s *simulation) refuse(where, hint string, names ...string) error {
	for _, name := range names {
		if f := s.cmd.Flags().Lookup(name); f.Changed {
			return &config.Error{Field: "--" + name, Problem: "has no effect " + where, Value: f.Value.String(), Hint: hint}
		}
	}
	return nil
}

// endless is how long a simulation goes on that nobody ends.
const endless = time.Duration(1 << 61)

// span returns for how long hosts speak.
func (s *simulation) span() (time.Duration, error) {
	switch {
	case s.length == "" && s.replay != "":
		return 24 * time.Hour, nil
	case s.length == "":
		return endless, nil
	}
	span, ok := config.ParseSpan(s.length)
	switch {
	case !ok:
		return 0, &config.Error{Field: "--for", Problem: "not a span of time", Value: s.length, Hint: `write a number and a unit (s, m, h, d), such as "90s"`}
	case span < time.Second || span > longestSimulation:
		return 0, &config.Error{Field: "--for", Problem: "not from 1s to 400d", Value: s.length}
	}
	return span, nil
}

const longestSimulation = 400 * 24 * time.Hour

// described returns the fleet that the flags name.
func (s *simulation) described(pace simulate.Pace, transports []config.FleetTransport) (*config.Fleet, error) {
	flags := s.cmd.Flags()
	if s.fleet != "" {
		if flags.Changed("hosts") {
			return nil, &config.Error{Field: "--hosts", Problem: "can't stand beside --fleet", Value: fmt.Sprint(s.hosts), Hint: "the file says how many there are"}
		}
		f, err := config.LoadFleet(s.fleet)
		if err == nil && flags.Changed("seed") {
			f.Seed = s.seed
		}
		return f, err
	}
	if s.hosts < 1 || s.hosts > simulate.MostBuiltIn {
		return nil, &config.Error{Field: "--hosts", Problem: fmt.Sprintf("not from 1 to %d", simulate.MostBuiltIn), Value: fmt.Sprint(s.hosts)}
	}
	return simulate.BuiltIn(s.hosts, s.seed, pace, transports), nil
}

// live has hosts send in real time.
func (s *simulation) live(span time.Duration) error {
	targets, err := s.receivers()
	if err != nil {
		return err
	}
	transports := simulate.Transports(targets)
	fleet, err := s.described(simulate.Watched, transports)
	if err != nil {
		return err
	}
	sender := &simulate.Sender{Targets: targets, Note: s.note}
	if sender.TLS, err = s.tls(); err != nil {
		return err
	}
	truth, err := s.openTruth()
	if err != nil {
		return err
	}
	defer truth.close()
	ctx, release := signal.NotifyContext(s.cmd.Context(), os.Interrupt, syscall.SIGTERM)
	defer release()
	context.AfterFunc(ctx, release) // the second signal is not caught
	hosts := simulate.Hosts(fleet, s.now(), span, transports)
	fmt.Fprintf(s.stderr, "%d made-up hosts send%s, to%s\n", len(hosts), until(span), list(targets))
	stop := s.showTime(span)
	err = sender.Run(ctx, hosts)
	stop()
	if err != nil {
		return asFailure(err)
	}
	spoken := min(span, s.now().Sub(hosts[0].Start))
	fmt.Fprintf(s.stderr, "%d messages sent in %v\n", sender.Sent.Load(), spoken.Round(time.Second))
	if err := truth.write(hosts, spoken); err != nil || !s.score {
		return err
	}
	return s.judge(simulate.Truths(hosts, spoken))
}

func until(span time.Duration) string {
	if span == endless {
		return " until interrupted"
	}
	return " for " + span.String()
}

func list(targets []simulate.Target) (text string) {
	for _, t := range targets {
		text += " " + t.String()
	}
	return text
}

// asFailure marks what went wrong though the question was in order.
func asFailure(err error) error {
	if err == nil || errors.As(err, new(*config.Error)) {
		return err
	}
	return failure{err}
}

func (s *simulation) note(text string) { fmt.Fprintf(s.stderr, "warning: %s\n", text) }

// replayed fills a new data directory.
func (s *simulation) replayed(span time.Duration) error {
	transports := []config.FleetTransport{config.FleetTCP, config.FleetTCPLF, config.FleetUDP, config.FleetRELP}
	fleet, err := s.described(simulate.Daily, transports)
	if err != nil {
		return err
	}
	cfg, err := config.Load(nil, s.environ)
	if err != nil {
		return err
	}
	cfg.Data, cfg.Log.Level = s.replay, min(cfg.Log.Level, logrus.WarnLevel)
	truth, err := s.openTruth()
	if err != nil {
		return err
	}
	defer truth.close()
	begin := s.now().Add(-span).Truncate(time.Second)
	keeper, err := server.OpenReplay(cfg, newLogger(s.stderr, cfg.Log), begin)
	if err != nil {
		return asFailure(err)
	}
	hosts := simulate.Hosts(fleet, begin, span, transports)
	spoken, err := s.fill(keeper, hosts, span)
	if err = errors.Join(err, keeper.Close()); err != nil {
		return asFailure(err)
	}
	if err := truth.write(hosts, spoken); err != nil || !s.score {
		return err
	}
	s.reading.data, s.reading.server = s.replay, ""
	return s.judge(simulate.Truths(hosts, spoken))
}

// fill replays hosts, and returns how much of the span.
func (s *simulation) fill(keeper *server.Replay, hosts []*simulate.Host, span time.Duration) (spoken time.Duration, err error) {
	ctx, release := signal.NotifyContext(s.cmd.Context(), os.Interrupt, syscall.SIGTERM)
	defer release()
	bar := s.anywhereBar("replaying")
	show, began := bar.show(), s.now()
	n, err := simulate.Replay(ctx, hosts, keeper, func(reached time.Duration) {
		spoken = reached
		show(api.Progress{At: uint64(reached / time.Second), Last: uint64(span / time.Second)})
	})
	bar.clear()
	if ctx.Err() == nil {
		spoken = span
	}
	fmt.Fprintf(s.stderr, "%d messages of %d made-up hosts, of %v, in %v\n", n, len(hosts), spoken, s.now().Sub(began).Round(100*time.Millisecond))
	return spoken, err
}

// anywhereBar returns a progress bar wherever stderr is a terminal: the output comes only
// when it is gone.
func (s *simulation) anywhereBar(doing string) *progressBar {
	w := s.stderr
	if s.lookup("TERM") == "dumb" || !isTerminal(w) {
		w = io.Discard
	}
	return newProgressBar(w, doing, s.now)
}

// showTime shows how far a live simulation has come until it is stopped.
func (s *simulation) showTime(span time.Duration) (stop func()) {
	if span == endless {
		return func() {}
	}
	bar, began := s.anywhereBar("sending"), s.now()
	ended, gone := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(gone)
		defer bar.clear()
		show, t := bar.show(), time.NewTicker(time.Second)
		defer t.Stop()
		for {
			show(api.Progress{At: uint64(s.now().Sub(began) / time.Second), Last: uint64(span / time.Second)})
			select {
			case <-ended:
				return
			case <-t.C:
			}
		}
	}()
	return func() { close(ended); <-gone }
}

// scoreFile scores a truth that was written before.
func (s *simulation) scoreFile() error {
	if s.truth == "" || s.truth == "-" {
		return &config.Error{Field: "--truth", Problem: "missing", Hint: "name the file that a simulation wrote; or give --for as well, to send first"}
	}
	f, err := os.Open(s.truth)
	if err != nil {
		return &config.Error{Field: "--truth", Problem: "can't be read: " + config.Pathless(err).Error(), Value: s.truth, Hint: "name the file that a simulation wrote; or give --for as well, to send first"}
	}
	defer f.Close()
	truth, err := simulate.ReadTruth(f)
	if err != nil {
		return failure{fmt.Errorf("%s: %w", s.truth, err)}
	}
	return s.judge(truth)
}

// judge asks for a report and holds it against the truth.
func (s *simulation) judge(truth []simulate.Truth) error {
	var passed bool
	err := s.ask(s.cmd, s.reading, func(ctx context.Context, d api.Desk, q request) error {
		r, err := d.Report(ctx, api.ReportQuery{Query: q.apiQuery()})
		if err != nil {
			return err
		}
		score := simulate.Judge(r, truth)
		passed = score.Summary.Passed()
		return writeScore(s.stdout, score, q.Format)
	})
	if err == nil && !passed {
		return exitCode(exitFailed)
	}
	return err
}

var _ simulate.Keeper = (*server.Replay)(nil)
