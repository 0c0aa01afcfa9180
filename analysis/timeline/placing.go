package timeline

import (
	"math"
	"time"

	"github.com/skewatch/skewatch/collector/message"
)

// A Placing is when a message was written.
type Placing struct {
	At        int64 // most likely
	Low, High int64 // it was then or between; Low is Unbounded where nothing tells
	ByStamp   bool  // and not by its receipt alone
}

// Unbounded is the Low of a message of which it is only known that it was written before it
// was received.
const Unbounded int64 = math.MinInt64

// Bound returns the half-width around At within which the message was written, ok is false
// without a limit.
func (p *Placing) Bound() (bound int64, ok bool) {
	return max(p.High-p.At, p.At-p.Low), p.Low != Unbounded
}

// Received returns the placing of a message by its receipt alone.
func Received(at int64) Placing { return Placing{At: at, Low: Unbounded, High: at} }

// A Stamped is a message with what its stamp names.
type Stamped struct {
	Sent     int64
	Stamp    message.Stamp
	Received int64
}

const (
	// promptly is how late a message may be for it to be preferred to take it as one
	// that the newest level explains, rather than as an older one that was held up.
	promptly = int64(2 * time.Second)

	// reach is how long before the first evidence of a step it may have happened at the
	// least: the estimator keeps the evidence in buckets.
	reach = int64(2 * time.Minute)

	// coarse is from which resolution on the receipt tells more of when a prompt
	// message was written than its stamp.
	coarse = 100 * time.Millisecond

	// mostLevels is how many levels are tried for a message.
	mostLevels = 16
)

// Place returns when a message was written. The course is settled.
func (c *Course) Place(m *Stamped) Placing {
	received := Received(m.Received)
	if len(c.points) == 0 || m.Stamp.LeapSecond || !m.Stamp.Usable() {
		return received
	}
	i := len(c.levels) - 1
	for i > 0 && c.levels[i].begin > m.Received {
		i--
	}
	var prompt, possible Placing
	for last := max(0, i-mostLevels); i >= last; i-- {
		l := &c.levels[i]
		if len(l.points) == 0 {
			if l.from <= m.Received && !prompt.ByStamp { // it may be of this one, for all that is known
				return received
			}
			continue
		}
		p, ok := l.place(m)
		if !ok {
			continue
		}
		possible = possible.or(p)
		if m.Received-p.High <= promptly {
			prompt = prompt.or(p)
		}
	}
	switch {
	case prompt.ByStamp:
		return prompt
	case possible.ByStamp:
		return possible
	}
	return received
}

// or returns what holds if one of two placings does: the first is preferred.
func (p Placing) or(other Placing) Placing {
	if !p.ByStamp {
		return other
	}
	p.Low, p.High = min(p.Low, other.Low), max(p.High, other.High)
	return p
}

// place places a message that was written on the level; ok is false if it can't have been.
func (l *level) place(m *Stamped) (p Placing, ok bool) {
	t := l.clamp(m.Received)
	var known point
	for range 3 { // which comes near enough: offsets change slowly
		if known, ok = l.at(t); !ok {
			return Placing{}, false
		}
		t = l.clamp(min(m.Sent-known.offset, m.Received))
	}
	resolution := m.Stamp.Resolution()
	if known.format == m.Stamp.Format {
		resolution = max(resolution, known.resolution)
	}
	q := int64(resolution)
	p = Placing{Low: m.Sent - known.high, High: min(m.Sent+q-known.low, m.Received), ByStamp: true}
	if p.Low > p.High || p.Low > l.to || p.High < l.begin {
		return Placing{}, false
	}
	p.At = within(m, known.offset, q)
	p.At = min(max(p.At, p.Low), p.High)
	return p, true
}

// within returns the likeliest moment in the span that a stamp stands for: its beginning,
// or, if the span is long, the receipt where that lies in it, and else its middle.
func within(m *Stamped, offset, q int64) int64 {
	begin := m.Sent - offset
	switch {
	case q < int64(coarse):
		return begin
	case m.Received >= begin && m.Received < begin+q:
		return m.Received
	}
	return begin + q/2
}

func (l *level) clamp(t int64) int64 { return min(max(t, l.begin), l.to) }

// Decided reports whether it is proven that a message that is placed before another was
// written before it. One host's messages are told apart by its own clock: of those placed by
// their stamps nothing needs proof.
func Decided(a, b *Placing, sameHost bool) bool { return sameHost || a.High < b.Low }
