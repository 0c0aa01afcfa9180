// Package simulation makes up hosts whose clocks are known: what they would send to
// a collector, and when it would arrive.
//
// A Host is put together from small parts: a Clock, a Process that says when it
// speaks, the Delay of its messages on the way, the Outages during which they wait in
// its spool, and the Stamp they bear. All is drawn from the host's seed, so that the
// same host always says the same. Times are durations since the host's Start, on a
// clock that is true; an offset is the host's clock minus true time, positive when the
// host is ahead.
//
// # Seeds
//
// A threshold that was chosen while looking at some hosts must be shown on others.
// Seeds below ReportingSeed are for tuning; figures that are reported come from
// ReportingSeed on, and those hosts are never looked at to choose a threshold.
package simulation

import (
	"iter"
	"math/rand/v2"
	"net/netip"
	"time"

	"github.com/skewatch/skewatch/collector/message"
)

// The first seeds for tuning and for reporting.
const (
	TuningSeed    = 1
	ReportingSeed = 50_000_000
)

// A Host is a sender of messages.
type Host struct {
	Seed  uint64
	Start time.Time     // true time at which the simulation begins
	Span  time.Duration // and for how long it goes on; messages on their way then still arrive

	Clock   Clock
	Process Process
	Delay   Delay
	Outages []Outage // in order of time, none within another
	Loss    float64  // the share of messages that never arrives
	InOrder bool     // none overtakes another on the way, as over TCP
	Stamp   Stamp

	// Reader is the collector's end of a stream; nil where each message is read by
	// itself.
	Reader *Reader

	// Collector is the collector's own clock, which takes the receive stamps; nil if
	// it is true.
	Collector Clock

	Name      string
	Source    netip.Addr
	Transport message.Transport
	Trust     message.Trust
	MinRTT    time.Duration // what the kernel says of the path; 0 if nothing
}

// Messages returns what the collector gets from the host, in order of receipt. The
// message is only good until the next one.
func (h *Host) Messages() iter.Seq[*message.Message] {
	return func(yield func(*message.Message) bool) {
		for m := range h.Written() {
			if !yield(m) {
				return
			}
		}
	}
}

// Written returns the same with the true time at which each message was written.
func (h *Host) Written() iter.Seq2[*message.Message, time.Duration] {
	return func(yield func(*message.Message, time.Duration) bool) {
		m := message.Message{
			Source: h.Source, Transport: h.Transport, Trust: h.Trust, Host: []byte(h.Name),
			StampedBy: message.StampedByKernel, MinRTT: h.MinRTT, Priority: 30,
		}
		start := h.Start.UnixNano()
		stamps := h.random(partStamp)
		for f := range h.arrivals() {
			m.Sent = h.Stamp.write(stamps, f.clock)
			m.Received = start + int64(f.received+h.collectorOffset(f.received))
			m.PreviousRead = 0
			if f.previous != 0 {
				m.PreviousRead = start + int64(f.previous+h.collectorOffset(f.previous))
			}
			if !yield(&m, f.sent) {
				return
			}
		}
	}
}

// A Sending is one message as a sender puts it on the wire.
type Sending struct {
	Sent     time.Duration // when it was stamped, in true time
	Received time.Duration // when it arrives, likewise
	Stamp    message.Stamp
}

// Sendings returns what the host puts on the wire, in order of arrival: for those who
// write the messages themselves. A Reader has no part in that.
func (h *Host) Sendings() iter.Seq[Sending] {
	return func(yield func(Sending) bool) {
		stamps := h.random(partStamp)
		for f := range h.flights() {
			if !yield(Sending{f.sent, f.received, h.Stamp.write(stamps, f.clock)}) {
				return
			}
		}
	}
}

func (h *Host) collectorOffset(at time.Duration) time.Duration {
	if h.Collector == nil {
		return 0
	}
	return h.Collector.Offset(at)
}

// ClockAt returns what the host's clock shows at a true time, in Unix nanoseconds.
func (h *Host) ClockAt(at time.Duration) int64 {
	return h.Start.UnixNano() + int64(at+h.Clock.Offset(at))
}

// The parts of a host draw from random numbers of their own, so that changing one
// leaves the others alone.
const (
	partProcess uint64 = iota + 1
	partDelay
	partLoss
	partStamp
	partReader
)

func (h *Host) random(part uint64) *rand.Rand { return rand.New(rand.NewPCG(h.Seed, part)) }

// A flight is one message on its way.
type flight struct {
	clock    int64         // what the host's clock showed when it was sent
	sent     time.Duration // true times
	departed time.Duration // when it left the host's queue
	received time.Duration // the receive stamp
	previous time.Duration // see message.Message.PreviousRead; 0 if none
}

// arrivals follows the messages from the host to the collector, which reads them.
func (h *Host) arrivals() iter.Seq[flight] {
	if h.Reader == nil {
		return h.flights()
	}
	return h.Reader.read(h.random(partReader), h.flights())
}

// flights follows the messages from the host to the collector's socket.
func (h *Host) flights() iter.Seq[flight] {
	departed := inOrderOf(h.departures(), (*flight).whenSent, (*flight).whenDeparted)
	return inOrderOf(h.travel(departed), (*flight).whenDeparted, (*flight).whenReceived)
}

// departures yields the messages in the order in which they are sent.
func (h *Host) departures() iter.Seq[flight] {
	return func(yield func(flight) bool) {
		spool := spool{outages: h.Outages}
		lost := h.random(partLoss)
		for at := range h.Process.Times(h.random(partProcess), h.ClockAt) {
			if at >= h.Span {
				return
			}
			departed, ok := spool.pass(at)
			if !ok || h.Loss > 0 && lost.Float64() < h.Loss {
				continue
			}
			if !yield(flight{clock: h.ClockAt(at), sent: at, departed: departed}) {
				return
			}
		}
	}
}

// apart is how far apart messages arrive at least where none overtakes another.
const apart = 2 * time.Microsecond

// travel delays messages on their way.
func (h *Host) travel(departures iter.Seq[flight]) iter.Seq[flight] {
	return func(yield func(flight) bool) {
		r := h.random(partDelay)
		last := time.Duration(0)
		for f := range departures {
			f.received = f.departed + h.Delay.Next(r, f.departed)
			if h.InOrder {
				f.received = max(f.received, last+apart)
				last = f.received
			}
			if !yield(f) {
				return
			}
		}
	}
}
