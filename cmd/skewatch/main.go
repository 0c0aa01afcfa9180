// Skewatch is a central syslog server that knows what time it is on every host
// that logs to it.
package main

import (
	"errors"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"
)

func main() {
	p := program{stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, environ: os.Environ(), now: time.Now}
	os.Exit(p.run(os.Args[1:]))
}

// A program is one run of skewatch and what it has of the world. Data goes to
// stdout and everything else to stderr.
type program struct {
	stdin   io.Reader
	stdout  io.Writer
	stderr  io.Writer
	environ []string // as os.Environ returns it
	now     func() time.Time
}

// The exit codes.
const (
	exitFine   = 0
	exitFailed = 1 // what was asked for could not be done
	exitUsage  = 2 // what was asked for makes no sense: a flag, an argument, the configuration
)

// run carries out a command line and returns the exit code.
func (p *program) run(args []string) int {
	root := p.rootCommand()
	root.SetArgs(args)
	cmd, err := root.ExecuteC()
	if err == nil {
		return exitFine
	}
	var code exitCode
	if errors.As(err, &code) {
		return int(code)
	}
	failed := complain(p.stderr, err)
	if service := serviceOf(cmd, args); service != "" && errors.As(p.plugin(service, pluginUnknown, err.Error(), ""), &code) {
		return int(code) // to a monitoring system 1 and 2 say something of the clocks
	}
	return failed
}

// rootCommand returns the whole tree of commands.
func (p *program) rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:           "skewatch",
		Long:          rootUsage,
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	asGroup(root)
	root.SetOut(p.stdout)
	root.SetErr(p.stderr)
	root.SetHelpTemplate(helpTemplate)
	root.SetUsageTemplate(helpTemplate)
	root.SetFlagErrorFunc(flagError)
	root.AddCommand(p.serveCommand(), p.demoCommand(), p.tailCommand(), p.warningsCommand(), p.silenceCommand(), p.acknowledgeCommand(),
		p.hostsCommand(), p.reportCommand(), p.searchCommand(), p.timelineCommand(), p.analyzeCommand(), p.simulateCommand(), p.sourcesCommand(),
		p.checkCommand(), p.verifyCommand(), p.archiveCommand(), p.exportCommand(), p.notifyCommand(), p.forwardCommand(), p.rulesCommand(),
		p.configCommand(), p.versionCommand())
	root.InitDefaultHelpCmd()
	if help, _, err := root.Find([]string{"help"}); err == nil {
		help.RunE = showHelp
	}
	return root
}
