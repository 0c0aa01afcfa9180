package archive

import (
	"bytes"
	"net/netip"
	"slices"
	"time"

	"github.com/gopacket/gopacket/layers"

	"github.com/skewatch/skewatch/collector/frame"
)

// A flowKey names one direction of a connection.
type flowKey struct{ from, to netip.AddrPort }

// A flow is one direction of a connection, put together of its segments.
type flow struct {
	begun   bool
	foreign bool   // it isn't syslog
	next    uint32 // the sequence number of the next octet
	split   *frame.Splitter
	early   []segment // those that came before others of lower numbers, in order
	held    int       // their octets
}

type segment struct {
	sequence uint32
	data     []byte
}

// The bounds of what streams take up. What is missing in a capture doesn't come any more:
// beyond the second it is given up.
const (
	mostFlows = 65_536
	mostEarly = 1 << 20 // octets
)

// segment takes a segment of a connection.
func (c *capture) segment(key flowKey, t *layers.TCP, at time.Time) {
	f := c.flows[key]
	if t.SYN || f == nil {
		if f == nil && len(c.flows) >= mostFlows {
			c.fault("more connections at once than are kept: one is left out")
			return
		}
		f = &flow{next: t.Seq, split: frame.NewSplitter(maxLine)}
		if t.SYN {
			f.next++ // it counts as an octet
		}
		c.flows[key] = f
	}
	if len(t.Payload) > 0 && !f.foreign {
		sequence := t.Seq
		if t.SYN {
			sequence++
		}
		c.arrive(f, key, segment{sequence, t.Payload}, at)
	}
	if t.FIN || t.RST {
		c.rest(f, key, at)
		delete(c.flows, key)
	}
}

// arrive takes in a segment's octets, and what it makes follow on.
func (c *capture) arrive(f *flow, key flowKey, s segment, at time.Time) {
	if ahead := int32(s.sequence - f.next); ahead > 0 {
		i, _ := slices.BinarySearchFunc(f.early, s.sequence, func(e segment, n uint32) int { return int(int32(e.sequence - n)) })
		f.early = slices.Insert(f.early, i, segment{s.sequence, bytes.Clone(s.data)})
		if f.held += len(s.data); f.held > mostEarly {
			c.giveUp(f)
		}
	} else {
		c.append(f, key, s, at)
	}
	for len(f.early) > 0 && int32(f.early[0].sequence-f.next) <= 0 {
		s := f.early[0]
		f.early = f.early[1:]
		f.held -= len(s.data)
		c.append(f, key, s, at)
	}
}

// giveUp goes on behind octets that the capture lacks.
func (c *capture) giveUp(f *flow) {
	c.fault("octets of a stream are missing in the capture")
	f.next = f.early[0].sequence
	f.split = frame.NewSplitter(maxLine)
}

// append cuts the messages out of octets that follow on. What was sent again is left out.
func (c *capture) append(f *flow, key flowKey, s segment, at time.Time) {
	again := int(f.next - s.sequence)
	if again >= len(s.data) {
		return
	}
	data := s.data[again:]
	f.next += uint32(len(data))
	if !f.begun {
		f.begun, f.foreign = true, !beginsStream(data)
	}
	for len(data) > 0 && !f.foreign {
		n := copy(f.split.Space(), data)
		f.split.Fill(n)
		data = data[n:]
		for {
			m, ok, err := f.split.Next()
			if err != nil {
				c.fault("a stream can't be cut into messages: " + err.Error())
				f.foreign = true
			}
			if !ok || err != nil {
				break
			}
			c.message(m.Message, key.from.Addr(), at)
		}
	}
}

// beginsStream reports whether a stream's first octets are those of syslog.
func beginsStream(b []byte) bool {
	digits := 0
	for digits < len(b) && b[digits]-'0' <= 9 {
		digits++
	}
	if digits > 0 && digits < len(b) && b[digits] == ' ' {
		b = b[digits+1:]
	}
	return isSyslog(b)
}

// rest takes what the end of a stream leaves as its last message.
func (c *capture) rest(f *flow, key flowKey, at time.Time) {
	if f.foreign || !f.begun {
		return
	}
	if len(f.early) > 0 {
		c.fault("octets of a stream are missing in the capture")
		return
	}
	if m, ok := f.split.Rest(); ok {
		c.message(m.Message, key.from.Addr(), at)
	}
}

// finish counts the streams that the capture's end leaves with octets missing.
func (c *capture) finish() {
	for _, f := range c.flows {
		if len(f.early) > 0 && !f.foreign {
			c.fault("octets of a stream are missing in the capture")
		}
	}
}
