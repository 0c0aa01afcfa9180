package analysis

import "time"

// HourlySpan is the length of the roll-ups that older ones are merged into.
const HourlySpan = time.Hour

// FineSpans is how many spans roll-ups stand for RollUpSpan each, 48 hours of them:
// what is older than that many spans with roll-ups may be merged into hourly ones.
const FineSpans = int(48 * time.Hour / RollUpSpan)

// HourOf returns the beginning of the hourly roll-up that a time falls into.
func HourOf(at int64) int64 { return at - at%int64(HourlySpan) }

// Hourly returns the roll-up as the hourly one of its hour.
func (r *RollUp) Hourly() RollUp {
	h := *r
	h.Start = HourOf(r.Start)
	h.merged, h.offsets = true, r.known()
	if !r.merged && !r.Known {
		h.Extreme = 0 // of what?
	}
	return h
}

// Merge takes a later roll-up of the same originator and hour into an hourly one. What
// was counted adds up, and the state of the clock is as in the later. Of a span without
// messages that state alone is taken: its extreme was carried over, not measured.
func (r *RollUp) Merge(later *RollUp) {
	e, m := r.Hourly(), later.Hourly()
	m.Start = e.Start
	switch {
	case e.Messages == 0:
	case m.Messages == 0:
		m.First, m.Last, m.Extreme = e.First, e.Last, e.Extreme
	default:
		m.First, m.Last = min(e.First, m.First), max(e.Last, m.Last)
		if e.Extreme.Abs() >= m.Extreme.Abs() { // the earlier of two alike, as in reports
			m.Extreme = e.Extreme
		}
	}
	m.Messages += e.Messages
	m.Out += e.Out
	m.offsets += e.offsets
	*r = m
}

// Weight returns how many five-minute roll-ups' offsets the roll-up's own one stands
// for: 0 if no interval is known, or there were no messages that it could rest on.
func (r *RollUp) Weight() uint64 {
	if !r.Known {
		return 0
	}
	return r.known()
}

// known returns how many roll-ups with messages and an interval are in this one.
func (r *RollUp) known() uint64 {
	switch {
	case r.merged:
		return r.offsets
	case r.Known && r.Messages > 0:
		return 1
	}
	return 0
}
