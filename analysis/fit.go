package analysis

import (
	"cmp"
	"math"
	"slices"
)

// A line is the posterior of a clock over one window of evidence, as of the end of
// the window. Offsets are in seconds relative to the fit's origin, skews in seconds
// a second. Low and high are the 0.5 % and 99.5 % quantiles, by which windows are
// compared, and bound is exceeded with the probability boundTail.
type line struct {
	offset, low, high, bound float64
	skew, skewLow, skewHigh  float64
	scale                    float64 // mean distance of a bucket's best lead from the clock, s
	span                     float64 // length of the window, s
}

// agrees reports whether two lines can be of one skew, give or take slack.
func (l *line) agrees(o *line, slack float64) bool {
	return l.skewLow-slack <= o.skewHigh && o.skewLow-slack <= l.skewHigh
}

// A fit estimates offset and skew from the best leads of buckets, each of which lies
// below the clock by an exponentially distributed residual:
//
//	max_i = c + g (t_i - mid) - e_i,    e_i ~ Exp(scale),    e_i >= 0
//
// For a given skew g, all lines above every point are possible, and their likelihood
// falls off exponentially from the lowest, c = support(g), which touches the upper
// convex hull of the points. With a normal prior on g the posterior is
//
//	p(g) ~ exp(-rate * support(g) - g^2 / (2 prior^2)),    c - support(g) ~ Exp(rate)
//
// where rate = points / scale. The first factor is log-convex in g, so the posterior
// has one peak; it is integrated over a grid of skews in closed form for c.
type fit struct {
	p        *Params
	n        int                // points
	x, y     [maxPoints]float64 // s from mid, s from origin
	expected [maxPoints]float64 // mean residual if all but truncation is usual, s
	weight   float64            // sum of the inverses of those, 1/s
	corners  int                // of the hull
	hullX    [maxPoints]float64
	hullY    [maxPoints]float64
	rate     float64
	prior    float64 // 1 / (2 prior^2)
}

// boundTail is the probability with which an offset may exceed the upper bound that is
// reported.
const boundTail = 0.0002

// gridSize is the number of skews over which the posterior is integrated.
const gridSize = 33

// fitLine fits points, oldest first, and answers as of now. It needs three.
func fitLine(pts []point, now, origin, resolution int64, p *Params) line {
	f := fit{p: p}
	return f.line(pts, now, origin, resolution)
}

// line fits points.
func (f *fit) line(pts []point, now, origin, resolution int64) line {
	first, last := pts[0].at, pts[len(pts)-1].at
	mid := first + (last-first)/2
	f.load(pts, mid, origin, resolution)
	best := f.peak()
	l := f.posterior(best, seconds(now-mid))
	l.span = seconds(now - first)
	return l
}

// load takes in the points.
func (f *fit) load(pts []point, mid, origin, resolution int64) {
	f.n = len(pts)
	f.prior = 1 / (2 * f.p.PriorSkew * f.p.PriorSkew)
	for i, b := range pts {
		f.x[i], f.y[i] = seconds(b.at-mid), seconds(b.max-origin)
		// The best of k truncated stamps lies resolution/(k+1) below the clock, and
		// delivery adds some 0.2 ms.
		f.expected[i] = seconds(resolution)/float64(1+max(1, b.distinct)) + 0.2e-3
		f.weight += 1 / f.expected[i]
	}
	f.hull()
}

// hull finds the upper convex hull of the points (Andrew's monotone chain).
func (f *fit) hull() {
	k := 0
	for i := range f.n {
		for k >= 2 {
			turn := (f.hullX[k-1]-f.hullX[k-2])*(f.y[i]-f.hullY[k-2]) - (f.hullY[k-1]-f.hullY[k-2])*(f.x[i]-f.hullX[k-2])
			if turn < 0 {
				break
			}
			k--
		}
		f.hullX[k], f.hullY[k] = f.x[i], f.y[i]
		k++
	}
	f.corners = k
}

// support returns the level at mid of the lowest line of skew g above all points.
func (f *fit) support(g float64) float64 {
	best := math.Inf(-1)
	for i, x := range f.hullX[:f.corners] {
		best = max(best, f.hullY[i]-g*x)
	}
	return best
}

// cost is the negative log posterior of a skew, up to a constant.
func (f *fit) cost(g float64) float64 { return f.rate*f.support(g) + g*g*f.prior }

// peak returns the most probable skew. The scale of the residuals and the skew
// depend on each other, so it goes round twice.
func (f *fit) peak() (g float64) {
	f.rate = f.weight
	for range 2 {
		g = f.cheapest()
		f.rate = f.weight / f.scaleAt(g)
	}
	return g
}

// cheapest minimises the cost, which is convex and quadratic along each vertex of
// the hull: one candidate a vertex, clipped to the skews for which it supports.
func (f *fit) cheapest() float64 {
	limit := f.p.MaxFitSkew
	best, cost := 0.0, math.Inf(1)
	last := f.corners - 1
	for i, x := range f.hullX[:f.corners] {
		low, high := -limit, limit
		if i > 0 {
			high = min(high, f.slope(i-1))
		}
		if i < last {
			low = max(low, f.slope(i))
		}
		g := min(max(f.rate*x/(2*f.prior), low), high)
		g = min(max(g, -limit), limit)
		if c := f.cost(g); c < cost {
			best, cost = g, c
		}
	}
	return best
}

// slope returns that of the hull's edge from vertex i to the next.
func (f *fit) slope(i int) float64 {
	return (f.hullY[i+1] - f.hullY[i]) / (f.hullX[i+1] - f.hullX[i])
}

