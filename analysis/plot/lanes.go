package plot

import (
	"fmt"
	"html"
	"io"
	"strings"
	"time"
)

// Lanes are events of several hosts over one time, a lane a host.
type Lanes struct {
	Title    string // read out to who can't see it
	From, To time.Time
	Lanes    []Lane
}

// A Lane is one host's events.
type Lane struct {
	Name   string
	Events []Event
}

// An Event happened at a moment, or as far as is known between two: the zero Low is open.
type Event struct {
	At, Low, High time.Time
	Label         string
	Grave         bool
}

// Sizes in pixels of SVG's own.
const (
	laneHeight   = 18
	laneLeft     = 130
	laneName     = 19  // characters
	leastVisible = 0.8 // of a bound
)

// WriteSVG writes the lanes as an element that can stand in a page.
func (l *Lanes) WriteSVG(w io.Writer) error {
	p := &pen{from: l.From, span: max(l.To.Sub(l.From), leastSpan), left: laneLeft}
	tall := top + len(l.Lanes)*laneHeight + bottom
	title := html.EscapeString(l.Title)
	p.printf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" role="img" aria-label="%s" class="plot lanes">`+"\n<title>%s</title>\n", width, tall, title, title)
	p.times(tall)
	for i := range l.Lanes {
		p.lane(&l.Lanes[i], top+i*laneHeight)
	}
	p.b.WriteString("</svg>\n")
	_, err := io.WriteString(w, p.b.String())
	return err
}

// times draws the axis of time.
func (p *pen) times(tall int) {
	for _, t := range timeTicks(p.from, p.span, wantedTime) {
		x := p.x(t.at)
		p.printf(`<line x1="%.1f" x2="%.1f" y1="%d" y2="%d" stroke="currentColor" stroke-width="0.3" stroke-dasharray="2 3"/>`, x, x, top, tall-bottom)
		p.timeLabel(x, tall-bottom+17, t.label)
	}
}

// lane draws one host's events: a dot at each moment, and a bar over what it may have been.
func (p *pen) lane(l *Lane, y int) {
	middle := y + laneHeight/2
	p.printf(`<line x1="%d" x2="%d" y1="%d" y2="%d" stroke="currentColor" stroke-width="0.3"/>`, laneLeft, width-right, middle, middle)
	p.printf(`<text x="%d" y="%d" font-size="11" text-anchor="end" fill="currentColor"><title>%s</title>%s</text>`+"\n", laneLeft-8, middle+4, html.EscapeString(l.Name), html.EscapeString(clipped(l.Name)))
	var bars strings.Builder
	for _, e := range l.Events {
		low := e.Low
		if low.IsZero() {
			low = p.from
		}
		if from, to := p.x(low), p.x(e.High); to-from > leastVisible {
			fmt.Fprintf(&bars, "M%.1f %dH%.1f", from, middle, to)
		}
	}
	if bars.Len() > 0 {
		p.printf(`<path fill="none" stroke="currentColor" stroke-opacity="0.25" stroke-width="5" d="%s"/>`+"\n", bars.String())
	}
	for _, e := range l.Events {
		class := ""
		if e.Grave {
			class = ` class="grave"`
		}
		p.printf(`<circle%s cx="%.1f" cy="%d" r="2.6" fill="currentColor"><title>%s</title></circle>`+"\n", class, p.x(e.At), middle, html.EscapeString(e.Label))
	}
}

// clipped shortens a host's name to what there is room for.
func clipped(name string) string {
	runes := []rune(name)
	if len(runes) <= laneName {
		return name
	}
	return string(runes[:laneName-1]) + "…"
}
