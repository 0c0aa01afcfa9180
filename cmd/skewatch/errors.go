package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/skewatch/skewatch/cmd/internal/config"
)

// A failure is an error of a command that was called as it should be, whatever
// its type.
type failure struct{ error }

func (f failure) Unwrap() error { return f.error }

// complain prints each error that err joins, with its remedy if it knows one,
// and returns the exit code: exitUsage if there is a config.Error and no failure.
func complain(w io.Writer, err error) int {
	var failed failure
	isFailure := errors.As(err, &failed)
	if isFailure {
		err = failed.error
	}
	code := exitFailed
	for _, err := range parts(err) {
		fmt.Fprintf(w, "error: %v\n", err)
		var remedy interface{ Remedy() string }
		if errors.As(err, &remedy) {
			hint(w, remedy.Remedy())
		}
		var usage *config.Error
		if errors.As(err, &usage) && !isFailure {
			code = exitUsage
		}
	}
	return code
}

// hint prints a remedy, if there is one.
func hint(w io.Writer, remedy string) {
	if remedy != "" {
		fmt.Fprintf(w, "hint: %s\n", remedy)
	}
}

// parts returns the errors that err joins, and those that they join, or err alone.
func parts(err error) []error {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{err}
	}
	var all []error
	for _, err := range joined.Unwrap() {
		all = append(all, parts(err)...)
	}
	return all
}

// flagError makes an error that says what to do of one from the parser of flags.
func flagError(cmd *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	var valueless *pflag.ValueRequiredError
	var invalid *pflag.InvalidValueError
	switch {
	case errors.As(err, &unknown):
		return &config.Error{Field: dashed(unknown), Problem: "unknown flag", Hint: knownFlags(cmd, unknown.GetSpecifiedName())}
	case errors.As(err, &valueless):
		f := valueless.GetFlag()
		return &config.Error{Field: "--" + f.Name, Problem: "missing value",
			Hint: fmt.Sprintf("write --%s %s", f.Name, f.Value.Type())}
	case errors.As(err, &invalid):
		return invalidValue(invalid)
	}
	return &config.Error{Problem: err.Error(), Hint: helpHint(cmd)}
}

// dashed returns an unknown flag as it was written.
func dashed(unknown *pflag.NotExistError) string {
	if unknown.GetSpecifiedShortnames() != "" {
		return "-" + unknown.GetSpecifiedShortnames()
	}
	return "--" + unknown.GetSpecifiedName()
}

// invalidValue passes on what a flag's own Set said of the value.
func invalidValue(invalid *pflag.InvalidValueError) error {
	var said *config.Error
	if !errors.As(invalid, &said) {
		said = &config.Error{Problem: "not a valid " + invalid.GetFlag().Value.Type()}
	}
	said.Field, said.Value = "--"+invalid.GetFlag().Name, invalid.GetValue()
	return said
}

func knownFlags(cmd *cobra.Command, name string) string {
	for _, c := range cmd.Commands() {
		if c.Name() == name {
			return "write " + c.CommandPath()
		}
	}
	var known []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) { known = append(known, f.Name) })
	if near := config.Nearest(name, known); near != "" {
		return "write --" + near
	}
	return helpHint(cmd)
}

// noArguments refuses arguments that are no flags.
func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return &config.Error{Field: cmd.CommandPath(), Problem: "takes no arguments", Value: args[0], Hint: helpHint(cmd)}
}

// asGroup makes cmd one that only holds others: called by itself, or with a
// command that it doesn't hold, it fails.
func asGroup(cmd *cobra.Command) {
	cmd.Args = cobra.ArbitraryArgs
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return &config.Error{Field: cmd.CommandPath(), Problem: "no command given", Hint: helpHint(cmd)}
		}
		return &config.Error{Field: cmd.CommandPath(), Problem: "unknown command", Value: args[0], Hint: knownCommands(cmd, args[0])}
	}
}

func knownCommands(cmd *cobra.Command, name string) string {
	if near := nearestCommand(cmd, name); near != nil {
		return "write " + near.CommandPath()
	}
	return helpHint(cmd)
}

// nearestCommand returns the command of a group that name was probably meant to be,
// nil if none is near.
func nearestCommand(cmd *cobra.Command, name string) *cobra.Command {
	commands := map[string]*cobra.Command{}
	for _, c := range cmd.Commands() {
		commands[c.Name()] = c
	}
	return commands[config.Nearest(strings.ToLower(name), slices.Sorted(maps.Keys(commands)))]
}

// showHelp is the help command: it prints the help of the command that args name.
func showHelp(cmd *cobra.Command, args []string) error {
	about, rest, err := cmd.Root().Find(args)
	if err != nil {
		return err
	}
	if len(rest) > 0 {
		hint := helpHint(about)
		if near := nearestCommand(about, rest[0]); near != nil {
			hint = "write " + near.CommandPath() + " --help"
		}
		return &config.Error{Field: cmd.CommandPath(), Problem: "unknown command", Value: rest[0], Hint: hint}
	}
	about.InitDefaultHelpFlag()
	return about.Help()
}

func helpHint(cmd *cobra.Command) string { return fmt.Sprintf("see %s --help", cmd.CommandPath()) }
