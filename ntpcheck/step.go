package ntpcheck

import (
	"fmt"
	"time"
)

// minStep is what a clock that nobody sets may gain or lose on the monotonic one between
// two looks, which are a second apart or less: where the monotonic clock isn't slewed
// with it, a slew of a percent.
const minStep = 10 * time.Millisecond

// heldUp is from which difference on a reading is taken again: between both clocks the
// program may have been held up.
const heldUp = time.Millisecond

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
	wall  func() time.Duration // by which our clock is ahead of the monotonic one
	slept func() time.Duration // for how long the machine has slept
	was   struct{ wall, slept time.Duration }
}

// NewStepWatch returns a watch over the system's clock.
func NewStepWatch() *StepWatch {
	began := time.Now()
	return newStepWatch(func() time.Duration {
		now := time.Now()
		return now.Round(0).Sub(began.Round(0)) - now.Sub(began)
	}, slept)
}

func newStepWatch(wall, slept func() time.Duration) *StepWatch {
	w := &StepWatch{wall: wall, slept: slept}
	w.was.wall, w.was.slept = wall(), slept()
	return w
}

// Look reports whether the clock was set since the last look. It takes some 0.1 us.
func (w *StepWatch) Look() (Step, bool) {
	now := w.wall()
	for tries := 0; tries < 8 && (now-w.was.wall).Abs() >= heldUp; tries++ {
		now = w.nearer(now, w.wall())
	}
	size := now - w.was.wall
	w.was.wall = now
	if size.Abs() < minStep {
		return Step{}, false
	}
	return Step{At: time.Now(), Size: size, Slept: w.asleep(size)}, true
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

// nearer returns the reading that lies nearer to the last one.
func (w *StepWatch) nearer(a, b time.Duration) time.Duration {
	if (b - w.was.wall).Abs() < (a - w.was.wall).Abs() {
		return b
	}
	return a
}
