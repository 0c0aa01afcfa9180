package server

import (
	"slices"
	"time"

	"github.com/skewatch/skewatch/analysis"
	"github.com/skewatch/skewatch/collector/message"
	"github.com/skewatch/skewatch/ntpcheck"
)

// A timescale turns readings of the collector's clock into the fleet's time. That is the
// collector's clock as it was before anybody set it: a step of our own clock begins a new
// epoch, in which the same is subtracted from every reading, so that no host's estimate
// sees a jump. Roll-ups, findings and the reference's history are in the fleet's time;
// stored messages keep the stamps as they were read.
//
// What to subtract follows from the step's size on the monotonic clock, and is held
// against the sources once they have measured our clock again: the fleet's time has the
// same offset to true time before and after. The messages that come meanwhile wait.
type timescale struct {
	clocks [2]stampClock // by message.StampedBy
	open   *openStep     // the step whose measurement is awaited; nil mostly
	known  measurement   // the last one
	held   []heldMessage // that came since open
}

// A stampClock is one that stamps messages.
type stampClock struct {
	shift  int64 // by which it is ahead of the fleet's time, ns
	before int64 // the same before its newest step
	until  int64 // after a step forward: what it showed at most before, Unix ns
}

// An openStep is a step after which our clock hasn't been measured yet.
type openStep struct {
	began  time.Time   // of the runtime's clock
	before measurement // of our clock before it
}

// A measurement is what the sources say of the fleet's time.
type measurement struct {
	ok            bool
	at            time.Time // of the runtime's clock
	offset, bound int64     // to be added to the fleet's time, ns
	rate          float64   // at which offset moves, ppm
}

// A heldMessage waits for the end of an open step.
type heldMessage struct {
	message.Message
	before bool // it was stamped before the step
}

const (
	// settleWithin is how long a measurement is waited for after a step. Then the
	// monotonic clock is believed.
	settleWithin = 5 * time.Second

	// mostHeld bounds the messages that wait for it.
	mostHeld = 100_000

	// settleSlack is what the clocks may seem to differ by, besides the bounds: what is
	// below it is left to the estimates' own.
	settleSlack = int64(5 * time.Millisecond)
)

// step takes note that the clock was set.
func (c *stampClock) step(size, now int64) {
	*c = stampClock{shift: c.shift + size, before: c.shift, until: now - size}
}

// isBefore reports whether a stamp was taken before the newest step. Where both can be,
// it answers so that the lead of a message comes out too small, never too large: as that
// of one that was held up, which is no evidence against a clock.
func (c *stampClock) isBefore(stamp, now int64) bool {
	switch size := c.shift - c.before; {
	case size > 0:
		return stamp <= c.until
	case size < 0:
		return stamp > now
	}
	return false
}

// begin goes on with the scale of an earlier run, by the last entry of its history. A step
// while no server ran isn't seen as such: if our clock was measured then, the first
// measurement is awaited, and what it differs by was a step.
func (t *timescale) begin(last ownSample, at int64, now time.Time) {
	for i := range t.clocks {
		t.clocks[i] = stampClock{shift: last.Shift, before: last.Shift}
	}
	ago := max(0, t.fleet(now).Sub(time.Unix(0, at)))
	if measured(last.Reference) {
		t.known = t.measure(last.Reference, now.Add(-ago)) // for a step that comes before a measurement
		t.open = &openStep{began: now, before: t.known}
	}
}

// measured reports whether sources tell our clock's offset at this moment.
func measured(r ntpcheck.ReferenceStatus) bool {
	return r.State == ntpcheck.Synchronised && !r.Trusted && r.Source != ntpcheck.KernelSource && r.OffsetSeconds != nil
}

