package parse

import "github.com/skewatch/skewatch/collector/message"

// parseDated reads a header that begins with a stamp of another shape than RFC 3164
// and RFC 3339 have, and reports whether there is one:
//
//	2026 Apr 20 13:15:07 host %ETHPORT-5-IF_UP: …         NX-OS
//	Apr 20 2026 13:15:07 host : %ASA-6-302013: …          ASA
//	2026-4-20 13:15:07.270.1 host %%01IFNET/4/UP(l): …    Huawei
//	Apr 20 13:15:07:123 host CPPM_System_Events 973 …     ClearPass, also with a comma
func parseDated(b []byte, m *message.Message) bool {
	n := readDated(b, &m.Sent)
	if n == 0 {
		return false
	}
	parseHostAndTag(b[n:], m)
	return true
}

// readDated reads one of those stamps with the zone and the colon behind it. A space
// or the end must follow.
func readDated(b []byte, s *message.Stamp) (n int) {
	var read message.Stamp
	if n = readBSDYear(b, &read); n == 0 {
		n = readOtherFraction(b, &read)
	}
	if n == 0 {
		n = readUnpadded(b, &read)
	}
	if n == 0 {
		return 0
	}
	n += readZoneBehind(b[n:], &read)
	if n < len(b) && b[n] == ':' {
		n++
	}
	if n < len(b) && b[n] != ' ' {
		return 0
	}
	*s = read
	return n
}

// readBSDYear reads "Apr 20 2026 13:15:07.123" or "2026 Apr 20 13:15:07.123".
func readBSDYear(b []byte, s *message.Stamp) (n int) {
	year, month, day := 0, 0, 0
	if month = monthNumber(b); month > 0 {
		n = 3
		day, n = spacedNumber(b, n, 2)
		year, n = spacedNumber(b, n, 4)
	} else if year, n = number(b, 0, 4); n == len("2026") && n < len(b) && b[n] == ' ' {
		month = monthNumber(b[n+1:])
		day, n = spacedNumber(b, n+1+3, 2)
	}
	if month == 0 || n < len("2026 Apr 2") || n == len(b) || b[n] != ' ' {
		return 0
	}
	clock, length := readTimeOfDay(b[n+1:])
	if length == 0 {
		return 0
	}
	s.Format = message.StampInvalid
	if setCivil(s, year, month, day, clock) {
		s.Format, s.HasYear = message.StampBSDYear, true
	}
	return n + 1 + length
}

// readOtherFraction reads a stamp as in RFC 3164 or RFC 3339 whose fraction stands behind a
// comma, as in ISO 8601, or is milliseconds behind a colon.
func readOtherFraction(b []byte, s *message.Stamp) (n int) {
	if n = readBSD(b, s); n == 0 {
		n = readISO(b, s)
	}
	if n == 0 || n == len(b) || s.Digits > 0 || s.HasZone || s.LeapSecond {
		*s = message.Stamp{}
		return 0
	}
	digits := countDigits(b[n+1:])
	if digits == 0 || b[n] != ',' && (b[n] != ':' || digits != 3) {
		*s = message.Stamp{}
		return 0
	}
	if s.Usable() && digits <= maxDigits {
		s.Civil, s.Digits = s.Civil+fractionNanos(b[n+1:n+1+digits]), uint8(digits)
	} else {
		*s = message.Stamp{Format: message.StampInvalid}
	}
	return n + 1 + digits
}

// readUnpadded reads a date in digits without the zeros before them, as Huawei writes
// it, and passes over the number behind the milliseconds: "2026-7-3 01:00:34.270.1".
func readUnpadded(b []byte, s *message.Stamp) (n int) {
	year, n := number(b, 0, 4)
	month, n := numberAfter(b, n, '-')
	day, n := numberAfter(b, n, '-')
	if n == 0 || n == len(b) || b[n] != ' ' {
		return 0
	}
	clock, length := readTimeOfDay(b[n+1:])
	if length == 0 {
		return 0
	}
	n += 1 + length
	if clock.digits > 0 && n+1 < len(b) && b[n] == '.' {
		n += 1 + countDigits(b[n+1:])
	}
	s.Format = message.StampInvalid
	if setCivil(s, year, month, day, clock) {
		s.Format, s.HasYear = message.StampRFC3339, true
	}
	return n
}

