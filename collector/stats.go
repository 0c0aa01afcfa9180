package collector

import (
	"sync/atomic"

	"github.com/skewatch/skewatch/collector/message"
)

// Stats is what a Collector has counted since Listen.
type Stats struct {
	UDP, TCP, RELP TransportStats
}

// TransportStats is what was counted of one transport.
type TransportStats struct {
	Messages    uint64 // taken by the Sink
	Octets      uint64 // in them, without framing
	Truncated   uint64 // of Messages, those that are not whole
	UserStamped uint64 // of Messages, those without a kernel stamp

	Connections uint64 // accepted
	Open        uint64 // of Connections, those open now

	// DroppedByKernel is how many datagrams arrived and were dropped by the
	// kernel because the socket's receive buffer was full. They are lost. It is
	// known on Linux only.
	DroppedByKernel uint64

	// Rejected counts what was turned away, by Reason.
	Rejected [reasons]uint64
}

// Reason is why something was turned away.
type Reason uint8

// The reasons for turning something away.
const (
	EmptyDatagram   Reason = iota // a datagram without content
	ConnectionLimit               // a connection above MaxConnections
	BadOctetCount                 // a connection whose framing was lost
	RefusedBySink                 // messages of a batch that Put returned an error for
	BadFrame                      // a connection that doesn't speak RELP, or not any more
	OutOfSequence                 // a RELP connection that left out or repeated a transaction number
	BadCommand                    // a RELP connection with a command that is unknown or out of place
	EmptyFrame                    // a RELP frame without a message: acknowledged
	reasons
)

var reasonNames = [reasons]string{"empty_datagram", "connection_limit", "bad_octet_count", "refused_by_sink",
	"bad_frame", "out_of_sequence", "bad_command", "empty_frame"}

// String returns the reason as metrics name it.
func (r Reason) String() string {
	if r < reasons {
		return reasonNames[r]
	}
	return "unknown"
}

// counts are the running totals of one transport.
type counts struct {
	messages, octets, truncated, userStamped atomic.Uint64
	connections                              atomic.Uint64
	open                                     atomic.Int64
	rejected                                 [reasons]atomic.Uint64
}

func (n *counts) add(batch []message.Message) {
	var octets, truncated, userStamped uint64
	for i := range batch {
		m := &batch[i]
		octets += uint64(len(m.Raw))
		if m.Truncated {
			truncated++
		}
		if m.StampedBy == message.StampedByUser {
			userStamped++
		}
	}
	n.messages.Add(uint64(len(batch)))
	n.octets.Add(octets)
	n.truncated.Add(truncated)
	n.userStamped.Add(userStamped)
}

func (n *counts) stats() TransportStats {
	s := TransportStats{
		Messages:    n.messages.Load(),
		Octets:      n.octets.Load(),
		Truncated:   n.truncated.Load(),
		UserStamped: n.userStamped.Load(),
		Connections: n.connections.Load(),
		Open:        uint64(n.open.Load()),
	}
	for r := range s.Rejected {
		s.Rejected[r] = n.rejected[r].Load()
	}
	return s
}

// Stats returns the counts as they stand now.
func (c *Collector) Stats() Stats {
	s := Stats{UDP: c.udpCounts.stats(), TCP: c.tcpCounts.stats(), RELP: c.relpCounts.stats()}
	for _, u := range c.udp {
		s.UDP.DroppedByKernel += u.dropped()
	}
	return s
}