// stepped opens an epoch: the user clock was set by size, the machine's sleep left out,
// and the kernel's clock is ahead of it by lead now.
func (t *timescale) stepped(size, lead time.Duration, now time.Time) {
	user, kernel := &t.clocks[message.StampedByUser], &t.clocks[message.StampedByKernel]
	user.step(int64(size), now.UnixNano())
	kernel.step(user.shift+int64(lead)-kernel.shift, now.UnixNano()+int64(lead))
	if t.open == nil {
		t.open = &openStep{before: t.known}
	}
	t.open.began = now
}

// fleet turns a time of the user clock into the fleet's.
func (t *timescale) fleet(at time.Time) time.Time {
	return at.Add(-time.Duration(t.clocks[message.StampedByUser].shift))
}

// shown turns a time of the fleet's into the user clock's as it is now.
func (t *timescale) shown(at time.Time) time.Time {
	return at.Add(time.Duration(t.clocks[message.StampedByUser].shift))
}

// place puts a message's receive stamps into the fleet's time, or holds the message until
// that is known.
func (t *timescale) place(m *message.Message, now int64) (held bool) {
	c := &t.clocks[m.StampedBy]
	if t.open != nil && len(t.held) < mostHeld {
		h := heldMessage{*m, c.isBefore(m.Received, now)}
		h.Host, h.Raw = slices.Clone(m.Host), nil
		t.held = append(t.held, h)
		return true
	}
	t.put(m, c.isBefore(m.Received, now))
	return false
}

// put puts a message's stamps into the fleet's time.
func (t *timescale) put(m *message.Message, before bool) {
	c := &t.clocks[m.StampedBy]
	shift := c.shift
	if before {
		shift = c.before
	}
	m.Received -= shift
	if m.PreviousRead != 0 {
		m.PreviousRead = min(m.PreviousRead-shift, m.Received)
	}
}

// settle closes an open step if it can, by what the sources say now, and returns the
// messages that waited for it. Without a measurement on either side the monotonic clock is
// believed. It returns too by how much the measurement contradicts that.
func (t *timescale) settle(r ntpcheck.ReferenceStatus, now time.Time, must bool) (released []heldMessage, off time.Duration) {
	known := measured(r)
	if o := t.open; o != nil {
		if !known && !must && now.Sub(o.began) < settleWithin {
			return nil, 0
		}
		if known && o.before.ok {
			off = t.hold(o.before, t.measure(r, now))
		}
		t.open = nil
	}
	if known {
		t.known = t.measure(r, now)
	}
	released, t.held = t.held, nil
	for i := range released {
		t.put(&released[i].Message, released[i].before)
	}
	return released, off
}

// measure returns what the sources say of the fleet's time.
func (t *timescale) measure(r ntpcheck.ReferenceStatus, now time.Time) measurement {
	own := referenceOf(r, 0)
	return measurement{true, now, int64(own.Offset) + t.clocks[message.StampedByUser].shift, int64(own.Bound), own.Rate}
}

// hold shifts the scale where it has another offset after a step than its rate leads to, and returns
// by how much: the monotonic clock stood still, as when a machine is suspended, or nobody
// looked at it.
func (t *timescale) hold(before, after measurement) time.Duration {
	passed := float64(max(0, after.at.Sub(before.at)))
	off := after.offset - before.offset - int64(before.rate*1e-6*passed)
	grown := int64(own15ppm * passed)
	if magnitude(off) <= before.bound+after.bound+grown+settleSlack {
		return 0
	}
	for i := range t.clocks {
		t.clocks[i].shift -= off
	}
	return time.Duration(off)
}

// own15ppm is what our clock is granted to run away by, as everybody's (RFC 5905, PHI).
const own15ppm = 15e-6

func magnitude(v int64) int64 { return max(v, -v) }

// reference returns what is known of the fleet's time: nothing while a step is open.
func (t *timescale) reference(s ntpcheck.ReferenceStatus, now int64) analysis.Reference {
	r := referenceOf(s, now)
	r.Offset += time.Duration(t.clocks[message.StampedByUser].shift)
	if t.open != nil {
		r.State = analysis.Unsynchronised
	}
	return r
}
