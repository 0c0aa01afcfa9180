package main

import (
	"fmt"
	"strings"

	"github.com/skewatch/skewatch/analysis/report"
)

// An exitCode ends the program without a word, since all has been said.
type exitCode int

func (e exitCode) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

// The exit codes of monitoring plugins.
const (
	pluginOK exitCode = iota
	pluginWarning
	pluginCritical
	pluginUnknown
)

var pluginWords = [...]string{"OK", "WARNING", "CRITICAL", "UNKNOWN"}

// plugin prints the line of a monitoring plugin about a service.
func (p *program) plugin(service string, code exitCode, text, perfdata string) error {
	clean := strings.NewReplacer("|", "/").Replace(report.Printable(text))
	if perfdata != "" {
		clean += " | " + perfdata
	}
	if _, err := fmt.Fprintf(p.stdout, "SKEWATCH %s %s - %s\n", service, pluginWords[code], clean); err != nil {
		return err
	}
	if code == pluginOK {
		return nil
	}
	return code
}
