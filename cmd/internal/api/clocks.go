package api

import (
	"net/url"
	"strconv"
	"time"

	"github.com/skewatch/skewatch/analysis"
	"github.com/skewatch/skewatch/ntpcheck"
)

// PathClocks is where Clocks is asked for.
const PathClocks = "/api/v1/clocks"

// TrendPoints is how many points a trend has: those of two hours.
const TrendPoints = 24

// A ClocksQuery selects clocks. The zero value selects all, without their trends.
type ClocksQuery struct {
	Host  string // a glob over host names in lower case; "" for all
	Most  int    // no more hosts than these: those first that are warned of, then those that are off the most; 0 for all
	Trend bool   // with how each offset ran lately
}

// Clocks is what is said of the fleet's clocks now.
type Clocks struct {
	At        time.Time                `json:"at"`
	Reference ntpcheck.ReferenceStatus `json:"reference"`
	Verdicts  map[string]int           `json:"verdicts"` // hosts, by what is said of their clocks
	Hosts     []HostClock              `json:"hosts"`
	Omitted   int                      `json:"omitted_hosts"`       // that the query matches and Hosts lacks
	Simulated bool                     `json:"simulated,omitempty"` // the hosts are made up

	// TrendFrom is when the trends begin, and TrendSeconds how far their points lie
	// apart; null and 0 without trends.
	TrendFrom    *time.Time `json:"trend_from"`
	TrendSeconds float64    `json:"trend_seconds"`
}

// A HostClock is what is said of one host's clock now. What is not known is null.
type HostClock struct {
	ID          string     `json:"id"` // stays the same as long as the host is known by its name and source
	Host        string     `json:"host"`
	Source      string     `json:"source"`
	Via         string     `json:"via"`
	Trust       string     `json:"trust"`
	Verdict     string     `json:"verdict"`
	Severity    string     `json:"severity"` // of the warning that stands; "" without one
	Explanation string     `json:"explanation"`
	Offset      *float64   `json:"offset_seconds"`
	OffsetLow   *float64   `json:"offset_low_seconds"`
	OffsetHigh  *float64   `json:"offset_high_seconds"`
	Skew        *float64   `json:"skew_ppm"`
	SkewBound   *float64   `json:"skew_bound_ppm"`
	Tolerance   float64    `json:"tolerance_seconds"` // that it is judged by
	Last        *time.Time `json:"last"`
	StampFormat string     `json:"stamp_format"`
	Zone        string     `json:"zone"`
	Trend       []*float64 `json:"trend,omitempty"` // offsets in seconds, null where none was known
}

// HostClockOf returns what stands of a host in the form that is shown.
func HostClockOf(s *analysis.Standing) HostClock {
	c := HostClock{
		ID: id(s.Key), Host: s.Host, Source: s.Source, Via: s.Via, Trust: s.Trust.String(), Verdict: s.Verdict.String(),
		Severity: s.Warned.String(), Explanation: s.Explanation, Tolerance: s.Tolerance.Warn.Seconds(),
		StampFormat: s.StampFormat.String(), Zone: s.Zone,
	}
	if !s.Last.IsZero() {
		last := s.Last
		c.Last = &last
	}
	if s.Known {
		c.Offset, c.OffsetLow, c.OffsetHigh = inSeconds(s.Interval.Offset), inSeconds(s.Interval.Low), inSeconds(s.Interval.High)
		if s.SkewBound > 0 {
			c.Skew, c.SkewBound = &s.Skew, &s.SkewBound
		}
	}
	return c
}

// Values writes a query as URL parameters; ParseClocksQuery reads them.
func (q ClocksQuery) Values() url.Values {
	v := url.Values{}
	if q.Host != "" {
		v.Set("host", q.Host)
	}
	if q.Most > 0 {
		v.Set("most", strconv.Itoa(q.Most))
	}
	if q.Trend {
		v.Set("trend", "true")
	}
	return v
}

// ParseClocksQuery reads a query from URL parameters, as strictly as ParseQuery.
func ParseClocksQuery(v url.Values) (ClocksQuery, error) {
	p := parameters{values: v}
	q := ClocksQuery{Host: p.glob("host"), Most: int(min(p.number("most"), 1<<30)), Trend: p.bool("trend")}
	return q, p.end()
}
