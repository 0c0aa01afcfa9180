package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/skewatch/skewatch/cmd/internal/config"
	"github.com/skewatch/skewatch/cmd/internal/notify"
)

func (p *program) notifyCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "notify",
		Short: "test the outputs that warnings are sent to",
		Long: `Test the outputs that warnings are sent to: those under "notify" in the
configuration file.

Usage:
  skewatch notify test [NAME] [FLAG ...]

Commands:
  test  send a sample through each output, or one, and say what came of it`,
		Example: "  $ skewatch notify test --config skewatch.yaml",
	}
	asGroup(cmd)
	cmd.AddCommand(p.notifyTestCommand())
	return cmd
}

func (p *program) notifyTestCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "test",
		Long: `Send a sample, which says that it is one, through each output of the configuration,
or the one named, and say what came of it. Fails if any fails. No server need run.

Usage:
  skewatch notify test [NAME] [FLAG ...]`,
		Example: "  $ skewatch notify test ops --config skewatch.yaml",
	}
	cmd.Args = cobra.ArbitraryArgs
	config.Flags(cmd.Flags())
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		cfg, err := config.Load(cmd.Flags(), p.environ)
		if err != nil {
			return err
		}
		var all []trial
		for i := range cfg.Notify {
			n := &cfg.Notify[i]
			all = append(all, trial{n.Name, string(n.Type), func(ctx context.Context) error { return notify.Test(ctx, n, p.now(), p.stdout) }})
		}
		return p.tryEach(cmd, "notify", all, args)
	}
	return cmd
}
