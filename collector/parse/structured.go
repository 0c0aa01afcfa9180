package parse

import (
	"math"
	"time"

	"github.com/skewatch/skewatch/collector/message"
)

// cutStructuredData reads STRUCTURED-DATA (RFC 5424, section 6.3) with the claims
// of timeQuality, and returns what follows the space after it. Elements are taken
// as far as they follow the grammar; the rest is text.
func cutStructuredData(b []byte, m *message.Message) (rest []byte) {
	if len(b) > 0 && b[0] == '-' && (len(b) == 1 || b[1] == ' ') {
		_, rest = cutField(b)
		return rest
	}
	end, claimed := 0, false
	for end < len(b) && b[end] == '[' {
		id, claims, n := readElement(b[end:])
		if n == 0 {
			break
		}
		if !claimed && string(id) == timeQuality {
			m.TimeQuality, claimed = claims, true
		}
		end += n
	}
	m.StructuredData, rest = present(b[:end]), b[end:]
	if end > 0 && len(rest) > 0 && rest[0] == ' ' {
		rest = rest[1:]
	}
	return rest
}

// timeQuality is the SD-ID under which an originator describes its clock (RFC 5424,
// section 7.1).
const timeQuality = "timeQuality"

// readElement reads one SD-ELEMENT, `[id name="value" …]`, n bytes long, and its
// claims if it is a timeQuality. n is 0 when b does not begin with an element.
func readElement(b []byte) (id []byte, claims message.TimeQuality, n int) {
	end := 1 + nameLength(b[1:])
	if end == 1 {
		return nil, claims, 0
	}
	id = b[1:end]
	for end < len(b) && b[end] == ' ' {
		name, value, n := readParam(b[end:])
		if n == 0 {
			return nil, claims, 0
		}
		if string(id) == timeQuality {
			readClaim(&claims, name, value)
		}
		end += n
	}
	if end == len(b) || b[end] != ']' {
		return nil, claims, 0
	}
	return id, claims, end + 1
}

// readParam reads one SD-PARAM with the space before it, ` name="value"`, n bytes
// long. n is 0 when b does not begin with one.
func readParam(b []byte) (name, value []byte, n int) {
	equals := 1 + nameLength(b[1:])
	if equals == 1 || len(b)-equals < len(`=""`) || b[equals] != '=' || b[equals+1] != '"' {
		return nil, nil, 0
	}
	start := equals + 2
	end := start + valueLength(b[start:])
	if end == len(b) {
		return nil, nil, 0
	}
	return b[1:equals], b[start:end], end + 1
}

// nameLength counts the bytes of an SD-NAME (RFC 5424, section 6.3.2).
func nameLength(b []byte) int {
	for i, c := range b {
		if !inName[c] {
			return i
		}
	}
	return len(b)
}

// inName holds the bytes an SD-NAME may have: printable ASCII other than '=', ' ',
// ']' and '"'.
var inName = func() (in [256]bool) {
	for c := '!'; c <= '~'; c++ {
		in[c] = c != '=' && c != ']' && c != '"'
	}
	return in
}()

// valueLength counts the bytes before the quote that ends a PARAM-VALUE, or all of
// b if none does. A backslash takes the meaning from the byte after it (RFC 5424,
// section 6.3.3). A bare ']' breaks the RFC, yet inside quotes it can't mislead.
func valueLength(b []byte) int {
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '"':
			return i
		case '\\':
			i++
		}
	}
	return len(b)
}

// readClaim reads one parameter of timeQuality. A value that the RFC doesn't know
// claims nothing; of a parameter given twice the last counts.
func readClaim(q *message.TimeQuality, name, value []byte) {
	switch string(name) {
	case "tzKnown":
		q.TZKnown = yesOrNo(value)
	case "isSynced":
		q.IsSynced = yesOrNo(value)
	case "syncAccuracy":
		q.SyncAccuracy = microseconds(value)
	}
}

func yesOrNo(value []byte) message.Claim {
	switch string(value) {
	case "0":
		return message.ClaimedFalse
	case "1":
		return message.ClaimedTrue
	}
	return message.NotClaimed
}

// microseconds reads a whole number of microseconds; 0 if it is none or more than
// a time.Duration holds.
func microseconds(value []byte) time.Duration {
	const most = time.Duration(math.MaxInt64) / time.Microsecond
	var n time.Duration
	for _, c := range value {
		if !isDigit(c) || n > (most-9)/10 {
			return 0
		}
		n = n*10 + time.Duration(c-'0')
	}
	return n * time.Microsecond
}
