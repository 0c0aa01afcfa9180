package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/skewatch/skewatch/cmd/internal/access"
	"github.com/skewatch/skewatch/cmd/internal/config"
)

func (p *program) configTokenCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:  "token NAME",
		Args: oneName,
		Long: `Make a token by which a program asks a server that wants to know who asks. Prints
the token, once and for all, and on stderr the line for the file that --web-tokens
names: it holds a hash, of which nobody can make the token again.

Usage:
  skewatch config token NAME [--role read|admin]`,
		Example: "  $ skewatch config token prometheus > prometheus.token",
	}
	role := addChoice(cmd, "role", "let it read, or also change things such as silences", "read", "admin")
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		token, line, err := access.NewToken(args[0], access.Role(role.chosen))
		if err != nil {
			return &config.Error{Field: "NAME", Problem: err.Error(), Value: args[0], Hint: "write one such as prometheus"}
		}
		fmt.Fprintf(p.stderr, "Put this line into the file that --web-tokens names:\n%s\n", line)
		_, err = fmt.Fprintln(p.stdout, token)
		return err
	}
	return cmd
}

func oneName(cmd *cobra.Command, args []string) error {
	if len(args) == 1 {
		return nil
	}
	return &config.Error{Field: cmd.CommandPath(), Problem: "needs one name, of whom the token is for", Hint: helpHint(cmd)}
}
