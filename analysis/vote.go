package analysis

import (
	"cmp"
	"slices"
	"time"

	"github.com/skewatch/skewatch/collector/message"
)

// When most of the fleet's clocks seem to move together, it is the collector's own clock
// or its network that moved. The fleet votes on that: each peer has one vote, however many
// hosts speak through it, and only one with which a connection stands, whose hosts have
// proved themselves and were heard lately, and whose level is known. So neither datagrams
// nor invented names vote, and a peer that lies is one of many.
const (
	voteLeast = 5           // peers, below which there is no vote
	voteAfter = 30 * second // from a host's first message on, and as many messages as on probation
	voteHeard = 2 * minute  // for how long a host that says nothing has a vote
	voteSpan  = 90 * second // within which the levels must have been left: hosts may be slow to speak
)

// A vote is what the fleet keeps of moves.
type vote struct {
	away        []*originator // hosts that may have left their level, or are held
	poll        poll          // the last one
	ownReadings []ownReading  // at our own clock, oldest first
	standing    *suspension   // nil unless most moved
}

// list enters an originator among those that may have left their level.
func (v *vote) list(o *originator) {
	o.listed = true
	v.away = append(v.away, o)
}

// prune takes out who is on the level still, or has left it for so long that it is no
// news.
func (f *Fleet) prune(now int64) {
	f.vote.away = slices.DeleteFunc(f.vote.away, func(o *originator) bool {
		o.swept = o.swept && f.vote.standing != nil // what was restored may not fit together
		o.astray = false
		for _, s := range o.speakers {
			if m := &s.move; (!m.kept || !o.swept) && magnitude(now-m.from) > moveSpan {
				*m = move{}
			}
			o.astray = o.astray || s.move.from != 0
		}
		o.listed = (o.astray || o.swept) && f.originators[o.key] == o
		return !o.listed
	})
}

// departure returns the move of the originator's witness, nil if it is on its level.
func (o *originator) departure(p *Params) *move {
	if w := o.witness(p); w != nil && w.move.from != 0 {
		return &w.move
	}
	return nil
}

// votes reports whether the originator's evidence counts for its peer's vote.
func (o *originator) votes(now int64, p *Params) bool {
	if o.trust < message.TrustHandshake || !o.peer.IsValid() || now-o.last > voteHeard || o.messages < probationMessages {
		return false
	}
	w := o.witness(p)
	if w == nil || w.trust < message.TrustHandshake {
		return false
	}
	known, clear := o.last, w.estimate.Voices == OneVoice && w.state.floor != noLead
	if m := &w.move; m.from != 0 { // which may look like a second voice at first
		known, clear = max(m.before, m.from), m.sole
	}
	return clear && known-o.created >= voteAfter
}

// A poll is the peers that have a vote.
type poll struct {
	at     int64 // when they were asked; 0 for never
	round  uint32
	voters int
	heard  [moveSpan / second]int32 // those heard on their level last so many seconds ago
}

// A stand is what a peer's hosts say in a poll.
type stand struct {
	round uint32
	stays int32 // hosts that don't show a move
	heard int64 // receive time of the newest message on one's level; 0 without any
}

// pollCost is how much time must pass for each vote before the fleet is polled again, so
// that 100,000 peers take no more than a hundredth of a processor. Who hears of it late is
// held for some seconds longer.
const pollCost = int64(100 * time.Microsecond)

// ask polls the fleet, unless that was done just now: it looks at every originator.
func (f *Fleet) ask(now int64) *poll {
	q := &f.vote.poll
	if q.at != 0 && magnitude(now-q.at) < pollCost*int64(q.voters) || now == q.at {
		return q
	}
	*q = poll{at: now, round: q.round + 1}
	for _, o := range f.originators {
		if o.votes(now, &f.config.Params) {
			f.count(o, now)
		}
	}
	for _, c := range f.networks {
		if age := (now - c.stand.heard) / second; c.stand.round == q.round && c.stand.heard <= now && age < int64(len(q.heard)) {
			q.heard[age]++
		}
	}
	return q
}

