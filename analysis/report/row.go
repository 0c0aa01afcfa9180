package report

import (
	"math"
	"time"

	"github.com/skewatch/skewatch/analysis"
)

// A Row is one originator over the period. What is not known is null.
type Row struct {
	Host           string     `json:"host"`
	Source         string     `json:"source"`
	Via            string     `json:"via"`
	Trust          string     `json:"trust"`
	Messages       uint64     `json:"messages"`
	First          *time.Time `json:"first"`
	Last           *time.Time `json:"last"`
	StampFormat    string     `json:"stamp_format"`
	Resolution     *float64   `json:"resolution_seconds"`
	Zone           string     `json:"zone"`
	Offset         *float64   `json:"offset_seconds"`
	OffsetLow      *float64   `json:"offset_low_seconds"`
	OffsetHigh     *float64   `json:"offset_high_seconds"`
	BoundKind      *string    `json:"bound_kind"`
	Skew           *float64   `json:"skew_ppm"`
	SkewBound      *float64   `json:"skew_bound_ppm"`
	OffsetP50      *float64   `json:"offset_p50_seconds"`
	OffsetP95      *float64   `json:"offset_p95_seconds"`
	OffsetMax      *float64   `json:"offset_max_seconds"`
	Verdict        string     `json:"verdict"`
	Explanation    string     `json:"explanation"`
	Steps          []Step     `json:"steps"`
	Backlogs       []Backlog  `json:"backlogs"`
	Claims         []string   `json:"claims"`
	OutOfTolerance float64    `json:"out_of_tolerance_seconds"`
	Compliance     string     `json:"compliance"`        // pass, fail or insufficient
	Check          string     `json:"check"`             // what to check on the host; empty where nothing is to be done
	Tolerance      float64    `json:"tolerance_seconds"` // that compliance and out_of_tolerance_seconds are reckoned by
}

// A Step is a time at which a clock was set, and by how much: positive forward.
type Step struct {
	At      time.Time `json:"at"`
	Seconds float64   `json:"seconds"`

	// Said is what the host itself says of it; "" where its messages weren't read.
	Said string `json:"said,omitempty"`
}

// A Backlog is a run of messages that were held back and then delivered.
type Backlog struct {
	From     time.Time `json:"from"`
	To       time.Time `json:"to"`
	Messages uint64    `json:"messages"`
	Oldest   float64   `json:"oldest_seconds"` // transit time of the most delayed one
}

// An account gathers what happened to one originator over the period, in order of
// time.
type account struct {
	place     int // in the builder's order
	identity  analysis.Identity
	judged    time.Duration // the tolerance that the verdicts were given by
	tolerance time.Duration // the one that compliance is reckoned by
	unsettled int64         // where those roll-ups start that aren't taken as stored
	steps     []Step
	backlogs  []Backlog
	gathered
}

// gathered is what an account's roll-ups add up to.
type gathered struct {
	rollUps  int
	last     analysis.RollUp // the newest
	messages uint64
	first    int64 // receive times, 0 without messages
	newest   int64
	offsets  offsets
	extreme  time.Duration // of those judged, 0 if none was
	out      time.Duration
}

// add takes in the next roll-up of an account, which is in last. The time out of the
// tolerance that it was judged by is known to the message, and of another one to the
// roll-up only.
func (g *gathered) add(of *account) {
	r := &g.last
	g.rollUps++
	if r.Messages == 0 {
		return // silent: what is known of its clock is no news
	}
	g.count(r.Messages, r.First, r.Last, r.Extreme)
	if n := r.Weight(); n > 0 {
		g.offsets.add(seconds(r.Interval.Offset), n)
	}
	switch {
	case of.tolerance == of.judged:
		g.out += r.Out
	case r.Known && r.Interval.Outside(of.tolerance):
		g.out += time.Duration(r.Last - r.First)
	}
}

// count takes in messages of a stretch of time, and the offset of the largest magnitude then.
func (g *gathered) count(messages uint64, first, newest int64, extreme time.Duration) {
	if g.messages == 0 {
		g.first, g.newest = first, newest
	}
	g.first, g.newest = min(g.first, first), max(g.newest, newest)
	g.messages += messages
	if extreme.Abs() > g.extreme.Abs() {
		g.extreme = extreme
	}
}

