package analysis_test

import (
	"math"
	"slices"
	"time"
)

// rivals are what others estimate an offset and a skew with, all fed with the same
// messages. To be fair to them, they know that stamps are truncated: half a resolution
// is added, except to what takes the envelope.
type rivals struct {
	half   float64 // of a resolution, s
	origin int64   // receive time of the first message

	recent  window
	squares leastSquares
	hull    upperHull
}

func newRivals(resolution time.Duration) *rivals { return &rivals{half: resolution.Seconds() / 2} }

// add takes in a message.
func (v *rivals) add(sent, received int64) {
	if v.origin == 0 {
		v.origin = received
	}
	x, y := float64(received-v.origin)/1e9, float64(sent-received)/1e9
	v.recent.add(x, y)
	v.squares.add(x, y)
	v.hull.add(x, y)
}

// methods are the rivals by name, in the order of estimates.
var methods = []string{"last value", "mean, 10 min", "median, 10 min", "least squares", "linear programme"}

// estimates returns the offset by each of the methods, in seconds, as of a receive
// time.
func (v *rivals) estimates(now int64) []float64 {
	x := float64(now-v.origin) / 1e9
	mean, median := v.recent.middle(x)
	line, envelope := v.squares.line(), v.hull.line()
	return []float64{
		v.recent.last() + v.half, mean + v.half, median + v.half,
		line.at(x) + v.half, envelope.at(x),
	}
}

// window is the newest ten minutes of leads.
type window struct {
	x, y   []float64
	sorted []float64
}

const windowSpan = 600 // seconds

func (w *window) add(x, y float64) {
	if len(w.x) > 1024 && w.x[len(w.x)/2] < x-windowSpan {
		half := len(w.x) / 2
		w.x, w.y = append(w.x[:0], w.x[half:]...), append(w.y[:0], w.y[half:]...)
	}
	w.x, w.y = append(w.x, x), append(w.y, y)
}

func (w *window) last() float64 {
	if len(w.y) == 0 {
		return math.NaN()
	}
	return w.y[len(w.y)-1]
}

// middle returns the mean and the median as of a time.
func (w *window) middle(now float64) (mean, median float64) {
	from, _ := slices.BinarySearch(w.x, now-windowSpan)
	y := w.y[from:]
	if len(y) == 0 {
		return math.NaN(), math.NaN()
	}
	sum := 0.0
	for _, v := range y {
		sum += v
	}
	w.sorted = append(w.sorted[:0], y...)
	slices.Sort(w.sorted)
	return sum / float64(len(y)), w.sorted[len(y)/2]
}

// A straight is a straight line.
type straight struct{ offset, slope float64 }

func (l straight) at(x float64) float64 { return l.offset + l.slope*x }

// leastSquares is the regression over all messages.
type leastSquares struct{ n, x, y, xx, xy float64 }

func (s *leastSquares) add(x, y float64) {
	s.n++
	s.x += x
	s.y += y
	s.xx += x * x
	s.xy += x * y
}

func (s *leastSquares) line() straight {
	slope := (s.n*s.xy - s.x*s.y) / (s.n*s.xx - s.x*s.x)
	return straight{(s.y - slope*s.x) / s.n, slope}
}

// upperHull is the linear programme of Moon, Skelly and Towsley (Estimation and removal
// of clock skew from network delay measurements, INFOCOM 1999): of all lines above all
// points, that with the least sum of distances. It is the edge of the upper convex hull
// over the mean of the receive times.
type upperHull struct {
	x, y   []float64
	n, sum float64
}

func (h *upperHull) add(x, y float64) {
	h.n++
	h.sum += x
	if k := len(h.x); k > 0 && h.x[k-1] == x {
		y = max(y, h.y[k-1])
		h.x, h.y = h.x[:k-1], h.y[:k-1]
	}
	for k := len(h.x); k >= 2 && (h.x[k-1]-h.x[k-2])*(y-h.y[k-2]) >= (h.y[k-1]-h.y[k-2])*(x-h.x[k-2]); k = len(h.x) {
		h.x, h.y = h.x[:k-1], h.y[:k-1]
	}
	h.x, h.y = append(h.x, x), append(h.y, y)
}

func (h *upperHull) line() straight {
	for i := 1; i < len(h.x); i++ {
		if h.x[i] >= h.sum/h.n {
			slope := (h.y[i] - h.y[i-1]) / (h.x[i] - h.x[i-1])
			return straight{h.y[i] - slope*h.x[i], slope}
		}
	}
	return straight{math.NaN(), math.NaN()}
}