// count takes in one that has a vote.
func (f *Fleet) count(o *originator, now int64) {
	q, s := &f.vote.poll, &o.ofNetwork.stand
	if s.round != q.round {
		*s = stand{round: q.round}
		q.voters++
	}
	switch m := o.departure(&f.config.Params); {
	case m == nil:
		if at := o.witness(&f.config.Params).home; at <= now { // else our clock was set back since
			s.heard = max(s.heard, at)
		}
		s.stays++
	case !m.shows(&f.config.Params) || m.zonal():
		s.stays++
	}
}

// stayed returns how many peers were heard on their level after a time.
func (q *poll) stayed(since int64) int {
	n := 0
	for _, peers := range q.heard[:max(0, min(int64(len(q.heard)), (q.at-since)/second))] {
		n += int(peers)
	}
	return n
}

// open reports whether most peers may still turn out to have moved with one that left its
// level at a time.
func (q *poll) open(since int64) bool {
	return q.voters >= voteLeast && 2*q.stayed(since) < q.voters
}

// undecided reports whether it is not clear yet if an originator moved alone.
func (f *Fleet) undecided(o *originator, now int64) bool {
	m := o.departure(&f.config.Params)
	if m == nil || m.kept || m.zonal() || magnitude(now-m.from) > moveSpan {
		return false
	}
	return f.ask(now).open(m.from)
}

// A ballot is the move of one peer.
type ballot struct {
	low, high int64 // between which amounts its level moved, ns
	from      int64
}

// ballots returns the moves of the peers that moved, those by zones left out; nil where
// they are too few to matter.
func (f *Fleet) ballots(now int64) []ballot {
	moved := map[*census][]ballot{}
	for _, o := range f.vote.away {
		m := o.departure(&f.config.Params)
		if m == nil || m.kept || !m.shows(&f.config.Params) || m.zonal() || !o.votes(now, &f.config.Params) {
			continue
		}
		low, high := m.size()
		moved[o.ofNetwork] = append(moved[o.ofNetwork], ballot{low, high, m.from})
	}
	last := &f.vote.poll
	if len(moved) <= voteLeast/2 || now-last.at < minute && 3*len(moved) < last.voters {
		return nil
	}
	f.ask(now)
	var all []ballot
	for c, hosts := range moved {
		if b, ok := middle(hosts, int(c.stand.stays)); ok {
			all = append(all, b)
		}
	}
	return all
}

// middle returns what a peer votes with: the median of its hosts, of which so many stay
// where they are. It reports false if that is one of those.
func middle(moved []ballot, stay int) (ballot, bool) {
	slices.SortFunc(moved, func(a, b ballot) int {
		return cmp.Or(cmp.Compare(magnitude(a.low+a.high), magnitude(b.low+b.high)), cmp.Compare(a.low, b.low), cmp.Compare(a.from, b.from))
	})
	at := (len(moved)+stay-1)/2 - stay
	if at < 0 {
		return ballot{}, false
	}
	return moved[at], true
}

// carried returns the move that most peers made together; nil if they didn't.
func (f *Fleet) carried(now int64) *suspension {
	together := atOnce(f.ballots(now))
	size, n := agreed(together)
	voters := f.vote.poll.voters
	if n == 0 || voters < voteLeast || 2*n <= voters {
		return nil
	}
	together = slices.DeleteFunc(together, func(b ballot) bool { return size < b.low || b.high < size })
	at := together[len(together)/4].from // some were late by themselves before
	return &suspension{at: at, size: size, moved: n, voters: voters, began: now}
}

// atOnce returns the most ballots that lie within the span of a vote, in order of time.
func atOnce(all []ballot) []ballot {
	slices.SortFunc(all, func(a, b ballot) int { return cmp.Compare(a.from, b.from) })
	var best []ballot
	first := 0
	for i := range all {
		for all[i].from-all[first].from > voteSpan {
			first++
		}
		if i+1-first > len(best) {
			best = all[first : i+1]
		}
	}
	return best
}

// agreed returns the amount that the most ballots admit, ns, and how many these are: the
// middle of where their intervals overlap.
func agreed(all []ballot) (size int64, n int) {
	lows, highs := make([]int64, len(all)), make([]int64, len(all))
	for i, b := range all {
		lows[i], highs[i] = b.low, b.high
	}
	slices.Sort(lows)
	slices.Sort(highs)
	ended := 0
	for i, low := range lows {
		for highs[ended] < low {
			ended++
		}
		if i+1-ended > n {
			size, n = low+(highs[ended]-low)/2, i+1-ended
		}
	}
	return size, n
}
