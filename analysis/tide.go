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
		t.slot = received / tideWidth
	}
	t.levels[t.slot&(tideSlots-1)] = t.level
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

// trend returns the tide's slope by least squares (s/s), how far it deviates from that
// line (s, root mean square), and the span of its samples, 0 if there are too few.
func (t *tide) trend(now int64) (slope, deviation float64, span int64) {
	var n, sx, sy, sxx, sxy, syy float64
	newestSlot := t.slot
	oldest := max(newestSlot-tideSlots+1, now/tideWidth-tideSlots+1)
	for k := oldest; k <= newestSlot; k++ {
		level := t.levels[k&(tideSlots-1)]
		if level == 0 {
			continue
		}
		x, y := float64(k-newestSlot)*seconds(tideWidth), seconds(level-t.level)
		n, sx, sy, sxx, sxy, syy = n+1, sx+x, sy+y, sxx+x*x, sxy+x*y, syy+y*y
	}
	if n < tideLeast {
		return 0, 0, 0
	}
	vx, vy, vxy := sxx-sx*sx/n, syy-sy*sy/n, sxy-sx*sy/n
	slope = vxy / vx
	return slope, math.Sqrt(max(0, vy-slope*vxy) / n), int64(n) * tideWidth
}
