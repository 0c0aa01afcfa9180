// Package archive reads archives of messages that kept both times of each: when it
// was sent, as its originator wrote it, and when it was received.
//
// An archive is CSV with the names of the columns in its first line, NDJSON, one object
// a line, lines that a syslog daemon wrote, journald's export or a capture of packets,
// each plain or compressed. The first two name the same things:
//
//	host      the originator's name, as sent
//	sent      the stamp, as it stood in the message; empty, null or "-" if there was none
//	received  the time of receipt: RFC 3339, or seconds since 1970-01-01 UTC, or milli-,
//	          micro- or nanoseconds, with or without a fraction
//	source    the peer's IP address; optional
//
// They may stand in any order and among others, which are passed over. What the others
// look like is said at their readers. A line that can't be used is named and left out; it
// never ends the reading.
package archive

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/netip"

	"github.com/skewatch/skewatch/collector/message"
	"github.com/skewatch/skewatch/collector/parse"
)

// An Origin is who sent messages. All lines of a Reader with the same host and source
// share one.
type Origin struct {
	Host   []byte     // as sent; empty only if Source is valid
	Source netip.Addr // the zero Addr if the archive doesn't say

	index  uint32 // in Reader.all
	newest int64  // the latest receive time that InOrder passed on
}

// A Line is one message of an archive.
type Line struct {
	Number   int64 // of the line that it begins in, from 1
	Origin   *Origin
	Sent     message.Stamp // StampInvalid if there is one that can't be read
	Received int64         // Unix ns, as it stood in the archive
}

// A LineError says what is wrong with a line. The reading can go on.
type LineError struct {
	Number  int64
	Field   string // host, sent, received or source; "" if all of the line is meant
	Problem string
	Value   string // what stands there; "" if it would say nothing
}

// Error returns the problem without the line's number.
func (e *LineError) Error() string {
	text := e.Problem
	if e.Field != "" {
		text = e.Field + ": " + text
	}
	if e.Value != "" {
		text += fmt.Sprintf(" (got %q)", e.Value)
	}
	return text
}

func fault(field int, problem string, value []byte) *LineError {
	return &LineError{Field: fieldNames[field], Problem: problem, Value: clip(value)}
}

// clip shortens a value to what fits beside its problem in a line.
func clip(value []byte) string {
	const most = 40
	if len(value) <= most {
		return string(value)
	}
	return string(value[:most]) + "…"
}

// A HeaderError says why a whole archive can't be read, and the remedy.
type HeaderError struct{ Problem, Hint string }

func (e *HeaderError) Error() string { return e.Problem }

// Remedy returns what to do about it.
func (e *HeaderError) Remedy() string { return e.Hint }

// The bounds of what is taken in. Senders that keep to RFC 5424 (section 6.2.4) stay
// within the first.
const (
	maxHost    = 255     // bytes
	maxOrigins = 100_000 // as many as the estimator keeps
	maxLine    = 1 << 20 // bytes
)

// A Reader reads the lines of one archive.
type Reader struct {
	lines   lines
	records recordReader
	origins map[string]*Origin // by host and source
	all     []*Origin
	key     []byte // scratch

	window     int // lines that InOrder looks ahead
	read       int64
	displaced  int64
	resolution int64
}

// A recordReader splits an archive into the fields of its lines.
type recordReader interface {
	// next returns the next line and where it begins. It is valid until the call after.
	next() (entry, int64, error)
}

// An entry is what a line says.
type entry struct {
	fields
	received int64         // Unix ns; 0 if it is to be read from its field
	stamped  bool          // sent is given,
	sent     message.Stamp // and isn't to be read from its field
}

// fields are what a line says, as it is written; nil is what it doesn't name.
type fields [4][]byte

// The fields' places.
const (
	fieldHost = iota
	fieldSent
	fieldReceived
	fieldSource
	noField = -1
)

var fieldNames = [...]string{"host", "sent", "received", "source"}

// fieldNamed returns the place of the field with a name, in any case.
func fieldNamed(name []byte) int {
	for i, known := range fieldNames {
		if len(name) == len(known) && foldsTo(name, known) {
			return i
		}
	}
	return noField
}

