package analysis

import (
	"fmt"
	"math"
	"time"
)

// The outermost zones that exist.
const (
	westmost = -12 * time.Hour
	eastmost = 14 * time.Hour
)

// wrongZone finds levels that a wrong zone explains.
func (h *hearing) wrongZone() (judgement, bool) {
	shift, ok := h.zoneShift()
	if !ok {
		return judgement{}, false
	}
	j := judgement{verdict: WrongZone}
	if fits := h.assumedEast() + shift; !h.zone.written && westmost <= fits && fits <= eastmost {
		j.local, j.fits = true, int32(fits/time.Second)
		j.reason = fmt.Sprintf("offset %s: stamps carry no zone and are read as %s; they fit %s%s: set zone for this host",
			signed(h.interval.Offset), h.assumed, ZoneEast(j.fits), h.dstWords(j.fits))
		return j, true
	}
	j.reason = fmt.Sprintf("offset %s: %s", signed(h.interval.Offset), shiftWords(shift))
	return j, true
}

// zoneShift returns the multiple of 15 minutes that the offset lies near, if it can
// be a wrong zone. Zones that are no whole hour are rare, and get no slack beyond the
// tolerance.
func (h *hearing) zoneShift() (time.Duration, bool) {
	off := h.interval.Offset
	k := math.Round(float64(off) / float64(zoneStep))
	if k == 0 || math.Abs(k) > maxZoneSteps || off < 0 && !h.estimate.Settled {
		return 0, false
	}
	shift := time.Duration(k) * zoneStep
	slack := h.tolerance
	if int(k)%4 == 0 {
		slack += h.params.ZoneSlack
	}
	near := h.interval.Low <= shift+slack && h.interval.High >= shift-slack
	return shift, near && h.interval.High-h.interval.Low <= zoneStep/2
}

// assumedEast returns how far the zone that is assumed lies east of UTC now.
func (h *hearing) assumedEast() time.Duration {
	_, east := time.Unix(0, h.now).In(h.assumed).Zone()
	return time.Duration(east) * time.Second
}

// dstWords says whether a zone is the assumed one in its other season.
func (h *hearing) dstWords(east int32) string {
	year := time.Unix(0, h.now).UTC().Year()
	for _, month := range [...]time.Month{time.January, time.July} {
		then := time.Date(year, month, 1, 0, 0, 0, 0, h.assumed)
		if _, e := then.Zone(); e != int(east) {
			continue
		}
		if then.IsDST() {
			return fmt.Sprintf(", which is %s with DST", h.assumed)
		}
		return fmt.Sprintf(", which is %s without DST", h.assumed)
	}
	return ""
}

// shiftWords says by how much a zone is wrong.
func shiftWords(shift time.Duration) string {
	words := "east of where it should be: it reads ahead"
	if shift < 0 {
		words = "west of where it should be: it reads behind"
	}
	words = fmt.Sprintf("the zone is %s %s", spelled(shift.Abs()), words)
	if shift.Abs() == time.Hour {
		words += "; is DST applied as it should be?"
	}
	return words
}
