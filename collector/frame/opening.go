package frame

import (
	"errors"
	"fmt"
)

// Errors of a stream whose framing is lost. Where the next message begins can't
// be known any more: close the connection.
var (
	// ErrCountTooLong is returned for an octet count of more than 7 digits.
	ErrCountTooLong = errors.New("octet count of more than 7 digits")

	// ErrCountEndless is returned for digits that go on without becoming an
	// octet count or the beginning of a plausible line.
	ErrCountEndless = errors.New("octet count that never ends")
)

const (
	maxCountDigits = 7
	maxDigitRun    = 20 // a uint64, or an epoch in nanoseconds, that begins a line
	maxHeader      = maxDigitRun + 2
)

// opening is how the octets at the start of a frame begin it.
type opening uint8

const (
	undecided opening = iota // more octets are needed to tell
	padding                  // one octet that stands between frames
	line                     // a message that ends with LF
	counted                  // MSG-LEN SP, then a message of that many octets
)

// open decides how the frame at the start of b is delimited. What it decides
// never depends on how much of the frame has arrived: it waits instead.
func open(b []byte, afterCounted bool) (opening, error) {
	switch {
	case len(b) == 0:
		return undecided, nil
	case b[0] == '\n':
		return padding, nil
	case b[0] == ' ':
		return openSpace(b[1:], afterCounted), nil
	case '1' <= b[0] && b[0] <= '9':
		return openDigits(b)
	}
	return line, nil
}

// openSpace decides on the octets after a space. Cisco ASA puts an extra one in
// front of a frame; anywhere else it is an indented line, and the sender's.
func openSpace(b []byte, afterCounted bool) opening {
	switch {
	case len(b) == 0 || b[0] == '<' && len(b) == 1:
		return undecided
	case b[0] == '<' && isDigit(b[1]), afterCounted && isDigit(b[0]):
		return padding
	}
	return line
}

// openDigits decides on a run of digits. Followed by exactly one space it is a
// count and nothing else, so that a bad count is never read as a line; a message
// without PRI that begins "2018-04-20" is a line.
func openDigits(b []byte) (opening, error) {
	n := digits(b)
	switch {
	case n > maxDigitRun:
		return undecided, fmt.Errorf("%w (got %q)", ErrCountEndless, b[:n])
	case n == len(b):
		return undecided, nil
	case b[n] != ' ':
		return line, nil
	case n > maxCountDigits:
		return undecided, fmt.Errorf("%w (got %q)", ErrCountTooLong, b[:n])
	case n+1 == len(b):
		return undecided, nil
	case b[n+1] == ' ':
		return line, nil
	}
	return counted, nil
}

// digits returns the length of the run of digits at the start of b, at most one
// more than a run may have.
func digits(b []byte) int {
	n := 0
	for n < len(b) && n <= maxDigitRun && isDigit(b[n]) {
		n++
	}
	return n
}

// parseCount reads MSG-LEN of a counted frame, and the length of MSG-LEN SP.
func parseCount(b []byte) (count, header int) {
	for isDigit(b[header]) {
		count = count*10 + int(b[header]-'0')
		header++
	}
	return count, header + 1
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
