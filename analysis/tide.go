package analysis

import (
	"math"
	"time"
)

// A tide follows the typical lead of a speaker's messages beside the best one of each
// minute. A few foreign messages can raise what is best; they can't move what is
// typical. One clock moves both alike, whatever it does: when the two drift apart
// steadily, there are two clocks.
type tide struct {
	level  int64 // running median of the leads, ns
	spread int64 // running mean of the distance from it, ns
	lean   int64 // running mean of the side of it on which leads lie, above less below: leanUnit if all lie above
	slot   int64 // receive time of the newest sample divided by tideWidth
	n      int64 // leads in it
	base   int64 // the first lead: the samples are kept as distances from it, in microseconds
	levels [tideSlots]int32
	best   [tideSlots]int32 // noSample where no message came
}

// noSample stands for "no sample yet": below every other.
const noSample = math.MinInt32

// sample writes a lead as its distance from the base, 35 minutes at the most.
func (t *tide) sample(lead int64) int32 {
	return int32(max(noSample+1, min(math.MaxInt32, (lead-t.base)/int64(time.Microsecond))))
}

const (
	tideWidth = 64 * second
	tideSlots = 32     // a power of two: 34 minutes
	tideReach = second // leads further off than this count as if they were this far
	tideCrowd = 16     // leads in a slot: what is typical follows some thirty of them
	leanUnit  = 1 << 20
)

// newTide returns one that begins with a lead.
func newTide(lead, received int64) *tide {
	t := &tide{level: lead, spread: 1e6, slot: received / tideWidth, base: lead}
	for i := range t.best {
		t.best[i] = noSample
	}
	return t
}

// add takes in a lead.
func (t *tide) add(lead, received int64) {
	if received-t.slot*tideWidth >= tideWidth {
		t.advance(received / tideWidth)
	}
	off := max(-tideReach, min(tideReach, lead-t.level))
	t.spread += (magnitude(off) - t.spread) / 32
	step, side := t.spread/16+1, int64(leanUnit)
	if off < 0 {
		step, side = -step, -side
	}
	t.level += step
	t.lean += (side - t.lean) / 32
	t.n++
	i := t.slot & (tideSlots - 1)
	t.levels[i], t.best[i] = t.sample(t.level), max(t.best[i], t.sample(lead))
}

// advance goes to a slot and forgets what those up to it held a round ago. A slot with
// few leads says nothing, nor one in the end of which nearly all lay on one side of the
// level: it was on its way.
func (t *tide) advance(to int64) {
	if t.n < tideCrowd || magnitude(t.lean) > leanUnit*9/10 {
		t.best[t.slot&(tideSlots-1)] = noSample
	}
	for k := max(t.slot, to-tideSlots) + 1; k <= to; k++ {
		t.best[k&(tideSlots-1)] = noSample
	}
	t.slot, t.n = to, 0
}

// The evidence that makes the tide a clock of its own.
const (
	tideLeast   = 14    // samples
	tideGap     = 4     // slots without one, after which they begin anew
	tideApart   = 50e-3 // seconds that the best leads must have moved away from it
	tideFastest = 1e-3  // rate (s/s) beyond which it is a queue that fills or drains
	tideSmooth  = 0.15  // of the distance: how far three quarters may deviate from a straight line
)

// parts reports whether the best leads have moved away from the tide over the last half
// hour, as steadily as only another clock does.
func (t *tide) parts(now int64) bool {
	slope, deviation, span := t.trend(now, func(best, level int32) float64 { return float64(best) - float64(level) })
	apart := math.Abs(slope) * seconds(span)
	return apart > tideApart && math.Abs(slope) < tideFastest && deviation < tideSmooth*apart
}

// skew returns the tide's own slope (s/s), false if there are too few samples.
func (t *tide) skew(now int64) (float64, bool) {
	slope, _, span := t.trend(now, func(_, level int32) float64 { return float64(level) })
	return slope, span > 0
}

// trend returns the slope (s/s) of what is made of each sample, how far three quarters
// of them deviate from that line at the most (s), and their span, 0 if there are too few
// since the last gap. Medians of the first and the last third give the line, so that a
// congestion of some minutes doesn't bend it.
func (t *tide) trend(now int64, of func(best, level int32) float64) (slope, deviation float64, span int64) {
	var x, y, off, sorted [tideSlots]float64 // newest first
	n, newer := 0, t.slot
	for k := t.slot; k > max(0, t.slot-tideSlots, now/tideWidth-tideSlots) && newer-k <= tideGap; k-- {
		if i := k & (tideSlots - 1); t.best[i] != noSample {
			x[n], y[n] = float64(k-t.slot)*seconds(tideWidth), of(t.best[i], t.levels[i])/1e6
			n, newer = n+1, k
		}
	}
	if n < tideLeast {
		return 0, 0, 0
	}
	third := n / 3
	middle := func(v []float64) float64 { return median(append(sorted[:0], v...)) }
	x1, y1 := middle(x[:third]), middle(y[:third])
	slope = (y1 - middle(y[n-third:n])) / (x1 - middle(x[n-third:n]))
	for i := range n {
		off[i] = math.Abs(y[i] - y1 - slope*(x[i]-x1))
	}
	return slope, smallest(off[:n], 3*n/4), int64((x[0] - x[n-1]) * 1e9)
}
