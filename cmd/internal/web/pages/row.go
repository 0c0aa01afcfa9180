package pages

import (
	"math"
	"net/url"
	"strconv"
	"time"

	"github.com/skewatch/skewatch/analysis/plot"
	"github.com/skewatch/skewatch/analysis/report"
	"github.com/skewatch/skewatch/cmd/internal/api"
)

// A row is one host of the fleet as it is shown. Rows that look the same are equal.
type row struct {
	ID      string
	Class   string
	Host    string
	Source  string // "" where the host is known by it
	Link    string
	Verdict string
	Why     string // "" for a clock that is in order
	Marks   string // the ID of what shows its tolerance on the common axis
	Bar     string // a path, "" if nothing is known
	Dot     string
	Offset  string
	Bound   string
	Skew    string
	Spark   string // a path, "" if nothing is known
	Seen    string

	weight float64 // how much it calls for attention
}

// rowOf returns how a host is shown at a time. Unique says that no other bears its name.
func rowOf(c *api.HostClock, unique bool, now time.Time) row {
	r := row{
		ID: c.ID, Class: classOf(c), Host: report.Printable(c.Host), Verdict: c.Verdict, Link: linkTo(c, unique),
		Marks: marksID(c.Tolerance), Spark: plot.Sparkline(c.Trend, c.Tolerance), Seen: ago(c.Last, now),
	}
	if c.Source != c.Host {
		r.Source = report.Printable(c.Source)
	}
	if r.Class != classFine {
		r.Why = report.Clip(c.Explanation, longestWhy)
	}
	if c.Offset != nil {
		low, at, high := *c.OffsetLow, *c.Offset, *c.OffsetHigh
		bound := max(at-low, high-at)
		r.Bar, r.Dot = plot.AxisBar(rounded(low, bound), rounded(at, bound), rounded(high, bound))
		r.Offset, r.Bound = plot.Offset(rounded(at, bound)), "± "+span(widened(bound))
		r.weight = math.Abs(at)
	}
	if c.Skew != nil {
		r.Skew = skewWords(*c.Skew, *c.SkewBound)
	}
	return r
}

// longestWhy is how many columns of an explanation a row shows.
const longestWhy = 140

// The classes of rows.
const (
	classCrit    = "crit"
	classWarn    = "warn"
	classFine    = "fine"
	classUnknown = "dim" // nothing can be said
)

// classOf returns how grave it is what is said of a clock.
func classOf(c *api.HostClock) string {
	switch {
	case c.Severity != "":
		return c.Severity
	case c.Verdict == "in-sync":
		return classFine
	case c.Verdict == "insufficient" || c.Verdict == "no-clock" || c.Verdict == "backlog":
		return classUnknown
	}
	return classWarn
}

// skewWords writes a skew, if there is more of it than doubt.
func skewWords(skew, bound float64) string {
	if math.Abs(skew) <= bound {
		return "0"
	}
	return ppm(rounded(skew, bound))
}

// linkTo returns the path of a host's page.
func linkTo(c *api.HostClock, unique bool) string {
	v := url.Values{"name": {c.Host}}
	if !unique && c.Source != "" {
		v.Set("source", c.Source)
	}
	return "host?" + v.Encode() // there are many of them: short, and all on the page at "/"
}

// marksID names the drawing of a tolerance on the common axis.
func marksID(tolerance float64) string {
	return "t" + strconv.FormatInt(int64(tolerance*1e9), 36)
}
