package report

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// WriteMarkdown writes the report as GitHub's Markdown: what it rests on, a table with the
// worst hosts first, what is wrong with each, and what one-way evidence can't show.
func (r *Report) WriteMarkdown(w io.Writer) error {
	b := bufio.NewWriter(w)
	fmt.Fprintf(b, "# Clock skew report\n\n")
	for _, f := range r.facts() {
		fmt.Fprintf(b, "- **%s**: %s\n", f.Name, markdown(f.Value))
	}
	fmt.Fprintf(b, "\n| %s |\n|%s\n", strings.Join(reportColumns[:], " | "), strings.Repeat("---|", len(reportColumns)))
	rows := r.worstFirst()
	for _, row := range rows {
		fmt.Fprintf(b, "| %s |\n", strings.Join(mapped(row.cells(), markdown), " | "))
	}
	for _, row := range rows {
		if row.flagged() {
			row.writeFindings(b)
		}
	}
	if groups := r.unjudged(); len(groups) > 0 {
		fmt.Fprintf(b, "\n## Without a verdict\n\n")
		for _, g := range groups {
			fmt.Fprintf(b, "- %s: %s: %s\n", g.Verdict, markdown(g.Explanation), markdown(g.Hosts))
		}
	}
	fmt.Fprintf(b, "\n## What these figures mean\n\n")
	for _, note := range r.legend() {
		fmt.Fprintf(b, "- %s\n", markdown(note))
	}
	return b.Flush()
}

// writeFindings writes what is wrong with a host.
func (row *Row) writeFindings(b *bufio.Writer) {
	fmt.Fprintf(b, "\n## %s\n\n%s\n", markdown(row.name()), markdown(row.Explanation))
	if row.Check != "" {
		fmt.Fprintf(b, "\n**What to check**: %s\n", markdown(row.Check))
	}
	for _, text := range row.findings() {
		fmt.Fprintf(b, "- %s\n", markdown(text))
	}
}

// markdown makes a text of anybody's one that means nothing in Markdown.
func markdown(s string) string {
	return markdownEscapes.Replace(Printable(s))
}

var markdownEscapes = strings.NewReplacer(`\`, `\\`, "`", "\\`", "*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`, "<", "&lt;", ">", "&gt;", "&", "&amp;", "|", `\|`, "#", `\#`)

func mapped(texts []string, change func(string) string) []string {
	changed := slices.Clone(texts)
	for i := range changed {
		changed[i] = change(changed[i])
	}
	return changed
}

// reportColumns are those of tables for people.
var reportColumns = [...]string{"Host", "Source", "Verdict", "Offset s", "Low s", "High s", "Skew ppm", "Out of tolerance", "Messages", "Compliance"}

// cells returns a row's.
func (row *Row) cells() []string {
	return []string{
		Clip(row.Host, 64), row.Source, row.Verdict, Offset(row.Offset), Offset(row.OffsetLow), Offset(row.OffsetHigh), ppm(row.Skew),
		span(row.OutOfTolerance), fmt.Sprint(row.Messages), row.Compliance,
	}
}

// span writes a number of seconds as people do.
func span(seconds float64) string {
	const day = 24 * time.Hour
	d := time.Duration(seconds * float64(time.Second)).Round(time.Second)
	if d < day {
		return d.String()
	}
	return strings.TrimSpace(fmt.Sprintf("%dd %s", d/day, strings.TrimSuffix((d%day).Truncate(time.Minute).String(), "0s")))
}

// findings returns what happened to a host's clock, and what was noticed besides.
func (row *Row) findings() (texts []string) {
	for _, s := range row.Steps {
		text := fmt.Sprintf("set by %s s at %s", Offset(&s.Seconds), moment(&s.At, ""))
		if s.Said != "" {
			text += "; " + s.Said
		}
		texts = append(texts, text)
	}
	for _, l := range row.Backlogs {
		texts = append(texts, fmt.Sprintf("%d messages were held back and came from %s to %s, the oldest %s late", l.Messages, moment(&l.From, ""), moment(&l.To, ""), span(l.Oldest)))
	}
	return append(texts, row.Claims...)
}

