package ntpcheck

import (
	"math"
	"time"
)

const (
	// trackSamples is how many samples a track keeps: four and a half hours of polls
	// that are 16 s apart.
	trackSamples = 1024

	// trackLeast is of how many samples a line is made at least.
	trackLeast = 8

	// wander is what a crystal's frequency is granted to differ from its mean over the
	// samples, besides what they leave open: warming by some degrees does that much.
	wander = 1e-6

	// trackNoise is by how much the newest samples may lie off a line that still holds,
	// beyond their scatter.
	trackNoise = 50 * time.Microsecond
)

// A Track is our clock's offset as a smooth function of time: a line through the
// samples of the last hours, so that a correction doesn't follow the noise of each.
// Offsets are what must be added to our clock. The zero value is empty.
//
// Its bound is rigorous, whatever the line is: each sample bounds the offset at its
// own time, and that widens by 15 ppm of its age, since a clock may be slewed. Once no
// sample has come for a while it widens by no more than what the samples left open of
// the clock's rate. There is no line before they know that better than the 15 ppm.
type Track struct {
	samples []trackSample // oldest first
	rate    Rate
	line    line
}

// A trackSample is a combined offset and its bound at one time.
type trackSample struct {
	at            time.Time
	offset, bound float64 // seconds
}

// Rate is how fast our offset changes.
type Rate struct {
	// Known says that the samples tell the rate better than the 15 ppm that every
	// clock is granted.
	Known bool

	// PPM is d(Offset)/dt; positive when our clock loses. 0 while it isn't known.
	PPM float64

	// Bound is the half-width of PPM, and by what an offset's bound grows in holdover:
	// 15 while the rate isn't known.
	Bound float64
}

// A line is offset + rate * (t - mid), in seconds.
type line struct {
	mid          time.Time
	offset, rate float64
}

func (l *line) at(t time.Time) float64 { return l.offset + l.rate*t.Sub(l.mid).Seconds() }

// Add takes in a sample: the offset at a time, and its half-width. Samples that come no
// later than the newest, or sooner after it than spacing, are passed over.
func (t *Track) Add(at time.Time, offset, bound, spacing time.Duration) {
	if n := len(t.samples); n > 0 && at.Sub(t.samples[n-1].at) < max(spacing, 1) {
		return
	}
	if len(t.samples) == trackSamples {
		t.samples = append(t.samples[:0], t.samples[1:]...)
	}
	t.samples = append(t.samples, trackSample{at, offset.Seconds(), bound.Seconds()})
	t.fit()
}

// Rate returns how fast the offset changes.
func (t *Track) Rate() Rate {
	if !t.rate.Known {
		return Rate{Bound: tolerance * 1e6}
	}
	return t.rate
}

// At returns offset and bound at a time no earlier than the newest sample's, and whether
// there is a line at all: not before the samples know the rate. Samples are expected to
// come within fresh; when none has for longer, the clock is taken to run on as it did.
func (t *Track) At(now time.Time, fresh time.Duration) (offset, bound time.Duration, ok bool) {
	if !t.rate.Known {
		return 0, 0, false
	}
	newest := t.samples[len(t.samples)-1].at
	least := math.Inf(1)
	for i := range t.samples {
		s := &t.samples[i]
		along := s.offset + t.line.rate*newest.Sub(s.at).Seconds()
		least = min(least, math.Abs(t.line.at(newest)-along)+s.bound+tolerance*newest.Sub(s.at).Seconds())
	}
	age := max(0, now.Sub(newest))
	least += tolerance*min(age, fresh).Seconds() + t.rate.Bound*1e-6*max(0, age-fresh).Seconds()
	return fromSeconds(t.line.at(now)), fromSeconds(least), true
}

// fit draws the line through the longest window of the newest samples that is straight:
// a clock that is slewed has none that is long. Older samples are forgotten.
func (t *Track) fit() {
	t.rate = Rate{}
	for n := len(t.samples); n >= trackLeast; n /= 2 {
		window := t.samples[len(t.samples)-n:]
		l := fitLine(window)
		if !l.holds(window) {
			continue
		}
		if bound := l.rateBound(window); bound < tolerance {
			t.samples, t.line = window, l
			t.rate = Rate{Known: true, PPM: l.rate * 1e6, Bound: bound * 1e6}
		}
		return
	}
}

// fitLine returns the line of least squares.
func fitLine(samples []trackSample) line {
	first := samples[0].at
	var x, y float64
	for i := range samples {
		x += samples[i].at.Sub(first).Seconds()
		y += samples[i].offset
	}
	n := float64(len(samples))
	x, y = x/n, y/n
	var xx, xy float64
	for i := range samples {
		dx := samples[i].at.Sub(first).Seconds() - x
		xx += dx * dx
		xy += dx * (samples[i].offset - y)
	}
	return line{mid: first.Add(fromSeconds(x)), offset: y, rate: xy / xx}
}

// holds reports whether the line is one that the samples allow: it lies near their
// bounds at least, and neither its newest quarter nor its oldest lies to one side of it.
func (l *line) holds(samples []trackSample) bool {
	var squares float64
	outside := 0
	for i := range samples {
		r := samples[i].offset - l.at(samples[i].at)
		squares += r * r
		if math.Abs(r) > 1.5*samples[i].bound {
			outside++
		}
	}
	n := len(samples)
	quarter := n / 4
	scatter := math.Sqrt(squares/float64(n-2)) / math.Sqrt(float64(quarter))
	limit := 4*scatter + trackNoise.Seconds()
	return outside <= 1+n/100 && math.Abs(l.lean(samples[:quarter])) <= limit && math.Abs(l.lean(samples[n-quarter:])) <= limit
}

// lean returns by how much samples lie above the line in the mean.
func (l *line) lean(samples []trackSample) float64 {
	var sum float64
	for i := range samples {
		sum += samples[i].offset - l.at(samples[i].at)
	}
	return sum / float64(len(samples))
}

// rateBound returns by how much the clock's rate can differ from the line's: both pass
// between the bounds of the best sample at either end.
func (l *line) rateBound(samples []trackSample) float64 {
	part := max(1, len(samples)/8)
	from, before := l.nearest(samples[:part])
	to, after := l.nearest(samples[len(samples)-part:])
	return (before+after)/to.Sub(from).Seconds() + wander
}

// nearest returns when the clock was closest to the line for certain, and how close.
func (l *line) nearest(samples []trackSample) (at time.Time, off float64) {
	off = math.Inf(1)
	for i := range samples {
		s := &samples[i]
		if r := math.Abs(s.offset-l.at(s.at)) + s.bound; r < off {
			at, off = s.at, r
		}
	}
	return at, off
}

func fromSeconds(s float64) time.Duration { return time.Duration(math.Round(s * float64(time.Second))) }
