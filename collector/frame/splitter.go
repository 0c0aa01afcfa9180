// Package frame finds the messages in the octets of a stream. It is pure: it
// reads from no socket and knows no clock.
//
// Both framings of RFC 6587, section 3.4, are understood and decided frame by
// frame, because senders mix them in one connection:
//
//   - Octet counting: a digit 1 to 9 begins MSG-LEN, of at most 7 digits and
//     followed by exactly one space. That many octets are the message, LFs among
//     them included.
//   - Anything else is a line. It ends with LF; one CR or NUL before the LF is
//     taken away with it. A message that begins with digits is a line as long as
//     no space follows them.
//
// Empty lines are no messages, so an LF after a counted frame is nothing either.
//
// RELP has a framing of its own, which RELPSplitter understands.
package frame

import "bytes"

// A Frame is one message without its framing.
type Frame struct {
	// Message is valid until the next call of Space.
	Message []byte

	// Truncated says that Message is only the beginning: the message was longer
	// than the limit, or the stream ended before a counted message did.
	Truncated bool
}

// A Splitter cuts one stream into messages. Its owner reads into Space, says
// with Fill how much that was, and calls Next until there is no more: those
// messages are the ones that this read completed.
type Splitter struct {
	buffer
	limit    int // octets of the longest message kept whole
	searched int // octets of what waits that are known to hold no LF

	afterCounted bool // the frame before was a counted one
	skip         int  // octets of a cut counted message that are still to come
	skipLine     bool // the rest of a cut line is still to come
}

// NewSplitter returns a Splitter for messages of up to limit octets. Longer ones
// are cut there and marked, and the stream goes on behind them. The buffer grows
// with need, to no more than limit or 64 KiB and a few octets.
func NewSplitter(limit int) *Splitter {
	return &Splitter{buffer: newBuffer(limit + maxHeader), limit: limit}
}

// Next returns the next message that is complete; ok is false if there is none
// yet. After an error the stream can't be cut any further.
func (s *Splitter) Next() (f Frame, ok bool, err error) {
	for s.discard() {
		how, err := open(s.waiting(), s.afterCounted)
		switch {
		case err != nil || how == undecided:
			return Frame{}, false, err
		case how == padding:
			s.consume(1)
			continue
		case how == counted:
			f, ok = s.nextCounted()
			return f, ok, nil
		}
		if f, ok = s.nextLine(); !ok || len(f.Message) > 0 {
			return f, ok, nil
		}
	}
	return Frame{}, false, nil
}

func (s *Splitter) nextCounted() (Frame, bool) {
	b := s.waiting()
	count, header := parseCount(b)
	kept := min(count, s.limit)
	if len(b) < header+kept {
		return Frame{}, false
	}
	s.consume(header + kept)
	s.skip = count - kept
	s.afterCounted = true
	return Frame{Message: b[header : header+kept], Truncated: kept < count}, true
}

func (s *Splitter) nextLine() (Frame, bool) {
	b := s.waiting()
	if n := bytes.IndexByte(b[s.searched:], '\n'); n >= 0 {
		n += s.searched
		s.consume(n + 1)
		s.afterCounted = false
		return s.cut(b[:n]), true
	}
	if len(b) < s.limit+len("\r\n") {
		s.searched = len(b)
		return Frame{}, false
	}
	s.consume(len(b))
	s.skipLine = true
	s.afterCounted = false
	return s.cut(b), true
}

// Rest returns what the end of the stream leaves as its last message: a line
// without LF, or the part of a counted message that arrived, marked Truncated.
// Call it after Next has found no more.
func (s *Splitter) Rest() (f Frame, ok bool) {
	b := s.waiting()
	how, err := open(b, s.afterCounted)
	if err != nil || s.skip > 0 || s.skipLine {
		return Frame{}, false
	}
	s.consume(len(b))
	if how == counted {
		_, header := parseCount(b)
		return Frame{Message: b[header:], Truncated: true}, true
	}
	f = s.cut(b)
	return f, len(f.Message) > 0
}

// Empty reports whether nothing of a further message has arrived. Call it after Next
// has found no more.
func (s *Splitter) Empty() bool { return s.start == s.end && s.skip == 0 && !s.skipLine }

// cut makes a Frame of a line, without a CR or NUL at its end.
func (s *Splitter) cut(b []byte) Frame {
	if n := len(b); n > 0 && (b[n-1] == '\r' || b[n-1] == 0) {
		b = b[:n-1]
	}
	kept := min(len(b), s.limit)
	return Frame{Message: b[:kept], Truncated: kept < len(b)}
}

// discard drops what has arrived of the rest of a cut message, and reports
// whether all of that rest is gone.
func (s *Splitter) discard() bool {
	n := min(s.skip, s.end-s.start)
	s.consume(n)
	s.skip -= n
	if !s.skipLine {
		return s.skip == 0
	}
	n = bytes.IndexByte(s.waiting(), '\n')
	if n < 0 {
		s.consume(s.end - s.start)
		return false
	}
	s.consume(n + 1)
	s.skipLine = false
	return true
}

func (s *Splitter) consume(n int) {
	s.start += n
	s.searched = 0
}
