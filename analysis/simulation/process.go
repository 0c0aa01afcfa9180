package simulation

import (
	"iter"
	"math"
	"math/rand/v2"
	"time"
)

// A Process says when a host speaks.
type Process interface {
	// Times yields true times in rising order, without end. clock is what the host's
	// clock shows at a true time, in Unix nanoseconds.
	Times(r *rand.Rand, clock func(at time.Duration) int64) iter.Seq[time.Duration]
}

// Poisson speaks at random, in the mean after the time given.
type Poisson time.Duration

// Times implements Process.
func (p Poisson) Times(r *rand.Rand, _ func(time.Duration) int64) iter.Seq[time.Duration] {
	return func(yield func(time.Duration) bool) {
		for at := exponential(r, time.Duration(p)); yield(at); at += exponential(r, time.Duration(p)) {
		}
	}
}

// Bursts speaks so many times within moments, then pauses at random: in the mean one
// burst begins Every after the last.
type Bursts struct {
	Every time.Duration
	Size  int
}

// Times implements Process.
func (b Bursts) Times(r *rand.Rand, _ func(time.Duration) int64) iter.Seq[time.Duration] {
	const between = 500 * time.Microsecond
	return func(yield func(time.Duration) bool) {
		for at := exponential(r, b.Every); ; at += exponential(r, b.Every) {
			for range b.Size {
				if !yield(at) {
					return
				}
				at += exponential(r, between)
			}
		}
	}
}

// Cron speaks at one phase of each period of the host's own clock, so many times in a
// row.
type Cron struct {
	Every time.Duration
	Phase time.Duration // after a full period of the host's clock
	Size  int           // 0 means once
}

// Times implements Process.
func (c Cron) Times(r *rand.Rand, clock func(time.Duration) int64) iter.Seq[time.Duration] {
	const latency = time.Millisecond // from the alarm to the message
	wait := func(at time.Duration) time.Duration {
		into := (clock(at) - int64(c.Phase)) % int64(c.Every)
		return c.Every - (time.Duration(into)+c.Every)%c.Every
	}
	return func(yield func(time.Duration) bool) {
		for at := wait(0); ; {
			said := at
			for range max(c.Size, 1) {
				if said += latency + exponential(r, latency); !yield(said) {
					return
				}
			}
			next := wait(at)
			if next < c.Every/2 {
				next += c.Every // the alarm that was just given, a rounding error later
			}
			at += next
		}
	}
}

// Even speaks at even intervals, from Phase on.
type Even struct {
	Every time.Duration
	Phase time.Duration
}

// Times implements Process.
func (e Even) Times(*rand.Rand, func(time.Duration) int64) iter.Seq[time.Duration] {
	return func(yield func(time.Duration) bool) {
		for at := e.Phase; yield(at); at += e.Every {
		}
	}
}

// ByDay thins out another process at night: at the deepest only the share 1 - Depth
// of its times is left.
type ByDay struct {
	Of    Process
	Depth float64
}

// Times implements Process.
func (d ByDay) Times(r *rand.Rand, clock func(time.Duration) int64) iter.Seq[time.Duration] {
	return func(yield func(time.Duration) bool) {
		for at := range d.Of.Times(r, clock) {
			night := (1 - math.Cos(2*math.Pi*at.Hours()/24)) / 2
			if r.Float64() >= d.Depth*night && !yield(at) {
				return
			}
		}
	}
}

// Silent is another process that says nothing for a while.
type Silent struct {
	Of  Process
	At  time.Duration
	For time.Duration
}

// Times implements Process.
func (s Silent) Times(r *rand.Rand, clock func(time.Duration) int64) iter.Seq[time.Duration] {
	return func(yield func(time.Duration) bool) {
		for at := range s.Of.Times(r, clock) {
			if (at < s.At || at >= s.At+s.For) && !yield(at) {
				return
			}
		}
	}
}

// Between is another process that says something from one time to another only.
type Between struct {
	Of       Process
	From, To time.Duration
}

// Times implements Process.
func (b Between) Times(r *rand.Rand, clock func(time.Duration) int64) iter.Seq[time.Duration] {
	return func(yield func(time.Duration) bool) {
		for at := range b.Of.Times(r, clock) {
			if at >= b.To || at >= b.From && !yield(at) {
				return
			}
		}
	}
}
