package main

import (
	"path"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/skewatch/skewatch/cmd/internal/api"
	"github.com/skewatch/skewatch/cmd/internal/config"
	"github.com/skewatch/skewatch/collector/message"
)

// contents holds the flags that select messages by what they say.
type contents struct{ grep, app, severity string }

func addContents(cmd *cobra.Command) *contents {
	c := new(contents)
	flags := cmd.Flags()
	flags.StringVar(&c.grep, "grep", "", "only messages that this regular `EXPR` matches, such as 'port 2[0-9]+'")
	flags.StringVar(&c.app, "app", "", "only messages of applications whose names match this `GLOB`, such as 'sshd*'")
	flags.StringVar(&c.severity, "severity", "", "only messages of this `SEVERITY` and more severe ones, such as warning")
	cobra.CheckErr(cmd.RegisterFlagCompletionFunc("severity", cobra.FixedCompletions(message.Severities(), cobra.ShellCompDirectiveNoFileComp)))
	return c
}

// given returns the name of a flag that was given, "" if none was.
func (c *contents) given() string {
	switch {
	case c.grep != "":
		return "--grep"
	case c.app != "":
		return "--app"
	case c.severity != "":
		return "--severity"
	}
	return ""
}

// check refuses what nothing can be selected by.
func (c *contents) check() error {
	if problem := api.BadExpression(c.grep); problem != "" {
		return &config.Error{Field: "--grep", Problem: "not a regular expression: " + problem, Value: c.grep,
			Hint: `write \ before a character that stands for itself, such as "\(" or "\*"`}
	}
	if _, err := path.Match(strings.ToLower(c.app), ""); err != nil {
		return &config.Error{Field: "--app", Problem: "not a name pattern", Value: c.app,
			Hint: `write a name with * and ? for any part, such as "sshd*"`}
	}
	if c.severity != "" && !slices.Contains(message.Severities(), c.severity) {
		return &config.Error{Field: "--severity", Problem: "not a severity", Value: c.severity,
			Hint: "write one of " + strings.Join(message.Severities(), ", ")}
	}
	return nil
}

func (c *contents) apply(q *api.Query) {
	q.Grep, q.App, q.Severity = c.grep, strings.ToLower(c.app), c.severity
}
