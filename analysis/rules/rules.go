// Package rules watches what messages say: a rule names messages by facility, severity,
// application and a regular expression, gathers them by what the expression's groups
// hold, and speaks when enough of them fall into one window of time.
//
// Times are corrected ones: when each message was written, by a true clock. So an attack
// on hosts whose clocks disagree is one attack, and what a spool delivers hours later
// counts where it belongs.
//
// Rules stand in YAML files. [Parse] reads one, [NewSet] puts several together,
// [Set.Match] finds what a message means to them, and an [Engine] counts.
//
// The package does no I/O and never reads a clock.
package rules

import (
	"fmt"
	"time"

	"github.com/skewatch/skewatch/analysis"
)

// A Rule says which messages, how many of them, and how near to one another, are worth
// telling.
type Rule struct {
	Name     string
	Severity analysis.Severity // Warn or Crit
	Text     string            // with names in braces for what was found

	// Key names the groups by whose values messages are gathered. "host" stands for the
	// host that sent the message. A message that lacks one of them doesn't count.
	Key []string

	// Threshold is how many messages within Window are worth telling, or with Distinct
	// how many different values of that group.
	Threshold int
	Window    time.Duration
	Distinct  string // a group's name, or "host"; "" to count messages

	where []want
	match *pattern
	after *pattern // with it Threshold of these must come first, and then one of match
	file  string
	line  int
}

// A want is the values of which a group must have one, in lower case.
type want struct {
	group  string
	values []string
}

// The bounds of what a rule may ask for.
const (
	mostThreshold = 1000
	leastWindow   = time.Second
	mostWindow    = 24 * time.Hour
	mostRules     = 200
)

// HostGroup is the name under which a rule speaks of the host that sent a message.
const HostGroup = "host"

// An Error is what is wrong in a file of rules, and where.
type Error struct {
	File    string
	Line    int    // 0 if it isn't known
	Field   string // such as "rules[2].match.expression"; "" for the file itself
	Problem string
	Value   string // what was written; "" if it would say nothing
	Hint    string // what to do instead
}

func (e *Error) Error() string {
	text := e.Problem
	if e.Field != "" {
		text = e.Field + ": " + text
	}
	if e.Value != "" {
		text += fmt.Sprintf(" (got %q)", e.Value)
	}
	if e.Line > 0 {
		return fmt.Sprintf("%s at %s:%d", text, e.File, e.Line)
	}
	return text + " in " + e.File
}

// Remedy returns what the user can do about it, "" if nothing is known.
func (e *Error) Remedy() string { return e.Hint }
