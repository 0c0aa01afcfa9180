package rules

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// braces are names in a rule's text.
var braces = regexp.MustCompile(`\{([^{}]*)\}`)

// words are what a rule's text may name besides the groups of its key.
var words = []string{"count", "hosts", "first", "last", "window"}

// describe writes the values of a rule's key: "address=192.0.2.7 user=root".
func (r *Rule) describe(values []string) string {
	var b strings.Builder
	for i, group := range r.Key {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(group + "=" + values[i])
	}
	return b.String()
}

// words returns what a rule says of an episode: its text, where it happened, and when.
func (w *window) words(ep *episode) string {
	text := braces.ReplaceAllStringFunc(w.rule.Text, func(name string) string {
		switch name = name[1 : len(name)-1]; name {
		case "count":
			return strconv.FormatUint(ep.Count, 10)
		case "hosts":
			return ep.hosts()
		case "first":
			return clock(ep.First)
		case "last":
			return clock(ep.Last)
		case "window":
			return span(w.rule.Window)
		}
		for i, group := range w.rule.Key {
			if group == name {
				return w.of[i]
			}
		}
		return name
	})
	text += fmt.Sprintf("; on %s, %s to %s", ep.hosts(), clock(ep.First), clock(ep.Last))
	if ep.Bound > int64(time.Second) {
		text += fmt.Sprintf(" ± %v", time.Duration(ep.Bound).Round(time.Second))
	}
	return text
}

// hosts names the hosts of an episode, the first few of them.
func (ep *episode) hosts() string {
	names := strings.Join(ep.Hosts, ", ")
	switch more := len(ep.Seen) - len(ep.Hosts); {
	case len(ep.Seen) == mostNumbers:
		return fmt.Sprintf("%s and over %d more", names, more)
	case more > 0:
		return fmt.Sprintf("%s and %d more", names, more)
	}
	return names
}

// clock writes a time to the second.
func clock(ns int64) string { return time.Unix(0, ns).UTC().Format("2006-01-02 15:04:05Z") }

// span writes a length of time without zero minutes and seconds.
func span(d time.Duration) string {
	text := strings.TrimSuffix(d.String(), "0s")
	if text == "" || !strings.HasSuffix(text, "m") {
		return d.String()
	}
	if short, ok := strings.CutSuffix(text, "h0m"); ok {
		return short + "h"
	}
	return text
}

// Words returns a rule in one line: what it counts, by what, and from how many on.
func (r *Rule) Words() string {
	what := "messages"
	switch {
	case r.Distinct == HostGroup:
		what = "hosts"
	case r.Distinct != "":
		what = "different values of " + r.Distinct
	}
	text := fmt.Sprintf("%d %s in %s", r.Threshold, what, span(r.Window))
	if len(r.Key) > 0 {
		text += " by " + strings.Join(r.Key, " and ")
	}
	if r.after != nil {
		text += ", and then one more"
	}
	return text
}

func compareKeys(a, b *window) int {
	if c := strings.Compare(a.rule.Name, b.rule.Name); c != 0 {
		return c
	}
	return strings.Compare(a.key, b.key)
}
