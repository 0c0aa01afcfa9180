package pages

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/skewatch/skewatch/analysis/plot"
)

// span writes a length of time without a sign: "3.1 ms", "12 s", "01:00:00".
func span(seconds float64) string {
	return strings.TrimLeft(plot.Offset(math.Abs(seconds)), "+")
}

// rounded leaves as many figures of a number as its half-width leaves any sense in: what
// only trembles looks the same from second to second.
func rounded(v, bound float64) float64 {
	if step := grain(bound); step > 0 {
		return math.Round(v/step) * step
	}
	return v
}

// widened rounds a half-width up to two figures or so.
func widened(bound float64) float64 {
	if step := grain(bound); step > 0 {
		return math.Ceil(bound/step) * step
	}
	return bound
}

// grain is a twentieth of the power of ten below a positive number, 0 of another one.
func grain(bound float64) float64 {
	if !(bound > 0) {
		return 0
	}
	return math.Pow(10, math.Floor(math.Log10(bound))) / 20
}

// ago says how long before now something was, coarsely.
func ago(at *time.Time, now time.Time) string {
	if at == nil {
		return "never"
	}
	switch d := now.Sub(*at); {
	case d < 20*time.Second:
		return "now"
	case d < time.Minute:
		return "< 1 min"
	case d < 2*time.Hour:
		return strconv.Itoa(int(d.Minutes())) + " min"
	case d < 48*time.Hour:
		return strconv.Itoa(int(d.Hours())) + " h"
	default:
		return strconv.Itoa(int(d.Hours()/24)) + " d"
	}
}

// moment writes a time in UTC.
func moment(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05") }

// ppm writes a skew, with a sign.
func ppm(v float64) string {
	text := strconv.FormatFloat(math.Round(v*10)/10, 'f', -1, 64)
	switch {
	case text == "0" || text == "-0":
		return "0"
	case v > 0:
		return "+" + text
	}
	return "−" + strings.TrimPrefix(text, "-")
}

// sentence makes one of a text that begins small and has no end.
func sentence(text string) string {
	r, n := utf8.DecodeRuneInString(text)
	text = string(unicode.ToUpper(r)) + text[n:]
	if !strings.HasSuffix(text, ".") {
		text += "."
	}
	return text
}

// many writes a number of things: "1 clock", "3 clocks".
func many(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
