package notify

import (
	"fmt"
	"strings"

	"github.com/skewatch/skewatch/analysis"
	"github.com/skewatch/skewatch/analysis/report"
	"github.com/skewatch/skewatch/cmd/internal/api"
)

// longestHost is how many columns a host's name takes at most in texts for people.
const longestHost = 80

// subjectLine says in one line what an event is about: "crit: web1 (192.0.2.1) is ahead,
// +37.830 s".
func subjectLine(e api.Event) string {
	text := strings.Join([]string{severity(e), whom(e), what(e)}, " ")
	if e.Rule != "" {
		text = strings.Join([]string{severity(e), what(e), whom(e)}, " ")
	}
	if e.Offset != nil && e.Event != cleared {
		text += ", " + report.Offset(e.Offset) + " s"
	}
	if isSample(e) {
		text = "test: " + text
	}
	return text
}

// severity returns how grave an event is, with a colon.
func severity(e api.Event) string {
	if e.Event == cleared || e.Severity == "" {
		return "ok:"
	}
	return e.Severity + ":"
}

// what says what happened to the clock that an event is about.
func what(e api.Event) string {
	switch {
	case e.Rule != "":
		return ruleWords(e)
	case e.Host == analysis.CollectorName && e.Event == cleared:
		return "is no longer in doubt itself"
	case e.Host == analysis.CollectorName:
		return "is in doubt itself, verdicts are held"
	case e.Event == cleared:
		return fmt.Sprintf("is no longer %s", e.Previous)
	case e.Event == raised && e.Verdict == e.Previous:
		return fmt.Sprintf("needs a look, verdict %s", e.Verdict)
	case e.Host == "":
		return fmt.Sprintf("are %s", e.Verdict)
	}
	return fmt.Sprintf("is %s", e.Verdict)
}

// ruleWords says what a rule over messages found: "failed-logins of address=192.0.2.7 on".
func ruleWords(e api.Event) string {
	words := e.Rule
	if e.Subject != "" {
		words += " of " + report.Clip(e.Subject, longestHost)
	}
	if e.Event == cleared {
		words += " is over"
	}
	return words + " on"
}

// whom names the host that an event is about. Some are about many.
func whom(e api.Event) string {
	switch host := report.Clip(e.Host, longestHost); {
	case e.Host == "":
		return "several hosts"
	case e.Source == "" || e.Source == e.Host:
		return host
	default:
		return host + " (" + report.Clip(e.Source, longestHost) + ")"
	}
}
