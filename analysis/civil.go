package analysis

import (
	"time"

	"github.com/skewatch/skewatch/collector/message"
)

// Instant returns the moment that a stamp names, in Unix nanoseconds. What the
// sender left out is filled in: a missing zone by the assumed one, a missing year
// by whichever of last, this and next lands nearest the receive time. It reports
// false for a stamp that names no moment.
func Instant(s message.Stamp, received int64, assumed *time.Location) (unixNano int64, ok bool) {
	if !s.Usable() {
		return 0, false
	}
	if !s.HasYear {
		return nearestYear(s, received, assumed)
	}
	return toUTC(s, s.Civil, received, assumed), true
}

// toUTC takes a civil time in the stamp's zone, or in the assumed one, to UTC. Of the
// two moments that a civil time names when a zone sets its clocks back, it is the one
// nearer to the receive time.
func toUTC(s message.Stamp, civil, received int64, assumed *time.Location) int64 {
	if s.HasZone {
		return civil - int64(s.ZoneEast)*second
	}
	if assumed == time.UTC {
		return civil
	}
	const around = 3 * hour // clocks are set by no more
	before, after := civil-eastOf(assumed, received-around), civil-eastOf(assumed, received+around)
	early, late := civil-before == eastOf(assumed, before), civil-after == eastOf(assumed, after)
	switch {
	case early && (!late || magnitude(before-received) <= magnitude(after-received)):
		return before
	case late:
		return after
	}
	t := time.Unix(0, civil).UTC()
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), assumed).UnixNano()
}

// eastOf returns how far a zone lies east of UTC at a time, in nanoseconds.
func eastOf(zone *time.Location, at int64) int64 {
	_, east := time.Unix(0, at).In(zone).Zone()
	return int64(east) * second
}

// nearestYear settles the year of a stamp that has none. A 29 February counts only
// in years that have one; where none of the three has, the stamp names no day and
// is no evidence.
func nearestYear(s message.Stamp, received int64, assumed *time.Location) (int64, bool) {
	year := time.Unix(0, received).UTC().Year()
	best, found := int64(0), false
	for _, y := range [...]int{year, year - 1, year + 1} {
		civil, ok := inYear(s.Civil, y)
		if !ok {
			continue
		}
		at := toUTC(s, civil, received, assumed)
		if !found || magnitude(at-received) < magnitude(best-received) {
			best, found = at, true
		}
		if magnitude(at-received) < day {
			break // no other year comes nearer
		}
	}
	return best, found
}

// inYear moves a civil time of YearUnknown into another year, unless it is a
// 29 February which that year has not.
func inYear(civil int64, year int) (int64, bool) {
	const yearUnknown = 946684800 * second // 2000-01-01
	const march = 60 * day                 // 2000 is a leap year
	into := civil - yearUnknown
	if !leap(year) && into >= march-day {
		if into < march {
			return 0, false
		}
		into -= day
	}
	return time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC).UnixNano() + into, true
}

func leap(year int) bool { return year%4 == 0 && (year%100 != 0 || year%400 == 0) }

func magnitude(x int64) int64 {
	if x < 0 {
		return -x
	}
	return x
}
