package collector

import (
	"iter"
	"sync"

	"github.com/skewatch/skewatch/collector/message"
)

// Stats is what a Collector has counted since Listen, by message.Transport.
type Stats [message.Transports]TransportStats

// TransportStats is what was counted of one transport. At any moment
//
//	Received = Stored + Pending + Rejected (the sum) + DroppedByKernel
type TransportStats struct {
	Received uint64 // messages that arrived
	Stored   uint64 // of them, those that the Sink has taken
	Pending  uint64 // of them, those on their way to the Sink

	// Rejected counts messages that were turned away, by Rejection.
	Rejected [rejections]uint64

	// DroppedByKernel is how many datagrams arrived since Listen and were dropped by
	// the kernel: because the socket's receive buffer was full, or seldom for a wrong
	// checksum. They are lost. It is known on Linux only.
	DroppedByKernel uint64

	Octets      uint64 // in Stored, without framing
	Truncated   uint64 // of Stored, those that are not whole
	UserStamped uint64 // of Stored, those without a kernel stamp
	Unread      uint64 // messages that a custom format could make nothing of: kept whole

	Connections uint64 // that were let in
	Open        uint64 // of Connections, those open now

	// Closed counts connections that were not let in, or were ended, by Closure.
	Closed [closures]uint64
}

// Rejection is why a message was turned away.
type Rejection uint8

// The reasons for turning a message away.
const (
	EmptyDatagram      Rejection = iota // a datagram without content
	DatagramNotAllowed                  // a datagram from outside of the networks that are allowed
	EmptyFrame                          // a RELP frame without a message: it is acknowledged
	RefusedBySink                       // of a batch that Put returned an error for
	rejections
)

// Rejections returns all reasons for turning a message away.
func Rejections() iter.Seq[Rejection] { return upTo(rejections) }

var rejectionNames = [rejections]string{"empty_datagram", "not_allowed", "empty_frame", "refused_by_sink"}

// String returns the reason as metrics name it.
func (r Rejection) String() string { return rejectionNames[r] }

// Concerns reports whether messages of a transport can be turned away for the reason.
func (r Rejection) Concerns(t message.Transport) bool {
	switch r {
	case EmptyDatagram, DatagramNotAllowed:
		return t == message.UDP
	case EmptyFrame:
		return speaksRELP(t)
	}
	return true
}

// Closure is why a connection was not let in, or was ended by us.
type Closure uint8

// The reasons for closing a connection.
const (
	PeerNotAllowed   Closure = iota // from outside of the networks that are allowed
	ConnectionLimit                 // above MaxConnections
	PeerLimit                       // above MaxPerPeer
	HandshakeFailed                 // no TLS, or a certificate that isn't accepted
	HandshakeTimeout                // the handshake took too long
	IdleTimeout                     // it has sent nothing for too long
	BadOctetCount                   // its framing was lost
	FormatFailed                    // a custom format could not cut it into messages
	BadFrame                        // it doesn't speak RELP, or not any more
	OutOfSequence                   // it left out or repeated a RELP transaction number
	BadCommand                      // it sent a RELP command that is unknown or out of place
	closures
)

// Closures returns all reasons for closing a connection.
func Closures() iter.Seq[Closure] { return upTo(closures) }

// upTo returns the values of an enumeration that ends before end.
func upTo[E ~uint8](end E) iter.Seq[E] {
	return func(yield func(E) bool) {
		for e := range end {
			if !yield(e) {
				return
			}
		}
	}
}

var closureNames = [closures]string{"not_allowed", "connection_limit", "peer_limit", "handshake_failed", "handshake_timeout",
	"idle_timeout", "bad_octet_count", "format_failed", "bad_frame", "out_of_sequence", "bad_command"}

// String returns the reason as metrics name it.
func (c Closure) String() string { return closureNames[c] }

// Concerns reports whether connections of a transport can be closed for the reason.
func (c Closure) Concerns(t message.Transport) bool {
	switch c {
	case HandshakeFailed, HandshakeTimeout:
		return overTLS(t)
	case BadFrame, OutOfSequence, BadCommand:
		return speaksRELP(t)
	case BadOctetCount, FormatFailed:
		return t != message.UDP && !speaksRELP(t)
	}
	return t != message.UDP
}

func overTLS(t message.Transport) bool    { return t == message.TLS || t == message.RELPTLS }
func speaksRELP(t message.Transport) bool { return t == message.RELP || t == message.RELPTLS }

// counts are the running totals of one transport, without what the kernel dropped.
type counts struct {
	mu    sync.Mutex
	total TransportStats
}

// arrived counts messages that are on their way to the Sink from now on.
func (n *counts) arrived(messages int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.total.Received += uint64(messages)
	n.total.Pending += uint64(messages)
}

// reject counts messages that had arrived and won't reach the Sink.
func (n *counts) reject(messages int, why Rejection) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.total.Pending -= uint64(messages)
	n.total.Rejected[why] += uint64(messages)
}

// settle counts what became of a batch that had arrived.
func (n *counts) settle(batch []message.Message, stored bool) {
	if !stored {
		n.reject(len(batch), RefusedBySink)
		return
	}
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
	n.mu.Lock()
	defer n.mu.Unlock()
	n.total.Pending -= uint64(len(batch))
	n.total.Stored += uint64(len(batch))
	n.total.Octets += octets
	n.total.Truncated += truncated
	n.total.UserStamped += userStamped
}

// opened counts a connection that was let in.
func (n *counts) opened() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.total.Connections++
	n.total.Open++
}

// ended counts the end of a connection that was let in.
func (n *counts) ended() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.total.Open--
}

// closed counts a connection that was not let in, or is ended by us.
func (n *counts) closed(why Closure) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.total.Closed[why]++
}

func (n *counts) stats() TransportStats {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.total
}

// Stats returns the counts as they stand now.
func (c *Collector) Stats() (s Stats) {
	for t := range s {
		s[t] = c.counts[t].stats()
	}
	for _, l := range c.streams {
		s[l.transport].Unread += l.reading.unread()
	}
	udp := &s[message.UDP]
	for _, u := range c.udp {
		udp.DroppedByKernel += u.dropped()
		if !u.further {
			udp.Unread += u.reading.unread()
		}
	}
	udp.Received += udp.DroppedByKernel
	return s
}
