package archive

import (
	"bytes"
	"net/netip"

	"github.com/skewatch/skewatch/collector/message"
	"github.com/skewatch/skewatch/collector/parse"
)

// daemonLines reads lines that a syslog daemon wrote by a template that keeps both times. The
// time of receipt comes first, in RFC 3339; then either the message as it was received, from
// its PRI on, before which the peer's address may stand,
//
//	2026-03-01T12:00:00.000004+00:00 192.0.2.1 <34>Mar  1 12:00:00 web1 su: text
//
// or the message's own time, in the format of RFC 3339 or RFC 3164, the host, and perhaps
// the peer's address:
//
//	2026-03-01T12:00:00.000004+00:00 2026-03-01T12:00:40+00:00 web1 192.0.2.1 su: text
type daemonLines struct {
	lines   *lines
	message message.Message
}

// beginsWithReceipt reports whether a line begins as those of daemonLines do.
func beginsWithReceipt(line []byte) bool {
	word, rest := cutWord(line)
	if _, problem := readInstant(word); problem != "" || bytes.IndexByte(word, 'T') < 0 {
		return false
	}
	return len(rest) > 0 && bytes.IndexByte(word, ',') < 0
}

// cutWord returns what stands before the next space, and what behind that and others.
func cutWord(b []byte) (word, rest []byte) {
	word, rest, _ = bytes.Cut(b, []byte(" "))
	return word, bytes.TrimLeft(rest, " ")
}

func (d *daemonLines) next() (e entry, number int64, err error) {
	line, err := d.lines.next()
	for err == nil && len(line) == 0 {
		line, err = d.lines.next()
	}
	number = d.lines.number
	if err != nil {
		return e, number, err
	}
	var rest []byte
	e.fields[fieldReceived], rest = cutWord(line)
	if word, behind := cutWord(rest); isAddress(word) {
		e.fields[fieldSource], rest = word, behind
	}
	if len(rest) == 0 {
		return e, number, &LineError{Number: number, Problem: "has no message behind the time of receipt", Value: clip(line)}
	}
	if rest[0] == '<' {
		d.whole(&e, rest)
		return e, number, nil
	}
	d.parts(&e, rest)
	return e, number, nil
}

func isAddress(word []byte) bool {
	if len(word) == 0 || bytes.IndexByte(word, 'T') >= 0 {
		return false // most are no addresses, and their errors take their time
	}
	_, err := netip.ParseAddr(string(word))
	return err == nil
}

// whole reads a message that was kept as it was received.
func (d *daemonLines) whole(e *entry, raw []byte) {
	parse.Parse(raw, &d.message)
	e.stamped, e.sent = true, d.message.Sent
	e.fields[fieldHost] = d.message.Host
	e.fields[fieldSent] = raw[:min(len(raw), 40)] // to be shown if it can't be read
}

// parts reads a message whose parts were written one behind the other.
func (d *daemonLines) parts(e *entry, rest []byte) {
	const bsd = len("Mar  1 12:00:00")
	if len(rest) > bsd && rest[bsd] == ' ' && rest[3] == ' ' {
		e.fields[fieldSent], rest = rest[:bsd], bytes.TrimLeft(rest[bsd:], " ")
	} else {
		e.fields[fieldSent], rest = cutWord(rest)
	}
	e.fields[fieldHost], rest = cutWord(rest)
	if word, _ := cutWord(rest); e.fields[fieldSource] == nil && isAddress(word) {
		e.fields[fieldSource] = word
	}
}
