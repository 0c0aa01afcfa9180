package rules

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"

	"github.com/skewatch/skewatch/analysis"
	"github.com/skewatch/skewatch/collector/message"
)

// nameShape is what names of rules, patterns and groups look like.
var nameShape = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,63}$`)

func (d *decoder) name(node ast.Node, at string) string {
	name, ok := d.text(node, at)
	if ok && !nameShape.MatchString(name) {
		d.fail(node, at, name, "not a name", `write lower-case letters, digits, "-" and "_", such as "failed-logins"`)
	}
	return name
}

// named reads a pattern under "patterns".
func (d *decoder) named(node ast.Node, at string) {
	p, name := &pattern{}, ""
	d.mapping(node, at,
		field{"name", func(node ast.Node, at string) { name = d.name(node, at) }, true},
		field{"match", func(node ast.Node, at string) { d.alternatives(p, node, at) }, true})
	if d.patterns[name] != nil {
		d.fail(node, at+".name", name, "another pattern has this name", "give each a name of its own")
	}
	d.patterns[name] = p
}

// pattern reads what a rule matches: the names of patterns, or what stands in their place.
func (d *decoder) pattern(node ast.Node, at string) *pattern {
	if list, isList := node.(*ast.SequenceNode); !isList || slices.ContainsFunc(list.Values, isMapping) {
		if !isMapping(node) && !isList {
			return d.reference(node, at)
		}
		p := &pattern{}
		d.alternatives(p, node, at)
		return p
	}
	p := &pattern{}
	d.each(node, at, func(node ast.Node, at string) { p.matchers = append(p.matchers, d.reference(node, at).matchers...) })
	return p
}

func isMapping(node ast.Node) bool { _, ok := node.(*ast.MappingNode); return ok }

// reference returns the pattern of a name, an empty one if there is none.
func (d *decoder) reference(node ast.Node, at string) *pattern {
	name, ok := d.text(node, at)
	if p := d.patterns[name]; p != nil {
		return p
	}
	if ok {
		d.fail(node, at, name, "no pattern has this name", `write it under "patterns:", or what is to match here`)
	}
	return &pattern{}
}

// alternatives reads one matcher, or a list of them.
func (d *decoder) alternatives(p *pattern, node ast.Node, at string) {
	if isMapping(node) {
		d.matcher(p, node, at)
		return
	}
	d.each(node, at, func(node ast.Node, at string) { d.matcher(p, node, at) })
}

func (d *decoder) matcher(p *pattern, node ast.Node, at string) {
	m := &matcher{}
	d.mapping(node, at,
		field{"facility", func(node ast.Node, at string) { d.keywords(node, at, facilities, &m.facilities) }, false},
		field{"severity", func(node ast.Node, at string) { d.keywords(node, at, severities, &m.severities) }, false},
		field{"app", func(node ast.Node, at string) { m.apps = lower(d.texts(node, at)) }, false},
		field{"not_app", func(node ast.Node, at string) { m.notApps = lower(d.texts(node, at)) }, false},
		field{"in", func(node ast.Node, at string) { d.part(m, node, at) }, false},
		field{"echo", func(node ast.Node, at string) { m.echo = d.bool(node, at) }, false},
		field{"expression", func(node ast.Node, at string) { d.expression(m, node, at) }, false})
	if m.expression == nil && len(m.apps) == 0 && m.facilities == 0 && m.severities == 0 {
		d.fail(node, at, "", "matches every message", "write expression, app, facility or severity")
	}
	p.matchers = append(p.matchers, m)
}

func lower(texts []string) []string {
	for i := range texts {
		texts[i] = strings.ToLower(texts[i])
	}
	return texts
}

// facilities and severities are the keywords, each at its number.
var facilities, severities = keywordsOf(message.Priority.Facility, 24, 8), keywordsOf(message.Priority.Severity, 8, 1)

func keywordsOf(keyword func(message.Priority) string, n, step int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = keyword(message.Priority(i * step))
	}
	return all
}

// keywords reads a set of keywords.
func (d *decoder) keywords(node ast.Node, at string, known []string, set *uint32) {
	for _, text := range d.texts(node, at) {
		i := slices.Index(known, text)
		if i < 0 {
			d.fail(node, at, text, "not one of "+strings.Join(known, ", "), "")
			continue
		}
		*set |= 1 << i
	}
}

func (d *decoder) part(m *matcher, node ast.Node, at string) {
	text, ok := d.text(node, at)
	i := slices.Index(parts, text)
	if ok && i < 0 {
		d.fail(node, at, text, "not one of "+strings.Join(parts, ", "), "")
	}
	m.part = part(max(i, 0))
}

func (d *decoder) bool(node ast.Node, at string) bool {
	text, ok := d.text(node, at)
	b, err := strconv.ParseBool(text)
	if ok && err != nil {
		d.fail(node, at, text, "neither true nor false", "")
	}
	return b
}

// expression reads a regular expression. White space within one that is folded over
// several lines is YAML's own: a single space.
func (d *decoder) expression(m *matcher, node ast.Node, at string) {
	text, ok := d.text(node, at)
	if !ok {
		return
	}
	e, err := regexp.Compile(strings.TrimSpace(text))
	if err != nil {
		d.fail(node, at, text, "not a regular expression: "+strings.TrimPrefix(err.Error(), "error parsing regexp: "),
			"RE2's syntax is known: github.com/google/re2/wiki/Syntax, without look-ahead and back-references")
		return
	}
	m.compile(e)
	for _, group := range m.groups {
		if group == HostGroup {
			d.fail(node, at, group, "a group can't have this name, which stands for the host that sent the message", "name it target")
		}
	}
}

func (d *decoder) rule(node ast.Node, at string) {
	r := &Rule{Severity: analysis.Warn, file: d.file, line: node.GetToken().Position.Line}
	d.mapping(node, at,
		field{"name", func(node ast.Node, at string) { r.Name = d.name(node, at) }, true},
		field{"match", func(node ast.Node, at string) { r.match = d.pattern(node, at) }, true},
		field{"where", func(node ast.Node, at string) { d.narrow(r, node, at) }, false},
		field{"after", func(node ast.Node, at string) { r.after = d.pattern(node, at) }, false},
		field{"key", func(node ast.Node, at string) { r.Key = d.texts(node, at) }, false},
		field{"threshold", func(node ast.Node, at string) { r.Threshold = d.number(node, at) }, true},
		field{"distinct", func(node ast.Node, at string) { r.Distinct = d.name(node, at) }, false},
		field{"window", func(node ast.Node, at string) { r.Window = d.window(node, at) }, true},
		field{"severity", func(node ast.Node, at string) { r.Severity = d.severity(node, at) }, false},
		field{"text", func(node ast.Node, at string) { r.Text, _ = d.text(node, at) }, true})
	if r.match != nil {
		d.checkGroups(r, node, at)
	}
	d.rules = append(d.rules, r)
}

// narrow restricts a rule to messages whose groups have certain values.
func (d *decoder) narrow(r *Rule, node ast.Node, at string) {
	values, ok := node.(*ast.MappingNode)
	if !ok || r.match == nil {
		d.fail(node, at, "", "not a group of settings", `write "user: [root, admin]" beneath it`)
		return
	}
	for _, entry := range values.Values {
		name := entry.Key.GetToken().Value
		if !r.match.has(name) {
			d.fail(entry.Key, at+"."+name, "", "no expression of the rule has a group of this name", "write (?P<"+name+">…) in one")
		}
		r.where = append(r.where, want{name, lower(d.texts(entry.Value, at+"."+name))})
	}
}

func (d *decoder) number(node ast.Node, at string) int {
	text, ok := d.text(node, at)
	n, err := strconv.Atoi(text)
	if ok && (err != nil || n < 1 || n > mostThreshold) {
		d.fail(node, at, text, fmt.Sprintf("not a number from 1 to %d", mostThreshold), "")
	}
	return n
}

func (d *decoder) window(node ast.Node, at string) time.Duration {
	text, ok := d.text(node, at)
	w, err := time.ParseDuration(text)
	switch {
	case !ok:
	case err != nil:
		d.fail(node, at, text, "not a span of time", `write a number and a unit (s, m, h), such as "30m"`)
	case w < leastWindow || w > mostWindow:
		d.fail(node, at, text, fmt.Sprintf("not between %v and %v", leastWindow, mostWindow), "")
	}
	return w
}

func (d *decoder) severity(node ast.Node, at string) analysis.Severity {
	text, ok := d.text(node, at)
	for _, s := range [...]analysis.Severity{analysis.Warn, analysis.Crit} {
		if s.String() == text {
			return s
		}
	}
	if ok {
		d.fail(node, at, text, "neither warn nor crit", "")
	}
	return analysis.Warn
}

// checkGroups wants some expression to have each group that a rule speaks of.
func (d *decoder) checkGroups(r *Rule, node ast.Node, at string) {
	spoken := map[string][]string{"key": r.Key}
	if r.Distinct != "" {
		spoken["distinct"] = []string{r.Distinct}
	}
	for _, field := range [...]string{"key", "distinct"} {
		for _, group := range spoken[field] {
			switch {
			case group != HostGroup && !r.match.has(group), r.after != nil && group != HostGroup && !r.after.has(group):
				d.fail(node, at+"."+field, group, "no expression of the rule has a group of this name", "write (?P<"+group+">…) in one, or name host")
			}
		}
	}
	if r.after != nil && r.Distinct != "" {
		d.fail(node, at+".distinct", r.Distinct, "can't stand beside after", "remove one of the two")
	}
	if r.Distinct != "" && r.Threshold > mostNumbers {
		d.fail(node, at+".threshold", strconv.Itoa(r.Threshold), fmt.Sprintf("more than %d different values aren't told apart", mostNumbers), "write less, or remove distinct")
	}
	for _, name := range braces.FindAllStringSubmatch(r.Text, -1) {
		if !slices.Contains(words, name[1]) && !slices.Contains(r.Key, name[1]) {
			d.fail(node, at+".text", name[0], "nothing that the rule knows when it speaks", "known are "+strings.Join(slices.Concat(words, r.Key), ", "))
		}
	}
}
