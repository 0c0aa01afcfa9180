package parse

import "github.com/skewatch/skewatch/collector/message"

// lastEpoch is the last second that nanoseconds since 1970 can hold with any zone.
var lastEpoch = int64(daysSince1970(lastYear, 12, 31)) * 86_400

// parseEpoch reads a message of Meraki, whose stamp is in seconds since 1970, and
// reports whether it is one. VERSION of RFC 5424 may stand before, without the rest of
// its header:
//
//	1 1791756855.123456789 host events …
func parseEpoch(b []byte, m *message.Message) bool {
	n := 0
	if len(b) > 2 && b[0] == '1' && b[1] == ' ' {
		n = 2
	}
	digits := countDigits(b[n:])
	end := n + digits
	if digits != len("1791756855") || end+1 >= len(b) || b[end] != '.' {
		return false
	}
	fraction := countDigits(b[end+1:])
	end += 1 + fraction
	if fraction == 0 || end+1 >= len(b) || b[end] != ' ' {
		return false
	}
	setEpoch(&m.Sent, b[n:n+digits], b[n+digits+1:end])
	parseHostAndTag(b[end:], m)
	return true
}

// setEpoch sets s to digits of seconds since 1970 and those of their fraction.
func setEpoch(s *message.Stamp, seconds, fraction []byte) {
	var count int64
	for _, c := range seconds {
		count = count*10 + int64(c-'0')
	}
	if count > lastEpoch || len(fraction) > maxDigits {
		s.Format = message.StampInvalid
		return
	}
	s.Format, s.HasYear, s.HasZone = message.StampEpoch, true, true
	s.Civil, s.Digits = count*nanosPerSecond+fractionNanos(fraction), uint8(len(fraction))
}

// fractionNanos returns the nanoseconds of up to maxDigits digits after the second.
func fractionNanos(digits []byte) (nanos int64) {
	if len(digits) == 0 {
		return 0
	}
	for _, c := range digits {
		nanos = nanos*10 + int64(c-'0')
	}
	return nanos * nanosPerDigit[len(digits)]
}