// foldsTo reports whether ASCII letters of any case make a lower-case name.
func foldsTo(name []byte, lower string) bool {
	for i, c := range name {
		if c|0x20 != lower[i] {
			return false
		}
	}
	return true
}

// NewReader returns a Reader, after reading the header. The error is a *HeaderError
// when what is there is no archive of messages.
func NewReader(from io.Reader) (*Reader, error) { return NewReaderOf(Auto, from) }

// NewReaderOf is NewReader for an archive in a format that is known.
func NewReaderOf(format Format, from io.Reader) (*Reader, error) {
	from, err := unpacked(from)
	if err != nil {
		return nil, err
	}
	r := &Reader{lines: newLines(from), origins: map[string]*Origin{}, resolution: second, window: Window}
	r.records, err = open(format, &r.lines)
	return r, err
}

// Passed returns how many packets of a capture completed no message of syslog.
func (r *Reader) Passed() int64 {
	if c, ok := r.records.(*capture); ok {
		return c.passed
	}
	return 0
}

// Read returns how many lines with messages were read so far, good and bad.
func (r *Reader) Read() int64 { return r.read }

// Resolution returns the finest decimal place that the receive times read so far make
// use of, in nanoseconds; a second at the most. The clock behind them may be coarser.
func (r *Reader) Resolution() int64 { return r.resolution }

// Displaced returns how many lines InOrder could not bring into order.
func (r *Reader) Displaced() int64 { return r.displaced }

// Next reads the next line. The error is io.EOF at the end and a *LineError for a bad
// line; any other is the source's own and final. The Line that comes with a *LineError
// has no Origin, unless it lacks nothing but a stamp that can be read: then it is
// evidence of that.
func (r *Reader) Next() (Line, error) {
	e, number, err := r.records.next()
	if err != nil {
		if errors.As(err, new(*LineError)) {
			r.read++
		}
		return Line{}, err
	}
	r.read++
	l := Line{Number: number}
	if bad := r.fill(&l, &e); bad != nil {
		bad.Number = number
		return l, bad
	}
	return l, nil
}

// fill reads the fields of a line.
func (r *Reader) fill(l *Line, e *entry) (bad *LineError) {
	f := &e.fields
	switch l.Received = e.received; {
	case e.received < 0:
		return fault(fieldReceived, "not after 1970", nil)
	case e.received == 0:
		if l.Received, bad = readReceived(f[fieldReceived]); bad != nil {
			return bad
		}
	}
	if l.Origin, bad = r.origin(bytes.TrimSpace(f[fieldHost]), bytes.TrimSpace(f[fieldSource])); bad != nil {
		return bad
	}
	for l.Received%r.resolution != 0 {
		r.resolution /= 10
	}
	if l.Sent = e.sent; !e.stamped {
		l.Sent = parse.Stamp(f[fieldSent])
	}
	if l.Sent.Format == message.StampInvalid {
		return fault(fieldSent, "not a stamp that can be read", f[fieldSent])
	}
	return nil
}

// origin returns the one origin with a host and source.
func (r *Reader) origin(host, source []byte) (*Origin, *LineError) {
	r.key = append(append(append(r.key[:0], host...), 0), source...)
	if o := r.origins[string(r.key)]; o != nil {
		return o, nil
	}
	o, bad := newOrigin(host, source)
	switch {
	case bad != nil:
		return nil, bad
	case len(r.origins) >= maxOrigins:
		return nil, fault(fieldHost, fmt.Sprintf("more than %d hosts", maxOrigins), host)
	}
	o.index = uint32(len(r.all))
	r.all = append(r.all, o)
	r.origins[string(r.key)] = o
	return o, nil
}

func newOrigin(host, source []byte) (*Origin, *LineError) {
	o := &Origin{Host: append([]byte(nil), host...)}
	if len(source) > 0 {
		addr, err := netip.ParseAddr(string(source))
		if err != nil {
			return nil, fault(fieldSource, "not an IP address", source)
		}
		o.Source = addr.Unmap().WithZone("")
	}
	switch {
	case len(host) == 0 && !o.Source.IsValid():
		return nil, fault(fieldHost, "missing", nil)
	case len(host) > maxHost:
		return nil, fault(fieldHost, fmt.Sprintf("longer than %d bytes", maxHost), host)
	}
	return o, nil
}
