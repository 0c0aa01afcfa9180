package api

import (
	"net/url"
	"time"

	"github.com/skewatch/skewatch/analysis/report"
)

// PathReference is where Reference is asked for.
const PathReference = "/api/v1/reference"

// A ReferenceHistory is how the collector's own clock ran in a period.
type ReferenceHistory struct {
	Points []ReferencePoint    `json:"points"` // in order of time; one a minute, and one for each change of state
	Events []report.ClockEvent `json:"events"` // what happened to the clock, or to its sources
}

// A ReferencePoint is what was known of the collector's own clock at one time. What was not
// known is null.
type ReferencePoint struct {
	At     time.Time `json:"at"`
	State  string    `json:"state"`
	Source string    `json:"source"`
	Offset *float64  `json:"offset_seconds"` // to be added to the collector's clock
	Bound  *float64  `json:"bound_seconds"`  // half-width of offset_seconds
}

// ParseReferenceQuery reads a query about the collector's own clock: only a period can be
// asked for.
func ParseReferenceQuery(v url.Values) (Query, error) {
	p := parameters{values: v}
	q := Query{Since: p.time("since"), Until: p.time("until")}
	return q, p.end()
}
