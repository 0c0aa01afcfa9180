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

// quantile returns the nearest-rank quantile of what a function makes of the offsets.
func (o *offsets) quantile(p float64, of func(float64) float64) float64 {
	type weighted struct {
		value  float64
		weight int
	}
	sorted := make([]weighted, len(o.seconds))
	total := 0
	for i, s := range o.seconds {
		sorted[i] = weighted{of(s), int(o.weights[i])}
		total += sorted[i].weight
	}
	slices.SortFunc(sorted, func(x, y weighted) int { return cmp.Compare(x.value, y.value) })
	rank := int(math.Ceil(p * float64(total)))
	for _, w := range sorted {
		if rank -= w.weight; rank <= 0 {
			return w.value
		}
	}
	return sorted[len(sorted)-1].value
}
