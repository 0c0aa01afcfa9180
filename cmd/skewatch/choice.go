package main

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/skewatch/skewatch/cmd/internal/config"
)

// A choice is the value of a flag that takes one of a few words. It implements
// pflag.Value.
type choice struct {
	chosen string
	words  []string
}

func (c *choice) String() string { return c.chosen }
func (c *choice) Type() string   { return strings.Join(c.words, "|") }

func (c *choice) Set(word string) error {
	if !slices.Contains(c.words, word) {
		return &config.Error{Problem: "not one of " + strings.Join(c.words, ", ")}
	}
	c.chosen = word
	return nil
}

var _ pflag.Value = (*choice)(nil)

// addFormat declares --format for cmd. The first of the formats is the default.
func addFormat(cmd *cobra.Command, formats ...string) *choice {
	format := &choice{chosen: formats[0], words: formats}
	cmd.Flags().Var(format, "format", "write the answer in this format")
	cobra.CheckErr(cmd.RegisterFlagCompletionFunc("format", cobra.FixedCompletions(
		slices.Clone(formats), cobra.ShellCompDirectiveNoFileComp)))
	return format
}
