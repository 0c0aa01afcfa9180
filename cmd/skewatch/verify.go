package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"github.com/skewatch/skewatch/analysis/report"
	"github.com/skewatch/skewatch/cmd/internal/api"
	"github.com/skewatch/skewatch/cmd/internal/config"
	"github.com/skewatch/skewatch/storage"
)

func (p *program) verifyCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:  "verify [REPORT]",
		Args: atMostOneArgument,
		Long: `Go through all that is stored: the structure of the files, every checksum, the
sequence of messages without a gap, and the signed history of what was sealed, in
which a block that was changed, cut out or moved shows by its place.

It exits with 1 if anything is found. Whoever can change the files can have them
signed anew: keep a head elsewhere (--save-head), and hold the files against it later.

With a REPORT, hold that file against the note that "report --sign" wrote (REPORT.note, or
--note), and nothing else.

Usage:
  skewatch verify [REPORT] [FLAG ...]`,
		Example: `  $ skewatch verify --data /var/lib/skewatch
  $ skewatch verify skew.html --keys signing.pub
  $ skewatch verify --save-head /media/usb/skewatch.head
  $ skewatch verify --head /media/usb/skewatch.head --keys /media/usb/signing.pub`,
	}
	var v verifying
	r := addPlace(cmd, "table", "json")
	flags := cmd.Flags()
	flags.StringArrayVar(&v.heads, "head", nil, "the history must go on from the head in this `FILE`; repeatable")
	flags.StringVar(&v.keys, "keys", "", "rely on the public keys in this `FILE` (default: signing.pub of the data directory)")
	flags.StringVar(&v.saveHead, "save-head", "", "write the newest head to this `FILE`")
	flags.StringVar(&v.note, "note", "", "the note over REPORT is in this `FILE` (default: REPORT.note)")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			return p.verifyReport(r, &v, args[0])
		}
		query, err := v.query()
		if err != nil {
			return err
		}
		return p.ask(cmd, r, func(ctx context.Context, d api.Desk, q request) error {
			return p.verify(ctx, d, query, v.saveHead, q.Format)
		})
	}
	return cmd
}

// verifying holds the flags of verify.
type verifying struct {
	heads    []string
	keys     string
	saveHead string
	note     string
}

func (v *verifying) query() (q api.VerifyQuery, err error) {
	read := func(flag, path string) (text string) {
		b, failed := os.ReadFile(path)
		if failed != nil && err == nil {
			err = &config.Error{Field: flag, Problem: "can't be read: " + failed.Error(), Value: path, Hint: "name a file"}
		}
		return string(b)
	}
	if v.keys != "" {
		q.Keys = read("--keys", v.keys)
	}
	for _, path := range v.heads {
		q.Heads = append(q.Heads, read("--head", path))
	}
	return q, err
}

// errFindings makes the exit code of what was found.
var errFindings = errors.New("what is stored isn't as it was")

func (p *program) verify(ctx context.Context, d api.Desk, q api.VerifyQuery, saveHead, format string) error {
	out := bufio.NewWriter(p.stdout)
	bar := p.progressBar("verifying")
	q.Progress = bar.show()
	found := []api.Flaw{} // not null
	verified, err := d.Verify(ctx, q, func(f api.Flaw) error {
		if found = append(found, f); format == "json" {
			return nil
		}
		fmt.Fprintf(out, "%s: %s: %s\n", report.Printable(f.File), report.Printable(f.Record), report.Printable(f.Problem))
		return out.Flush()
	})
	bar.clear()
	if err != nil {
		return err
	}
	if format == "json" {
		err = verifiedJSON(out, found, &verified)
	} else {
		verifiedText(out, &verified)
	}
	if err := errors.Join(err, out.Flush(), writeHead(saveHead, verified.Head)); err != nil {
		return err
	}
	if len(found) > 0 {
		return errFindings
	}
	return nil
}

func verifiedJSON(w io.Writer, found []api.Flaw, v *storage.Verified) error {
	return writeIndented(w, struct {
		Found []api.Flaw `json:"found"`
		*storage.Verified
	}{found, v})
}

func verifiedText(w io.Writer, v *storage.Verified) {
	count := func(n int) string { return humanize.Comma(int64(n)) }
	fmt.Fprintf(w, "%s messages in %s blocks, %s rounds and %s segments; %s not sealed yet; %s entries of state\n",
		humanize.Comma(int64(v.Messages)), count(v.Blocks), count(v.Rounds), count(v.Segments), humanize.Comma(int64(v.Unsealed)), count(v.States))
	fmt.Fprintf(w, "findings: %s\n", count(v.Findings))
	if v.Head != "" {
		fmt.Fprintf(w, "\nThe newest head that holds:\n%s", v.Head)
	}
}

// writeHead writes a head to a file, if that was asked for.
func writeHead(path, head string) error {
	switch {
	case path == "":
		return nil
	case head == "":
		return errors.New("--save-head: nothing is sealed and signed yet")
	}
	return os.WriteFile(path, []byte(head), 0o644)
}
