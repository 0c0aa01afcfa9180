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

	"github.com/spf13/cobra"

	"github.com/skewatch/skewatch/cmd/internal/api"
	"github.com/skewatch/skewatch/cmd/internal/client"
	"github.com/skewatch/skewatch/cmd/internal/config"
	"github.com/skewatch/skewatch/storage"
)

// ask finds whoever answers for a reading command and has fn ask it once.
func (p *program) ask(cmd *cobra.Command, r *reading, fn func(context.Context, api.Desk, request) error) error {
	q, place, err := p.whom(r)
	if err != nil {
		return err
	}
	desk, err := place.Find()
	if err != nil {
		return explain(err, q)
	}
	return explain(errors.Join(fn(cmd.Context(), desk, q), desk.Close()), q)
}

// whom returns what a reading command is asked, and the place to ask.
func (p *program) whom(r *reading) (request, client.Place, error) {
	q, err := r.request(p)
	if err != nil {
		return request{}, client.Place{}, err
	}
	cfg, err := config.Load(nil, p.environ)
	if err != nil {
		return request{}, client.Place{}, err
	}
	return q, client.Place{Server: q.Server, Data: q.Data, Config: cfg, Log: newLogger(p.stderr, cfg.Log)}, nil
}

// retryEvery is how long a follower waits for a server that has gone away.
const retryEvery = time.Second

// follow has fn ask again whenever an answer ends, until SIGINT or SIGTERM: it
// outlives a restart of the server. fn asks for what comes after the ID that it
// returned last.
func (p *program) follow(cmd *cobra.Command, r *reading, fn func(context.Context, api.Desk, request) error) error {
	q, place, err := p.whom(r)
	if err != nil {
		return err
	}
	ctx, release := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
	defer release()
	for first := true; ; first = false {
		desk, err := place.Find()
		if err == nil {
			err = errors.Join(fn(ctx, desk, q), desk.Close())
		}
		if ctx.Err() != nil {
			return nil
		}
		if err != nil && (first || !passing(err)) {
			return explain(err, q)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(retryEvery):
		}
	}
}

// passing reports whether an error may go away by itself: the server is restarting.
func passing(err error) bool {
	return errors.As(err, new(*client.UnreachableError)) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, storage.ErrInUse)
}

// explain adds what to do about a server that doesn't answer.
func explain(err error, q request) error {
	var away *client.UnreachableError
	if !errors.As(err, &away) {
		return err
	}
	hint := "start one with `skewatch serve`, name another with --server URL, or read files with --data DIR"
	if q.Server != nil {
		hint = "check the URL, and that `skewatch serve` runs there"
	}
	return &remedied{err, hint}
}

// remedied is an error that knows what to do about it.
type remedied struct {
	error
	remedy string
}

func (e *remedied) Unwrap() error  { return e.error }
func (e *remedied) Remedy() string { return e.remedy }

// apiQuery returns what a request asks of a desk.
func (q request) apiQuery() api.Query {
	return api.Query{Since: q.Period.Since, Until: q.Period.Until, Host: q.Host}
}

// signedMicro writes a small offset as chronyc does: the sign, and the unit that fits.
func signedMicro(seconds *float64) string {
	if seconds == nil {
		return "-"
	}
	return withUnit("%+.0f%s", *seconds)
}

// unsigned writes a bound or delay with the unit that fits.
func unsigned(seconds *float64) string {
	if seconds == nil {
		return "-"
	}
	return withUnit("%.0f%s", *seconds)
}

func withUnit(format string, seconds float64) string {
	for _, u := range [...]struct {
		size float64
		name string
	}{{1e-9, "ns"}, {1e-6, "us"}, {1e-3, "ms"}} {
		if v := seconds / u.size; v < 9999.5 && v > -9999.5 {
			return fmt.Sprintf(format, v, u.name)
		}
	}
	return fmt.Sprintf(format, seconds, "s")
}
