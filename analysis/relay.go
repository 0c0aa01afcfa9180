package analysis

import (
	"fmt"
	"time"
)

// relayNames is how many names a peer speaks for before it is taken for a relay.
const relayNames = 3

// relayed reports whether the originator's peer passes on what others wrote, and
// whether that is configured. What lower trust says of the peer doesn't count.
func (o *originator) relayed() (relayed, configured bool) {
	configured = from(o.trust, &o.neighbours.relays) > 0
	return configured || from(o.trust, &o.neighbours.trusted) >= relayNames, configured
}

// via returns the relay's address; "" if the peer is the host itself, as far as is
// known.
func (o *originator) via() string {
	if relayed, _ := o.relayed(); relayed {
		return o.peer.String()
	}
	return ""
}

func (o *originator) relayWords() string {
	relayed, configured := o.relayed()
	switch {
	case !relayed:
		return ""
	case configured:
		return fmt.Sprintf("behind relay %s", o.peer)
	}
	return fmt.Sprintf("behind relay %s, which speaks for %d names", o.peer, from(o.trust, &o.neighbours.trusted))
}

// path returns what is known of the way of a speaker's messages. A peer that speaks
// for one name only, and isn't called a relay, is the host: the round trip to it is
// the host's.
func (o *originator) path(s *speaker) Path {
	c := o.neighbours
	if from(s.trust, &c.trusted) != 1 || from(s.trust, &c.relays) > 0 {
		return Path{}
	}
	return Path{MinRTT: s.roundTrip.least()}
}

// A roundTrip is the smallest round trip to a peer of the present span and of the one
// before: a path may become longer, and what was measured on a shorter one must not
// bound it for ever. A zero is unknown.
type roundTrip struct {
	began           int64 // receive time of the first measurement in the present span
	present, before time.Duration
}

const roundTripSpan = day

func (r *roundTrip) add(rtt time.Duration, received int64) {
	if rtt <= 0 {
		return
	}
	if received-r.began >= roundTripSpan {
		*r = roundTrip{began: received, before: r.present}
	}
	r.present = lesser(r.present, rtt)
}

func (r *roundTrip) least() time.Duration { return lesser(r.present, r.before) }

// lesser returns the smaller of two round trips that is known.
func lesser(a, b time.Duration) time.Duration {
	if a == 0 || b == 0 {
		return a + b
	}
	return min(a, b)
}
