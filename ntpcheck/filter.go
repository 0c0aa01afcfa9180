package ntpcheck

import (
	"math"
	"time"

	"github.com/beevik/ntp"
)

const (
	// tolerance is the frequency error a clock is granted (PHI of RFC 5905): what
	// was measured loses 15 microseconds of its worth each second.
	tolerance = 15e-6

	// filterStages is how many replies of a source are kept (NSTAGE).
	filterStages = 8

	// minDistance is the least root distance a source is granted. Servers that all
	// tell the truth still differ by a fraction of a millisecond, and shall not be
	// called liars for it.
	minDistance = time.Millisecond

	// maxDistance is the root distance from which on a source is too vague to
	// vote (MAXDIST).
	maxDistance = time.Second
)

// A sample is what one valid reply says.
type sample struct {
	at         time.Time     // our clock when the reply had come, for its age
	offset     time.Duration // add it to our clock to get the server's time
	delay      time.Duration // round trip
	dispersion time.Duration // of the reading: the server's precision, the drift while waiting

	stratum        uint8
	leap           ntp.LeapIndicator
	referenceID    uint32        // what the server itself is measured against
	rootDelay      time.Duration // the server's own, to its primary source
	rootDispersion time.Duration
}

// distance is how far from true time the sample can be, if the server is honest
// (root distance, RFC 5905, section 11.1): half of all delays, since they may lie
// on one side, and all dispersion, which grows with age.
func (s sample) distance(now time.Time) time.Duration {
	return (s.rootDelay+s.delay)/2 + s.rootDispersion + s.dispersion + dispersion(now.Sub(s.at))
}

// dispersion is the error that a clock may gather within an age.
func dispersion(age time.Duration) time.Duration {
	return time.Duration(tolerance * float64(max(age, 0)))
}

// A filter keeps the last replies of one source, oldest first (clock filter,
// RFC 5905, section 10).
type filter []sample

func (f *filter) add(s sample) {
	if len(*f) == filterStages {
		*f = append((*f)[:0], (*f)[1:]...)
	}
	*f = append(*f, s)
}

// newest returns the last reply. The filter must not be empty.
func (f filter) newest() sample { return f[len(f)-1] }

// best returns the reply that can be least wrong by now: the one with the
// smallest delay, unless age has eaten up its advantage. The filter must not be
// empty.
func (f filter) best(now time.Time) sample {
	best := f[0]
	for _, s := range f[1:] {
		if s.distance(now) <= best.distance(now) {
			best = s
		}
	}
	return best
}

// jitter is the root mean square of the offsets' distances from the best one's
// (RFC 5905, section 10), 0 for a single reply.
func (f filter) jitter(best sample) time.Duration {
	if len(f) < 2 {
		return 0
	}
	var sum float64
	for _, s := range f {
		d := float64(s.offset - best.offset)
		sum += d * d
	}
	return time.Duration(math.Sqrt(sum / float64(len(f)-1)))
}

// An estimate is what a source says about our clock at some moment.
type estimate struct {
	offset   time.Duration
	delay    time.Duration
	jitter   time.Duration
	distance time.Duration // root distance, jitter and age included
	newest   time.Time     // when the source last gave a usable reply
	at       time.Time     // when the reply came that offset is of

	// What the source said last of itself.
	stratum     uint8
	leap        ntp.LeapIndicator
	referenceID uint32
}

// estimate sums the filter up. The filter must not be empty.
func (f filter) estimate(now time.Time) estimate {
	best, last := f.best(now), f.newest()
	jitter := f.jitter(best)
	return estimate{
		offset:   best.offset,
		delay:    best.delay,
		jitter:   jitter,
		distance: max(best.distance(now)+jitter, minDistance),
		newest:   last.at,
		at:       best.at,

		stratum:     last.stratum,
		leap:        last.leap,
		referenceID: last.referenceID,
	}
}
