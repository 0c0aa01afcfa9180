// Package parse reads what a syslog message says about itself: its header, its
// text and, above all, the time its originator wrote.
//
// It reads and does not judge. What the sender did not write, a year or a zone,
// stays unknown; what cannot be read is marked and kept. No clock is ever
// consulted, and the same bytes always give the same answer.
//
// Messages come in families. Each family has one file, recognises its messages by
// their first bytes and is one case in [Parse], or in parseOther if it is a rarer one
// near RFC 3164. It finds the whole message in Text and leaves there what it does not
// read; numbers, names of zones and other parts of a header that have no field are in
// Raw alone.
package parse

import (
	"bytes"

	"github.com/skewatch/skewatch/collector/message"
)

// Parse reads one message and never fails: what can't be read is marked, and kept
// in Text.
//
// It sets Raw, Priority, Sent, Host, AppName, ProcID, MsgID, StructuredData, Text
// and TimeQuality and leaves every other field alone. The byte slices are parts of
// raw, nil where the message has no such part. Nothing is allocated.
//
// Line ends and NULs that close the message are in Raw alone, and so is a HOSTNAME of
// more than 255 octets, but for RFC 3164, where such a word begins the text. Other than
// that a host's name may hold whatever was sent: control characters, escape sequences
// of a terminal, octets that are no UTF-8. Who shows it takes care of that.
func Parse(raw []byte, m *message.Message) {
	body := withoutLineEnd(withoutCount(raw))
	priority, rest := cutPriority(body)
	reset(m, raw, priority)
	if priority == message.NoPriority {
		setText(m, body) // with what looked like a PRI and is none
	} else {
		setText(m, rest)
	}

	switch {
	case isRFC5424(rest):
		parseRFC5424(rest, m)
	default:
		parseRFC3164(rest, m)
	}
	if len(m.Host) > MaxHost {
		m.Host = nil
	}
}

// MaxHost is how many octets a HOSTNAME may have (RFC 5424, section 6), as any name in
// the DNS. What is longer names no host: whoever sends such words, one after the other,
// would fill the tables that are kept by host.
const MaxHost = 255

// Version returns the VERSION of a message in the format of RFC 5424 (section
// 6.2.2), which is 1, and 0 for a message in any other format.
func Version(raw []byte) int {
	if _, rest := cutPriority(withoutLineEnd(withoutCount(raw))); isRFC5424(rest) {
		return 1
	}
	return 0
}

func reset(m *message.Message, raw []byte, priority message.Priority) {
	m.Raw = raw
	m.Priority = priority
	m.Sent = message.Stamp{}
	m.Host, m.AppName, m.ProcID, m.MsgID = nil, nil, nil, nil
	m.StructuredData, m.Text = nil, nil
	m.TimeQuality = message.TimeQuality{}
}

// withoutLineEnd takes away what many senders put at the end of a datagram as if
// it were a line, so that it never becomes part of a host's name.
func withoutLineEnd(b []byte) []byte {
	for len(b) > 0 && (b[len(b)-1] == '\n' || b[len(b)-1] == '\r' || b[len(b)-1] == 0) {
		b = b[:len(b)-1]
	}
	return b
}

const maxPriority = 191 // local7.debug

// cutPriority reads PRI (RFC 5424, section 6.2.1) and returns what follows it. One
// to three digits in angle brackets that are no PRI, above 191 or with a leading
// zero, are passed over as well: a header may follow them all the same.
func cutPriority(b []byte) (p message.Priority, rest []byte) {
	if len(b) == 0 || b[0] != '<' {
		return message.NoPriority, b
	}
	end := 1 + countDigits(b[1:])
	if end == 1 || end > 4 || end == len(b) || b[end] != '>' {
		return message.NoPriority, b
	}
	for _, digit := range b[1:end] {
		p = p*10 + message.Priority(digit-'0')
	}
	if p > maxPriority || b[1] == '0' && end > 2 {
		p = message.NoPriority
	}
	return p, b[end+1:]
}

// setText takes the rest of a message as its text, without the byte order mark
// that RFC 5424, section 6.4, puts before UTF-8.
func setText(m *message.Message, b []byte) {
	m.Text = present(bytes.TrimPrefix(b, []byte("\xEF\xBB\xBF")))
}

// present turns an empty part into none at all.
func present(b []byte) []byte {
	if len(b) == 0 {
		return nil
	}
	return b
}

func isDigit(c byte) bool { return c-'0' <= 9 }

func countDigits(b []byte) int {
	n := 0
	for n < len(b) && isDigit(b[n]) {
		n++
	}
	return n
}
