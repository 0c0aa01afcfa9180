package rules

import (
	"errors"
	"fmt"
	"slices"

	"github.com/skewatch/skewatch/collector/message"
)

// A Set is rules of several files, ready to be held against messages. It is safe for
// concurrent use.
type Set struct {
	rules    []*Rule
	byApp    map[string][]entry // by the application's name in lower case, which says all
	others   []entry            // for whatever application
	patterns []*pattern

	// Lenient has messages without a priority, as log files hold them, count whatever
	// facility and severity a rule asks for.
	Lenient bool
}

// An entry is a matcher of a pattern.
type entry struct {
	pattern *pattern
	matcher *matcher
}

// NewSet puts the rules of files together. The error joins an *Error for each rule whose
// name another has.
func NewSet(files ...*File) (*Set, error) {
	s := &Set{byApp: map[string][]entry{}}
	var errs []error
	for _, f := range files {
		for _, r := range f.Rules {
			if i := slices.IndexFunc(s.rules, func(other *Rule) bool { return other.Name == r.Name }); i >= 0 {
				errs = append(errs, &Error{r.file, r.line, "name", fmt.Sprintf("a rule at %s:%d has this name", s.rules[i].file, s.rules[i].line),
					r.Name, "give each rule a name of its own, or leave one of the files out"})
			}
			s.add(r)
		}
	}
	if len(s.rules) > mostRules {
		errs = append(errs, &Error{File: files[len(files)-1].Name, Problem: fmt.Sprintf("more than %d rules in all", mostRules), Hint: "remove some"})
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	for _, p := range s.patterns {
		for _, m := range p.matchers {
			s.enter(entry{p, m})
		}
	}
	return s, nil
}

// add takes a rule in. Patterns become the set's own, since the roles that they have are.
func (s *Set) add(r *Rule) {
	own := *r
	s.rules = append(s.rules, &own)
	own.match = s.assign(r.match, role{&own, false})
	if r.after != nil {
		own.after = s.assign(r.after, role{&own, true})
	}
}

func (s *Set) assign(p *pattern, as role) *pattern {
	for _, own := range s.patterns {
		if slices.Equal(own.matchers, p.matchers) {
			own.roles = append(own.roles, as)
			return own
		}
	}
	own := &pattern{matchers: p.matchers, roles: []role{as}}
	s.patterns = append(s.patterns, own)
	return own
}

func (s *Set) enter(e entry) {
	if len(e.matcher.apps) == 0 {
		s.others = append(s.others, e)
	}
	for _, app := range e.matcher.apps {
		s.byApp[app] = append(s.byApp[app], e)
	}
}

// Rules returns the rules of the set.
func (s *Set) Rules() []*Rule { return s.rules }

// Empty reports whether there is nothing to look for.
func (s *Set) Empty() bool { return len(s.rules) == 0 }

// longestApp is the length of the longest name of an application that is known by its
// name, as RFC 5424 has it.
const longestApp = 48

// Match appends to hits what a message means to the rules. It keeps nothing of the
// message.
func (s *Set) Match(hits []Hit, m *message.Message) []Hit {
	first := len(hits)
	if len(s.byApp) > 0 && len(m.AppName) <= longestApp {
		var folded [longestApp]byte
		for i, c := range m.AppName {
			if c-'A' < 26 {
				c += 'a' - 'A'
			}
			folded[i] = c
		}
		hits = s.match(hits, first, s.byApp[string(folded[:len(m.AppName)])], m)
	}
	return s.match(hits, first, s.others, m)
}

// match appends what a message is to patterns: to each by the first of its matchers that
// fits. What doesn't fit is found out as soon and as cheaply as it can be.
func (s *Set) match(hits []Hit, first int, entries []entry, msg *message.Message) []Hit {
	for i := range entries {
		m, p := entries[i].matcher, entries[i].pattern
		if !m.accepts(msg, s.Lenient) || !m.mayMatch(m.text(msg)) {
			continue
		}
		if !slices.ContainsFunc(hits[first:], func(h Hit) bool { return h.pattern == p }) {
			hits = m.match(hits, p, msg)
		}
	}
	return hits
}
