package archive

import (
	"bytes"
	"math"

	"github.com/skewatch/skewatch/collector/parse"
)

const second = 1_000_000_000 // ns

// readReceived reads a time of receipt, to Unix nanoseconds: an RFC 3339 time, or a
// number as readCount takes it.
func readReceived(text []byte) (int64, *LineError) {
	text = bytes.TrimSpace(text)
	if len(text) == 0 {
		return 0, fault(fieldReceived, "missing", nil)
	}
	at, problem := readCount(text)
	if problem == notCount {
		at, problem = readInstant(text)
	}
	if problem == "" && at <= 0 {
		problem = "not after 1970"
	}
	if problem != "" {
		return 0, fault(fieldReceived, problem, text)
	}
	return at, nil
}

// readInstant reads a time that names its year and zone.
func readInstant(text []byte) (at int64, problem string) {
	s := parse.Stamp(text)
	at, ok := s.Instant()
	switch {
	case ok:
		return at, ""
	case s.Usable() && s.HasYear:
		return 0, "names no time zone"
	case s.Usable():
		return 0, "names no year and no time zone"
	}
	return 0, "not a time"
}

// notCount is the problem of a text that is no number at all.
const notCount = "not a number"

// units are what a count since 1970 may count, by its size: no two of them give a
// year between 1973 and 5138 for one number.
var units = [...]struct{ below, nanos int64 }{
	{1e11, second},
	{1e14, second / 1e3},
	{1e17, second / 1e6},
	{math.MaxInt64, 1},
}

// readCount reads seconds, milliseconds, microseconds or nanoseconds since
// 1970-01-01 UTC, whichever the number's size says. A fraction may follow; what is
// finer than nanoseconds is cut off.
func readCount(text []byte) (at int64, problem string) {
	whole, fraction, _ := bytes.Cut(text, []byte("."))
	count, ok := readDigits(whole)
	if !ok {
		return 0, notCount
	}
	unit := int64(1)
	for _, u := range units {
		if count < u.below {
			unit = u.nanos
			break
		}
	}
	if count > math.MaxInt64/unit-1 {
		return 0, "beyond the year 2261"
	}
	part, ok := int64(0), true
	for place := unit / 10; len(fraction) > 0; place /= 10 {
		digit := int64(fraction[0]) - '0'
		if digit < 0 || digit > 9 {
			return 0, notCount
		}
		part += digit * place
		fraction = fraction[1:]
	}
	return count*unit + part, ""
}

// readDigits reads a whole number of at most 19 digits.
func readDigits(text []byte) (n int64, ok bool) {
	if len(text) == 0 || len(text) > 19 {
		return 0, false
	}
	var u uint64
	for _, c := range text {
		digit := c - '0'
		if digit > 9 {
			return 0, false
		}
		u = u*10 + uint64(digit)
	}
	return int64(u), u <= math.MaxInt64
}
