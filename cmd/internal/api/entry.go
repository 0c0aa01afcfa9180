package api

import (
	"encoding/base64"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/skewatch/skewatch/analysis/timeline"
)

// An Entry is a message of a timeline, with when it was written.
type Entry struct {
	Message

	Corrected time.Time // when it was written, most likely
	Bound     *float64  // it was then, or so many seconds before or after; nil if only Latest is known
	Earliest  *time.Time
	Latest    time.Time
	PlacedBy  string // "stamp", or "receipt" where the stamp proves nothing

	// Undecided says on which sides the order isn't proven: UndecidedPrevious if the
	// entry before, of another host, may have been written after this one, UndecidedNext if
	// the one behind may have been written before.
	Undecided []string
}

// The words of Entry.
const (
	PlacedByStamp     = "stamp"
	PlacedByReceipt   = "receipt"
	UndecidedPrevious = "previous"
	UndecidedNext     = "next"
)

// EntryOf returns the entry of a message. All the bounds of a timeline are wider by the
// collector's own.
func EntryOf(m Message, p *timeline.Placing, own int64) Entry {
	e := Entry{Message: m, Corrected: unixUTC(p.At), Latest: unixUTC(p.High + own), PlacedBy: PlacedByReceipt}
	if p.ByStamp {
		e.PlacedBy = PlacedByStamp
	}
	if bound, ok := p.Bound(); ok {
		seconds, earliest := float64(bound+own)/1e9, unixUTC(p.Low-own)
		e.Bound, e.Earliest = &seconds, &earliest
	}
	return e
}

func unixUTC(ns int64) time.Time { return time.Unix(0, ns).UTC() }

// AppendJSON appends the entry as one JSON object. There may be hundreds of thousands a
// second: package json takes four times as long.
func (e *Entry) AppendJSON(b []byte) []byte {
	b = appendTime(append(b, `{"corrected":`...), e.Corrected)
	b = append(b, `,"bound_seconds":`...)
	if e.Bound == nil {
		b = append(b, `null,"earliest":null`...)
	} else {
		b = strconv.AppendFloat(b, *e.Bound, 'f', -1, 64)
		b = appendTime(append(b, `,"earliest":`...), *e.Earliest)
	}
	b = appendTime(append(b, `,"latest":`...), e.Latest)
	b = appendString(append(b, `,"placed_by":`...), e.PlacedBy)
	b = append(b, `,"undecided":[`...)
	for i, side := range e.Undecided {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendString(b, side)
	}
	b = strconv.AppendUint(append(b, `],"id":`...), e.ID, 10)
	return append(e.Message.appendFields(append(b, ',')), '}')
}

// appendFields appends what a Message holds but its ID, as in JSON.
func (m *Message) appendFields(b []byte) []byte {
	b = appendTime(append(b, `"received":`...), m.Received)
	b = append(b, `,"sent":`...)
	if m.Sent == nil {
		b = append(b, `null`...)
	} else {
		b = appendString(b, *m.Sent)
	}
	b = appendString(append(b, `,"host":`...), m.Host)
	b = appendString(append(b, `,"source":`...), m.Source)
	b = appendString(append(b, `,"transport":`...), m.Transport)
	b = appendString(append(b, `,"facility":`...), m.Facility)
	b = appendString(append(b, `,"severity":`...), m.Severity)
	b = appendString(append(b, `,"app":`...), m.App)
	b = appendString(append(b, `,"procid":`...), m.ProcID)
	b = appendString(append(b, `,"msgid":`...), m.MsgID)
	b = appendString(append(b, `,"stamp_format":`...), m.StampFormat)
	b = appendString(append(b, `,"stamped_by":`...), m.StampedBy)
	b = appendString(append(b, `,"message":`...), m.Message)
	if len(m.Raw) > 0 {
		b = base64.StdEncoding.AppendEncode(append(b, `,"raw":"`...), m.Raw)
		b = append(b, '"')
	}
	return b
}

func appendTime(b []byte, t time.Time) []byte {
	return append(AppendTime(append(b, '"'), t), '"')
}

// AppendTime appends a time in UTC as RFC 3339 has it, to the nanosecond where it has any,
// as package time does: it takes a third of the time.
func AppendTime(b []byte, t time.Time) []byte {
	digits := 9
	for ns := t.Nanosecond(); digits > 0 && ns%10 == 0; ns /= 10 {
		digits--
	}
	return appendDigits(b, t, digits)
}

// appendDigits appends a time in UTC with so many digits after the second, nine at the most.
func appendDigits(b []byte, t time.Time, digits int) []byte {
	year, month, day := t.Date()
	if year < 1000 || year > 9999 {
		return t.AppendFormat(b, layouts[digits])
	}
	hour, minute, second := t.Clock()
	b = appendTwo(appendTwo(b, year/100), year%100)
	b = appendTwo(append(b, '-'), int(month))
	b = appendTwo(append(b, '-'), day)
	b = appendTwo(append(b, 'T'), hour)
	b = appendTwo(append(b, ':'), minute)
	b = appendTwo(append(b, ':'), second)
	if digits > 0 {
		b = append(b, '.')
	}
	ns := t.Nanosecond()
	for place := 100_000_000; digits > 0; digits-- {
		b = append(b, '0'+byte(ns/place))
		ns %= place
		place /= 10
	}
	return append(b, 'Z')
}

func appendTwo(b []byte, n int) []byte { return append(b, '0'+byte(n/10), '0'+byte(n%10)) }

const hexDigits = "0123456789abcdef"

// appendString appends a string as package json does when it isn't asked to escape HTML.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	begin := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' && c < utf8.RuneSelf {
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if c >= utf8.RuneSelf && r != '\u2028' && r != '\u2029' && (r != utf8.RuneError || size > 1) {
			i += size
			continue
		}
		b = appendEscaped(append(b, s[begin:i]...), r)
		i += size
		begin = i
	}
	return append(append(b, s[begin:]...), '"')
}

// appendEscaped appends a character that may not stand in a string as it is.
func appendEscaped(b []byte, r rune) []byte {
	switch r {
	case '"', '\\':
		return append(b, '\\', byte(r))
	case '\n':
		return append(b, `\n`...)
	case '\r':
		return append(b, `\r`...)
	case '\t':
		return append(b, `\t`...)
	case '\b':
		return append(b, `\b`...)
	case '\f':
		return append(b, `\f`...)
	}
	return append(b, '\\', 'u', hexDigits[r>>12&15], hexDigits[r>>8&15], hexDigits[r>>4&15], hexDigits[r&15])
}
