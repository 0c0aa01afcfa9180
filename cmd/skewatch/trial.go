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
)

// A trial is an output that a sample can be sent through.
type trial struct {
	name, kind string
	send       func(context.Context) error
}

// errUndelivered makes the exit code of what failed, and was said.
var errUndelivered = errors.New("not every output delivers")

// tryEach sends a sample through each of the outputs that stand under a key of the
// configuration, or the one named, until SIGINT or SIGTERM comes.
func (p *program) tryEach(cmd *cobra.Command, key string, all []trial, args []string) error {
	chosen, err := chosenTrials(cmd.CommandPath(), key, all, args)
	if err != nil {
		return err
	}
	ctx, release := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
	defer release()
	return p.try(ctx, chosen)
}

// chosenTrials returns the output that is named, or all.
func chosenTrials(command, key string, all []trial, args []string) ([]trial, error) {
	switch {
	case len(all) == 0:
		return nil, &config.Error{Field: key, Problem: "no outputs are configured", Hint: "name them in the file that --config names"}
	case len(args) > 1:
		return nil, &config.Error{Field: command, Problem: "takes one name", Value: args[1], Hint: "leave it out to test all"}
	case len(args) == 0:
		return all, nil
	}
	var names []string
	for _, t := range all {
		names = append(names, t.name)
	}
	if i := slices.Index(names, args[0]); i >= 0 {
		return all[i : i+1], nil
	}
	return nil, &config.Error{Field: command, Problem: "no output has this name", Value: args[0], Hint: "there are: " + strings.Join(names, ", ")}
}

// try sends the sample through all outputs at once, and says what came of it in their order.
func (p *program) try(ctx context.Context, outputs []trial) error {
	said := make([]string, len(outputs))
	failed := make([]bool, len(outputs))
	var wg sync.WaitGroup
	for i := range outputs {
		wg.Go(func() {
			begin := time.Now()
			err := outputs[i].send(ctx)
			took := time.Since(begin).Round(time.Millisecond)
			said[i], failed[i] = fmt.Sprintf("delivered in %v", took), err != nil
			if err != nil {
				said[i] = fmt.Sprintf("failed after %v: %s", took, report.Printable(err.Error()))
			}
		})
	}
	wg.Wait()
	for i, t := range outputs {
		if _, err := fmt.Fprintf(p.stdout, "%s (%s): %s\n", t.name, t.kind, said[i]); err != nil {
			return err
		}
	}
	if slices.Contains(failed, true) {
		return errUndelivered
	}
	return nil
}
