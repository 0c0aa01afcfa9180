package custom

import (
	"bytes"
	"strconv"
	"time"

	"github.com/skewatch/skewatch/collector/message"
)

// findStamp returns the stamp that stands in the message and names the time of the
// part, which may be invented. What is found is what was written: the octets at host
// are taken for nothing else.
func (p *place) findStamp(part any, host span) message.Stamp {
	t, ok := part.(time.Time)
	if !ok || t.IsZero() {
		return message.Stamp{}
	}
	if s, ok := p.findEpoch(t); ok {
		return s
	}
	var found message.Stamp // StampInvalid where only the time of day stands
	for _, layout := range [...]string{"15:04:05", "150405"} {
		p.find([]byte(t.Format(layout)), func(at span) bool {
			s := p.readStamp(t, at, host)
			if !found.Usable() && s.Format != message.StampNone {
				found = s
			}
			return s.Usable()
		})
	}
	return found
}

// The whole years that nanoseconds since 1970 can hold in any zone.
const (
	firstYear = 1678
	lastYear  = 2261
)

const maxDigits = 9 // of a fraction that nanoseconds hold

// findEpoch looks for seconds since 1970, with or without a fraction.
func (p *place) findEpoch(t time.Time) (s message.Stamp, ok bool) {
	seconds := strconv.AppendInt(nil, t.Unix(), 10)
	if len(seconds) < 9 || seconds[0] == '-' || t.Year() > lastYear {
		return s, false // what is shorter may stand anywhere by chance
	}
	p.find(seconds, func(at span) bool {
		if p.digitAt(at.start-1) || p.digitAt(at.end) || p.isAt(at.start-1, ".") {
			return false
		}
		nanos, digits, _ := p.readFraction(at.end, ".")
		ok = digits <= maxDigits
		s = message.Stamp{Format: message.StampEpoch, Civil: t.Unix()*1e9 + nanos, Digits: uint8(digits), HasYear: true, HasZone: true}
		return ok
	})
	if !ok {
		s = message.Stamp{}
	}
	return s, ok
}

// readStamp reads the stamp whose time of day stands at a place, if it is one. It is
// StampInvalid if its date isn't that of t.
func (p *place) readStamp(t time.Time, at, host span) (s message.Stamp) {
	compact := at.end-at.start == len("150405")
	if p.digitAt(at.end) || !compact && p.goesOn(at) {
		return s
	}
	nanos, digits, end := p.readFraction(at.end, ".,")
	s.HasZone, s.ZoneEast, end = p.readZone(end)
	d := p.readDate(t, at.start, host, compact)
	year := message.YearUnknown
	if s.HasYear = d.hasYear || p.yearBehind(t, end, host); s.HasYear {
		year = t.Year()
	}
	if !d.found || digits > maxDigits || year < firstYear || year > lastYear {
		return message.Stamp{Format: message.StampInvalid}
	}
	s.Format, s.Digits = formatOf(s.HasYear, d.monthName), uint8(digits)
	hour, minute, second := t.Clock()
	s.Civil = time.Date(year, t.Month(), t.Day(), hour, minute, second, 0, time.UTC).UnixNano() + nanos
	return s
}

// goesOn reports whether what looks like a time of day is part of something longer:
// "122:14:15", "1:22:14:15", "22:14:15:30". Apache's "2003:22:14:15" isn't.
func (p *place) goesOn(at span) bool {
	if !p.isAt(at.start-1, ":") {
		return p.digitAt(at.start-1) || p.isAt(at.end, ":")
	}
	n := 0
	for p.digitAt(at.start - 2 - n) {
		n++
	}
	return 0 < n && n < len("2003") || p.isAt(at.end, ":")
}

// formatOf names the shape: a stamp without year is BSD's whatever it looks like.
func formatOf(hasYear, monthName bool) message.StampFormat {
	switch {
	case !hasYear:
		return message.StampBSD
	case monthName:
		return message.StampBSDYear
	}
	return message.StampRFC3339
}

// readFraction reads the digits behind one of these points; end is where they end.
func (p *place) readFraction(at int, points string) (nanos int64, digits, end int) {
	if at >= len(p.raw) || bytes.IndexByte([]byte(points), p.raw[at]) < 0 || !p.digitAt(at+1) {
		return 0, 0, at
	}
	for end = at + 1; p.digitAt(end); end++ {
		if digits++; digits <= maxDigits {
			nanos = nanos*10 + int64(p.raw[end]-'0')
		}
	}
	for n := digits; n < maxDigits; n++ {
		nanos *= 10
	}
	return nanos, digits, end
}

// readZone reads "Z", "+02:00" or "+0200", which a space may part from the time.
func (p *place) readZone(at int) (has bool, east int32, end int) {
	if p.isAt(at, "Z") {
		return true, 0, at + 1
	}
	start := at
	if p.isAt(at, " +") || p.isAt(at, " -") {
		start++
	}
	for _, layout := range [...]string{"-07:00", "-0700"} {
		end = start + len(layout)
		if end > len(p.raw) || p.digitAt(end) {
			continue
		}
		t, err := time.Parse(layout, string(p.raw[start:end]))
		if _, seconds := t.Zone(); err == nil && -86400 < seconds && seconds < 86400 {
			return true, int32(seconds), end
		}
	}
	return false, 0, at
}

// yearBehind reports whether the year follows the time, where no host stands.
func (p *place) yearBehind(t time.Time, at int, host span) bool {
	year := t.Format(" 2006")
	return p.isAt(at, year) && !p.joins(at+len(year)-1, at+len(year)) && (at+1 < host.start || at+1 >= host.end)
}

func (p *place) digitAt(i int) bool { return i >= 0 && i < len(p.raw) && isDigit(p.raw[i]) }

func (p *place) isAt(i int, s string) bool {
	return i >= 0 && i <= len(p.raw) && bytes.HasPrefix(p.raw[i:], []byte(s))
}
