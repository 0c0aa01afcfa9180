package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/skewatch/skewatch/cmd/internal/config"
	"github.com/skewatch/skewatch/cmd/internal/forward"
)

func (p *program) forwardCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "forward",
		Short: "test the receivers that messages are sent on to",
		Long: `Test the receivers that messages are sent on to: those under "forward" in the
configuration file.

Usage:
  skewatch forward test [NAME] [FLAG ...]

Commands:
  test  send a sample to each receiver, or one, and say what came of it`,
		Example: "  $ skewatch forward test --config skewatch.yaml",
	}
	asGroup(cmd)
	cmd.AddCommand(p.forwardTestCommand())
	return cmd
}

func (p *program) forwardTestCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "test",
		Long: `Send a sample message, which says that it is one, to each receiver of the
configuration, or the one named, and say what came of it. Delivered is what the
receiver acknowledges over RELP; over TCP and TLS that it closes the connection in
turn. Fails if any fails. No server need run.

Usage:
  skewatch forward test [NAME] [FLAG ...]`,
		Example: "  $ skewatch forward test siem --config skewatch.yaml",
	}
	cmd.Args = cobra.ArbitraryArgs
	config.Flags(cmd.Flags())
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		cfg, err := config.Load(cmd.Flags(), p.environ)
		if err != nil {
			return err
		}
		var all []trial
		for i := range cfg.Forward {
			f := &cfg.Forward[i]
			all = append(all, trial{f.Name, string(f.Transport), func(ctx context.Context) error { return forward.Test(ctx, f, p.now()) }})
		}
		return p.tryEach(cmd, "forward", all, args)
	}
	return cmd
}
