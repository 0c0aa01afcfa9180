package main

import (
	"context"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/sirupsen/logrus"
	"github.com/spf13/cobra"

	"github.com/skewatch/skewatch/cmd/internal/config"
	"github.com/skewatch/skewatch/cmd/internal/server"
)

func (p *program) serveCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:  "serve",
		Args: noArguments,
		Long: `Receive syslog, judge the clocks of the hosts that send it, and answer the other
commands. Runs until SIGTERM or SIGINT, then stores what has arrived and ends; a
second signal ends it at once.

Usage:
  skewatch serve [FLAG ...]

Each flag can be set by an environment variable (--ntp-poll by SKEWATCH_NTP_POLL,
lists separated by commas) and in the file that --config names. A flag wins over
the environment, and the environment over the file. What is in effect, and why:
skewatch config show.`,
		Example: "  $ skewatch serve --listen-udp :5514 --listen-tcp :5514",
	}
	config.Flags(cmd.Flags())
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		cfg, err := config.Load(cmd.Flags(), p.environ)
		if err != nil {
			return err
		}
		return p.serve(cmd.Context(), cfg)
	}
	return cmd
}

// serve runs a server until it fails or is told to stop.
func (p *program) serve(ctx context.Context, cfg *config.Config) error {
	ctx, release := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer release()
	context.AfterFunc(ctx, release) // the second signal is not caught
	signal.Ignore(syscall.SIGPIPE)  // who reads stdout may go: an output that fails, and no end

	log := newLogger(p.stderr, cfg.Log)
	for _, odd := range cfg.Oddities() {
		entry := logrus.NewEntry(log)
		if odd.Hint != "" {
			entry = entry.WithField("hint", odd.Hint)
		}
		entry.Warn(odd)
	}
	if p.lookup("GOGC") == "" {
		// What is live is mostly large buffers without pointers, which are quickly marked:
		// collecting more often costs little, and saves a quarter of the memory.
		debug.SetGCPercent(50)
	}
	srv, err := server.Open(cfg, log)
	if err != nil {
		return failure{err}
	}
	if err := srv.Run(ctx); err != nil {
		return failure{err}
	}
	return nil
}
