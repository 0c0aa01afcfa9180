package parse

import "github.com/skewatch/skewatch/collector/message"

// isRFC5424 reports whether b, which follows the PRI, begins as RFC 5424 demands:
// VERSION 1, a space, and NILVALUE or a date. A bare number is not enough: Cisco
// puts a sequence number there ("101 21: …"), NX-OS a year ("2018 Apr …").
func isRFC5424(b []byte) bool {
	if len(b) < 3 || b[0] != '1' || b[1] != ' ' {
		return false
	}
	b = b[2:]
	if b[0] == '-' {
		return len(b) == 1 || b[1] == ' '
	}
	return len(b) > 4 && countDigits(b[:5]) == 4 && b[4] == '-'
}

// parseRFC5424 reads the header of RFC 5424, section 6, from VERSION on. Each
// field ends at a space; where one is missing, so are those after it.
func parseRFC5424(b []byte, m *message.Message) {
	b = cutRFC5424Stamp(b[len("1 "):], &m.Sent)
	m.Host, b = cutField(b)
	m.AppName, b = cutField(b)
	m.ProcID, b = cutField(b)
	m.MsgID, b = cutField(b)
	b = cutStructuredData(b, m)
	setText(m, b)
}

// cutField returns the field at the start of b, nil for NILVALUE, and what follows
// the space after it.
func cutField(b []byte) (field, rest []byte) {
	end := 0
	for end < len(b) && b[end] != ' ' {
		end++ // most fields are too short for bytes.IndexByte to pay
	}
	if end < len(b) {
		rest = b[end+1:]
	}
	if end == 0 || end == 1 && b[0] == '-' {
		return nil, rest
	}
	return b[:end], rest
}

// cutRFC5424Stamp reads TIMESTAMP (RFC 5424, section 6.2.3) to s and returns what
// follows the space after it. Beyond the RFC it takes 7 to 9 digits of a fraction and
// second 60, which senders write.
func cutRFC5424Stamp(b []byte, s *message.Stamp) (rest []byte) {
	n := readISO(b, s)
	if n > 0 && (n == len(b) || b[n] == ' ') && s.HasZone && b[10] == 'T' && endsInOffset(b[:n]) {
		s.Format = message.StampRFC5424
		return b[min(n+1, len(b)):]
	}
	*s = message.Stamp{}
	field, rest := cutField(b)
	if field != nil {
		s.Format = message.StampInvalid
	}
	return rest
}

// endsInOffset tells the offset of RFC 5424, "Z" or "+02:00", from "+0200".
func endsInOffset(stamp []byte) bool {
	return stamp[len(stamp)-1] == 'Z' || stamp[len(stamp)-3] == ':'
}
