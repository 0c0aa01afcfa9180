package parse

import (
	"bytes"

	"github.com/skewatch/skewatch/collector/message"
)

// parseFields reads a message of FortiGate, or of Sophos, which have no header but
// begin with their fields, and reports whether it is one:
//
//	date=2026-10-11 time=22:14:15 devname="fw1" devid="…" eventtime=1791756855123456789 tz="+0200" …
//	device="SFW" date=2026-10-11 time=22:14:15 timezone="IST" device_name="XG430" …
//
// Text is what follows the last of date, time, timezone and devname; eventtime and tz are
// found wherever they stand, and stay in it.
func parseFields(b []byte, m *message.Message) bool {
	rest := b
	if bytes.HasPrefix(b, []byte("device=")) {
		_, _, rest = cutPair(b)
	}
	key, date, rest := cutPair(rest)
	if string(key) != "date" {
		return false
	}
	key, clock, rest := cutPair(rest)
	if string(key) != "time" {
		return false
	}
	setDateAndTime(&m.Sent, date, clock)
	key, value, after := cutPair(rest)
	switch string(key) {
	case "timezone":
		setZoneField(&m.Sent, value)
		rest = after
	case "devname":
		m.Host = present(value)
		rest = after
	}
	readEventTime(rest, &m.Sent)
	setText(m, rest)
	return true
}

// cutPair reads `key=value` or `key="value"` and returns what follows it and the space
// behind it. Without such a pair the key is empty.
func cutPair(b []byte) (key, value, rest []byte) {
	n := 0
	for n < len(b) && b[n] > ' ' && b[n] != '=' && b[n] != '"' {
		n++
	}
	if n == 0 || n == len(b) || b[n] != '=' {
		return nil, nil, b
	}
	key, rest = b[:n], b[n+1:]
	if len(rest) > 0 && rest[0] == '"' {
		end := valueEnd(rest, 1)
		value, rest = rest[1:end], rest[min(end+1, len(rest)):]
	} else {
		value = firstWord(rest)
		rest = rest[len(value):]
	}
	return key, value, withoutSpaces(rest)
}

// setDateAndTime joins the fields date and time.
func setDateAndTime(s *message.Stamp, date, clock []byte) {
	s.Format = message.StampInvalid
	year, n := number(date, 0, 4)
	month, n := numberAfter(date, n, '-')
	day, n := numberAfter(date, n, '-')
	t, length := readTimeOfDay(clock)
	if n == 0 || n != len(date) || length == 0 || length != len(clock) {
		return
	}
	if setCivil(s, year, month, day, t) {
		s.Format, s.HasYear = message.StampRFC3339, true
	}
}

// setZoneField sets the zone to the value of tz or timezone, if that says one: an
// offset, or a name of UTC.
func setZoneField(s *message.Stamp, value []byte) {
	zone, n := readZone(value)
	if n > 0 && n == len(value) && zone.valid && s.Usable() {
		s.HasZone, s.ZoneEast = true, zone.east
		return
	}
	setZoneName(s, value)
}

// readEventTime looks for tz and eventtime and refines the stamp by them. What contradicts
// date and time is left alone.
func readEventTime(b []byte, s *message.Stamp) {
	var event message.Stamp
	for len(b) > 0 {
		key, value, rest := cutPair(b)
		switch {
		case len(key) == 0:
			word := firstWord(b)
			rest = b[min(len(word)+1, len(b)):]
		case string(key) == "tz":
			setZoneField(s, value)
		case string(key) == "eventtime":
			setEventTime(&event, value)
		}
		b = rest
	}
	if s.Usable() && event.Usable() {
		mergeEvent(s, &event)
	}
}

// setEventTime reads seconds since 1970, which later versions count in milli-, micro- or
// nanoseconds.
func setEventTime(s *message.Stamp, value []byte) {
	const seconds = len("1791756855")
	switch n := len(value); {
	case countDigits(value) != n:
	case n == seconds, n == seconds+3, n == seconds+6, n == seconds+9:
		setEpoch(s, value[:seconds], value[seconds:])
	}
}

// mergeEvent takes eventtime for the stamp where date and time tell the same second, or
// the one beside it, as the zone's clocks show it. Without a zone they tell it too: it is
// by how many quarters of an hour they differ.
func mergeEvent(s, event *message.Stamp) {
	const quarter, most = 900 * nanosPerSecond, 14 * 3600 * nanosPerSecond
	east := int64(s.ZoneEast) * nanosPerSecond
	ahead := s.Civil - event.Civil
	if !s.HasZone {
		if ahead < -most || ahead > most {
			return
		}
		east = floor(ahead+quarter/2, quarter) * quarter
	}
	if off := ahead - east; off <= -2*nanosPerSecond || off >= 2*nanosPerSecond {
		return
	}
	s.Civil, s.Digits, s.LeapSecond = event.Civil+east, event.Digits, false
	s.HasZone, s.ZoneEast = true, int32(east/nanosPerSecond)
}

// floor divides and rounds down.
func floor(x, by int64) int64 {
	q := x / by
	if x%by < 0 {
		q--
	}
	return q
}
