package plot

import (
	"html"
	"strconv"
	"strings"
	"time"
)

// mostValues is how many points say their values: where they lie closer, some stand for
// those beside them.
const mostValues = 360

// raw draws single measurements as one path of dots.
func (p *pen) raw(dots []Dot) {
	var d strings.Builder
	for _, dot := range dots {
		if dot.Offset < p.low || dot.Offset > p.high || dot.At.Before(p.from) || dot.At.After(p.from.Add(p.span)) {
			continue
		}
		d.WriteString("M" + short(p.x(dot.At)) + " " + short(p.y(dot.Offset)) + "h0")
	}
	if d.Len() > 0 {
		p.printf(`<path class="raw" fill="none" stroke="currentColor" stroke-opacity="0.35" stroke-width="2" stroke-linecap="round" d="%s"/>`+"\n", d.String())
	}
}

// spans draws what lasted: a light area between two thin lines, with its name.
func (p *pen) spans(spans []Span) {
	for _, s := range spans {
		from, to := p.x(s.From), p.x(s.To)
		p.printf(`<rect x="%.1f" y="%d" width="%.1f" height="%d" fill="currentColor" fill-opacity="0.08" stroke="currentColor" stroke-opacity="0.5" stroke-width="0.5" stroke-dasharray="3 2"><title>%s</title></rect>`+"\n",
			from, top, max(to-from, 1), innerHeight, html.EscapeString(s.Label))
	}
}

// values lays over each point, from half-way to the one before to half-way to the next, what
// says its values when somebody points there.
func (p *pen) values(points []Point) {
	step := 1 + len(points)/mostValues
	for i := 0; i < len(points); i += step {
		from, to := float64(p.left), float64(width-right)
		if i > 0 {
			from = (p.x(points[max(0, i-step)].At) + p.x(points[i].At)) / 2
		}
		if i+step < len(points) {
			to = (p.x(points[i].At) + p.x(points[i+step].At)) / 2
		}
		from, to = max(from, p.x(points[i].At)-10), min(to, p.x(points[i].At)+10)
		p.printf(`<rect x="%.1f" y="%d" width="%.1f" height="%d" fill-opacity="0"><title>%s</title></rect>`+"\n", from, top, max(to-from, 0.5), innerHeight, points[i].words())
	}
}

// words says when a point was, and its values: "2026-03-01 12:05 UTC: +3.1 ms, between +1.8 ms and +3.3 ms".
func (p Point) words() string {
	return p.At.UTC().Format("2006-01-02 15:04 UTC") + ": " + Offset(p.Offset) + ", between " + Offset(p.Low) + " and " + Offset(p.High)
}

// Offset writes an offset in seconds with its sign, in the unit that fits and to four
// figures or so: "+3.142 ms", "−59.1 s", "+1:00:00.02", "−2 d 03:00:00".
func Offset(seconds float64) string {
	sign := "+"
	if seconds < 0 {
		sign, seconds = "−", -seconds
	}
	switch {
	case seconds < 0.5e-9:
		return "0 s"
	case seconds < 59.995:
		u := unitFor(seconds, seconds)
		return sign + figures(seconds/u.seconds) + " " + u.name
	case seconds >= 1e6*86400:
		return sign + figures(seconds/86400/365.25) + " years"
	}
	return sign + clockwise(seconds)
}

// figures writes a positive number with four figures, and no zeros at its end.
func figures(v float64) string {
	decimals := 3
	switch {
	case v >= 1000:
		decimals = 0
	case v >= 100:
		decimals = 1
	case v >= 10:
		decimals = 2
	}
	text := strconv.FormatFloat(v, 'f', decimals, 64)
	if strings.Contains(text, ".") {
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	return text
}

// clockwise writes seconds, at least 60, as a clock shows them.
func clockwise(seconds float64) string {
	d := time.Duration(seconds * float64(time.Second)).Round(10 * time.Millisecond)
	var b strings.Builder
	if days := int(d / day); days > 0 {
		b.WriteString(strconv.Itoa(days) + " d ")
	}
	rest := d % day
	b.WriteString(time.Time{}.Add(rest).Format("15:04:05"))
	if hundredths := rest % time.Second / (10 * time.Millisecond); hundredths > 0 && d < day {
		b.WriteString("." + strconv.Itoa(int(hundredths/10)) + strings.TrimSuffix(strconv.Itoa(int(hundredths%10)), "0"))
	}
	return b.String()
}