// readYearBehind reads the year that Aruba devices write behind the time, " 2026", and
// moves a stamp of RFC 3164 there. A word must follow: the last one is a host.
func readYearBehind(b []byte, s *message.Stamp) (n int) {
	n = len(" 2026")
	if s.Format != message.StampBSD || b[0] != ' ' || len(b) < n+2 || countDigits(b[1:]) != 4 || b[n] != ' ' || b[n+1] <= ' ' {
		return 0
	}
	year, _ := number(b, 1, 4)
	if year < 1970 || year > 2099 {
		return 0 // a host named by a number
	}
	civil, ok := inYear(s.Civil, year)
	if !ok {
		*s = message.Stamp{Format: message.StampInvalid}
		return n
	}
	s.Civil, s.Format, s.HasYear = civil, message.StampBSDYear, true
	return n
}

// inYear moves a civil time of message.YearUnknown into another year, unless it is a
// 29 February which that year has not.
func inYear(civil int64, year int) (int64, bool) {
	march := int64(daysSince1970(message.YearUnknown, 3, 1)) * nanosPerDay
	if civil >= march {
		return civil - march + int64(daysSince1970(year, 3, 1))*nanosPerDay, true
	}
	if !isLeap(year) && civil >= march-nanosPerDay {
		return 0, false
	}
	january := int64(daysSince1970(message.YearUnknown, 1, 1)) * nanosPerDay
	return civil - january + int64(daysSince1970(year, 1, 1))*nanosPerDay, true
}

// readZoneBehind reads the zone behind a stamp: an offset, "+08:00", or a name that a
// colon follows, " UTC:" or " UTC :". Of names only those of UTC say a zone. Others,
// such as CST, belong to several, and are passed over.
func readZoneBehind(b []byte, s *message.Stamp) (n int) {
	if zone, length := readZone(b); length > 0 {
		switch {
		case !zone.valid:
			*s = message.Stamp{Format: message.StampInvalid}
		case s.Usable():
			s.HasZone, s.ZoneEast = true, zone.east
		}
		return length
	}
	if len(b) == 0 || b[0] != ' ' {
		return 0
	}
	n = 1
	for n < len(b) && isUpper(b[n]) {
		n++
	}
	name := b[1:n]
	if n > 1 && n < len(b) && b[n] == ' ' || n == 1 {
		n += countSpaces(b[n:])
	}
	if len(name) > maxZoneName || n == len(b) || b[n] != ':' {
		return 0
	}
	setZoneName(s, name)
	return n
}

const maxZoneName = 5 // letters

// setZoneName notes that a stamp is UTC if its zone's name says so.
func setZoneName(s *message.Stamp, name []byte) {
	switch string(name) {
	case "UTC", "GMT", "Z":
		s.HasZone = s.Usable()
	}
}

func isUpper(c byte) bool { return c-'A' < 26 }

// number reads a number of up to most digits at n and returns where it ends: 0 if there
// is none, or one with more digits.
func number(b []byte, n, most int) (value, end int) {
	digits := countDigits(b[n:min(len(b), n+most+1)])
	if digits == 0 || digits > most {
		return 0, 0
	}
	for _, c := range b[n : n+digits] {
		value = value*10 + int(c-'0')
	}
	return value, n + digits
}

// numberAfter reads a number of one or two digits after a separator at n. With n = 0,
// nothing was found before, and nothing is.
func numberAfter(b []byte, n int, separator byte) (value, end int) {
	if n == 0 || n >= len(b) || b[n] != separator {
		return 0, 0
	}
	return number(b, n+1, 2)
}

// spacedNumber reads a number after one or two spaces at n.
func spacedNumber(b []byte, n, most int) (value, end int) {
	if n == 0 || n >= len(b) || b[n] != ' ' {
		return 0, 0
	}
	if n++; n < len(b) && b[n] == ' ' {
		n++
	}
	return number(b, min(n, len(b)), most)
}
