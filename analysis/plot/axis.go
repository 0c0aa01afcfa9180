package plot

import (
	"math"
	"strconv"
	"time"
)

// The fleet's common axis shows offsets from a fraction of a millisecond to a day on one
// line: near zero it is linear, and further out logarithmic, on both sides.
const (
	axisLinear = 1e-3  // seconds: about here it passes from one to the other
	axisReach  = 86400 // seconds: what lies beyond is drawn at the end
	axisHalf   = 100   // from zero to the end, in SVG's own pixels
	halfHeight = 6
)

// axisX returns where an offset in seconds lies on the common axis, from -100 to 100.
func axisX(offset float64) float64 {
	scaled := math.Log1p(min(math.Abs(offset), axisReach)/axisLinear) / math.Log1p(axisReach/axisLinear)
	return math.Copysign(scaled*axisHalf, offset)
}

// short writes a coordinate with one decimal at most.
func short(v float64) string {
	return strconv.FormatFloat(math.Round(v*10)/10+0, 'f', -1, 64) // + 0: no "-0"
}

// axisLabels are the offsets that the common axis is labelled with.
var axisLabels = [...]struct {
	seconds float64
	name    string
}{{0, "0"}, {10e-3, "10 ms"}, {1, "1 s"}, {60, "1 min"}, {3600, "1 h"}, {86400, "1 d"}}

// A Tick is a label of the common axis, at X from -100 to 100. Where there is little room
// only the Major ones are shown.
type Tick struct {
	X     float64
	Label string
	Major bool
}

// AxisTicks returns the labels of the common axis, from the far behind to the far ahead.
func AxisTicks() (ticks []Tick) {
	for i := len(axisLabels) - 1; i > 0; i-- {
		ticks = append(ticks, Tick{-axisX(axisLabels[i].seconds), "−" + axisLabels[i].name, i%2 == 0})
	}
	ticks = append(ticks, Tick{0, "0", true})
	for i, l := range axisLabels[1:] {
		ticks = append(ticks, Tick{axisX(l.seconds), "+" + l.name, i%2 == 1})
	}
	return ticks
}

// ToleranceMarks returns a path over one row of the common axis, two lines at a tolerance in
// seconds and a line at zero.
func ToleranceMarks(tolerance float64) string {
	x := short(axisX(tolerance))
	return "M0-6v12M-" + x + "-6v12M" + x + "-6v12"
}

// AxisBar returns an offset on the common axis: the path of the interval that the truth lies
// in, and where the offset's dot goes.
func AxisBar(low, offset, high float64) (path, x string) {
	from, to := short(axisX(low)), short(axisX(high))
	return "M" + from + " 0H" + to, short(axisX(offset))
}

// The size of a sparkline.
const (
	sparkStep   = 4 // between two points
	sparkHeight = 20
)

// SparkWidth returns how wide a sparkline of so many points is; it is 20 high.
func SparkWidth(points int) int { return max(1, points-1) * sparkStep }

// Sparkline returns the path of offsets in seconds at even distances, nil where none is
// known. It fills the height, but noise far within the tolerance looks like what it is: the
// height is a fifth of the tolerance at least.
func Sparkline(offsets []*float64, tolerance float64) string {
	low, high := math.Inf(1), math.Inf(-1)
	for _, v := range offsets {
		if v != nil {
			low, high = min(low, *v), max(high, *v)
		}
	}
	if low > high {
		return ""
	}
	middle, half := (low+high)/2, max((high-low)/2, tolerance/10)
	b := make([]byte, 0, 8*len(offsets))
	drawn, last := -1, 0 // how many points the line has behind its first, and its height
	for i, v := range offsets {
		if v == nil {
			drawn = -1
			continue
		}
		y := int(math.Round(sparkHeight/2 - (*v-middle)/half*(sparkHeight/2-1)))
		switch {
		case drawn < 0: // one point alone is a dot
			b = append(strconv.AppendInt(append(b, 'M'), int64(i*sparkStep), 10), ' ')
			b = append(strconv.AppendInt(b, int64(y), 10), "h0"...)
		default: // a line goes on without saying so again
			step := byte(' ')
			if drawn == 0 {
				step = 'l'
			}
			b = strconv.AppendInt(append(b, step), sparkStep, 10)
			if y >= last { // a minus parts numbers too
				b = append(b, ' ')
			}
			b = strconv.AppendInt(b, int64(y-last), 10)
		}
		drawn, last = drawn+1, y
	}
	return string(b)
}

// A Dot is a single measurement, in seconds.
type Dot struct {
	At     time.Time
	Offset float64
}
