package analysis

import "math"

// A tide follows the typical lead of a speaker's messages, as the envelope follows the
// best ones. A few foreign messages can raise the envelope; they can't move what is
// typical. When the two drift apart steadily, two clocks speak.
type tide struct {
	level  int64 // running median of the leads, ns
	spread int64 // running mean of the distance from it, ns
	slot   int64 // receive time of the newest sample divided by tideWidth
	levels [tideSlots]int64
}

const (
	tideWidth = 64 * second
	tideSlots = 32     // a power of two: 34 minutes
	tideReach = second // leads further off than this count as if they were this far
)

// add takes in a lead.
func (t *tide) add(lead, received int64) {
	if t.slot == 0 {
		t.level, t.spread = lead, int64(1e6)
		t.slot = received / tideWidth
	}
	off := max(-tideReach, min(tideReach, lead-t.level))
	t.spread += (magnitude(off) - t.spread) / 32
	step := t.spread/16 + 1
	if off < 0 {
		step = -step
	}
	t.level += step
	if received-t.slot*tideWidth >= tideWidth {
		t.advance(received / tideWidth)
	}
	t.levels[t.slot&(tideSlots-1)] = t.level
}

// advance goes to a slot and forgets what those between held a round ago.
func (t *tide) advance(to int64) {
	for k := max(t.slot+1, to-tideSlots+1); k < to; k++ {
		t.levels[k&(tideSlots-1)] = 0
	}
	t.slot = to
}

// The evidence that makes the tide a clock of its own.
const (
	tideLeast  = 14    // samples
	tideApart  = 50e-3 // seconds that it must have moved away from the envelope
	tideSmooth = 0.1   // of that: how far it may deviate from a straight line
)

// parts reports whether the tide has moved away from the envelope over the last half
// hour, as steadily as only a clock does.
func (t *tide) parts(evidence []point, now, resolution int64, p *Params) bool {
	slope, deviation, span := t.trend(now)
	if span == 0 {
		return false
	}
	recent, _ := newest(evidence, now-span)
	if len(recent) < 6 {
		return false
	}
	envelope := fitLine(recent, now, recent[len(recent)-1].max, resolution, p)
	apart := math.Abs(slope-envelope.skew) * seconds(span)
	return apart > tideApart && deviation < tideSmooth*apart
}

// trend returns the tide's slope (s/s), how far its samples typically deviate from
// that line (s), and their span, 0 if there are too few. Medians of the first and the
// last third give the line, so that a congestion of some minutes doesn't bend it.
func (t *tide) trend(now int64) (slope, deviation float64, span int64) {
	var room [tideSlots]float64
	samples := t.samples(room[:0], now)
	n := len(samples)
	if n < tideLeast {
		return 0, 0, 0
	}
	third := n / 3
	var sorted [tideSlots]float64
	middle := func(v []float64) float64 { return median(append(sorted[:0], v...)) }
	first, last := middle(samples[:third]), middle(samples[n-third:])
	perSlot := (last - first) / float64(n-third)
	var off [tideSlots]float64
	for i, y := range samples {
		off[i] = math.Abs(y - first - perSlot*(float64(i)-float64(third-1)/2))
	}
	return perSlot / seconds(tideWidth), median(off[:n]), int64(n) * tideWidth
}

// samples appends the levels of the last half hour, in seconds relative to the newest
// one, oldest first. Where nothing came the level before stands.
func (t *tide) samples(levels []float64, now int64) []float64 {
	for k := max(t.slot-tideSlots+1, now/tideWidth-tideSlots+1); k <= t.slot; k++ {
		switch level := t.levels[k&(tideSlots-1)]; {
		case level != 0:
			levels = append(levels, seconds(level-t.level))
		case len(levels) > 0:
			levels = append(levels, levels[len(levels)-1])
		}
	}
	return levels
}
