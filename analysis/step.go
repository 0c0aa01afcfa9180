package analysis

import (
	"math"
	"time"
)

// A Step is a change of level: the clock was set, or its messages took another way.
type Step struct {
	At      int64 // receive time of the first evidence of the new level, Unix ns
	Seconds float64
	Kind    StepKind

	// Said is what the host itself says of it, or NoWord; "" where its messages aren't read.
	Said string `json:",omitempty"`
}

// StepKind is what a step looks like.
type StepKind uint8

// The kinds of steps. The numbers are stored.
const (
	StepSet   StepKind = iota // by no amount that says more
	StepZone                  // by a multiple of a quarter of an hour: another zone, or DST
	StepDate                  // by more than two days: from or to an epoch, most likely
	StepPause                 // back by as long as the host had been silent: it stood still
)

var stepKinds = [...]string{"set", "zone", "date", "pause"}

func (k StepKind) String() string { return stepKinds[k] }

// kindOf tells the kinds of steps apart.
func kindOf(s Step, last silence, resolution int64) StepKind {
	const days = 2 * 86400
	slack := 2 + seconds(resolution)
	switch {
	case math.Abs(s.Seconds) > days:
		return StepDate
	case last.explains(s, resolution):
		return StepPause
	case quarters(s.Seconds, slack) != 0:
		return StepZone
	}
	return StepSet
}

// explains reports whether a clock that stood still during the silence would have
// made the step: its messages stop, and go on as much behind as they were silent.
func (q silence) explains(s Step, resolution int64) bool {
	const near, slack = 180, 5.0 // seconds: late points may take that long to hold still
	silent, fell := seconds(q.length), -s.Seconds
	if silent == 0 || fell < silent/2 || magnitude(q.end-s.At) > near*second+2*q.usual {
		return false
	}
	wait := silent - fell // for the first message after the pause
	return wait >= -slack-seconds(resolution) && wait <= slack+seconds(resolution+8*q.usual)
}

// zoneStep is the unit of zones' distances from UTC, and maxZoneSteps how many of
// them two zones can lie apart.
const (
	zoneStep     = 15 * time.Minute
	maxZoneSteps = 26 * 4
)
