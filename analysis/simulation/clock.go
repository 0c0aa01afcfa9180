package simulation

import (
	"time"
)

// A Clock is a host's clock as true time sees it.
type Clock interface {
	// Offset returns the clock minus true time, at a true time since the
	// simulation's start.
	Offset(at time.Duration) time.Duration
}

// Constant is a clock that is off by the same always: 0 for a perfect one, a multiple
// of a quarter of an hour for one that takes its zone for another.
type Constant time.Duration

// Offset implements Clock.
func (c Constant) Offset(time.Duration) time.Duration { return time.Duration(c) }

// Skew is a clock that gains so many ppm, from an offset of 0.
type Skew float64

// Offset implements Clock.
func (s Skew) Offset(at time.Duration) time.Duration {
	return time.Duration(float64(s) * 1e-6 * float64(at))
}

// Step is a clock that is set at one time: by a person, by NTP, by a change to or from
// daylight saving time that UTC doesn't share, or by a leap second.
type Step struct {
	At time.Duration
	By time.Duration
}

// Offset implements Clock.
func (s Step) Offset(at time.Duration) time.Duration {
	if at < s.At {
		return 0
	}
	return s.By
}

// The fastest that clocks are slewed, in ppm: by ntpd and the kernel's PLL, and by
// chronyd unless maxslewrate says otherwise.
const (
	SlewNTPD   = 500
	SlewChrony = 83333.333
)

// Slew is a clock that is corrected by running faster or slower for a while.
type Slew struct {
	At   time.Duration // when it begins
	By   time.Duration // how far the clock is moved
	Rate float64       // ppm, positive
}

// Offset implements Clock.
func (s Slew) Offset(at time.Duration) time.Duration {
	into := at - s.At
	switch {
	case into <= 0:
		return 0
	case into >= s.Lasts():
		return s.By
	}
	return time.Duration(float64(s.By) * float64(into) / float64(s.Lasts()))
}

// Lasts returns how long the slew takes.
func (s Slew) Lasts() time.Duration {
	return time.Duration(float64(s.By.Abs()) / (s.Rate * 1e-6))
}

// LeapSmear is a clock that spreads a leap second over a span, seen from a collector
// that steps back at the leap second itself. With 12 hours before and after it is what
// Google's public NTP servers do; with none before and a day after it is a clock that
// is slewed once the second has passed.
type LeapSmear struct {
	Leap          time.Duration
	Before, After time.Duration
}

// Offset implements Clock.
func (l LeapSmear) Offset(at time.Duration) time.Duration {
	smear := Slew{At: l.Leap - l.Before, By: -time.Second, Rate: 1e6 / (l.Before + l.After).Seconds()}
	return smear.Offset(at) + Step{At: l.Leap, By: time.Second}.Offset(at)
}

// Sum is a clock whose offset is the sum of others'.
type Sum []Clock

// Offset implements Clock.
func (s Sum) Offset(at time.Duration) time.Duration {
	var sum time.Duration
	for _, c := range s {
		sum += c.Offset(at)
	}
	return sum
}

// Halt is a clock that stands still for a while and then goes on from there: one that
// is stuck, or, where the host is Silent meanwhile, that of a virtual machine that was
// paused.
type Halt struct {
	Of  Clock
	At  time.Duration
	For time.Duration
}

// Offset implements Clock.
func (h Halt) Offset(at time.Duration) time.Duration {
	switch into := at - h.At; {
	case into < 0:
		return h.Of.Offset(at)
	case into < h.For:
		return h.Of.Offset(h.At) - into
	}
	return h.Of.Offset(at) - h.For
}

// Free is another clock that is left to itself for a while: it goes on at a skew in ppm
// from where it was, and is set right again in the end.
type Free struct {
	Of   Clock
	At   time.Duration
	For  time.Duration
	Skew float64
}

// Offset implements Clock.
func (f Free) Offset(at time.Duration) time.Duration {
	into := at - f.At
	if into < 0 || into >= f.For {
		return f.Of.Offset(at)
	}
	return f.Of.Offset(f.At) + Skew(f.Skew).Offset(into)
}

// DeadRTC returns the clock of a host without a battery: it starts from its epoch, and
// is set right at some time.
func DeadRTC(start, epoch time.Time, corrected time.Duration) Clock {
	behind := epoch.Sub(start)
	return Sum{Constant(behind), Step{At: corrected, By: -behind}}
}