// scaleAt estimates the mean residual, as a multiple of what is expected, from the median
// one, which late points don't disturb. Two residuals are zero by construction and are
// passed over; three pseudo-observations steady it when points are few.
func (f *fit) scaleAt(g float64) float64 {
	n := f.n
	level := f.support(g)
	var room [maxPoints]float64
	residuals := room[:n]
	for i := range residuals {
		residuals[i] = (level + g*f.x[i] - f.y[i]) / f.expected[i]
	}
	mean := smallest(residuals, min(n-1, 2+(n-2)/2)) / math.Ln2
	mean = (float64(n-2)*mean + 3) / float64(n+1)
	return max(mean, 0.1)
}

// deviation returns by how much half of the points, by their weight, lie below the lowest
// line of skew g at least, s. A clock that runs evenly stays near its line; one that was
// moved and set right again leaves the line hanging between its peaks.
func (f *fit) deviation(g float64) float64 {
	type residual struct{ below, weight float64 }
	var room [maxPoints]residual
	all := room[:f.n]
	level := f.support(g)
	for i := range all {
		all[i] = residual{level + g*f.x[i] - f.y[i], 1 / f.expected[i]}
	}
	slices.SortFunc(all, func(a, b residual) int { return cmp.Compare(a.below, b.below) })
	sum := 0.0
	for _, r := range all {
		if sum += r.weight; sum >= f.weight/2 {
			return r.below
		}
	}
	return 0
}

// skewRange returns the skews beyond which the posterior is negligible (e^-10 of
// the peak).
func (f *fit) skewRange(peak float64) (low, high float64) {
	base := f.cost(peak)
	reach := func(direction float64) float64 {
		step := 1e-9
		for step < 2e-3 && f.cost(peak+direction*step)-base < 10 {
			step *= 1.7
		}
		return step
	}
	limit := f.p.MaxFitSkew
	low, high = max(peak-reach(-1), -limit), min(peak+reach(1), limit)
	if high <= low {
		return peak - 1e-9, peak + 1e-9
	}
	return low, high
}

// A gridPoint is one skew of the posterior's grid: its weight and the lowest level
// at the time asked for.
type gridPoint struct{ skew, level, weight float64 }

// posterior integrates over the skews and answers for ahead seconds after mid.
func (f *fit) posterior(peak, ahead float64) line {
	grid := f.grid(peak, ahead)
	l := line{scale: float64(f.n) / f.rate, skewLow: grid[0].skew, skewHigh: grid[gridSize-1].skew}
	const tail = 0.005
	below := 0.0
	for i, g := range grid {
		l.offset += g.weight * g.level
		l.skew += g.weight * g.skew
		if below < tail && below+g.weight >= tail {
			l.skewLow = grid[max(0, i-1)].skew
		}
		if below < 1-tail && below+g.weight >= 1-tail {
			l.skewHigh = grid[min(gridSize-1, i+1)].skew
		}
		below += g.weight
	}
	l.offset += 1 / f.rate
	slices.SortFunc(grid[:], func(a, b gridPoint) int {
		if a.level < b.level {
			return -1
		}
		return 1
	})
	var decay [gridSize]float64
	for j := 1; j < gridSize; j++ {
		decay[j] = math.Exp(-f.rate * (grid[j].level - grid[j-1].level))
	}
	l.low, l.high = f.quantile(&grid, &decay, 1-tail), f.quantile(&grid, &decay, tail)
	l.bound = f.quantile(&grid, &decay, boundTail)
	return l
}

func (f *fit) grid(peak, ahead float64) (grid [gridSize]gridPoint) {
	low, high := f.skewRange(peak)
	least, sum := math.Inf(1), 0.0
	for i := range grid {
		g := low + (high-low)*float64(i)/(gridSize-1)
		grid[i] = gridPoint{g, f.support(g) + g*ahead, f.cost(g)}
		least = min(least, grid[i].weight)
	}
	for i := range grid {
		grid[i].weight = math.Exp(least - grid[i].weight)
		sum += grid[i].weight
	}
	for i := range grid {
		grid[i].weight /= sum
	}
	return grid
}

// quantile returns the offset that is exceeded with the probability given. With the
// grid sorted by level, for an offset x between level j and the next,
//
//	P(offset > x) = sum_{i>j} w_i + sum_{i<=j} w_i exp(-rate (x - level_i))
//
// which is inverted for x in closed form. Decay holds the exponential for the step to each
// level from the one before.
func (f *fit) quantile(grid *[gridSize]gridPoint, decay *[gridSize]float64, exceeded float64) float64 {
	decayed, above := 0.0, 1.0
	for j, g := range grid {
		decayed = decayed*decay[j] + g.weight
		above -= g.weight
		last := j == len(grid)-1
		if last || above+decayed*decay[j+1] < exceeded {
			if v := exceeded - above; v > 1e-12 {
				return g.level + max(0, math.Log(decayed/v)/f.rate)
			}
		}
	}
	return grid[len(grid)-1].level
}

// median returns that of values, which it puts into another order.
func median(v []float64) float64 { return smallest(v, len(v)/2) }

// smallest returns the k-th smallest of values, from 0, which it puts into another order
// (Hoare's selection).
func smallest(v []float64, k int) float64 {
	for low, high := 0, len(v)-1; low < high; {
		pivot, i, j := v[k], low, high
		for i <= j {
			for v[i] < pivot {
				i++
			}
			for pivot < v[j] {
				j--
			}
			if i <= j {
				v[i], v[j] = v[j], v[i]
				i++
				j--
			}
		}
		if j < k {
			low = i
		}
		if k < i {
			high = j
		}
	}
	return v[k]
}
