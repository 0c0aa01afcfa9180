package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/skewatch/skewatch/analysis/report"
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
		outputs, err := chosenOutputs(cfg.Notify, args)
		if err != nil {
			return err
		}
		ctx, release := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
		defer release()
		return p.testOutputs(ctx, outputs)
	}
	return cmd
}

// chosenOutputs returns the output that is named, or all.
func chosenOutputs(all []config.Notify, args []string) ([]config.Notify, error) {
	const field = "skewatch notify test"
	switch {
	case len(all) == 0:
		return nil, &config.Error{Field: "notify", Problem: "no outputs are configured", Hint: "name them in the file that --config names"}
	case len(args) > 1:
		return nil, &config.Error{Field: field, Problem: "takes one name", Value: args[1], Hint: "leave it out to test all"}
	case len(args) == 0:
		return all, nil
	}
	var names []string
	for _, n := range all {
		names = append(names, n.Name)
	}
	if i := slices.Index(names, args[0]); i >= 0 {
		return all[i : i+1], nil
	}
	return nil, &config.Error{Field: field, Problem: "no output has this name", Value: args[0], Hint: "there are: " + strings.Join(names, ", ")}
}

// errUndelivered makes the exit code of what failed, and was said.
var errUndelivered = errors.New("not every output delivers")

// testOutputs sends the sample through all outputs at once, and says what came of it in
// their order.
func (p *program) testOutputs(ctx context.Context, outputs []config.Notify) error {
	said := make([]string, len(outputs))
	failed := make([]bool, len(outputs))
	var wg sync.WaitGroup
	for i := range outputs {
		wg.Go(func() {
			begin := time.Now()
			err := notify.Test(ctx, &outputs[i], p.now(), p.stdout)
			took := time.Since(begin).Round(time.Millisecond)
			said[i], failed[i] = fmt.Sprintf("delivered in %v", took), err != nil
			if err != nil {
				said[i] = fmt.Sprintf("failed after %v: %s", took, report.Printable(err.Error()))
			}
		})
	}
	wg.Wait()
	for i, n := range outputs {
		if _, err := fmt.Fprintf(p.stdout, "%s (%s): %s\n", n.Name, n.Type, said[i]); err != nil {
			return err
		}
	}
	if slices.Contains(failed, true) {
		return errUndelivered
	}
	return nil
}
