package archive

import (
	"bytes"
	"encoding/json"
)

// objects reads one JSON object a line (NDJSON). It looks into no more of an object
// than it needs: the values of other names need only end where they should.
type objects struct{ lines *lines }

func (o *objects) next() (e entry, number int64, err error) {
	line, err := o.lines.next()
	for err == nil && len(bytes.TrimSpace(line)) == 0 {
		line, err = o.lines.next()
	}
	number = o.lines.number
	if err != nil {
		return e, number, err
	}
	if !readObject(line, &e.fields) {
		return e, number, &LineError{Number: number, Problem: "not a JSON object", Value: clip(line)}
	}
	return e, number, nil
}

// readObject reads the fields of an object that stands alone.
func readObject(b []byte, f *fields) bool {
	c := cursor{rest: bytes.TrimSpace(b)}
	if !c.take('{') {
		return false
	}
	for first := true; !c.take('}'); first = false {
		if !first && !c.take(',') {
			return false
		}
		name, ok := c.text()
		if !ok || !c.take(':') {
			return false
		}
		value, ok := c.value()
		if !ok {
			return false
		}
		if field := fieldNamed(name); field != noField {
			f[field] = value
		}
	}
	return len(c.rest) == 0
}

// A cursor stands at a place in a line of JSON.
type cursor struct{ rest []byte }

// space passes over white space.
func (c *cursor) space() {
	for len(c.rest) > 0 && (c.rest[0] == ' ' || c.rest[0] == '\t') {
		c.rest = c.rest[1:]
	}
}

// take passes over a byte, if it is the next behind white space.
func (c *cursor) take(b byte) bool {
	c.space()
	if len(c.rest) == 0 || c.rest[0] != b {
		return false
	}
	c.rest = c.rest[1:]
	return true
}

// value reads a value: the text of a string; a number, object or array as it is
// written; nil for null.
func (c *cursor) value() ([]byte, bool) {
	c.space()
	if len(c.rest) == 0 {
		return nil, false
	}
	switch c.rest[0] {
	case '"':
		return c.text()
	case '{', '[':
		return c.nested()
	}
	word := c.word()
	if string(word) == "null" {
		return nil, true
	}
	return word, len(word) > 0
}

// word reads up to what may follow a number, null, true or false.
func (c *cursor) word() []byte {
	n := 0
	for n < len(c.rest) {
		switch c.rest[n] {
		case ',', '}', ']', ' ', '\t':
			word := c.rest[:n]
			c.rest = c.rest[n:]
			return word
		}
		n++
	}
	return nil
}

// nested passes over an object or array, counting brackets.
func (c *cursor) nested() ([]byte, bool) {
	begin, depth := c.rest, 0
	for len(c.rest) > 0 {
		switch c.rest[0] {
		case '"':
			if _, ok := c.raw(); !ok {
				return nil, false
			}
			continue
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		}
		c.rest = c.rest[1:]
		if depth == 0 {
			return begin[:len(begin)-len(c.rest)], true
		}
	}
	return nil, false
}

// text reads a string and decodes it, if need be.
func (c *cursor) text() ([]byte, bool) {
	c.space()
	raw, ok := c.raw()
	if !ok {
		return nil, false
	}
	if bytes.IndexByte(raw, '\\') < 0 {
		return raw[1 : len(raw)-1], true
	}
	var s string
	err := json.Unmarshal(raw, &s)
	return []byte(s), err == nil
}

// raw reads a string with its marks and escapes.
func (c *cursor) raw() ([]byte, bool) {
	if len(c.rest) == 0 || c.rest[0] != '"' {
		return nil, false
	}
	for i := 1; i < len(c.rest); i++ {
		switch c.rest[i] {
		case '\\':
			i++
		case '"':
			raw := c.rest[:i+1]
			c.rest = c.rest[i+1:]
			return raw, true
		}
	}
	return nil, false
}
