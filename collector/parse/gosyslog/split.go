package gosyslog

import (
	"bufio"
	"bytes"
	"fmt"
)

const (
	maxCountDigits = 7

	// maxCounted is the longest counted message that fits, with its count, into the
	// buffer of a bufio.Scanner, which the library reads connections with.
	maxCounted = bufio.MaxScanTokenSize - maxCountDigits - 1
)

// A splitter finds the messages of one connection (RFC 6587). The framing is
// decided message by message: a digit from 1 to 9 begins an octet count, anything
// else a line.
type splitter struct {
	stream bool // more than one call: this is no datagram
}

// split is a bufio.SplitFunc. The library calls it for a datagram as well, once,
// with all of it and atEOF: that is one message, line ends and all.
func (s *splitter) split(data []byte, atEOF bool) (advance int, token []byte, err error) {
	if len(data) == 0 {
		return 0, nil, nil
	}
	if atEOF && !s.stream {
		return len(data), data, nil
	}
	s.stream = true

	// A Scanner reads on when it gets no token, so everything between two messages
	// is passed over in the same call as the next message.
	rest := bytes.TrimLeft(data, "\r\n\x00")
	advance, token, err = cutFrame(rest)
	if token == nil && err == nil && atEOF && len(rest) > 0 {
		return len(data), rest, nil // the connection ended inside a message
	}
	return len(data) - len(rest) + advance, token, err
}

// cutFrame returns the message at the start of b and how far the next one is from
// there. It returns 0 until the message is complete.
func cutFrame(b []byte) (advance int, frame []byte, err error) {
	if len(b) == 0 {
		return 0, nil, nil
	}
	if b[0] >= '1' && b[0] <= '9' {
		return cutCounted(b)
	}
	end := bytes.IndexByte(b, '\n')
	if end < 0 {
		return 0, nil, nil
	}
	return end + 1, bytes.TrimRight(b[:end], "\r\x00"), nil
}

// cutCounted cuts a message off that begins with its length (RFC 6587, section
// 3.4.1). An error ends the connection: where the next message begins is unknown.
func cutCounted(b []byte) (advance int, frame []byte, err error) {
	count, n := 0, 0
	for n < len(b) && n <= maxCountDigits && b[n] >= '0' && b[n] <= '9' {
		count = count*10 + int(b[n]-'0')
		n++
	}
	switch {
	case n > maxCountDigits:
		return 0, nil, fmt.Errorf("octet count: more than %d digits (begins %q); send MSG-LEN, a space and the message", maxCountDigits, b[:n])
	case n == len(b):
		return 0, nil, nil
	case b[n] != ' ':
		return 0, nil, fmt.Errorf("octet count: no space after it (%q); send MSG-LEN, a space and the message", b[:n+1])
	case count > maxCounted:
		return 0, nil, fmt.Errorf("octet count: over the limit of %d (%d); send shorter messages", maxCounted, count)
	}
	end := n + 1 + count
	if end > len(b) {
		return 0, nil, nil
	}
	return end, b[n+1 : end], nil
}
