package timeline

import (
	"cmp"
	"slices"
	"sort"
	"time"
)

// A Comparison holds the order of a timeline against the one that the raw stamps give.
// Messages are added in the timeline's order. It keeps three numbers of each.
type Comparison struct {
	Events     int           // that could be compared: placed by their stamps
	Others     int           // that couldn't
	Neighbours int           // of which it is decided who was first
	Wrong      int           // of those, how many the raw stamps put the other way round
	Largest    time.Duration // the most by which they do

	last   Event
	placed []span
}

// An Event is a message of a timeline.
type Event struct {
	Placing
	Sent int64 // as its raw stamp has it
}

// A span is an event's bounds and its raw stamp.
type span struct{ low, high, sent int64 }

// Add takes in the next event; decided says whether it is that it came after the one added last.
// It reports whether raw stamps would put it before that all the same, and by how much they
// move the two against each other.
func (c *Comparison) Add(e Event, decided bool) (wrong bool, by time.Duration) {
	if !e.ByStamp {
		c.Others++
		c.last = e
		return false, 0
	}
	c.Events++
	c.placed = append(c.placed, span{e.Low, e.High, e.Sent})
	last := c.last
	c.last = e
	if !last.ByStamp || !decided {
		return false, 0
	}
	c.Neighbours++
	if last.Sent <= e.Sent {
		return false, 0
	}
	by = time.Duration(last.Sent - e.Sent + e.At - last.At)
	c.Wrong++
	c.Largest = max(c.Largest, by)
	return true, by
}

// Elsewhere returns how many events stand elsewhere by the raw stamps: how many must be
// moved, at the least, for that order to contradict nothing that is decided. (In the terms
// of Dilworth's theorem: what is left are as many as the fewest chains of events each of
// which is contradicted by all after it.)
func (c *Comparison) Elsewhere() int {
	spans := slices.Clone(c.placed)
	slices.SortFunc(spans, func(a, b span) int { // by stamps, the latest first
		return cmp.Or(cmp.Compare(b.sent, a.sent), cmp.Compare(b.low, a.low))
	})
	var ends []int64 // of the chains: when their last events were over; falling
	for _, s := range spans {
		i := sort.Search(len(ends), func(i int) bool { return ends[i] < s.low })
		if i == len(ends) {
			ends = append(ends, 0)
		}
		to := sort.Search(i, func(k int) bool { return ends[k] < s.high })
		copy(ends[to+1:i+1], ends[to:i])
		ends[to] = s.high
	}
	return len(spans) - len(ends)
}
