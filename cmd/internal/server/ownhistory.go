package server

import (
	"encoding/json"
	"fmt"
	"sort"
	"time"

	"github.com/skewatch/skewatch/storage"
)

// An ownHistory is what was known of the collector's clock over a period. It turns readings of
// that clock into the time that timelines are in: the fleet's time, less what that is known to
// be off by.
type ownHistory []ownPoint

// An ownPoint is an entry of our own clock's history.
type ownPoint struct {
	at         int64 // of the fleet's time, Unix ns
	shift      int64 // by which the clock was ahead of the fleet's time, ns
	correction int64 // what to add to the fleet's time, ns
	bound      int64 // how far the result may be off, ns
}

// ownHistory reads the history of a period of the fleet's time.
func (a *archive) ownHistory(since, until int64) (h ownHistory, err error) {
	err = a.ownSamples(since, until, func(at int64, sample *ownSample) error {
		r := referenceOf(sample.Reference, at)
		p := ownPoint{at: at, shift: sample.Shift, bound: int64(r.Bound)}
		if off := int64(r.Offset) + sample.Shift; magnitude(off) > p.bound { // else it may be noise
			p.correction = off
		}
		h = append(h, p)
		return nil
	})
	return h, err
}

// ownSamples calls fn with the entries of our own clock's history in a period of the fleet's
// time, and when they are of, Unix ns.
func (a *archive) ownSamples(since, until int64, fn func(at int64, s *ownSample) error) error {
	return a.tolerate(a.store.ReferenceHistory(since, until, func(stored storage.ReferenceSample) error {
		var s ownSample
		if err := json.Unmarshal(stored.Blob, &s); err != nil {
			return fmt.Errorf("read the reference's history: %w", err)
		}
		return fn(stored.At, &s)
	}))
}

// read turns a reading of the collector's clock into the timeline's time. Where the clock was
// set back, a reading that it showed twice is taken for the later.
func (h ownHistory) read(raw int64) int64 {
	i := len(h) - 1
	for i > 0 && h[i].at+h[i].shift > raw {
		if i > 64 && h[i-64].at+h[i-64].shift > raw { // nobody sets a clock that often
			i -= 64
			continue
		}
		i--
	}
	if i < 0 {
		return raw
	}
	return raw - h[i].shift + h.at(raw-h[i].shift).correction
}

// lead returns the most that readings are ahead of the timeline's time, 0 at the least, and
// the most that they are behind.
func (h ownHistory) lead() (ahead, behind int64) {
	for i := range h {
		by := h[i].shift - h[i].correction
		ahead, behind = max(ahead, by), max(behind, -by)
	}
	return ahead, behind
}

// at returns what was known at a time of the fleet's.
func (h ownHistory) at(fleet int64) ownPoint {
	i := sort.Search(len(h), func(i int) bool { return h[i].at > fleet })
	switch {
	case len(h) == 0:
		return ownPoint{}
	case i == 0:
		return h[0]
	case i == len(h):
		return h[i-1]
	}
	return h[i-1].to(&h[i], fleet)
}

// to returns what was known between two entries.
func (p ownPoint) to(next *ownPoint, fleet int64) ownPoint {
	if p.shift != next.shift || next.at-p.at > int64(lapse) {
		return p
	}
	p.correction += int64(float64(next.correction-p.correction) * float64(fleet-p.at) / float64(next.at-p.at))
	p.bound = max(p.bound, next.bound)
	return p
}

// least returns the least bound around a time of the fleet's.
func (h ownHistory) least(fleet int64) time.Duration {
	i := sort.Search(len(h), func(i int) bool { return h[i].at > fleet })
	if len(h) == 0 {
		return 0
	}
	return time.Duration(min(h[max(0, i-1)].bound, h[min(i, len(h)-1)].bound))
}
