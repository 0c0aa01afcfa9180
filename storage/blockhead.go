package storage

import (
	"bytes"
	"encoding/binary"
	"slices"

	"github.com/skewatch/skewatch/collector/message"
)

// A blockHead is the beginning of Raw up to the text, as a kind has it.
type blockHead struct {
	style    stampStyle
	stampAt  int
	stampLen int // 0 if the stamp isn't taken out
	hostAt   int // in Raw, or -1
	size     int // with the stamp
}

// maxHead is how long a head may be; names further on are left to the text.
const maxHead = 512

// nilStamp is what a header of RFC 5424 without a stamp begins with, behind its PRI.
var nilStamp = []byte("1 - ")

// headProcID is the place of ProcID among the parts of a head.
const headProcID = 2

// headOf finds the head: to the end of MsgID, or of what is there, and of the
// punctuation behind it, or to ProcID if that makes too many kinds. A stamp that can't
// be written again from Sent ends it before, since its text would make every message a
// kind of its own; so would the numbers and uptimes that Cisco writes instead of one.
func (t *kindTable) headOf(m *message.Message, stamps *stampWriter) blockHead {
	h := blockHead{hostAt: -1, stampAt: stampPlace(m.Raw, m.Sent.Format)}
	h.size = h.stampAt
	if style := guessStyle(m.Raw[h.stampAt:], &m.Sent); style != styleLiteral {
		t.text = stamps.appendTo(t.text[:0], &m.Sent, style)
		if bytes.HasPrefix(m.Raw[h.stampAt:], t.text) {
			h.style, h.stampLen = style, len(t.text)
			h.size += h.stampLen
		}
	}
	if h.style == styleLiteral && !bytes.HasPrefix(m.Raw[h.stampAt:], nilStamp) {
		return h
	}
	for i, part := range [...][]byte{m.Host, m.AppName, m.ProcID, m.MsgID} {
		if i == headProcID && t.crowded {
			break
		}
		at := place(m.Raw, part, h.size)
		if at < 0 || at+len(part) > maxHead {
			continue
		}
		h.size = at + len(part)
		if i == 0 {
			h.hostAt = at
		}
	}
	for h.size < min(len(m.Raw), maxHead) && isHeadPunctuation(m.Raw[h.size]) {
		h.size++
	}
	return h
}

func isHeadPunctuation(c byte) bool { return c == ' ' || c == ':' || c == '-' || c == '[' || c == ']' }

// place returns where in raw from from on, and not far from there, part stands; -1 if
// it is empty or nowhere.
func place(raw, part []byte, from int) int {
	const near = 256
	switch {
	case len(part) == 0:
		return -1
	case from < len(raw) && bytes.HasPrefix(raw[from+1:], part):
		return from + 1
	}
	at := bytes.Index(raw[from:min(len(raw), from+near)], part)
	if at < 0 {
		return -1
	}
	return from + at
}

// setKey writes the kind of m to key and returns the part of Raw behind its head.
func (t *kindTable) setKey(m *message.Message, stamps *stampWriter) (tail []byte) {
	h := t.headOf(m, stamps)
	head, tail := m.Raw[:h.size], m.Raw[h.size:]
	s := &m.Sent
	k := append(t.key[:0], flagsOf(m), byte(h.style), byte(s.Format), s.Digits, shapeOf(s).unit,
		byte(m.StampedBy), byte(m.Transport), byte(m.Trust))
	if bytes.IndexByte(tail, textEnd) >= 0 {
		k[0] |= kindCounted
	}
	k = binary.AppendVarint(k, int64(m.Priority))
	k = binary.AppendVarint(k, int64(s.ZoneEast))
	k = binary.AppendVarint(k, int64(m.MinRTT))
	k = appendAddress(k, m)
	k = binary.AppendUvarint(k, uint64(h.stampAt))
	k = binary.AppendUvarint(k, uint64(max(h.hostAt, 0)))
	k = binary.AppendUvarint(k, uint64(len(m.Host)))
	if h.hostAt >= 0 {
		k[0] |= kindHostInHead
	} else {
		k = append(k, m.Host...)
	}
	k = append(k, head[:h.stampAt]...)
	t.key = append(k, head[h.stampAt+h.stampLen:]...)
	return tail
}

func appendAddress(k []byte, m *message.Message) []byte {
	at := len(k)
	k, _ = m.Source.AppendBinary(append(k, 0)) // never fails
	n := len(k) - at - 1
	if n < 0x80 {
		k[at] = byte(n)
		return k
	}
	return slices.Concat(k[:at], binary.AppendUvarint(nil, uint64(n)), k[at+1:]) // a long zone
}
