package ntpcheck

import (
	"fmt"
	"time"
)

// minStep is what a clock that nobody sets may gain or lose on the monotonic one between
// two looks, which are a second apart or less: where the monotonic clock isn't slewed
// with it, a slew of a percent.
const minStep = 10 * time.Millisecond

// tight is how far apart both clocks may be read so that nothing is gained by another try:
// between them the program may be held up.
const tight = 100 * time.Microsecond

// A Step is a change of our clock that isn't the passing of time: somebody set it, or
// the machine slept.
type Step struct {
	At   time.Time     // our clock just after it was noticed
	Size time.Duration // by which it was set; positive: forward

	// Slept is the part of Size during which the machine slept (Linux): the clock was
	// not set by that, the monotonic one stood still.
	Slept time.Duration
}

// String says what happened.
func (s Step) String() string {
	words := fmt.Sprintf("set by %+.3f s", (s.Size - s.Slept).Seconds())
	if s.Slept != 0 {
		words += fmt.Sprintf(" after %.3f s of sleep", s.Slept.Seconds())
	}
	return words
}

// A StepWatch notices that our clock was set, by holding it against the monotonic one,
// which nobody can set. A step while no program runs can't be seen so. It isn't safe
// for concurrent use.
type StepWatch struct {
	read  func() lead
	slept func() time.Duration // for how long the machine has slept
	was   struct{ ahead, slept time.Duration }
}

// A lead is a reading of how far our clock is ahead of the monotonic one.
type lead struct {
	ahead  time.Duration
	within time.Duration // which it took, and so how wrong it may be
}

// NewStepWatch returns a watch over the system's clock.
func NewStepWatch() *StepWatch {
	began := time.Now()
	return newStepWatch(func() lead {
		before := time.Since(began)
		now := time.Now()
		return lead{now.Round(0).Sub(began.Round(0)) - now.Sub(began), time.Since(began) - before}
	}, slept)
}

func newStepWatch(read func() lead, slept func() time.Duration) *StepWatch {
	w := &StepWatch{read: read, slept: slept}
	w.was.ahead, w.was.slept = w.tightest().ahead, slept()
	return w
}

// Look reports whether the clock was set since the last look. It takes some 0.1 us.
func (w *StepWatch) Look() (Step, bool) {
	now := w.tightest()
	size := now.ahead - w.was.ahead
	if now.within >= minStep && size.Abs() <= now.within {
		return Step{}, false // the next look can tell
	}
	w.was.ahead = now.ahead
	if size.Abs() < minStep {
		return Step{}, false
	}
	return Step{At: time.Now(), Size: size, Slept: w.asleep(size)}, true
}

// tightest reads both clocks, a few times if need be.
func (w *StepWatch) tightest() lead {
	best := w.read()
	for tries := 1; tries < 8 && best.within > tight; tries++ {
		if l := w.read(); l.within < best.within {
			best = l
		}
	}
	return best
}

// asleep returns for how much of a step the machine slept.
func (w *StepWatch) asleep(size time.Duration) time.Duration {
	now := w.slept()
	slept := now - w.was.slept
	w.was.slept = now
	switch {
	case slept < 10*minStep:
		return 0 // what the readings of two clocks lie apart
	case (size - slept).Abs() < 2*minStep:
		return size
	}
	return slept
}
