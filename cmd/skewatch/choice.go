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
	return addChoice(cmd, "format", "write the answer in this format", formats...)
}

// addChoice declares a flag that takes one of a few words. The first is the default.
func addChoice(cmd *cobra.Command, name, usage string, words ...string) *choice {
	c := &choice{chosen: words[0], words: words}
	cmd.Flags().Var(c, name, usage)
	cobra.CheckErr(cmd.RegisterFlagCompletionFunc(name, cobra.FixedCompletions(
		slices.Clone(words), cobra.ShellCompDirectiveNoFileComp)))
	return c
}
