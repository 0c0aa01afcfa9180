package report

import (
	"cmp"
	"math"
	"slices"
)

// offsets are those of one originator's roll-ups: one each, which counts as often as
// five-minute roll-ups are in it. So an hour weighs the same before and after it was
// merged. They are kept in 9 bytes each, for there may be very many.
type offsets struct {
	seconds []float64
	weights []uint8 // at most 12 in an hour
}

func (o *offsets) add(seconds float64, weight uint64) {
	o.seconds = append(o.seconds, seconds)
	o.weights = append(o.weights, uint8(min(weight, math.MaxUint8)))
}

func (o *offsets) join(later *offsets) {
	if len(o.seconds) == 0 {
		*o = *later
		return
	}
	o.seconds = append(o.seconds, later.seconds...)
	o.weights = append(o.weights, later.weights...)
}

// sort puts the offsets in order.
func (o *offsets) sort() {
	if slices.Min(o.weights) == slices.Max(o.weights) {
		slices.Sort(o.seconds)
		return
	}
	type weighted struct {
		seconds float64
		weight  uint8
	}
	sorted := make([]weighted, len(o.seconds))
	for i, s := range o.seconds {
		sorted[i] = weighted{s, o.weights[i]}
	}
	slices.SortFunc(sorted, func(x, y weighted) int { return cmp.Compare(x.seconds, y.seconds) })
	for i, w := range sorted {
		o.seconds[i], o.weights[i] = w.seconds, w.weight
	}
}

// rank returns the nearest rank of a quantile, from 1, and how many offsets there are.
func (o *offsets) rank(p float64) (rank, total int) {
	for _, w := range o.weights {
		total += int(w)
	}
	return int(math.Ceil(p * float64(total))), total
}

// quantile returns the nearest-rank quantile of sorted offsets.
func (o *offsets) quantile(p float64) float64 {
	rank, _ := o.rank(p)
	i := 0
	for rank -= int(o.weights[i]); rank > 0; rank -= int(o.weights[i]) {
		i++
	}
	return o.seconds[i]
}

// farthest returns the sorted offset of the largest magnitude.
func (o *offsets) farthest() float64 {
	low, high := o.seconds[0], o.seconds[len(o.seconds)-1]
	if -low > high {
		return low
	}
	return high
}

// magnitude returns the nearest-rank quantile of the magnitudes of sorted offsets. The
// largest are at either end.
func (o *offsets) magnitude(p float64) float64 {
	rank, total := o.rank(p)
	low, high := 0, len(o.seconds)-1
	for above := total - rank; ; {
		i := high
		if -o.seconds[low] > o.seconds[high] {
			i = low
			low++
		} else {
			high--
		}
		if above -= int(o.weights[i]); above < 0 {
			return math.Abs(o.seconds[i])
		}
	}
}