// unjudged are hosts without a verdict, for the same reason.
type unjudged struct {
	Verdict, Explanation string
	Hosts                string // their names
}

// unjudged returns the hosts whose clock nothing is said of, and why. What is flagged for
// something else isn't among them.
func (r *Report) unjudged() (groups []unjudged) {
	var names [][]string // of each group
	places := map[unjudged]int{}
	for _, row := range r.worstFirst() {
		if row.flagged() || row.Verdict == "in-sync" {
			continue
		}
		g := unjudged{Verdict: row.Verdict, Explanation: Printable(row.Explanation)}
		place, known := places[g]
		if !known {
			place = len(groups)
			places[g] = place
			groups, names = append(groups, g), append(names, nil)
		}
		names[place] = append(names[place], row.name())
	}
	for i := range groups {
		groups[i].Hosts = strings.Join(names[i], ", ")
	}
	return groups
}

// A Fact is one of the things that a report rests on.
type Fact struct{ Name, Value string }

// facts returns what the report covers and rests on, in words.
func (r *Report) facts() []Fact {
	h := &r.Header
	var facts []Fact
	if h.Simulated {
		facts = append(facts, Fact{"Simulated", MadeUp})
	}
	facts = append(facts, []Fact{
		{"Period", r.period()},
		{"Generated", moment(&h.Generated, "")},
		{"Collector", fmt.Sprintf("%s, skewatch %s, configuration %s", h.Collector.Host, h.Collector.Version, h.Collector.ConfigHash)},
		{"Reference", h.Reference.reasoned()},
		{"Profile", fmt.Sprintf("%s: warns at %g s, critical at %g s", h.Profile.Name, h.Profile.Warn, h.Profile.Crit)},
		{"Assumed", fmt.Sprintf("some messages were delivered within %g s; no clock in service runs away by more than %g ppm", h.Estimator.LeastDelay, h.Estimator.MaxSkew)},
		{"Hosts", r.Tally()},
	}...)
	for _, m := range h.Reference.Moves {
		facts = append(facts, Fact{"Moved", m.Text})
	}
	for _, e := range h.Reference.Events {
		facts = append(facts, Fact{"Our own clock", moment(&e.At, "") + ": " + e.Text})
	}
	for _, g := range h.Reference.Gaps {
		facts = append(facts, Fact{"Reference gap", fmt.Sprintf("%s from %s to %s", g.State, moment(&g.From, ""), moment(g.To, "now"))})
	}
	return facts
}

// period says what time the report covers.
func (r *Report) period() string {
	h := &r.Header
	return moment(h.Effective.Since, "the beginning") + " to " + moment(h.Effective.Until, moment(&h.Generated, ""))
}

// reasoned is text with the reason behind it.
func (ref *Reference) reasoned() string {
	if ref.Reason == "" {
		return ref.text()
	}
	return ref.text() + " (" + ref.Reason + ")"
}

// text says in one line what is known of the collector's own clock.
func (ref *Reference) text() string {
	text := ref.State
	if ref.Source != "" {
		text += ", " + ref.Source
	}
	switch {
	case ref.Trusted:
		text += TakenAsTrue
	case ref.Offset != nil && ref.Bound != nil:
		text += fmt.Sprintf(", our clock needs %+.6f s ± %.6f s", *ref.Offset, *ref.Bound)
	}
	return text
}

// Tally counts the hosts by compliance, in words.
func (r *Report) Tally() string {
	n := map[string]int{}
	for i := range r.Hosts {
		n[r.Hosts[i].Compliance]++
	}
	return fmt.Sprintf("%d: %d pass, %d fail, %d with insufficient evidence", len(r.Hosts), n["pass"], n["fail"], n["insufficient"])
}
