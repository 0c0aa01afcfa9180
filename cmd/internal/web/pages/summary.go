package pages

import (
	"fmt"
	"strings"

	"github.com/skewatch/skewatch/analysis/plot"
	"github.com/skewatch/skewatch/cmd/internal/api"
)

// A summary says in one sentence and one drawing how the fleet is.
type summary struct {
	Class  string
	Text   string
	Counts []count
	Strips []strip
}

// A count is how many hosts have a verdict.
type count struct {
	Verdict string
	Class   string
	N       int
}

// A strip is the offsets of all hosts of one class on the common axis, as a path of dots.
type strip struct{ Class, Path string }

// summarise looks at hosts that stand worst first.
func summarise(c *api.Clocks, hosts []*entry) summary {
	s := summary{Class: classFine}
	classes := map[string]int{}
	at := map[string]int{}
	dots := map[string]*strings.Builder{}
	for i, e := range hosts {
		r := &e.row
		classes[r.Class]++
		if _, known := at[r.Verdict]; !known {
			at[r.Verdict] = len(s.Counts)
			s.Counts = append(s.Counts, count{Verdict: r.Verdict, Class: r.Class})
		}
		s.Counts[at[r.Verdict]].N++
		if r.Dot == "" {
			continue
		}
		if dots[r.Class] == nil {
			dots[r.Class] = new(strings.Builder)
		}
		fmt.Fprintf(dots[r.Class], "M%s %dh0", r.Dot, lane(i))
	}
	for _, class := range []string{classFine, classUnknown, classWarn, classCrit} { // the worst on top
		if dots[class] != nil {
			s.Strips = append(s.Strips, strip{class, dots[class].String()})
		}
	}
	if c.Omitted > 0 {
		for i := range s.Counts {
			s.Counts[i].N = c.Verdicts[s.Counts[i].Verdict]
		}
	}
	s.Class, s.Text = sentenceOf(classes, len(hosts)+c.Omitted, c.Reference.OffsetSeconds != nil)
	return s
}

// lane spreads dots over the height of the strip, so that many at one offset show as many.
func lane(i int) int { return i*7%19 - 9 }

// sentenceOf says in a sentence how many clocks are wrong.
func sentenceOf(classes map[string]int, all int, judged bool) (class, text string) {
	wrong := classes[classCrit] + classes[classWarn]
	switch {
	case all == 0:
		return classUnknown, "No host has sent anything yet."
	case !judged:
		class, text = classUnknown, fmt.Sprintf("%s, and none is judged at present.", many(all, "clock"))
	case wrong == 0 && classes[classFine] == 0:
		class, text = classUnknown, fmt.Sprintf("Too little is known yet of %s.", many(all, "clock"))
	case wrong == 0 && classes[classUnknown] == 0:
		class, text = classFine, fmt.Sprintf("All %s are in order.", many(all, "clock"))
		if all == 1 {
			text = "The one clock is in order."
		}
	case wrong == 0:
		class, text = classFine, fmt.Sprintf("No clock is known to be wrong: %d of %d are in order.", classes[classFine], all)
	case wrong == 1:
		class, text = classWarn, fmt.Sprintf("1 of %s is wrong.", many(all, "clock"))
	default:
		class, text = classWarn, fmt.Sprintf("%d of %s are wrong.", wrong, many(all, "clock"))
	}
	if classes[classCrit] > 0 {
		class = classCrit
	}
	return class, text
}

// AxisTicks returns the labels of the common axis.
func (summary) AxisTicks() []plot.Tick { return plot.AxisTicks() }
