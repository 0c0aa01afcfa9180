package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/skewatch/skewatch/cmd/internal/api"
	"github.com/skewatch/skewatch/cmd/internal/config"
	"github.com/skewatch/skewatch/cmd/internal/export"
	"github.com/skewatch/skewatch/storage"
)

func (p *program) exportCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:  "export",
		Args: noArguments,
		Long: `Write stored messages for other programs: with the time that each bears, the time of
receipt, what was known of its host's clock then, and the time corrected by that,
with the bound within which it holds.

Usage:
  skewatch export [FLAG ...]

The format ecs-bulk is the body of requests to the bulk API of Elasticsearch and
OpenSearch, in the names of the Elastic Common Schema. With --per-segment each
segment to which nothing more is added becomes a file of its own, unless that is
there already: so a run each day exports what is new. --since and --until mean the
time of receipt.`,
		Example: `  $ skewatch export --format parquet --since 24h --output day.parquet
  $ skewatch export --format ecs-bulk --index syslog --since 1h |
      curl -H 'Content-Type: application/x-ndjson' --data-binary @- localhost:9200/_bulk`,
	}
	r := addReading(cmd, export.Formats...)
	var e exporting
	flags := cmd.Flags()
	flags.StringVarP(&e.output, "output", "o", "", "write to this `FILE`, which is there whole or not at all (default: the standard output)")
	flags.StringVar(&e.directory, "per-segment", "", "write a file for each segment to this `DIR`")
	flags.StringVar(&e.index, "index", "", "of ecs-bulk: the index or data stream `NAME` (default: what the request names)")
	flags.BoolVar(&e.raw, "raw", false, "add the messages as they were sent, in base64")
	c := addContents(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := errors.Join(c.check(), e.check(p, r.format.chosen)); err != nil {
			return err
		}
		return p.ask(cmd, r, func(ctx context.Context, d api.Desk, q request) error {
			ctx, release := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
			defer release()
			query := q.apiQuery()
			c.apply(&query)
			query.Raw, query.Estimates = e.raw, true
			bar := p.progressBar("exporting")
			query.Progress = bar.show()
			defer bar.clear()
			if e.directory != "" {
				return p.exportSegments(ctx, d, q, query, &e)
			}
			return e.file(e.output, p.stdout, func(w io.Writer) error { return e.messages(ctx, d, query, w, q.Format, 0) })
		})
	}
	return cmd
}

// exporting holds the flags of export.
type exporting struct {
	output, directory, index string
	raw                      bool
}

// check makes sure of the flags.
func (e *exporting) check(p *program, format string) error {
	switch {
	case e.directory != "" && e.output != "":
		return &config.Error{Field: "--output", Problem: "can't stand beside --per-segment", Value: e.output, Hint: "write one of the two"}
	case e.index != "" && format != "ecs-bulk":
		return &config.Error{Field: "--index", Problem: fmt.Sprintf("%s has no index", format), Value: e.index, Hint: "write --format ecs-bulk, or leave it out"}
	case format == "parquet" && e.output == "" && e.directory == "" && isTerminal(p.stdout):
		return &config.Error{Field: "--format", Problem: "a terminal can't show it", Value: format, Hint: "name a file with --output"}
	}
	return nil
}

// errLast ends a reading behind the last message that is asked for.
var errLast = errors.New("no more is asked for")

// messages writes the messages of a query, up to one with the ID given if that isn't 0.
func (e *exporting) messages(ctx context.Context, d api.Desk, q api.Query, w io.Writer, format string, last uint64) error {
	out := export.NewWriter(w, format, export.Options{Index: e.index})
	err := d.Messages(ctx, q, func(m api.Message) error {
		if last != 0 && m.ID > last {
			return errLast
		}
		return out.Write(m)
	})
	if errors.Is(err, errLast) {
		err = nil
	}
	if err == nil {
		err = ctx.Err()
	}
	return errors.Join(err, out.Close())
}

// file has a file written that is there whole or not at all; "" is the standard output.
func (e *exporting) file(path string, stdout io.Writer, write func(io.Writer) error) error {
	if path == "" {
		return write(stdout)
	}
	unfinished := path + ".new"
	f, err := os.OpenFile(unfinished, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	out := bufio.NewWriterSize(f, 1<<20)
	if err := errors.Join(write(out), out.Flush(), f.Sync(), f.Close()); err != nil {
		return errors.Join(err, os.Remove(unfinished))
	}
	return os.Rename(unfinished, path)
}

// exportSegments writes a file for each closed segment of the data directory that has none.
func (p *program) exportSegments(ctx context.Context, d api.Desk, r request, q api.Query, e *exporting) error {
	if r.Server != nil {
		return &config.Error{Field: "--per-segment", Problem: "needs the data directory", Value: e.directory, Hint: "give it with --data DIR instead of --server"}
	}
	data := r.Data
	if data == "" {
		cfg, err := config.Load(nil, p.environ)
		if err != nil {
			return err
		}
		data = cfg.Data
	}
	closed, err := storage.ClosedSegments(data)
	if err == nil {
		err = os.MkdirAll(e.directory, 0o700)
	}
	if err != nil {
		return err
	}
	written := 0
	for _, s := range closed {
		path := filepath.Join(e.directory, s.Name+export.Extension(r.Format))
		if _, err := os.Stat(path); err == nil {
			continue
		}
		q.After = s.First - 1
		err := e.file(path, nil, func(w io.Writer) error { return e.messages(ctx, d, q, w, r.Format, s.Last) })
		if err != nil {
			return fmt.Errorf("export %s: %w", s.Name, err)
		}
		written++
	}
	fmt.Fprintf(p.stderr, "%d segments exported, %d were there; what isn't in a closed segment yet waits for the next run\n", written, len(closed)-written)
	return nil
}
