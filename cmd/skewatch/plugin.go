package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/skewatch/skewatch/analysis/report"
	"github.com/skewatch/skewatch/cmd/internal/api"
	"github.com/skewatch/skewatch/cmd/internal/client"
)

// An exitCode ends the program without a word, since all has been said.
type exitCode int

func (e exitCode) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

// The exit codes of monitoring plugins.
const (
	pluginOK exitCode = iota
	pluginWarning
	pluginCritical
	pluginUnknown
)

var pluginWords = [...]string{"OK", "WARNING", "CRITICAL", "UNKNOWN"}

// pluginOf is the annotation of a command that is nothing but a plugin: the service that it
// is about.
const pluginOf = "plugin"

// pluginTimeout is how long a plugin waits for an answer. Monitoring systems end it after a
// minute, and call that critical.
const pluginTimeout = 10 * time.Second

// serviceOf returns the service that a command is asked about as a plugin, "" if it isn't one.
// Its flags may not have been understood.
func serviceOf(cmd *cobra.Command, args []string) string {
	if cmd.Name() == "sources" && slices.Contains(args, "--check") {
		return "SOURCES"
	}
	return cmd.Annotations[pluginOf]
}

// askWithin asks a running server, and makes one error of whatever keeps it from answering
// in time.
func askWithin[T any](ctx context.Context, place client.Place, timeout time.Duration, ask func(context.Context, api.Desk) (T, error)) (answer T, err error) {
	ctx, end := context.WithTimeout(ctx, timeout)
	defer end()
	desk, err := place.FindServer()
	if err == nil {
		answer, err = ask(ctx, desk)
		err = errors.Join(err, desk.Close())
	}
	if errors.Is(err, context.DeadlineExceeded) {
		err = fmt.Errorf("no answer within %v", timeout)
	}
	return answer, err
}

// plugin prints the line of a monitoring plugin about a service.
func (p *program) plugin(service string, code exitCode, text, perfdata string) error {
	clean := strings.NewReplacer("|", "/").Replace(report.Printable(text))
	if perfdata != "" {
		clean += " | " + perfdata
	}
	if _, err := fmt.Fprintf(p.stdout, "SKEWATCH %s %s - %s\n", service, pluginWords[code], clean); err != nil {
		return err
	}
	if code == pluginOK {
		return nil
	}
	return code
}
