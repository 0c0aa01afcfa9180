package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"github.com/skewatch/skewatch/cmd/internal/config"
	"github.com/skewatch/skewatch/cmd/internal/server"
	"github.com/skewatch/skewatch/storage"
)

func (p *program) archiveCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:  "archive",
		Args: noArguments,
		Long: `Copy the segments to which nothing more is added to another directory, the oldest
first, with the keys that their signatures are checked by. A server may run on
the data meanwhile.

What is archived is read in place by every command that takes --data, and put back
by copying it into the segments directory while no server runs.

Usage:
  skewatch archive --to DIR [FLAG ...]`,
		Example: `  $ skewatch archive --to /mnt/archive --before 90d --delete
  $ skewatch search --data /mnt/archive --host web1 --since 2026-03-01T00:00:00Z`,
	}
	var a archiving
	format := addFormat(cmd, "table", "json")
	flags := cmd.Flags()
	flags.StringVar(&a.from, "data", "", "archive the segments of this data `DIR` (default: the server's)")
	flags.StringVar(&a.to, "to", "", "archive to this `DIR`")
	flags.StringVar(&a.before, "before", "", "only segments whose newest message was received before this `TIME`, such as 90d ago")
	flags.BoolVar(&a.delete, "delete", false, "remove each segment once its copy is on disk")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := a.check(p); err != nil {
			return err
		}
		ctx, release := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
		defer release()
		write, end := archivedTo(p.stdout, format.chosen)
		err := storage.Archive(ctx, a.from, a.to, storage.Archiving{Before: a.beforeNS, Delete: a.delete, Done: write})
		if err == nil {
			err = server.ArchiveConfig(a.from, a.to)
		}
		if err := errors.Join(err, end()); err != nil {
			return failure{err}
		}
		return nil
	}
	return cmd
}

// archiving holds the flags of archive.
type archiving struct {
	from, to, before string
	beforeNS         int64
	delete           bool
}

// check makes sure of the flags, and fills in what they leave open.
func (a *archiving) check(p *program) error {
	if a.to == "" {
		return &config.Error{Field: "--to", Problem: "missing", Hint: "name the directory to archive to"}
	}
	if a.from == "" {
		cfg, err := config.Load(nil, p.environ)
		if err != nil {
			return err
		}
		a.from = cfg.Data
	}
	if _, err := os.Stat(a.from); err != nil {
		return &config.Error{Field: "--data", Problem: "no server has kept its data there", Value: a.from,
			Hint: "give the directory that `skewatch serve --data` was started with"}
	}
	if same(a.from, a.to) {
		return &config.Error{Field: "--to", Problem: "the data directory itself", Value: a.to, Hint: "name another one"}
	}
	before, err := instant("--before", a.before, p.now())
	if err == nil && !before.IsZero() {
		a.beforeNS = before.UnixNano()
	}
	return err
}

// same reports whether two paths lead to one directory.
func same(a, b string) bool {
	x, err := os.Stat(a)
	if err != nil {
		return false
	}
	y, err := os.Stat(b)
	return err == nil && os.SameFile(x, y) || filepath.Clean(a) == filepath.Clean(b)
}

// archivedTo returns what writes a line for each segment, and what ends that.
func archivedTo(w io.Writer, format string) (write func(storage.Archived), end func() error) {
	b := bufio.NewWriter(w)
	n, bytes := 0, int64(0)
	write = func(a storage.Archived) {
		n++
		bytes += a.Bytes
		if format == "json" {
			_ = jsonLines(b).Encode(a) // end tells
			return
		}
		did := "copied"
		if !a.Copied {
			did = "was there"
		}
		if a.Deleted {
			did += ", removed here"
		}
		day := func(ns int64) string { return time.Unix(0, ns).UTC().Format("2006-01-02T15:04Z") }
		fmt.Fprintf(b, "%s  %s to %s  %8s  %s\n", a.Segment, day(a.Earliest), day(a.Latest), humanize.Bytes(uint64(a.Bytes)), did)
		_ = b.Flush() // end tells
	}
	return write, func() error {
		if format != "json" {
			fmt.Fprintf(b, "%d segments, %s\n", n, humanize.Bytes(uint64(bytes)))
		}
		return b.Flush()
	}
}
