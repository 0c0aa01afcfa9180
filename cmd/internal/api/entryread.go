package api

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"
)

// wireEntry is an Entry as package json reads it.
type wireEntry struct {
	Corrected time.Time  `json:"corrected"`
	Bound     *float64   `json:"bound_seconds"`
	Earliest  *time.Time `json:"earliest"`
	Latest    time.Time  `json:"latest"`
	PlacedBy  string     `json:"placed_by"`
	Undecided []string   `json:"undecided"`
	Message
}

// ReadEntry reads what AppendJSON has written. The usual line is taken apart without package
// json, which takes several times as long, and read by it if it isn't usual in anything.
func ReadEntry(line []byte) (e Entry, err error) {
	r := entryReader{line: string(line)} // whose parts all texts are
	if r.entry(&e) {
		return e, nil
	}
	var w wireEntry
	if err := json.Unmarshal(line, &w); err != nil {
		return Entry{}, err
	}
	return Entry{w.Message, w.Corrected, w.Bound, w.Earliest, w.Latest, w.PlacedBy, w.Undecided}, nil
}

// An entryReader takes a line apart from the front. After anything that isn't as AppendJSON
// writes it, failed is set.
type entryReader struct {
	line   string
	at     int // which is cheaper to move than the line
	failed bool
}

func (r *entryReader) rest() string { return r.line[r.at:] }

func (r *entryReader) entry(e *Entry) (ok bool) {
	r.skip(`{"corrected":`)
	e.Corrected = r.time()
	r.skip(`,"bound_seconds":`)
	if r.is(`null,"earliest":null`) {
		e.Bound, e.Earliest = nil, nil
	} else {
		bound := r.float()
		r.skip(`,"earliest":`)
		earliest := r.time()
		e.Bound, e.Earliest = &bound, &earliest
	}
	r.skip(`,"latest":`)
	e.Latest = r.time()
	r.skip(`,"placed_by":`)
	e.PlacedBy = r.text()
	r.skip(`,"undecided":[`)
	for !r.failed && !r.is(`]`) {
		r.is(`,`)
		e.Undecided = append(e.Undecided, r.text())
	}
	r.skip(`,"id":`)
	e.ID = r.number()
	r.skip(`,`)
	r.message(&e.Message)
	return !r.failed && r.rest() == "}"
}

func (r *entryReader) message(m *Message) {
	r.skip(`"received":`)
	m.Received = r.time()
	r.skip(`,"sent":`)
	if !r.is(`null`) {
		sent := r.text()
		m.Sent = &sent
	}
	for _, field := range [...]struct {
		name string
		into *string
	}{
		{`,"host":`, &m.Host}, {`,"source":`, &m.Source}, {`,"transport":`, &m.Transport}, {`,"facility":`, &m.Facility},
		{`,"severity":`, &m.Severity}, {`,"app":`, &m.App}, {`,"procid":`, &m.ProcID}, {`,"msgid":`, &m.MsgID},
		{`,"stamp_format":`, &m.StampFormat}, {`,"stamped_by":`, &m.StampedBy}, {`,"message":`, &m.Message},
	} {
		r.skip(field.name)
		*field.into = r.text()
	}
	if r.rest() != "}" {
		r.failed = true // there is a frame, too
	}
}

// is goes past a text if it comes next.
func (r *entryReader) is(text string) bool {
	if !strings.HasPrefix(r.rest(), text) {
		return false
	}
	r.at += len(text)
	return true
}

func (r *entryReader) skip(text string) { r.failed = !r.is(text) || r.failed }

// text reads a string without escapes.
func (r *entryReader) text() string {
	r.skip(`"`)
	rest := r.rest()
	end := strings.IndexByte(rest, '"')
	if end < 0 || strings.IndexByte(rest[:end], '\\') >= 0 {
		r.failed = true
		return ""
	}
	r.at += end + 1
	return rest[:end]
}

func (r *entryReader) time() time.Time {
	t, err := time.Parse(time.RFC3339Nano, r.text())
	r.failed = r.failed || err != nil
	return t
}

// plain reads what stands before the next comma.
func (r *entryReader) plain() string {
	rest := r.rest()
	end := max(0, strings.IndexByte(rest, ','))
	r.at += end
	return rest[:end]
}

func (r *entryReader) float() float64 {
	v, err := strconv.ParseFloat(r.plain(), 64)
	r.failed = r.failed || err != nil
	return v
}

func (r *entryReader) number() uint64 {
	v, err := strconv.ParseUint(r.plain(), 10, 64)
	r.failed = r.failed || err != nil
	return v
}
