package report

import (
	"fmt"
	"strings"
)

// mostSummed is how many hosts a summary names.
const mostSummed = 10

// Summary says in a few lines, for people, what the report covers and which hosts call for
// attention, worst first.
func (r *Report) Summary() string {
	var b strings.Builder
	h := &r.Header
	b.WriteString(Wrap("", "Period: "+moment(h.Effective.Since, "the beginning")+" to "+moment(h.Effective.Until, moment(&h.Generated, ""))))
	b.WriteString(Wrap("", "Reference: "+h.Reference.reasoned()))
	b.WriteString(Wrap("", "Hosts: "+r.Tally()))
	var bad []*Row
	for _, row := range r.worstFirst() {
		if row.flagged() || row.Compliance != "pass" {
			bad = append(bad, row)
		}
	}
	if len(bad) > 0 {
		b.WriteByte('\n')
	}
	for _, row := range bad[:min(len(bad), mostSummed)] {
		text := fmt.Sprintf("%s: %s is %s", row.Compliance, row.name(), row.Verdict)
		if row.Offset != nil {
			text += ", " + Offset(row.Offset) + " s"
		}
		b.WriteString(Wrap("", text))
	}
	if more := len(bad) - mostSummed; more > 0 {
		fmt.Fprintf(&b, "and %d more\n", more)
	}
	return b.String()
}
