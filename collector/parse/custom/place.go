package custom

import (
	"bytes"
	"reflect"
	"strconv"

	"github.com/skewatch/skewatch/collector/message"
)

// A span is a part of a message: from start up to end.
type span struct{ start, end int }

// of returns the octets of the span, nil if it is empty. They can't be appended to.
func (s span) of(raw []byte) []byte {
	if s.start == s.end {
		return nil
	}
	return raw[s.start:s.end:s.end]
}

// A place looks for values in a message.
type place struct {
	raw  []byte
	text span // where the text is, once it is found
}

// findText returns where the text stands: at last, mostly.
func (p *place) findText(value []byte) span {
	start := bytes.LastIndex(p.raw, value)
	if len(value) == 0 || start < 0 {
		return span{}
	}
	return span{start, start + len(value)}
}

// around returns what is not text: before it, and behind.
func (p *place) around() [2]span {
	return [...]span{{0, p.text.start}, {p.text.end, len(p.raw)}}
}

// findWord returns where value stands outside the text, and apart: "web1" is no part
// of "web10".
func (p *place) findWord(value []byte) span {
	return p.find(value, func(s span) bool {
		return !p.joins(s.start-1, s.start) && !p.joins(s.end-1, s.end)
	})
}

// find returns the first place of value outside the text that will do.
func (p *place) find(value []byte, fits func(span) bool) span {
	if len(value) == 0 {
		return span{}
	}
	for _, area := range p.around() {
		for at := area.start; ; at++ {
			n := bytes.Index(p.raw[at:area.end], value)
			if n < 0 {
				break
			}
			at += n
			if s := (span{at, at + len(value)}); fits(s) {
				return s
			}
		}
	}
	return span{}
}

// joins reports whether the octets at a and b, neighbours, belong to one word.
func (p *place) joins(a, b int) bool {
	return a >= 0 && b < len(p.raw) && inWord(p.raw[a]) && inWord(p.raw[b])
}

func inWord(c byte) bool {
	return isDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'z' || c == '-' || c == '_' || c == '.' || c >= 0x80
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// findPriority returns a priority that stands in the message, as "<13>" or as the
// value of something: "pri=13", `"pri": 13`. The library has 13 for a message without.
func (p *place) findPriority(part any) message.Priority {
	number, ok := integer(part)
	if !ok || number < 0 || number > 191 {
		return message.NoPriority
	}
	found := p.find(strconv.AppendInt(nil, number, 10), p.isValue)
	if found == (span{}) {
		return message.NoPriority
	}
	return message.Priority(number)
}

func integer(part any) (int64, bool) {
	v := reflect.ValueOf(part)
	switch {
	case part == nil:
		return 0, false
	case v.CanInt():
		return v.Int(), true
	case v.CanUint() && v.Uint() < 1<<32:
		return int64(v.Uint()), true
	}
	return 0, false
}

// isValue reports whether a number stands in angle brackets, or behind "=" or `":`.
func (p *place) isValue(s span) bool {
	before, after := p.raw[:s.start], p.raw[s.end:]
	if bytes.HasSuffix(before, []byte("<")) {
		return bytes.HasPrefix(after, []byte(">"))
	}
	if len(after) > 0 && inWord(after[0]) || len(before) > 0 && inWord(before[len(before)-1]) {
		return false
	}
	before = bytes.TrimRight(before, ` "`)
	return bytes.HasSuffix(before, []byte("=")) || bytes.HasSuffix(before, []byte(`":`))
}
