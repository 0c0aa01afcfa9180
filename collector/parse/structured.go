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
		var claims message.TimeQuality
		next, isClaim := readElement(b, end, &claims)
		if next == 0 {
			break
		}
		if isClaim && !claimed {
			m.TimeQuality, claimed = claims, true
		}
		end = next
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

// readElement reads one SD-ELEMENT, `[id name="value" …]`, that begins at b[start],
// and says where it ends: 0 when none begins there. If it is a timeQuality, its claims
// go to q.
func readElement(b []byte, start int, q *message.TimeQuality) (end int, isTimeQuality bool) {
	id := start + len("[")
	known := id + knownID(b[id:])
	if end = nameEnd(b, known); end == id {
		return 0, false
	}
	isTimeQuality = known > id && end == known
	for end < len(b) && b[end] == ' ' {
		name := end + 1
		equals := name
		if isTimeQuality {
			equals += knownName(b[name:])
		}
		equals = nameEnd(b, equals)
		value := equals + len(`="`)
		if equals == name || value >= len(b) || b[equals] != '=' || b[equals+1] != '"' {
			return 0, false
		}
		quote := valueEnd(b, value)
		if quote == len(b) {
			return 0, false
		}
		if isTimeQuality {
			readClaim(q, b[name:equals], b[value:quote])
		}
		end = quote + 1
	}
	if end == len(b) || b[end] != ']' {
		return 0, false
	}
	return end + 1, isTimeQuality
}

// knownID returns the length of timeQuality if b begins with that, else 0. Comparing a
// name that is likely is faster than looking at each octet, as nameEnd does.
func knownID(b []byte) int {
	if len(b) >= len(timeQuality) && string(b[:len(timeQuality)]) == timeQuality {
		return len(timeQuality)
	}
	return 0
}

// knownName returns the length of the parameter's name of timeQuality that b begins
// with, 0 if it begins with none or is short anyway.
func knownName(b []byte) int {
	switch {
	case len(b) < len("syncAccuracy"):
		return 0
	case string(b[:len("tzKnown")]) == "tzKnown":
		return len("tzKnown")
	case string(b[:len("isSynced")]) == "isSynced":
		return len("isSynced")
	case string(b[:len("syncAccuracy")]) == "syncAccuracy":
		return len("syncAccuracy")
	}
	return 0
}

// nameEnd returns where the SD-NAME (RFC 5424, section 6.3.2) ends that begins at
// b[i].
func nameEnd(b []byte, i int) int {
	for i < len(b) && inName[b[i]] {
		i++
	}
	return i
}

// inName holds the bytes an SD-NAME may have: printable ASCII other than '=', ' ',
// ']' and '"'.
var inName = func() (in [256]bool) {
	for c := '!'; c <= '~'; c++ {
		in[c] = c != '=' && c != ']' && c != '"'
	}
	return in
}()

// valueEnd returns where the quote is that ends the PARAM-VALUE beginning at b[i],
// len(b) if none does. A backslash takes the meaning from the byte after it (RFC 5424,
// section 6.3.3). A bare ']' breaks the RFC, yet inside quotes it can't mislead.
func valueEnd(b []byte, i int) int {
	for ; i < len(b); i++ {
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
