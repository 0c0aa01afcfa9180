// Package custom reads messages with any format of gopkg.in/mcuadros/go-syslog.v2, so
// that a listener can take what package parse doesn't know:
//
//	f := custom.New(myFormat)
//	f.Parse(raw, &m)
//
// Nothing that such a format says is believed: many put the present time where they
// read none, and the collector's own name where they find no host. A part counts if it
// stands in the message, and a time if it stands there as it would be written. A
// format that panics costs the parts of one message, never the message.
//
// # What a format gives
//
// The parts have the library's names: priority, timestamp, hostname, app_name or tag,
// proc_id, msg_id, structured_data, message or content. The priority is an integer,
// the timestamp a time.Time, all others are strings or []byte. What has another type
// is passed over, and so are "-" (NILVALUE) and the parts facility and severity.
//
// A timestamp stands in the message if the time of day that it shows in its own
// location is there as 15:04:05 or 150405, outside the text, behind the day and the
// month in digits or in English, or if its seconds since 1970 are. The place tells the
// rest: digits of a fraction, a zone, the year. Of what stands in the text nothing is
// believed, since there a time that the format made up would look true as long as the
// sender's clock agrees with ours.
//
// A format that never returns, or ends the process by other means than a panic, can't
// be held.
package custom

import (
	"bufio"
	"bytes"
	"sync/atomic"

	"gopkg.in/mcuadros/go-syslog.v2/format"

	"github.com/skewatch/skewatch/collector/message"
	"github.com/skewatch/skewatch/collector/parse"
)

// A Format reads messages with a format of somebody else's. It may be used by several
// goroutines at once if that format may, as the library's own server demands.
type Format struct {
	format format.Format

	// Stats counts what went wrong since the start.
	Stats Stats
}

// Stats counts messages that a format did not read. They are kept all the same.
type Stats struct {
	Panicked atomic.Uint64 // the format panicked
	Refused  atomic.Uint64 // it gave no part that stands in the message
}

// New returns a Format that reads with f.
func New(f format.Format) *Format { return &Format{format: f} }

// Parse reads one message and reports whether the format could. It sets the fields
// that parse.Parse sets but for TimeQuality, and leaves every other alone. The byte
// slices are parts of raw, nil where the message has no such part. If the format
// couldn't read it, all of the message is Text.
func (f *Format) Parse(raw []byte, m *message.Message) (ok bool) {
	reset(m, raw)
	parts, ok := f.read(raw)
	if !ok {
		f.Stats.Panicked.Add(1)
		m.Text = withoutLineEnd(raw)
		return false
	}
	p := place{raw: raw}
	p.fill(m, parts)
	if isBare(m) {
		f.Stats.Refused.Add(1)
		m.Text = withoutLineEnd(raw)
		return false
	}
	return true
}

// SplitFunc returns the format's function for one connection, nil if it has none. It
// isn't safe to call: see frame.FuncSplitter.
func (f *Format) SplitFunc() (split bufio.SplitFunc) {
	defer func() {
		if recover() != nil {
			f.Stats.Panicked.Add(1)
			split = nil
		}
	}()
	return f.format.GetSplitFunc()
}

// read has the format read a copy of raw, which it may change or keep. ok is false if it
// panics. An error is none as long as there are parts: each is looked at.
func (f *Format) read(raw []byte) (parts format.LogParts, ok bool) {
	defer func() {
		if recover() != nil {
			parts, ok = nil, false
		}
	}()
	parser := f.format.GetParser(bytes.Clone(raw))
	_ = parser.Parse()
	return parser.Dump(), true
}

func reset(m *message.Message, raw []byte) {
	m.Raw = raw
	m.Priority = message.NoPriority
	m.Sent = message.Stamp{}
	m.Host, m.AppName, m.ProcID, m.MsgID = nil, nil, nil, nil
	m.StructuredData, m.Text = nil, nil
	m.TimeQuality = message.TimeQuality{}
}

// isBare reports whether nothing is known of a message.
func isBare(m *message.Message) bool {
	return m.Priority == message.NoPriority && !m.Sent.Usable() &&
		m.Host == nil && m.AppName == nil && m.ProcID == nil && m.MsgID == nil && m.StructuredData == nil && m.Text == nil
}

func withoutLineEnd(raw []byte) []byte {
	if text := bytes.TrimRight(raw, "\r\n\x00"); len(text) > 0 {
		return text
	}
	return nil
}

// fill takes over the parts that stand in the message: first the text, since nothing
// else is looked for in there.
func (p *place) fill(m *message.Message, parts format.LogParts) {
	p.text = p.findText(octets(parts, "message", "content"))
	m.Text = p.text.of(p.raw)
	m.Priority = p.findPriority(parts["priority"])
	host := p.findWord(octets(parts, "hostname"))
	if m.Host = host.of(p.raw); len(m.Host) > parse.MaxHost {
		m.Host = nil
	}
	m.AppName = p.findWord(octets(parts, "app_name", "tag")).of(p.raw)
	m.ProcID = p.findWord(octets(parts, "proc_id")).of(p.raw)
	m.MsgID = p.findWord(octets(parts, "msg_id")).of(p.raw)
	m.StructuredData = p.findWord(octets(parts, "structured_data")).of(p.raw)
	m.Sent = p.findStamp(parts["timestamp"], host)
}

// octets returns the first part of these names that is there; nil for NILVALUE.
func octets(parts format.LogParts, names ...string) []byte {
	for _, name := range names {
		var value []byte
		switch v := parts[name].(type) {
		case string:
			value = []byte(v)
		case []byte:
			value = v
		}
		if len(value) > 0 && string(value) != "-" {
			return value
		}
	}
	return nil
}
