package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/skewatch/skewatch/analysis/report"
	"github.com/skewatch/skewatch/cmd/internal/api"
	"github.com/skewatch/skewatch/cmd/internal/config"
	"github.com/skewatch/skewatch/cmd/internal/server"
	"github.com/skewatch/skewatch/cmd/internal/simulate"
	"github.com/skewatch/skewatch/ntpcheck/responder"
)

func (p *program) demoCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:  "demo",
		Args: noArguments,
		Long: `Show what skewatch does, with nothing to prepare and nothing left behind: a collector
on free ports of this machine, and a dozen made-up hosts that send it real syslog, each
but two with something else wrong with its clock. Warnings are printed as they come,
the first within seconds. At the end the report is held against what is true.

It ends with SIGINT (Ctrl-C), or when --for is over, and removes its temporary directory.

Usage:
  skewatch demo [--for TIME]`,
		Example: "  $ skewatch demo --for 60s",
	}
	length := cmd.Flags().String("for", "", "end after this `TIME`, such as 60s (default: when interrupted)")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		s := simulation{program: p, cmd: cmd, length: *length}
		span, err := s.span()
		if err != nil {
			return err
		}
		return p.demo(cmd.Context(), span)
	}
	return cmd
}

// demo runs a demonstration in a directory that is removed afterwards.
func (p *program) demo(ctx context.Context, span time.Duration) (err error) {
	ctx, release := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer release()
	context.AfterFunc(ctx, release) // the second signal is not caught
	signal.Ignore(syscall.SIGPIPE)  // who reads stdout may go: then it ends as it should
	directory, err := os.MkdirTemp("", "skewatch-demo-")
	if err != nil {
		return failure{err}
	}
	defer func() { err = errors.Join(err, asFailure(os.RemoveAll(directory))) }()
	d, err := p.openDemo(directory, span)
	if err != nil {
		return failure{err}
	}
	return asFailure(d.run(ctx, span))
}

// A demonstration is a server, its reference, and the hosts that send to it.
type demonstration struct {
	*program
	server *server.Server
	notice server.Notice
	clock  net.PacketConn
	sender simulate.Sender
	hosts  []*simulate.Host
}

// demoHosts is how many hosts there are: one of each kind.
const demoHosts = 12

// openDemo opens everything; the demonstration must be run then.
func (p *program) openDemo(directory string, span time.Duration) (*demonstration, error) {
	clock, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("answer NTP queries: %w", err)
	}
	d := &demonstration{program: p, clock: clock}
	if err := d.openServer(filepath.Join(directory, "data")); err != nil {
		return nil, errors.Join(err, clock.Close())
	}
	d.sender.Targets = simulate.Targets(d.notice.Listen)
	d.sender.Note = func(text string) { fmt.Fprintf(p.stderr, "warning: %s\n", text) }
	transports := simulate.Transports(d.sender.Targets)
	fleet := simulate.BuiltIn(demoHosts, 1, simulate.Watched, transports)
	d.hosts = simulate.Hosts(fleet, p.now(), span, transports)
	return d, nil
}

// openServer opens a real server. Nothing of the user's own configuration is in it.
func (d *demonstration) openServer(data string) error {
	cfg, err := config.Load(nil, []string{
		"SKEWATCH_DATA=" + data, "SKEWATCH_HTTP=127.0.0.1:0", "SKEWATCH_LISTEN_UDP=127.0.0.1:0",
		"SKEWATCH_LISTEN_TCP=127.0.0.1:0", "SKEWATCH_LISTEN_RELP=127.0.0.1:0", "SKEWATCH_LOG_LEVEL=error",
		"SKEWATCH_NTP_SERVER=" + d.clock.LocalAddr().String(), "SKEWATCH_NTP_POLL=1s", "SKEWATCH_KERNEL_CLOCK=off",
		"SKEWATCH_WARN_HOLD=1s",
	})
	if err != nil {
		return err
	}
	cfg.Simulated = true
	d.server, err = server.Open(cfg, newLogger(d.stderr, cfg.Log))
	if err == nil {
		d.notice = d.server.Notice()
	}
	return err
}

// run goes on until the span or the context ends, or something fails.
func (d *demonstration) run(ctx context.Context, span time.Duration) error {
	serving, stopServer := context.WithCancel(context.WithoutCancel(ctx))
	defer stopServer()
	speaking, stopHosts := context.WithCancel(ctx)
	defer stopHosts()
	var served, answered, sent, printed error
	var serves, speaks sync.WaitGroup
	serves.Go(func() { answered = responder.Local.Serve(d.clock) })
	serves.Go(func() { served = d.server.Run(serving); stopHosts() })
	if printed = d.introduce(span); printed != nil {
		stopHosts()
	}
	speaks.Go(func() { sent = d.sender.Run(speaking, d.hosts); stopHosts() })
	speaks.Go(func() { printed = errors.Join(printed, d.follow(speaking)); stopHosts() })
	speaks.Wait()
	if printed == nil && sent == nil {
		printed = d.conclude(serving, span)
	}
	stopServer()
	closed := d.clock.Close()
	serves.Wait()
	return errors.Join(sent, printed, served, answered, closed)
}

// follow prints the warnings until the context ends.
func (d *demonstration) follow(ctx context.Context) error {
	print := eventPrinter(d.stdout, request{Color: d.colorful()})
	return d.server.Events(ctx, api.Query{Since: d.hosts[0].Start, Follow: true}, print)
}

// introduce says what is shown.
func (d *demonstration) introduce(span time.Duration) error {
	b := bufio.NewWriter(d.stdout)
	end := "Ctrl-C ends it"
	if span != endless {
		end = fmt.Sprintf("it ends after %v, or with Ctrl-C", span)
	}
	fmt.Fprintf(b, "skewatch demo: a collector and %d made-up hosts on this machine; %s.\n\n", len(d.hosts), end)
	var receives []string
	for _, t := range d.sender.Targets {
		receives = append(receives, t.Scheme+" "+t.Address)
	}
	fmt.Fprintf(b, "  dashboard  %s\n", d.notice.URL)
	fmt.Fprintf(b, "  commands   skewatch hosts --server %s\n", d.notice.URL)
	fmt.Fprintf(b, "  receives   %s\n", strings.Join(receives, ", "))
	fmt.Fprintf(b, "  reference  embedded: an NTP server in this process that answers from this machine's clock,\n"+
		"             and so proves nothing about that clock\n\n")
	for _, h := range d.hosts {
		fmt.Fprintf(b, "  %s %-7s %s\n", report.Cell(h.Name, 10), h.Transport, h.Words)
	}
	fmt.Fprint(b, "\nWhat skewatch finds out, as \"skewatch tail\" prints it (set back, a clock is found out in minutes):\n\n")
	return b.Flush()
}

// conclude holds the report against the truth.
func (d *demonstration) conclude(ctx context.Context, span time.Duration) error {
	spoken := min(span, d.now().Sub(d.hosts[0].Start))
	r, err := d.server.Report(ctx, api.ReportQuery{})
	if err != nil {
		return err
	}
	fmt.Fprintf(d.stdout, "\nThe report at the end, held against the truth:\n\n")
	return writeScore(d.stdout, simulate.Judge(r, simulate.Truths(d.hosts, spoken)), "table")
}
