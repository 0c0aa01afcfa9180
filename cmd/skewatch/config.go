package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/skewatch/skewatch/cmd/internal/config"
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

Commands:
  check  print every error in it, and what is valid but odd
  show   print what is in effect, and where each value comes from`,
		Example: "  $ skewatch config show --listen-udp :5514",
	}
	asGroup(cmd)
	cmd.AddCommand(p.configCheckCommand(), p.configShowCommand())
	return cmd
}

func (p *program) configCheckCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:  "check",
		Args: noArguments,
		Long: `Check the configuration: print every error in it, and what is valid but odd.
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
		for _, odd := range cfg.Oddities() {
			fmt.Fprintf(p.stderr, "warning: %s\n", odd)
			hint(p.stderr, odd.Hint)
		}
		_, err = fmt.Fprintf(p.stdout, "valid, hash %s\n", cfg.Hash())
		return err
	}
	return cmd
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
