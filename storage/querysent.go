package storage

import (
	"time"

	"github.com/skewatch/skewatch/collector/message"
)

// mayMatchSent reports whether a block with this header can hold messages sent in the
// query's range. Of those far from their receipt the header only says that there are some.
func (q *Query) mayMatchSent(h *blockHeader) bool {
	return h.sentOutliers > 0 || q.sentBetween(h.sentEarliest, h.sentLatest)
}

// sentBetween reports whether the range has anything between two instants.
func (q *Query) sentBetween(earliest, latest int64) bool {
	return (q.SentSince == 0 || latest >= q.SentSince) && (q.SentUntil == 0 || earliest < q.SentUntil)
}

// matchesSent reports whether a message's stamp lies in the range.
func (q *Query) matchesSent(m *message.Message) bool {
	if q.SentSince == 0 && q.SentUntil == 0 {
		return true
	}
	s := &m.Sent
	if !s.Usable() {
		return false
	}
	at := s.Civil
	if s.HasZone {
		at -= int64(s.ZoneEast) * secondNS
	}
	if s.HasYear {
		return q.sentBetween(at, at)
	}
	return q.matchesInYears(s, at, m.Received)
}

// matchesInYears reports whether a stamp without a year, which at is in YearUnknown,
// lies in the range in a year near its receipt.
func (q *Query) matchesInYears(s *message.Stamp, at, received int64) bool {
	const half = 185 * dayNS // of a year, and more than a zone besides
	t := time.Unix(0, s.Civil).UTC()
	year := time.Unix(0, received).UTC().Year()
	for y := year - 1; y <= year+1; y++ {
		moved := time.Date(y, t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
		leapDay := t.Month() == time.February && t.Day() == 29
		if leapDay && moved.Day() != 29 {
			continue
		}
		in := at + moved.UnixNano() - (s.Civil - floorMod(s.Civil, dayNS))
		near := in-received <= half && received-in <= half
		if (near || leapDay) && q.sentBetween(in, in) {
			return true
		}
	}
	return false
}

// floorMod returns the remainder that isn't negative.
func floorMod(a, b int64) int64 {
	if a %= b; a < 0 {
		a += b
	}
	return a
}
