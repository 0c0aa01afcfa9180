package simulate

import (
	"math"
	"slices"
	"time"

	"github.com/skewatch/skewatch/cmd/internal/config"
)

// How long a report may take to find things out, by its limits (README).
const (
	findForward = 20 * time.Second
	findBack    = 4 * time.Minute
	findSmall   = 35 * time.Minute // a clock that was set back by less than smallBack
	smallBack   = 1.5              // seconds
	findStuck   = 40 * time.Second
	findLate    = 25 * time.Second // from the first message on
	flushFor    = time.Minute      // after the end of an outage
	steppedFor  = 10 * time.Minute
)

// An opinion is what may rightly be said of a clock.
type opinion struct {
	verdicts []string
	early    bool // it can't be known yet what happened last: the figures are those from before
	measured bool // the offset can be compared
}

// A moment of judging: when the newest message came, when it was judged, and by what.
type judging struct {
	at, now   time.Time
	tolerance float64 // seconds
}

// right returns what may rightly be said of a host.
func (t *Truth) right(j judging) opinion {
	if len(t.Offsets) == 0 {
		return opinion{verdicts: []string{"no-clock"}}
	}
	for _, e := range slices.Backward(t.Events) {
		if e.At.After(j.at) || e.What == EventOutage {
			continue
		}
		if ends := e.ends(); j.at.Sub(ends) < t.findWithin(&e) {
			before := t.right(judging{e.At.Add(-1), j.now, j.tolerance})
			after := t.settled(j)
			return opinion{slices.Concat(before.verdicts, after, []string{"backlog", "insufficient", "stepped", "late"}), true, false}
		}
		if e.What == EventStuck {
			return opinion{verdicts: []string{"stuck"}}
		}
		break
	}
	off, _ := t.OffsetAt(j.at)
	folded := t.yearless() && math.Abs(off) > (180*24*time.Hour).Seconds() // into the nearest year
	return opinion{t.settled(j), false, !folded}
}

// ends returns when an event is over.
func (e *Event) ends() time.Time {
	if e.Until != nil {
		return *e.Until
	}
	return e.At
}

// findWithin returns how long a report may take to find an event out.
func (t *Truth) findWithin(e *Event) time.Duration {
	switch {
	case e.What == EventStuck:
		return findStuck
	case e.Seconds >= 0:
		return findForward
	case e.Seconds > -smallBack:
		return findSmall
	}
	return findBack
}

func (t *Truth) yearless() bool {
	return t.Format == string(config.FleetBSD) || t.Format == string(config.FleetCisco)
}

// settled returns the verdicts that are right once everything is found out.
func (t *Truth) settled(j judging) (verdicts []string) {
	off, _ := t.OffsetAt(j.at)
	spoken := j.at.Sub(t.From)
	switch {
	case math.Abs(off) > (48 * time.Hour).Seconds():
		verdicts = t.offByDate(j.at, off)
	case isZone(off):
		verdicts = []string{"wrong-zone"}
	default:
		verdicts = t.offByTime(j, off)
	}
	if spoken < findLate {
		verdicts = append(verdicts, "insufficient")
	}
	for _, e := range t.Events {
		if e.What == EventOutage && !j.at.Before(e.At) && j.at.Sub(e.ends()) < flushFor {
			verdicts = append(verdicts, "backlog", "insufficient")
		}
	}
	return verdicts
}

// offByDate returns the right verdicts on a clock that is off by days.
func (t *Truth) offByDate(at time.Time, off float64) []string {
	shows := at.Add(time.Duration(off * float64(time.Second))).UTC()
	epoch := slices.Contains([]int{1970, 1980, 2000}, shows.Year()) && shows.YearDay() <= 90
	switch {
	case t.yearless():
		return []string{"dead-rtc", "wrong-date"}
	case epoch:
		return []string{"dead-rtc"}
	}
	return []string{"wrong-date"}
}

// isZone reports whether an offset is a zone's.
func isZone(off float64) bool {
	const quarter, near = 900, 2
	return math.Abs(off) > quarter-near && math.Abs(off-quarter*math.Round(off/quarter)) <= near
}

// offByTime returns the right verdicts on a clock that is off by less than days.
func (t *Truth) offByTime(j judging, off float64) (verdicts []string) {
	margin := t.Resolution + 0.15 // of the interval that is assumed at the worst
	wrong := "ahead"
	if off < 0 {
		wrong = "late"
	}
	switch distance := math.Abs(off); {
	case distance > j.tolerance+margin:
		return []string{wrong}
	case distance > j.tolerance-margin:
		verdicts = []string{wrong, "insufficient"}
	}
	return append(verdicts, t.inTolerance(j)...)
}

// inTolerance returns the right verdicts on a clock that is in its tolerance.
func (t *Truth) inTolerance(j judging) []string {
	for _, e := range slices.Backward(t.Events) {
		const least = 0.25 // seconds, of what is called a step
		if e.What == EventOutage || e.At.After(j.at) {
			continue
		}
		if since := j.now.Sub(e.ends()); math.Abs(e.Seconds) >= least && since < steppedFor+findBack {
			if since < steppedFor-findForward {
				return []string{"stepped"}
			}
			return []string{"stepped", "in-sync"}
		}
		break
	}
	return t.drifting(j.at.Sub(t.From))
}

// drifting returns the right verdicts on a clock in tolerance that was never set.
func (t *Truth) drifting(spoken time.Duration) []string {
	const smear, near = 1e6 / 86400.0, 1.5 // ppm
	skew := 0.0
	if t.Skew != nil {
		skew = math.Abs(*t.Skew)
	}
	rise := skew * 1e-6 * spoken.Seconds()
	switch {
	case rise < 0.02 || spoken < time.Hour:
		return []string{"in-sync"}
	case rise < 0.06 || spoken < 2*time.Hour || math.Abs(skew-smear) < near && spoken < 28*time.Hour:
		return []string{"in-sync", "drifting"}
	}
	return []string{"drifting"}
}
