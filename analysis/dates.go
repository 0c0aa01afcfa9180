package analysis

import (
	"fmt"
	"time"
)

// wrongDate finds clocks that are off by days, and among them those that started
// from the epoch of a real-time clock without power.
func (h *hearing) wrongDate() (judgement, bool) {
	off := h.interval.Offset
	if off.Abs() <= h.params.WrongDate || off < 0 && !h.estimate.Settled {
		return judgement{}, false
	}
	shows := time.Unix(0, h.now).Add(off).UTC()
	if rtcEpoch(shows) || h.yearless && h.fromNewYear() {
		return judgement{verdict: DeadRTC, reason: "the clock shows " + h.date(shows) + ", as one does that lost its power"}, true
	}
	return judgement{verdict: WrongDate, reason: fmt.Sprintf("the clock shows %s, off by %.1f days", h.date(shows), off.Hours()/24)}, true
}

// date writes what a clock shows, without the year if its stamps have none.
func (h *hearing) date(shows time.Time) string {
	if h.yearless {
		return shows.Format("Jan 2")
	}
	return shows.Format("2006-01-02")
}

// rtcEpoch reports whether a date lies in the first quarter of a year from which
// clocks count that have lost theirs.
func rtcEpoch(t time.Time) bool {
	switch t.Year() {
	case 1970, 1980, 2000:
		return t.YearDay() <= 90
	}
	return false
}

// fromNewYear reports whether the clock, whose stamps name no year, began at a year's
// beginning while that was far off: with its first stamp, or when it last was set.
func (h *hearing) fromNewYear() bool {
	first := time.Duration(h.estimate.FirstSent - h.first)
	if first.Abs() > h.params.WrongDate && h.newYear(h.estimate.FirstSent) {
		return true
	}
	return h.lastStep != nil && h.newYear(h.lastStep.At+int64(h.interval.Offset))
}

// newYear reports whether a time lies within the first hour of a year, in the zone
// that stamps are read in.
func (h *hearing) newYear(at int64) bool {
	t := time.Unix(0, at).In(h.assumed)
	return t.YearDay() == 1 && t.Hour() == 0
}
