package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/skewatch/skewatch/analysis"
	"github.com/skewatch/skewatch/analysis/report"
	"github.com/skewatch/skewatch/analysis/rules"
	"github.com/skewatch/skewatch/cmd/internal/api"
	"github.com/skewatch/skewatch/cmd/internal/config"
	"github.com/skewatch/skewatch/cmd/internal/server"
)

func (p *program) rulesCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "rules",
		Short: "list and try rules over messages",
		Long: `List the rules over messages that come with the program, and try rules on log
files. "skewatch serve --rules FILE" watches messages by them.

Usage:
  skewatch rules list [NAME]
  skewatch rules test RULES ... LOG ...

Commands:
  list  show the rules that come along, or with a NAME such as builtin:web its file
  test  run rules over log files, and print what they find`,
		Example: "  $ skewatch rules test builtin:logins /var/log/auth.log",
	}
	asGroup(cmd)
	cmd.AddCommand(p.rulesListCommand(), p.rulesTestCommand())
	return cmd
}

func (p *program) rulesListCommand() *cobra.Command {
	return &cobra.Command{
		Use:  "list [NAME]",
		Args: atMostOneArgument,
		Long: `Show the rules that come with the program, or with a NAME such as builtin:web the
file that they stand in, to be copied and changed.

Usage:
  skewatch rules list [NAME]`,
		Example: "  $ skewatch rules list builtin:web > web.yaml",
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return p.showRules(args[0])
			}
			for _, name := range rules.Builtins() {
				f, _, err := rules.Builtin(name)
				if err != nil {
					return err
				}
				if err := p.listRules(f); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

// showRules prints a file that comes with the program.
func (p *program) showRules(name string) error {
	text, ok := rules.BuiltinText(name)
	if !ok {
		return &config.Error{Field: "skewatch rules list", Problem: "no rules of this name come with the program", Value: name,
			Hint: "there are: " + strings.Join(rules.Builtins(), ", ")}
	}
	_, err := p.stdout.Write(text)
	return err
}

func (p *program) listRules(f *rules.File) error {
	if _, err := fmt.Fprintln(p.stdout, f.Name); err != nil {
		return err
	}
	for _, r := range f.Rules {
		if _, err := fmt.Fprintf(p.stdout, "  %-31s %-4s  %s\n", r.Name, r.Severity, r.Words()); err != nil {
			return err
		}
	}
	return nil
}

func (p *program) rulesTestCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:  "test",
		Args: cobra.ArbitraryArgs,
		Long: `Run rules over log files, as the server would over what it receives, and print
what they find and how many messages counted.

Usage:
  skewatch rules test RULES ... LOG ... [FLAG ...]
  skewatch rules test RULES ... -

RULES are files whose names end in .yaml or .yml, and such as builtin:logins; the first
name is one in any case. A LOG holds messages as they are sent, one a line, with or
without their priority; or it is what "skewatch search --format json" prints. "-" is the
standard input.

A line is taken for written when its stamp says, and one without a readable stamp for
as old as the one before. A stamp without year is read as of the last twelve months.
Lines that lack a priority are taken for what a rule's facility and severity ask for.`,
		Example: "  $ skewatch rules test builtin:logins mine.yaml /var/log/auth.log",
	}
	format := addFormat(cmd, "table", "json", "csv")
	noColor := cmd.Flags().Bool("no-color", false, "don't colour the output")
	config.JudgingFlags(cmd.Flags())
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		cfg, err := config.Load(cmd.Flags(), p.environ)
		if err != nil {
			return err
		}
		names, logs, err := rulesAndLogs(cmd, args)
		if err != nil {
			return err
		}
		set, err := server.LoadRules(names)
		if err != nil {
			return err
		}
		set.Lenient = true
		q := request{Format: format.chosen, Color: !*noColor && p.colorful()}
		return p.testRules(set, logs, cfg.AssumeZone.Location(), q)
	}
	return cmd
}

// rulesAndLogs tells files of rules from logs.
func rulesAndLogs(cmd *cobra.Command, args []string) (names, logs []string, err error) {
	for i, arg := range args {
		if isRules := strings.HasPrefix(arg, rules.BuiltinPrefix) || strings.HasSuffix(arg, ".yaml") || strings.HasSuffix(arg, ".yml"); i == 0 || isRules {
			names = append(names, arg)
			continue
		}
		logs = append(logs, arg)
	}
	switch {
	case len(names) == 0:
		err = &config.Error{Field: cmd.CommandPath(), Problem: "no rules given", Hint: "name a file, or one of " + strings.Join(rules.Builtins(), ", ")}
	case len(logs) == 0:
		err = &config.Error{Field: cmd.CommandPath(), Problem: "no log given", Hint: `name one behind the rules, or "-" for the standard input`}
	}
	return names, logs, err
}

// testRules runs rules over logs, one after the other, and prints what they find.
func (p *program) testRules(set *rules.Set, logs []string, zone *time.Location, q request) error {
	t := &ruleTrial{set: set, engine: rules.NewEngine(set, rules.Limits{}), zone: zone, near: p.now().AddDate(0, -6, 2), print: eventPrinter(p.stdout, q),
		findings: map[string]int{}}
	for _, log := range logs {
		from, name, err := p.openArchive(log)
		if err != nil {
			return failure{err}
		}
		err = t.read(from)
		from.Close()
		if err != nil {
			return failure{fmt.Errorf("read %s: %w", name, err)}
		}
	}
	if err := t.close(); err != nil {
		return err
	}
	return p.concludeTrial(t, q.Format)
}

// concludeTrial prints how many messages each rule counted, and says what wasn't counted.
func (p *program) concludeTrial(t *ruleTrial, format string) error {
	if late := t.engine.Stats().TooLate; late > 0 {
		fmt.Fprintf(p.stderr, "warning: %d messages were not counted: they stand more than %v too late\n", late, rules.Keep)
		hint(p.stderr, "sort the lines by time: of so many that count, the order isn't found")
	}
	if t.unstamped > 0 {
		fmt.Fprintf(p.stderr, "warning: %d of %d lines have no stamp that can be read\n", t.unstamped, t.lines)
	}
	if format == "csv" {
		return nil
	}
	if format == "table" {
		if _, err := fmt.Fprintf(p.stdout, "%-40s %10s %10s\n", "RULE", "MESSAGES", "FINDINGS"); err != nil {
			return err
		}
	}
	counted := t.engine.Counted()
	for _, r := range t.set.Rules() {
		if err := p.concludeRule(r.Name, counted[r.Name], t.findings[r.Name], format); err != nil {
			return err
		}
	}
	return nil
}

func (p *program) concludeRule(name string, messages uint64, findings int, format string) error {
	if format == "json" {
		return jsonLines(p.stdout).Encode(struct {
			Rule     string `json:"rule"`
			Messages uint64 `json:"messages"`
			Findings int    `json:"findings"`
		}{name, messages, findings})
	}
	_, err := fmt.Fprintf(p.stdout, "%s %10d %10d\n", report.Cell(name, 40), messages, findings)
	return err
}

// tell prints what was found.
func (t *ruleTrial) tell(found []analysis.Finding) error {
	for i := range found {
		e, _ := api.EventOf(&found[i])
		if e.Event == analysis.Raise.String() {
			t.findings[e.Rule]++
		}
		if err := t.print(e); err != nil {
			return err
		}
	}
	return nil
}
