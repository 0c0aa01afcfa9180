package analysis

import (
	"math"
	"net/netip"

	"github.com/skewatch/skewatch/collector/message"
)

// Anybody can invent names, and over UDP addresses too. So a name is taken into the table
// at its first message only while its peer has few and the table has room; then it has to
// stand its probation first. What is asked of one class of trust rests on the originators
// of that class and those above it: a flood of datagrams is no hurdle to who connects.

// free is how many originators a peer may have before further ones go on probation.
var free = [trusts]int{
	message.TrustUDP: 1000, message.TrustHandshake: 10_000, message.TrustCertificate: math.MaxInt,
}

// An Admission tells how full the table of originators is, and what became of those that
// found no place. Counts are since the fleet was made.
type Admission struct {
	Originators int // in the table now
	OnProbation int // names on probation now that were heard within the last hour
	Parked      int // originators on disk that are not in the table now
	TurnedAway  TurnedAway
	Evicted     uint64 // originators that gave their place to others and were parked
	Recalled    uint64 // originators that came back from there
	Damaged     uint64 // that should have, but their state couldn't be read: they began anew
}

// TurnedAway counts messages that were not taken as evidence, by the reason. They are
// stored like all others.
type TurnedAway struct {
	Probation uint64 // the name is on probation
	Quota     uint64 // its peer has as many originators as it may
	Full      uint64 // the table is full, and nobody leaves
	Unread    uint64 // its state on disk couldn't be read at that moment
}

// Total returns how many messages they are.
func (t TurnedAway) Total() uint64 { return t.Probation + t.Quota + t.Full + t.Unread }

// Admission tells of the table of originators. It takes up to a millisecond.
func (f *Fleet) Admission() Admission {
	a := f.admission
	a.Originators, a.Parked = len(f.originators), f.parked.count
	a.OnProbation = f.probation.count(f.newest)
	return a
}

// TurnedAway tells how many messages were not taken as evidence.
func (f *Fleet) TurnedAway() TurnedAway { return f.admission.TurnedAway }

// newcomer makes the originator of a message whose key, in scratch, is not in the table.
// It counts the message and returns nil if there is no place for it yet.
func (f *Fleet) newcomer(m *message.Message) *originator {
	f.newest = m.Received
	back, ok := f.proven(m)
	if !ok {
		f.admission.TurnedAway.Probation++
		return nil
	}
	leaves, lack := f.room(m)
	if lack != nil {
		*lack++
		return nil
	}
	var state error
	if back == nil {
		if back, state = f.recall(f.scratch); state == errNotToBeRead {
			f.admission.TurnedAway.Unread++
			return nil
		}
	}
	if leaves != nil {
		f.evict(leaves)
	}
	f.probation.forget(f.scratch)
	if back != nil {
		f.welcome(back)
		return back
	}
	if state == errDamagedState {
		f.giveUp(f.scratch)
	}
	o := newOriginator(displayName(m), m.Source, m.Received)
	o.key = string(f.scratch)
	f.admit(o)
	return o
}

// proven reports whether the sender of a message may come into the table, as far as its
// conduct goes. One that was proven before it was parked is returned with that.
func (f *Fleet) proven(m *message.Message) (back *originator, ok bool) {
	if !f.presses(m) {
		return nil, true
	}
	passed, first := f.probation.note(f.scratch, m.Received)
	if first && f.mayAsk(m.Received) {
		if back, _ = f.recall(f.scratch); back != nil && !back.proven() {
			back = nil
		}
	}
	return back, passed || back != nil
}

// presses reports whether there are so many of the sender's class, or of its peer's names,
// that it goes on probation.
func (f *Fleet) presses(m *message.Message) bool {
	if f.config.Recall == nil || m.Trust == message.TrustCertificate {
		return false
	}
	few := min(free[m.Trust], f.config.MaxPerPeer)
	return 4*int(from(m.Trust, &f.everyone.trusted)) >= 3*f.config.MaxOriginators || f.ofPeer(m) >= few
}

// room finds a place for the sender of a message, and who has to leave for it; nil if
// nobody has. Or it returns the count of those for whom there is none.
func (f *Fleet) room(m *message.Message) (leaves *originator, lack *uint64) {
	switch {
	case f.config.Recall != nil && f.ofPeer(m) >= f.config.MaxPerPeer:
		leaves, lack = f.leaver(among{networkOf(m.Source), m.Trust}, m.Received), &f.admission.TurnedAway.Quota
	case len(f.originators) >= f.config.MaxOriginators:
		leaves, lack = f.leaver(everybody, m.Received), &f.admission.TurnedAway.Full
	}
	if leaves != nil {
		lack = nil
	}
	return leaves, lack
}

// A census counts the originators of the table, or of a network, by class of trust.
type census struct {
	trusted [trusts]int32 // those that have spoken
	holders int32         // originators that count here, or will when they speak
	all     *census       // that of the table; nil if this is it
	stand   stand         // in the last poll
}

// hold returns the census of a peer's network, for an originator that will count there.
func (f *Fleet) hold(peer netip.Addr) *census {
	network := networkOf(peer)
	c := f.networks[network]
	if c == nil {
		c = &census{all: &f.everyone}
		f.networks[network] = c
	}
	c.holders++
	return c
}

// ofPeer returns how many originators the peer of a message has, of the message's class
// and those above it; 0 if the peer isn't known.
func (f *Fleet) ofPeer(m *message.Message) int {
	c := f.networks[networkOf(m.Source)]
	if c == nil || !m.Source.IsValid() {
		return 0
	}
	return int(from(m.Trust, &c.trusted))
}

// networkOf returns the addresses that one machine may take at will: of IPv6 the /64.
func networkOf(peer netip.Addr) netip.Prefix {
	bits := peer.BitLen()
	if peer.Is6() {
		bits = 64
	}
	network, _ := peer.Prefix(bits) // the zero Prefix for an unknown peer
	return network
}

// proven reports whether the originator has done what probation asks for.
func (o *originator) proven() bool {
	return o.messages >= probationMessages && o.last-o.created >= probationSpan
}
