// Package plot draws how a clock's offset ran over time, with the uncertainty of it, as
// SVG that needs nothing else: no script, no font, no colour to be understood.
package plot

import (
	"cmp"
	"fmt"
	"html"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A Point is an offset at a moment, in seconds, and the interval that the truth lies in.
type Point struct {
	At                time.Time
	Low, Offset, High float64
}

// A Mark is a moment that something happened at.
type Mark struct {
	At    time.Time
	Label string
	Kind  MarkKind
}

// MarkKind says what a mark is of.
type MarkKind uint8

// The kinds of marks.
const (
	ClockSet MarkKind = iota // a triangle below; the line is broken there
	Warning                  // a flag above
)

// A Span is a time during which something lasted.
type Span struct {
	From, To time.Time
	Label    string
}

// A Chart is an offset over time.
type Chart struct {
	Title     string // read out to who can't see it
	Sign      string // what is drawn, and what + means; "" for the offset of a host
	From, To  time.Time
	Points    []Point // in order of time
	Raw       []Dot   // single measurements, behind the points; what lies far from these isn't shown
	Marks     []Mark
	Spans     []Span  // drawn as hatched areas
	Tolerance float64 // seconds, drawn on both sides of 0; 0 for none
	Values    bool    // points say their values to who hovers over them
}

// Sizes in pixels of SVG's own.
const (
	width, height       = 720, 230
	leastLeft, right    = 60, 16
	top, bottom         = 22, 30
	innerHeight         = height - top - bottom
	perCharacter        = 6.6 // of a label's width
	leastSpan           = time.Second
	breakAfter          = 2 // usual distances of points without one, after which the line is broken
	margin              = 0.08
	wantedY, wantedTime = 5, 7 // lines
)

// WriteSVG writes the chart as an element that can stand in a page.
func (c *Chart) WriteSVG(w io.Writer) error {
	p := newPen(c)
	p.frame(c)
	p.spans(c.Spans)
	p.raw(c.Raw)
	runs := p.runs(c)
	p.band(runs)
	p.line(runs)
	p.marks(c.Marks)
	if c.Values {
		p.values(c.Points)
	}
	p.b.WriteString("</svg>\n")
	_, err := io.WriteString(w, p.b.String())
	return err
}

// A pen knows where a moment and an offset lie.
type pen struct {
	b         strings.Builder
	from      time.Time
	span      time.Duration
	low, high float64 // seconds
	gap       time.Duration
	unit      unit      // of the labels
	ticks     []float64 // that have labels, in the unit
	left      int       // where the drawing begins: labels stand before it
}

func newPen(c *Chart) *pen {
	p := &pen{from: c.From, span: max(c.To.Sub(c.From), leastSpan), gap: usualGap(c.Points)}
	p.low, p.high = math.Inf(1), math.Inf(-1)
	for _, point := range c.Points {
		p.low, p.high = min(p.low, point.Low), max(p.high, point.High)
	}
	if n := len(c.Raw); n > 0 {
		offsets := make([]float64, n)
		for i, d := range c.Raw {
			offsets[i] = d.Offset
		}
		slices.Sort(offsets)
		p.low, p.high = min(p.low, offsets[n/10]), max(p.high, offsets[n-1]) // the lowest were delayed
	}
	if c.Tolerance > 0 && p.near(c.Tolerance) {
		p.low, p.high = min(p.low, -c.Tolerance), max(p.high, c.Tolerance)
	}
	if len(c.Points) == 0 || p.low == p.high {
		p.low, p.high = min(p.low, 0)-1e-3, max(p.high, 0)+1e-3
	}
	if math.IsInf(p.low, 0) || math.IsInf(p.high, 0) {
		p.low, p.high = -1e-3, 1e-3
	}
	extra := (p.high - p.low) * margin
	p.low, p.high = p.low-extra, p.high+extra
	p.label()
	return p
}

// label settles which offsets have labels, and makes room for these.
func (p *pen) label() {
	p.unit = unitFor(max(math.Abs(p.low), math.Abs(p.high)), (p.high-p.low)/wantedY)
	p.ticks = ticks(p.low/p.unit.seconds, p.high/p.unit.seconds, wantedY)
	p.left = leastLeft
	for _, v := range p.ticks {
		p.left = max(p.left, int(perCharacter*float64(len(p.unit.label(v))))+10)
	}
}

// near reports whether a tolerance can be drawn without pressing the points flat.
func (p *pen) near(tolerance float64) bool {
	return p.low > p.high || p.high-p.low > tolerance/10 && p.low < 10*tolerance && p.high > -10*tolerance
}

// usualGap returns the distance of points after which the line is broken.
func usualGap(points []Point) time.Duration {
	usual := 5 * time.Minute
	if n := len(points); n > 1 {
		usual = max(usual, points[n-1].At.Sub(points[0].At)/time.Duration(n-1))
	}
	return breakAfter*usual + time.Minute
}

func (p *pen) x(at time.Time) float64 {
	return float64(p.left) + float64(p.width())*min(max(float64(at.Sub(p.from))/float64(p.span), 0), 1)
}

// width returns that of the drawing.
func (p *pen) width() int { return width - p.left - right }

func (p *pen) y(offset float64) float64 {
	return top + innerHeight*(p.high-offset)/(p.high-p.low)
}

func (p *pen) printf(format string, values ...any) { fmt.Fprintf(&p.b, format, values...) }

// frame draws what stands behind the points: axes, zero and the tolerance.
func (p *pen) frame(c *Chart) {
	title := html.EscapeString(c.Title)
	p.printf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" role="img" aria-label="%s" class="plot">`+"\n<title>%s</title>\n", width, height, title, title)
	p.printf(`<rect x="%d" y="%d" width="%d" height="%d" fill="none" stroke="currentColor" stroke-width="0.5"/>`+"\n", p.left, top, p.width(), innerHeight)
	p.printf(`<text x="%d" y="%d" font-size="11" fill="currentColor">%s. Time: UTC.</text>`+"\n", p.left, top-8, html.EscapeString(cmp.Or(c.Sign, "Offset: + is ahead")))
	for _, v := range p.ticks {
		y := p.y(v * p.unit.seconds)
		stroke := `stroke-width="0.3" stroke-dasharray="2 3"`
		if v == 0 {
			stroke = `stroke-width="0.8"`
		}
		p.printf(`<line x1="%d" x2="%d" y1="%.1f" y2="%.1f" stroke="currentColor" %s/>`, p.left, width-right, y, y, stroke)
		p.printf(`<text x="%d" y="%.1f" font-size="11" text-anchor="end" fill="currentColor">%s</text>`+"\n", p.left-6, y+4, p.unit.label(v))
	}
	for _, t := range timeTicks(p.from, p.span, wantedTime) {
		x := p.x(t.at)
		p.printf(`<line x1="%.1f" x2="%.1f" y1="%d" y2="%d" stroke="currentColor" stroke-width="0.5"/>`, x, x, height-bottom, height-bottom+4)
		p.timeLabel(x, height-bottom+17, t.label)
	}
	p.tolerance(c.Tolerance)
}

// timeLabel writes a label below the axis of time, so that nothing of it is cut off.
func (p *pen) timeLabel(x float64, y int, label string) {
	x = min(x, width-perCharacter*float64(len(label))/2)
	p.printf(`<text x="%.1f" y="%d" font-size="11" text-anchor="middle" fill="currentColor">%s</text>`+"\n", x, y, label)
}

// tolerance draws the bounds of what is in order, where they can be seen.
func (p *pen) tolerance(t float64) {
	for _, bound := range [...]float64{t, -t} {
		if t > 0 && p.low < bound && bound < p.high {
			p.printf(`<line x1="%d" x2="%d" y1="%.1f" y2="%.1f" stroke="currentColor" stroke-width="1" stroke-dasharray="8 4"><title>tolerance</title></line>`+"\n",
				p.left, width-right, p.y(bound), p.y(bound))
		}
	}
}

// runs returns the points without gaps and marks between them: a clock that was set has
// nothing between before and after.
func (p *pen) runs(c *Chart) (runs [][]Point) {
	points, from := c.Points, 0
	for i := range points {
		if i > 0 && (points[i].At.Sub(points[i-1].At) > p.gap || c.marked(points[i-1].At, points[i].At)) {
			runs = append(runs, points[from:i])
			from = i
		}
	}
	if from < len(points) {
		runs = append(runs, points[from:])
	}
	return runs
}

// marked reports whether a mark lies between two moments.
func (c *Chart) marked(from, to time.Time) bool {
	return slices.ContainsFunc(c.Marks, func(m Mark) bool { return m.Kind == ClockSet && m.At.After(from) && !m.At.After(to) })
}

// band draws what the truth lies in: a grey area with an edge, which is seen in black and
// white too.
func (p *pen) band(runs [][]Point) {
	for _, run := range runs {
		p.b.WriteString(`<path fill="currentColor" fill-opacity="0.18" stroke="currentColor" stroke-width="0.4" stroke-opacity="0.6" d="`)
		for i, point := range run {
			p.to(i == 0, point.At, point.High)
		}
		for _, point := range slices.Backward(run) {
			p.to(false, point.At, point.Low)
		}
		p.b.WriteString("Z\"/>\n")
	}
}

// line draws the offsets. One alone is a dot.
func (p *pen) line(runs [][]Point) {
	for _, run := range runs {
		if len(run) == 1 {
			p.printf(`<circle cx="%.1f" cy="%.1f" r="2" fill="currentColor"/>`+"\n", p.x(run[0].At), p.y(run[0].Offset))
			continue
		}
		p.b.WriteString(`<path fill="none" stroke="currentColor" stroke-width="1.4" d="`)
		for i, point := range run {
			p.to(i == 0, point.At, point.Offset)
		}
		p.b.WriteString("\"/>\n")
	}
}

func (p *pen) to(first bool, at time.Time, offset float64) {
	command := byte('L')
	if first {
		command = 'M'
	}
	p.b.WriteByte(command)
	p.number(p.x(at))
	p.b.WriteByte(' ')
	p.number(p.y(offset))
}

// number writes a coordinate as printf's %.1f does, and faster: there are thousands.
func (p *pen) number(v float64) {
	var room [24]byte
	p.b.Write(strconv.AppendFloat(room[:0], v, 'f', 1, 64))
}

func (p *pen) marks(marks []Mark) {
	for _, m := range marks {
		x := p.x(m.At)
		shape, stroke := fmt.Sprintf("M%.1f %dl-4 -7h8z", x, height-bottom), `stroke-dasharray="1 2"`
		if m.Kind == Warning {
			shape, stroke = fmt.Sprintf("M%.1f %dh9l-3 4l3 4h-9z", x, top), `stroke-dasharray="6 2"`
		}
		p.printf(`<path d="%s" fill="currentColor"><title>%s</title></path>`+"\n", shape, html.EscapeString(m.Label))
		p.printf(`<line x1="%.1f" x2="%.1f" y1="%d" y2="%d" stroke="currentColor" stroke-width="0.7" %s/>`+"\n", x, x, top, height-bottom, stroke)
	}
}