// join takes in what was gathered for the same account after this.
func (g *gathered) join(later *gathered) {
	if later.rollUps == 0 {
		return
	}
	g.rollUps += later.rollUps
	g.last = later.last
	if later.messages == 0 {
		return
	}
	g.count(later.messages, later.first, later.newest, later.extreme)
	g.offsets.join(&later.offsets)
	g.out += later.out
}

// row closes the account.
func (a *account) row() Row {
	r := Row{
		Host: a.identity.Host, Source: a.identity.Source, Via: a.identity.Via, Trust: a.trust(),
		Messages: a.messages, First: unixUTC(a.first), Last: unixUTC(a.newest),
		StampFormat: a.last.StampFormat.String(), Zone: a.zone(),
		Verdict: a.last.Verdict.String(), Explanation: a.explanation(),
		Steps: orEmpty(a.steps), Backlogs: orEmpty(a.backlogs), Claims: orEmpty(a.identity.Claims),
		OutOfTolerance: seconds(a.out), Compliance: "insufficient", Check: a.identity.Check, Tolerance: seconds(a.tolerance),
	}
	if a.last.Known && len(a.offsets.seconds) > 0 {
		a.fill(&r)
	}
	return r
}

// trust returns the class of the evidence; empty for a host that has never spoken.
func (a *account) trust() string {
	if a.identity.Absent {
		return ""
	}
	return a.last.Trust.String()
}

// explanation returns the reason of the row's verdict. Of a verdict that isn't the
// newest one no reason is kept.
func (a *account) explanation() string {
	if a.identity.Explanation != "" {
		return a.identity.Explanation
	}
	return "judged so at " + time.Unix(0, max(a.last.Last, a.last.Start)).UTC().Format(time.RFC3339) + "; only the newest verdict's reason is kept"
}

// fill sets the figures that an interval gives.
func (a *account) fill(r *Row) {
	n := &a.last
	kind := n.Bounds.String()
	r.BoundKind = &kind
	a.offsets.sort()
	r.Resolution = inSeconds(n.Resolution)
	r.Offset, r.OffsetLow, r.OffsetHigh = inSeconds(n.Interval.Offset), inSeconds(n.Interval.Low), inSeconds(n.Interval.High)
	if n.SkewBound > 0 {
		r.Skew, r.SkewBound = inPPM(n.Skew), inPPM(n.SkewBound)
	}
	r.OffsetP50, r.OffsetP95 = number(a.offsets.quantile(0.5)), number(a.offsets.magnitude(0.95))
	if r.OffsetMax = inSeconds(a.extreme); a.extreme == 0 { // none was judged: it is a guess, as the others are
		r.OffsetMax = number(a.offsets.farthest())
	}
	r.Compliance = a.compliance()
}

// compliance holds the interval against the tolerance. Where a verdict was withheld
// nothing is passed or failed.
func (a *account) compliance() string {
	switch i := &a.last.Interval; {
	case a.withheld():
		return "insufficient"
	case i.Outside(a.tolerance):
		return "fail"
	case i.Inside(a.tolerance):
		return "pass"
	}
	return "insufficient"
}

// withheld reports whether the last verdict was withheld for another reason than the
// width of its interval: the reference in doubt, too few messages, a name that
// belongs to somebody else, silence.
func (a *account) withheld() bool {
	r := &a.last
	decisive := r.Interval.Inside(a.judged) || r.Interval.Outside(a.judged)
	return r.Held || r.Verdict == analysis.Silent || r.Verdict == analysis.Insufficient && decisive
}

func (a *account) zone() string {
	if a.last.ZoneWritten {
		return analysis.ZoneEast(a.last.ZoneEast)
	}
	return a.identity.Zone
}

func unixUTC(ns int64) *time.Time {
	if ns == 0 {
		return nil
	}
	t := time.Unix(0, ns).UTC()
	return &t
}

func number(v float64) *float64          { return &v }
func inSeconds(d time.Duration) *float64 { return number(seconds(d)) }

// inPPM rounds to 4 decimals, which no measurement here reaches.
func inPPM(v float64) *float64 { return number(math.Round(v*1e4) / 1e4) }

// seconds returns the number nearest to a time in whole nanoseconds: written out it has
// no digits beyond these, as the sum that Duration.Seconds makes may have.
func seconds(d time.Duration) float64 { return float64(d) / float64(time.Second) }

func orEmpty[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}
