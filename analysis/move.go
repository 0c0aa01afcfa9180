package analysis

import (
	"math"
	"time"
)

// A move is a speaker's departure from its level. It shows in the first messages off that
// level, long before a step is certain, and says nothing by itself: late messages leave
// the level too. The fleet's vote is on moves.
type move struct {
	base, reach int64 // the lead of the level that was left, and how far from a level its messages may lie, ns
	scatter     int64 // within which most messages of a level lie, ns
	before      int64 // receive time of the newest message on that level
	from        int64 // receive time of the first one off it; 0 while there is none

	still       int64 // receive time since when the new level has held still
	first, best int64 // the lead of the message then, and the best since
	last        int64 // receive time of the newest message near the best
	n, near     uint32

	sole bool // one clock spoke on the level that was left, as far as was known
	kept bool // the fleet's vote holds the host: the move ends with the vote
	back bool // kept, and on its old level again
}

// The evidence of a move.
const (
	moveSpan    = 3 * minute                    // after which a move is no news: the estimator has its own verdict by then
	moveHold    = 20 * second                   // how long a lower level must hold still: a queue that is flushed climbs
	moveLeast   = 3                             // messages that show a lower level; one shows a higher one
	moveFew     = 12                            // the same where the level is little lower, as in congestion
	moveRise    = int64(900 * time.Millisecond) // the least rise: a smaller one may be the end of a congestion that had become the level
	moveReturn  = 30 * second                   // without support, after which a higher level was left again
	moveScatter = int64(25 * time.Millisecond)  // beyond truncation, within which the messages of a level lie
)

// begin notes the first message off the level of a state.
func (m *move) begin(lead, received, before int64, s *State) {
	reach := (s.ceiling - s.floor) / 2
	*m = move{base: s.floor + reach, reach: reach, scatter: s.resolution + moveScatter, before: before, from: received}
	m.settle(lead, received)
}

// settle has a new level begin with a message.
func (m *move) settle(lead, received int64) {
	m.still, m.first, m.best, m.last, m.n, m.near = received, lead, lead, received, 1, 1
}

// add takes in a further message.
func (m *move) add(lead, received int64) {
	switch up := m.best > m.base; {
	case !m.kept && magnitude(received-m.from) > moveSpan:
		*m = move{}
	case m.back:
		m.back = magnitude(lead-m.best) > m.reach
	case !up && lead >= m.base-m.reach: // no delay makes messages early
		m.end()
	case up && lead < m.best-m.reach:
		m.fail(received)
	case lead > m.first+m.reach: // it climbs
		m.settle(lead, received)
	default:
		m.support(lead, received)
	}
}

// support counts a message for or against the present level.
func (m *move) support(lead, received int64) {
	if m.n++; lead > m.best+m.scatter {
		m.near = 0 // what came before was held up
	}
	m.best = max(m.best, lead)
	switch {
	case lead >= m.best-m.scatter:
		m.near++
		m.last = received
	case m.n >= 4 && 2*m.near < m.n: // it was not a level
		m.settle(lead, received)
	}
}

// fail notes a message below a higher level: late, or a sign that the level was left.
// What a single message showed was a garbage stamp.
func (m *move) fail(received int64) {
	if m.n == 1 && !m.kept || magnitude(received-m.last) > moveReturn {
		m.end()
	}
}

func (m *move) end() {
	if !m.kept {
		*m = move{}
		return
	}
	m.back = true
}

// shows reports whether there is evidence enough to vote with. Nothing but a clock raises
// leads by much; a lower level must hold still, and its messages lie as near to each other as
// those before. Where truncation would hide how they scatter, a small fall shows nothing.
func (m *move) shows(p *Params) bool {
	if m.from == 0 || m.back {
		return false
	}
	if m.best > m.base {
		return m.best-m.base >= moveRise
	}
	least := uint32(moveLeast)
	if resolution := m.scatter - moveScatter; m.base-m.best-resolution < int64(p.SmallStep) {
		least = moveFew
		if resolution > scatterHides {
			return false
		}
	}
	return m.n >= least && m.last-m.still >= moveHold && 4*m.near >= 3*m.n
}

// size returns between which amounts the level has moved, ns: truncation hides up to a
// resolution of what the best message shows.
func (m *move) size() (low, high int64) {
	return m.best - m.base - m.reach/4 - 4*moveScatter, m.best - m.base + m.reach
}

// zonal reports whether the level has moved by a multiple of a quarter of an hour, as
// zones and DST do.
func (m *move) zonal() bool {
	return quarters(seconds(m.best-m.base), 2+seconds(m.reach)) != 0
}

// quarters returns the multiple of a quarter of an hour that lies within slack of an
// amount, both in seconds; 0 if there is none, or it is more than two zones can differ by.
func quarters(amount, slack float64) int {
	n := math.Round(amount / zoneStep.Seconds())
	if math.Abs(n) > maxZoneSteps || math.Abs(amount-n*zoneStep.Seconds()) > slack {
		return 0
	}
	return int(n)
}
