package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/skewatch/skewatch/cmd/internal/build"
)

func (p *program) versionCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:  "version",
		Args: noArguments,
		Long: `Print the version, the commit it was built from, and the Go version.

Usage:
  skewatch version [--format text|json]`,
		Example: "  $ skewatch version",
	}
	format := addFormat(cmd, "text", "json")
	cmd.RunE = func(*cobra.Command, []string) error {
		if format.chosen == "json" {
			return jsonLines(p.stdout).Encode(build.This())
		}
		return printBuild(p.stdout, build.This())
	}
	return cmd
}

func printBuild(w io.Writer, b build.Info) error {
	commit := b.Commit
	switch {
	case commit == "":
		commit = "unknown"
	case b.Modified:
		commit += " (modified)"
	}
	_, err := fmt.Fprintf(w, "skewatch %s\ncommit   %s\ngo       %s %s\n", b.Version, commit, b.Go, b.Platform)
	return err
}
