// Package timeline puts the messages of many hosts into one order: that of the moments at
// which they were written, as far as their stamps and what is known of the clocks behind
// them prove it.
//
// A host's clock is known as intervals at certain times, and by the steps between them. A
// message was written between
//
//	Sent - High    and    Sent + resolution - Low,    and not after it was received.
//
// Where the stamp says nothing, because the clock isn't known or stands still, only the
// last is left.
//
// The package does no I/O and never reads a clock. All times are Unix nanoseconds of the
// collector's clock, with what it is known to be off by taken out.
package timeline

import (
	"cmp"
	"math"
	"slices"
	"sort"
	"time"

	"github.com/skewatch/skewatch/analysis"
	"github.com/skewatch/skewatch/collector/message"
)

// A Course is what is known of one originator's clock over time. Points and moves are
// added in any order; then it is settled, and places messages.
type Course struct {
	points []point
	moves  []move
	levels []level // once settled, one more than there are moves
}

// A point is what was known of the clock at one time.
type point struct {
	at                int64
	offset, low, high int64   // host minus the collector's clock
	rate              float64 // seconds a second, by which the offset may move either way
	resolution        time.Duration
	format            message.StampFormat
	mute              bool // the stamps since the point before say nothing
}

// A move is a step of the clock: from is the first evidence of the new level, noticed is
// when the estimate had taken it in.
type move struct{ from, noticed int64 }

// A level is the time between two moves. Messages may have been written on it since begin:
// while nothing came promptly, as before a spool is flushed, nobody sees the clock move.
type level struct {
	begin, from, to int64
	points          []point
}

// wander is what the rate of a clock changes by within minutes, seconds a second.
const wander = 15e-6

// Add takes in a roll-up, which holds as of a time: RollUp.Noted. Its interval is against true time; bound
// is how far the collector's own clock may then have been off, which all hosts share and
// which says nothing of their order.
func (c *Course) Add(r *analysis.RollUp, at int64, bound time.Duration) {
	mute := r.Verdict == analysis.Mixed || r.Verdict == analysis.Stuck || r.Verdict == analysis.NoClock
	if !r.Known && !mute || r.Messages == 0 {
		return
	}
	i := r.Interval
	if i.Low+bound <= i.Offset && i.High-bound >= i.Offset {
		i.Low, i.High = i.Low+bound, i.High-bound
	}
	p := point{
		at: at, offset: int64(i.Offset), low: int64(i.Low), high: int64(i.High), mute: mute,
		resolution: r.Resolution, format: r.StampFormat, rate: analysis.DefaultParams().MaxSkew,
	}
	if r.SkewBound > 0 {
		p.rate = min(p.rate, max(wander, (math.Abs(r.Skew)+r.SkewBound)*1e-6))
	}
	c.points = append(c.points, p)
}

// Move takes in a step: the time of its first evidence, and when it was noticed.
func (c *Course) Move(from, noticed int64) { c.moves = append(c.moves, move{from, noticed}) }

// Settle puts what was added in order. Points from before a step was noticed, of times when
// the clock had made it, are dropped: they tell of the level before.
func (c *Course) Settle() {
	slices.SortStableFunc(c.points, func(a, b point) int { return cmp.Compare(a.at, b.at) })
	slices.SortFunc(c.moves, func(a, b move) int { return cmp.Compare(a.from, b.from) })
	c.points = slices.DeleteFunc(c.points, func(p point) bool {
		return slices.ContainsFunc(c.moves, func(m move) bool { return p.at >= m.from && p.at < m.noticed })
	})
	c.levels = c.levels[:0]
	next, rest := level{begin: math.MinInt64, from: math.MinInt64, to: math.MaxInt64}, c.points
	for _, m := range c.moves {
		n := sort.Search(len(rest), func(i int) bool { return rest[i].at >= m.from })
		next.to, next.points = m.from, rest[:n]
		c.levels = append(c.levels, next)
		next = level{begin: m.from - reach, from: m.from, to: math.MaxInt64}
		if n > 0 {
			next.begin = min(next.begin, rest[n-1].at)
		}
		rest = rest[n:]
	}
	next.points = rest
	c.levels = append(c.levels, next)
}

// High returns the most that the clock is ahead anywhere on the course; ok is false where
// nothing is known of it.
func (c *Course) High() (high int64, ok bool) {
	high = math.MinInt64
	for i := range c.points {
		if !c.points[i].mute {
			high = max(high, c.points[i].high)
		}
	}
	return high, high > math.MinInt64
}

// at returns what is known of the clock at a time of the level: between two points it moves
// from one to the other, and beyond the last as fast as it may. ok is false if it is known
// that the stamps say nothing then.
func (l *level) at(t int64) (known point, ok bool) {
	i := sort.Search(len(l.points), func(i int) bool { return l.points[i].at >= t })
	switch {
	case i == len(l.points):
		last := l.points[i-1]
		return last.carried(t), !last.mute
	case l.points[i].mute:
		return point{}, false
	case i == 0 || l.points[i-1].mute:
		return l.points[i].carried(t), true
	}
	return between(&l.points[i-1], &l.points[i], t), true
}

// carried returns the point as of another time.
func (p point) carried(t int64) point {
	away := int64(p.rate * math.Abs(float64(t-p.at)))
	p.at, p.low, p.high = t, p.low-away, p.high+away
	return p
}

// between returns what is known between two points: the clock went from one to the other,
// and wandered no more than it could go and come back.
func between(a, b *point, t int64) point {
	p := *b
	share := float64(t-a.at) / float64(b.at-a.at)
	astray := int64(wander * float64(min(t-a.at, b.at-t)))
	p.at = t
	p.offset = a.offset + int64(share*float64(b.offset-a.offset))
	p.low, p.high = min(a.low, b.low)-astray, max(a.high, b.high)+astray
	return p
}
