package analysis

import "math"

// sparseStamps is how many truncated stamps a window may have to be called sparse. With
// more of them the scatter of delays matters more than that of the truncation.
const sparseStamps = 400

// strayShare is the probability that one of a sparse window's stamps came so late that it
// seems to bound the clock from above.
const strayShare = 0.05

// sparseOffset estimates the offset, in seconds from origin, where few stamps of a coarse
// resolution q have come, at all phases of the second. Truncation bounds the clock on both
// sides: each lead lies less than q below it,
//
//	lead_i <= c + g (t_i - mid) < lead_i + q + delay_i
//
// and any line between the bounds is as likely as any other, so that for a skew g the
// weight is the distance between them. The lowest upper bound may be that of a stray
// message, and is passed with the probability strayShare. It reports false where no line
// fits between the bounds, or the window isn't such a one.
func sparseOffset(pts []point, seen coverage, now, origin, resolution int64, p *Params) (offset float64, ok bool) {
	if resolution < coarse || !seen.all || distinct(pts) > sparseStamps {
		return 0, false
	}
	f := fit{p: p}
	mid := pts[0].at + (pts[len(pts)-1].at-pts[0].at)/2
	f.load(pts, mid, origin, resolution)
	low, high := f.skewRange(f.peak())
	sum, moment := 0.0, 0.0
	for i := range gridSize {
		g := low + (high-low)*float64(i)/(gridSize-1)
		floor := f.support(g)
		ceiling, second := ceilings(pts, f.x[:f.n], g, origin, resolution)
		weigh := func(from, to, weight float64) {
			if to <= from {
				return
			}
			weight *= (to - from) * math.Exp(-g*g*f.prior)
			sum += weight
			moment += weight * ((from+to)/2 + g*seconds(now-mid))
		}
		weigh(floor, ceiling, 1)
		weigh(max(floor, ceiling), second, strayShare)
	}
	return moment / sum, sum > 0
}

// ceilings returns the two lowest upper bounds at mid, in seconds from origin.
func ceilings(pts []point, x []float64, g float64, origin, resolution int64) (lowest, second float64) {
	lowest, second = math.Inf(1), math.Inf(1)
	for i := range pts {
		bound := seconds(pts[i].max-pts[i].reach(resolution)+resolution-origin) - g*x[i]
		switch {
		case bound < lowest:
			lowest, second = bound, lowest
		case bound < second:
			second = bound
		}
	}
	return lowest, second
}
