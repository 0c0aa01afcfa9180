package parse

import (
	"bytes"

	"github.com/skewatch/skewatch/collector/message"
)

// Stamp reads a stamp that stands alone, as in an export: one of RFC 3339 or of RFC
// 3164, with or without spaces around it. It is StampNone if there is nothing or the
// NILVALUE "-" of RFC 5424, and StampInvalid if what is there can't be read.
func Stamp(text []byte) message.Stamp {
	text = bytes.TrimSpace(text)
	var s message.Stamp
	if len(text) == 0 || len(text) == 1 && text[0] == '-' {
		return s
	}
	if n := readHeaderStamp(text, &s); n < len(text) {
		return message.Stamp{Format: message.StampInvalid}
	}
	return s
}

// A reader of stamps writes what it reads to s, which is zero before, and returns
// how many bytes the stamp takes: 0, and s untouched, when b does not begin with
// its shape. A stamp in the right shape that no calendar or clock knows (February
// 30, hour 24) is StampInvalid, and its length tells where the header goes on.

// readISO reads a date and time as in RFC 3339: "2026-10-11T22:14:15.003+02:00".
// Between date and time it takes a space as well (RFC 3339, section 5.6), and it
// takes an offset without a colon or none at all.
func readISO(b []byte, s *message.Stamp) (n int) {
	if len(b) < len("2006-01-02T15:04:05") || b[4] != '-' || b[7] != '-' || b[10] != 'T' && b[10] != ' ' {
		return 0
	}
	century, year, month, day := twoDigits(b), twoDigits(b[2:]), twoDigits(b[5:]), twoDigits(b[8:])
	clock, length := readTimeOfDay(b[11:])
	if length == 0 || century|year|month|day < 0 {
		return 0
	}
	n = 11 + length
	zone, length := readZone(b[n:])
	if !zone.valid || !setCivil(s, century*100+year, month, day, clock) {
		s.Format = message.StampInvalid
		return n + length
	}
	s.Format, s.HasYear = message.StampRFC3339, true
	s.HasZone, s.ZoneEast = length > 0, zone.east
	return n + length
}

// readBSD reads the stamp of RFC 3164, section 4.1.2: "Oct 11 22:14:15". A day
// below 10 may stand behind a space, a zero or nothing, and a fraction may follow.
func readBSD(b []byte, s *message.Stamp) (n int) {
	month := monthNumber(b)
	if month == 0 || len(b) < len("Jan 2 15:04:05") || b[3] != ' ' {
		return 0
	}
	n = 4
	if b[n] == ' ' {
		n++
	}
	digits := countDigits(b[n : n+3])
	if digits == 0 || digits > 2 || b[n+digits] != ' ' {
		return 0
	}
	day := int(b[n] - '0')
	if digits == 2 {
		day = twoDigits(b[n:])
	}
	n += digits + 1
	clock, length := readTimeOfDay(b[n:])
	if length == 0 {
		return 0
	}
	s.Format = message.StampInvalid
	if setCivil(s, message.YearUnknown, month, day, clock) {
		s.Format = message.StampBSD
	}
	return n + length
}

// setCivil joins a date and a time of day in s, and reports whether there are such.
func setCivil(s *message.Stamp, year, month, day int, clock timeOfDay) bool {
	if clock.nanos < 0 || !isDate(year, month, day) {
		return false
	}
	s.Civil = int64(daysSince1970(year, month, day))*nanosPerDay + clock.nanos
	s.Digits, s.LeapSecond = clock.digits, clock.leap
	return true
}

type timeOfDay struct {
	nanos  int64 // since midnight; negative: no clock shows such a time
	digits uint8
	leap   bool // the second is written as 60, and counted as the next minute's first
}

// readTimeOfDay reads "15:04:05" and the fraction that may follow.
func readTimeOfDay(b []byte) (t timeOfDay, n int) {
	if len(b) < len("15:04:05") || b[2] != ':' || b[5] != ':' {
		return timeOfDay{}, 0
	}
	hour, minute, second := twoDigits(b), twoDigits(b[3:]), twoDigits(b[6:])
	if hour|minute|second < 0 {
		return timeOfDay{}, 0
	}
	nanos, digits := readFraction(b[8:])
	n = 8
	if digits > 0 {
		n += 1 + digits
	}
	if hour > 23 || minute > 59 || second > 60 || digits > maxDigits {
		return timeOfDay{nanos: -1}, n
	}
	nanos += int64(hour*3600+minute*60+second) * nanosPerSecond
	return timeOfDay{nanos: nanos, digits: uint8(digits), leap: second == 60}, n
}

// maxDigits is how many digits of a fraction a nanosecond has.
const maxDigits = 9

var nanosPerDigit = [...]int64{1: 100_000_000, 10_000_000, 1_000_000, 100_000, 10_000, 1_000, 100, 10, 1}

// readFraction reads a point and the digits after it; with more than maxDigits it
// only counts them.
func readFraction(b []byte) (nanos int64, digits int) {
	if len(b) == 0 || b[0] != '.' {
		return 0, 0
	}
	digits = countDigits(b[1:])
	if digits == 0 || digits > maxDigits {
		return 0, digits
	}
	for _, c := range b[1 : 1+digits] {
		nanos = nanos*10 + int64(c-'0')
	}
	return nanos * nanosPerDigit[digits], digits
}

type zone struct {
	east  int32 // seconds
	valid bool
}

// readZone reads "Z", "+02:00" or "+0200"; that there is none is valid.
func readZone(b []byte) (z zone, n int) {
	switch {
	case len(b) > 0 && b[0] == 'Z':
		return zone{valid: true}, 1
	case len(b) < len("+0200") || b[0] != '+' && b[0] != '-':
		return zone{valid: true}, 0
	}
	n = 3
	if b[n] == ':' {
		n++
	}
	hours, minutes := twoDigits(b[1:]), twoDigits(b[n:])
	if hours|minutes < 0 {
		return zone{valid: true}, 0
	}
	z = zone{east: int32(hours*3600 + minutes*60), valid: hours < 24 && minutes < 60}
	if b[0] == '-' {
		z.east = -z.east
	}
	return z, n + 2
}

// twoDigits returns the number in the first two bytes of b, negative if they are
// not two digits.
func twoDigits(b []byte) int {
	if len(b) < 2 || !isDigit(b[0]) || !isDigit(b[1]) {
		return -1
	}
	return int(b[0]-'0')*10 + int(b[1]-'0')
}

// monthNumber returns the month, 1 to 12, whose English abbreviation b begins with,
// or 0.
func monthNumber(b []byte) int {
	if len(b) < 3 {
		return 0
	}
	switch string(b[:3]) {
	case "Jan":
		return 1
	case "Feb":
		return 2
	case "Mar":
		return 3
	case "Apr":
		return 4
	case "May":
		return 5
	case "Jun":
		return 6
	case "Jul":
		return 7
	case "Aug":
		return 8
	case "Sep":
		return 9
	case "Oct":
		return 10
	case "Nov":
		return 11
	case "Dec":
		return 12
	}
	return 0
}
