package main

import (
	"context"
	"crypto/tls"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/sirupsen/logrus"
	"github.com/spf13/cobra"

	"github.com/skewatch/skewatch/analysis/report"
	"github.com/skewatch/skewatch/cmd/internal/api"
	"github.com/skewatch/skewatch/cmd/internal/client"
	"github.com/skewatch/skewatch/cmd/internal/config"
	"github.com/skewatch/skewatch/cmd/internal/retry"
)

// ask finds whoever answers for a reading command and has fn ask it once.
func (p *program) ask(cmd *cobra.Command, r *reading, fn func(context.Context, api.Desk, request) error) error {
	q, place, err := p.whom(r)
	if err != nil {
		return err
	}
	desk, err := place.Find()
	if err == nil {
		err = errors.Join(fn(cmd.Context(), desk, q), desk.Close())
	}
	return unanswered(err, q)
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
	cfg.Log.Level = min(cfg.Log.Level, logrus.WarnLevel) // what goes well is no news to who asked for data
	return q, client.Place{Server: q.Server, Data: q.Data, Default: cfg.Data, Proof: q.Proof, Log: newLogger(p.stderr, cfg.Log)}, nil
}

// retryEvery is how long a follower waits for a server that has gone away.
const retryEvery = time.Second

// follow has what begin returns ask again whenever an answer ends, until the period
// is over or SIGINT or SIGTERM comes: it outlives a restart of the server. What it
// asks is for what it hasn't got yet.
func (p *program) follow(cmd *cobra.Command, r *reading, begin func(request) func(context.Context, api.Desk) error) error {
	q, place, err := p.whom(r)
	if err != nil {
		return err
	}
	ctx, release := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
	defer release()
	fn, find := begin(q), place.Find
	for first := true; ; first = false {
		desk, err := find()
		if err == nil {
			err = errors.Join(fn(ctx, desk), desk.Close())
		}
		switch {
		case ctx.Err() != nil, err == nil && q.Period.over(p.now()):
			return nil
		case err != nil && (!passing(err) || first && away(err)):
			return unanswered(err, q)
		}
		find = place.FindServer // it may want the files
		if retry.Wait(ctx, retryEvery); ctx.Err() != nil {
			return nil
		}
	}
}

// over reports whether nothing can happen in the period any more.
func (p period) over(now time.Time) bool { return !p.Until.IsZero() && !now.Before(p.Until) }

// passing reports whether an error may go away by itself: the server is restarting.
func passing(err error) bool {
	return away(err) || errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, new(net.Error))
}

// away reports whether an error says that no server answers. One that was killed did.
func away(err error) bool {
	return errors.As(err, new(*client.UnreachableError)) || errors.Is(err, client.ErrNoNotice)
}

// unanswered makes a failure of what kept a question from being answered: the
// question itself was in order. It adds what to do about a server that is away.
func unanswered(err error, q request) error {
	if err == nil {
		return nil
	}
	if errors.As(err, new(*client.UnreachableError)) {
		hint := "start one with `skewatch serve`, name another with --server URL, or read files with --data DIR"
		switch {
		case errors.As(err, new(*tls.CertificateVerificationError)):
			hint = "name the CA that has signed its certificate with --ca FILE, and the server as the certificate does"
		case errors.Is(err, fs.ErrPermission):
			hint = "run it as the server's user, or name the server with --server URL and a token with --token-file FILE"
		case q.Server != nil:
			hint = "check the URL, and that `skewatch serve` runs there"
		}
		err = &remedied{err, hint}
	}
	return failure{err}
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

// csvRows writes the names of the columns, and returns what writes a row, none of whose
// cells a spreadsheet takes for a formula. That also returns what kept the names from being
// written.
func csvRows(w io.Writer, columns ...string) func(cells ...string) error {
	c := csv.NewWriter(w)
	write := func(cells ...string) error {
		for i := range cells {
			cells[i] = report.Inert(cells[i])
		}
		_ = c.Write(cells) // Error tells
		c.Flush()
		return c.Error()
	}
	_ = write(columns...)
	return write
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
