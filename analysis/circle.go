package analysis

import (
	"slices"

	"github.com/skewatch/skewatch/collector/message"
)

// trusts is the number of classes of trust.
const trusts = int(message.TrustCertificate) + 1

// A circle is the originators that have something in common: the name they speak in,
// or the peer that they speak through. What it counts is kept by class of trust, so
// that what is said of one class never rests on a lower one.
type circle struct {
	members   []*originator
	trusted   [trusts]int32 // members, by their class
	relays    [trusts]int32 // of them, those whose rule calls the peer a relay
	heard     [trusts]int64 // receive time of the newest message, by the message's class; only where somebody is expected
	suspected []*originator // members that may share one bad clock
	holders   int32         // originators that are members, or will be
}

// circleOf returns the circle under a key, for an originator that will join it when it
// speaks.
func circleOf[K comparable](all map[K]*circle, key K) *circle {
	c := all[key]
	if c == nil {
		c = &circle{}
		all[key] = c
	}
	c.holders++
	return c
}

func (c *circle) join(o *originator) {
	c.members = append(c.members, o)
	c.count(o, +1)
}

// part is the reverse of join.
func (c *circle) part(o *originator) {
	c.count(o, -1)
	is := func(member *originator) bool { return member == o }
	c.members = slices.DeleteFunc(c.members, is)
	c.suspected = slices.DeleteFunc(c.suspected, is)
}

// count adds n times the originator to the counts of its class.
func (c *circle) count(o *originator, n int32) {
	c.trusted[o.trust] += n
	if o.rule.Relay {
		c.relays[o.trust] += n
	}
}

// hear notes that a member, or one that will be, has spoken.
func (c *circle) hear(t message.Trust, received int64) {
	c.heard[t] = max(c.heard[t], received)
}

// from sums what is counted for a class of trust and those above it.
func from(t message.Trust, counts *[trusts]int32) int32 {
	n := int32(0)
	for _, of := range counts[t:] {
		n += of
	}
	return n
}

// lastHeard returns when a message of the class or a higher one last came; 0 for
// never.
func (c *circle) lastHeard(t message.Trust) int64 {
	newest := int64(0)
	for _, at := range c.heard[t:] {
		newest = max(newest, at)
	}
	return newest
}
