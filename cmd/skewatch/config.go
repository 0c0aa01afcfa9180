package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/skewatch/skewatch/cmd/internal/config"
	"github.com/skewatch/skewatch/cmd/internal/server"
)

func (p *program) configCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "config",
		Short: "check or show the configuration",
		Long: `Check or show the configuration that "skewatch serve" would run with, given the
same flags, environment and file.

Usage:
  skewatch config check [FLAG ...]
  skewatch config show [FLAG ...]
  skewatch config token NAME [--role read|admin]

Commands:
  check  print every error in it, and what is valid but odd
  show   print what is in effect, and where each value comes from
  token  make a token for a program that asks a server`,
		Example: "  $ skewatch config show --listen-udp :5514",
	}
	asGroup(cmd)
	cmd.AddCommand(p.configCheckCommand(), p.configShowCommand(), p.configTokenCommand())
	return cmd
}

func (p *program) configCheckCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:  "check",
		Args: noArguments,
		Long: `Check the configuration: print every error in it and in the files that say who may
ask over HTTP, what is valid but odd, and when each report by schedule is next due.
Fails if there is an error.

Usage:
  skewatch config check [FLAG ...]`,
		Example: "  $ skewatch config check --profile finra",
	}
	config.Flags(cmd.Flags())
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		cfg, err := config.Load(cmd.Flags(), p.environ)
		if err != nil {
			return err
		}
		if _, err := server.LoadRules(cfg.Rules); err != nil {
			return err
		}
		for _, odd := range cfg.Oddities() {
			fmt.Fprintf(p.stderr, "warning: %s\n", odd)
			hint(p.stderr, odd.Hint)
		}
		if err := server.CheckAccess(cfg, newLogger(p.stderr, cfg.Log)); err != nil {
			return err
		}
		if _, err = fmt.Fprintf(p.stdout, "valid, hash %s\n", cfg.Hash()); err != nil {
			return err
		}
		return p.nextRuns(cfg)
	}
	return cmd
}

// nextRuns says when each report is next due.
func (p *program) nextRuns(cfg *config.Config) error {
	for i := range cfg.Reports {
		r := &cfg.Reports[i]
		next := r.Next(p.now())
		_, err := fmt.Fprintf(p.stdout, "report %s: next at %s, of the time since %s\n", r.Name,
			next.In(r.Zone.Location()).Format(time.RFC3339), r.Since(next).In(r.Zone.Location()).Format(time.RFC3339))
		if err != nil {
			return err
		}
	}
	return nil
}

func (p *program) configShowCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:  "show",
		Args: noArguments,
		Long: `Show the configuration in effect, and where each value comes from. In the format
yaml it is a configuration file itself.

Usage:
  skewatch config show [--format yaml|json] [FLAG ...]`,
		Example: "  $ skewatch config show --config skewatch.yaml",
	}
	config.Flags(cmd.Flags())
	format := addFormat(cmd, "yaml", "json")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		cfg, err := config.Load(cmd.Flags(), p.environ)
		if err != nil {
			return err
		}
		if format.chosen == "json" {
			return cfg.WriteJSON(p.stdout)
		}
		return cfg.WriteYAML(p.stdout)
	}
	return cmd
}
