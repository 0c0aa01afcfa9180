package frame

import (
	"errors"
	"fmt"
	"strconv"
)

// Errors of a stream that isn't RELP, or not any more. Where the next frame begins
// can't be known: close the connection.
var (
	// ErrTransactionNumber is returned for a TXNR that isn't 1 to 9 digits and a space.
	ErrTransactionNumber = errors.New("no transaction number of 1 to 9 digits")

	// ErrCommand is returned for a COMMAND that isn't 1 to 32 letters and a space.
	ErrCommand = errors.New("no command of 1 to 32 letters")

	// ErrDataLength is returned for a DATALEN that isn't 1 to 9 digits, or isn't
	// followed by the data.
	ErrDataLength = errors.New("no data length of 1 to 9 digits")

	// ErrTrailer is returned where no LF follows the data.
	ErrTrailer = errors.New("no LF after the data")
)

const (
	maxNumberDigits = 9
	maxCommand      = 32
	maxRELPHeader   = maxNumberDigits + 1 + maxCommand + 1 + maxNumberDigits + 1
)

// MaxRELPNumber is the highest transaction number.
const MaxRELPNumber = 999_999_999

// NextRELPNumber returns the transaction number that follows n: 1 follows the highest.
func NextRELPNumber(n int) int { return n%MaxRELPNumber + 1 }

// A RELPFrame is one frame of RELP:
//
//	TXNR SP COMMAND SP DATALEN [SP DATA] LF
type RELPFrame struct {
	Number int // TXNR

	// Command and Data are valid until the next call of Space.
	Command, Data []byte

	// Truncated says that Data is only the beginning of what was sent: it was longer
	// than the limit.
	Truncated bool
}

// AppendRELP appends a frame to b.
func AppendRELP[T string | []byte](b []byte, number int, command string, data T) []byte {
	b = append(strconv.AppendInt(b, int64(number), 10), ' ')
	b = append(append(b, command...), ' ')
	b = strconv.AppendInt(b, int64(len(data)), 10)
	if len(data) > 0 {
		b = append(append(b, ' '), data...)
	}
	return append(b, '\n')
}

// A RELPSplitter cuts one stream of RELP into frames. Its owner reads into Space,
// says with Fill how much that was, and calls Next until there is no more: those
// frames are the ones that this read completed.
type RELPSplitter struct {
	buffer
	limit   int // octets of the longest data kept whole
	skipped int // octets of the present frame's data that were cut off
}

// NewRELPSplitter returns a RELPSplitter for data of up to limit octets. Longer data is
// cut there and marked. The buffer grows with need, to no more than 64 KiB, or limit and
// a little more for reading what is cut off.
func NewRELPSplitter(limit int) *RELPSplitter {
	return &RELPSplitter{buffer: newBuffer(maxRELPHeader + limit + firstBuffer), limit: limit}
}

// Next returns the next frame that is complete, to its LF; ok is false if there is
// none yet. After an error the stream can't be cut any further.
func (s *RELPSplitter) Next() (f RELPFrame, ok bool, err error) {
	f, length, header, err := openRELP(s.waiting())
	if header == 0 || err != nil {
		return RELPFrame{}, false, err
	}
	kept := min(length, s.limit)
	s.cutOff(header+kept, length-kept)
	b := s.waiting()
	if s.skipped < length-kept || len(b) <= header+kept {
		return RELPFrame{}, false, nil
	}
	if c := b[header+kept]; c != '\n' {
		return RELPFrame{}, false, fmt.Errorf("%w (got %q after %d octets)", ErrTrailer, c, length)
	}
	f.Data, f.Truncated = b[header:header+kept], kept < length
	s.start += header + kept + len("\n")
	s.skipped = 0
	return f, true, nil
}

// cutOff takes away what has arrived of the excess of data, which stands behind the
// first n octets.
func (s *RELPSplitter) cutOff(n, excess int) {
	b := s.waiting()
	cut := min(excess-s.skipped, len(b)-n)
	if cut <= 0 {
		return
	}
	copy(b[n:], b[n+cut:])
	s.end -= cut
	s.skipped += cut
}

// Empty reports whether nothing of a further frame has arrived. Call it after Next has
// found no more.
func (s *RELPSplitter) Empty() bool { return s.start == s.end }

// openRELP reads all of a frame that stands before its data. The header is how long
// that is; 0 as long as more octets are needed to tell.
func openRELP(b []byte) (f RELPFrame, length, header int, err error) {
	number, n := parseNumber(b)
	switch {
	case n == len(b) && n <= maxNumberDigits:
		return f, 0, 0, nil
	case n == 0 || n > maxNumberDigits || b[n] != ' ':
		return f, 0, 0, fmt.Errorf("%w (got %q)", ErrTransactionNumber, wrong(b, n, maxNumberDigits))
	}
	header = n + 1
	n = letters(b[header:])
	switch {
	case header+n == len(b) && n <= maxCommand:
		return f, 0, 0, nil
	case n == 0 || n > maxCommand || b[header+n] != ' ':
		return f, 0, 0, fmt.Errorf("%w (got %q)", ErrCommand, wrong(b[header:], n, maxCommand))
	}
	f = RELPFrame{Number: number, Command: b[header : header+n]}
	header += n + 1
	length, n, err = openData(b[header:])
	if n == 0 || err != nil {
		return f, 0, 0, err
	}
	return f, length, header + n, nil
}

// openData reads DATALEN and the space before the data, which may be missing where
// there are none. It returns how long that is; 0 as long as more octets are needed.
func openData(b []byte) (length, header int, err error) {
	length, n := parseNumber(b)
	switch {
	case n == len(b) && n <= maxNumberDigits:
		return 0, 0, nil
	case n > 0 && n <= maxNumberDigits && b[n] == ' ':
		return length, n + 1, nil
	case n > 0 && n <= maxNumberDigits && b[n] == '\n' && length == 0:
		return 0, n, nil
	}
	return 0, 0, fmt.Errorf("%w (got %q)", ErrDataLength, wrong(b, n, maxNumberDigits))
}

// wrong returns what is wrong with b, whose first n octets are as they should be: they are
// more than may be, or the one behind them is another.
func wrong(b []byte, n, most int) []byte {
	if n > most {
		return b[:n]
	}
	return b[:n+1]
}

// parseNumber reads the digits at the start of b, at most one more than a number may
// have, and returns how many they are.
func parseNumber(b []byte) (number, n int) {
	for n < len(b) && n <= maxNumberDigits && isDigit(b[n]) {
		number = number*10 + int(b[n]-'0')
		n++
	}
	return number, n
}

// letters returns the length of the run of letters at the start of b, at most one more
// than a command may have.
func letters(b []byte) int {
	n := 0
	for n < len(b) && n <= maxCommand && isLetter(b[n]) {
		n++
	}
	return n
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }
