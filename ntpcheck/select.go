package ntpcheck

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// An interval is where true time lies if its source is honest: the source's
// offset, give or take its root distance.
type interval struct{ low, high time.Duration }

func (e estimate) interval() interval {
	return interval{e.offset - e.distance, e.offset + e.distance}
}

func (i interval) overlaps(low, high time.Duration) bool { return i.low <= high && i.high >= low }

// majority finds where the most intervals overlap, and whether those are more
// than half of them (RFC 5905, section 11.2.1): the falsetickers are assumed to
// be as few as possible.
//
// Two things differ from the RFC. It wants the offsets themselves within the
// result, which honest sources behind asymmetric paths can't promise. And it lets
// a vague source bridge two camps that contradict each other: here the overlap
// must have a majority all along, or there is none.
func majority(intervals []interval) (low, high time.Duration, ok bool) {
	depth, most, apart, split := 0, 0, false, false
	for _, e := range edgesOf(intervals) {
		if e.opens {
			depth++
			switch {
			case depth > most:
				most, low, apart, split = depth, e.at, false, false
			case depth == most && apart:
				split = true
			}
			continue
		}
		if depth == most {
			high = e.at
		}
		depth--
		apart = apart || 2*depth <= len(intervals)
	}
	if 2*most <= len(intervals) || split {
		return 0, 0, false
	}
	return low, high, true
}

// An edge is where an interval opens or closes.
type edge struct {
	at    time.Duration
	opens bool
}

// edgesOf returns the edges in order. What opens comes before what closes at the
// same place, so that intervals that only touch overlap.
func edgesOf(intervals []interval) []edge {
	edges := make([]edge, 0, 2*len(intervals))
	for _, i := range intervals {
		edges = append(edges, edge{i.low, true}, edge{i.high, false})
	}
	slices.SortFunc(edges, func(a, b edge) int {
		if a.at == b.at && a.opens != b.opens {
			if a.opens {
				return -1
			}
			return 1
		}
		return cmp.Compare(a.at, b.at)
	})
	return edges
}

// A combination is what the sources that agree say together.
type combination struct {
	offset  time.Duration
	bound   time.Duration // half-width, as of the moment asOf
	asOf    time.Time
	newest  time.Time // of the usable replies
	at      time.Time // when the replies came, in the mean: the offset is that of then
	stratum uint8     // the system peer's
	source  string    // the system peer's address
}

// combine weighs offsets by the inverse of their root distance (RFC 5905, section
// 11.2.3). The bound is the distances' mean by the same weights: if each offset
// is within its own distance of the truth, their mean is within that.
func combine(agreeing []estimate, now time.Time) combination {
	c := combination{asOf: now}
	var weights, offset, age float64
	for _, e := range agreeing {
		w := 1 / e.distance.Seconds()
		weights += w
		age += w * float64(now.Sub(e.at))
		offset += w * float64(e.offset)
		if e.newest.After(c.newest) {
			c.newest = e.newest
		}
	}
	c.offset = time.Duration(math.Round(offset / weights))
	c.at = now.Add(-time.Duration(math.Round(age / weights)))
	c.bound = time.Duration(math.Round(float64(len(agreeing)) / weights * float64(time.Second)))
	return c
}
