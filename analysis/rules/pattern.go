package rules

import (
	"bytes"
	"hash/fnv"
	"io"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/skewatch/skewatch/collector/message"
)

// A pattern is one kind of happening in messages, whoever writes them: the first of its
// matchers that fits counts.
type pattern struct {
	matchers []*matcher
	roles    []role // in the rules of a set
}

// A role is what a pattern is to a rule.
type role struct {
	rule   *Rule
	before bool // it is what must come first
}

func (p *pattern) has(group string) bool {
	return slices.ContainsFunc(p.matchers, func(m *matcher) bool { return slices.Contains(m.groups, group) })
}

// A part of a message is what an expression is held against.
type part uint8

const (
	inText part = iota
	inStructuredData
	inRaw
)

var parts = []string{"message", "structured-data", "raw"}

// A matcher names messages.
type matcher struct {
	facilities uint32 // a bit for each; 0 for all
	severities uint32
	apps       []string // in lower case; none for all
	notApps    []string
	part       part

	// echo says that the message repeats another: it counts only where no other message
	// of the same process tells of the same.
	echo bool

	expression *regexp.Regexp // nil: none needed
	literals   [][]byte       // one of them is in whatever it matches; none if that can't be told
	groups     []string       // by number; "" for those without a name
}

func (m *matcher) compile(e *regexp.Regexp) {
	m.expression, m.groups, m.literals = e, e.SubexpNames(), requiredLiterals(e.String())
}

// The group that says how many times a message stands for, and how many are believed.
const (
	timesGroup = "times"
	mostTimes  = 1000
)

// The group that names an account: two lines about different ones are two attempts.
const userGroup = "user"

// longestValue bounds what is kept of a group's text, in bytes.
const longestValue = 128

// A Hit is what a message means to the rules: enough to count it when its time is known.
type Hit struct {
	Host   string // as sent, or the peer's address
	Source netip.Addr
	Trust  message.Trust

	pattern *pattern
	matcher *matcher
	values  []string // by the matcher's groups; "" for none
	times   int
	session uint32 // of the process that wrote it
}

// value returns what a group holds, "" for nothing.
func (h *Hit) value(group string) string {
	if group == HostGroup {
		return strings.ToLower(h.Host)
	}
	if i := slices.Index(h.matcher.groups, group); i >= 0 {
		return h.values[i]
	}
	return ""
}

// source returns the peer's address, "" if it isn't known.
func (h *Hit) source() string {
	if !h.Source.IsValid() {
		return ""
	}
	return h.Source.String()
}

// accepts reports whether the header of a message fits, the application left out. A lenient
// one takes messages without a priority for what is asked for.
func (m *matcher) accepts(msg *message.Message, lenient bool) bool {
	if m.facilities|m.severities == 0 {
		return true
	}
	p := msg.Priority
	if p < 0 {
		return lenient
	}
	return (m.facilities == 0 || m.facilities>>(p>>3)&1 != 0) && (m.severities == 0 || m.severities>>(p&7)&1 != 0)
}

// text returns the part of a message that the expression is held against.
func (m *matcher) text(msg *message.Message) []byte {
	switch m.part {
	case inStructuredData:
		return msg.StructuredData
	case inRaw:
		return msg.Raw
	}
	return msg.Text
}

// match holds a message, which may match, against the expression.
func (m *matcher) match(hits []Hit, p *pattern, msg *message.Message) []Hit {
	if len(m.notApps) > 0 && slices.Contains(m.notApps, strings.ToLower(string(msg.AppName))) {
		return hits
	}
	var found []int
	text := m.text(msg)
	if m.expression != nil {
		if found = m.expression.FindSubmatchIndex(text); found == nil {
			return hits
		}
	}
	return append(hits, m.hit(p, msg, text, found))
}

// mayMatch reports whether the text has what the expression can't do without.
func (m *matcher) mayMatch(text []byte) bool {
	for _, l := range m.literals {
		if bytes.Contains(text, l) {
			return true
		}
	}
	return len(m.literals) == 0
}

// hit copies what is needed of a message that fits.
func (m *matcher) hit(p *pattern, msg *message.Message, text []byte, found []int) Hit {
	h := Hit{Source: msg.Source, Trust: msg.Trust, pattern: p, matcher: m, values: make([]string, len(m.groups)), times: 1}
	for i, group := range m.groups {
		if group != "" && found[2*i] >= 0 {
			h.values[i] = tidy(group, text[found[2*i]:found[2*i+1]])
		}
	}
	if times := h.value(timesGroup); times != "" {
		n, _ := strconv.Atoi(times)
		h.times = max(1, min(n, mostTimes))
	}
	h.Host = strings.ToValidUTF8(string(msg.Host), "\uFFFD")
	if h.Host == "" {
		h.Host = h.source()
	}
	h.session = processOf(&h, msg.AppName, msg.ProcID)
	return h
}

// tidy returns a group's text in the one form that it is known by: values are compared
// without regard to case, addresses as such, and what stands for nothing is nothing.
func tidy(group string, text []byte) string {
	if len(text) > longestValue {
		text = text[:longestValue]
		for len(text) > 0 && !utf8.RuneStart(text[len(text)-1]) {
			text = text[:len(text)-1]
		}
	}
	value := strings.ToLower(strings.ToValidUTF8(string(text), "\uFFFD"))
	if value == "-" {
		return ""
	}
	if group == "address" {
		if a, err := netip.ParseAddr(strings.Trim(value, "[]")); err == nil {
			return a.Unmap().WithZone("").String()
		}
	}
	return value
}

// processOf returns a number for the process that wrote a message. One that doesn't name
// its process is told from others by its host and application.
func processOf(h *Hit, app, proc []byte) uint32 {
	if len(proc) > 0 {
		app = nil
	}
	return numberOf(strings.ToLower(h.Host), string(app), string(proc))
}

// numberOf returns a number for texts, the same ever after.
func numberOf(texts ...string) uint32 {
	h := fnv.New64a()
	for _, t := range texts {
		io.WriteString(h, t) // never fails
		h.Write([]byte{0})
	}
	return uint32(h.Sum64() >> 32)
}
