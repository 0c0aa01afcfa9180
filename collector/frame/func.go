package frame

import (
	"bufio"
	"errors"
	"fmt"
)

// Errors of a stream that a bufio.SplitFunc can't cut any further: close the
// connection.
var (
	// ErrSplitFunc is returned when the function returned an error, panicked, went
	// where no octets are, gave a message without going on, or wants no more.
	ErrSplitFunc = errors.New("the format's split function failed")

	// ErrNoEnd is returned when the buffer is full and the function found no end of
	// the message that begins there.
	ErrNoEnd = errors.New("no end of the message within the limit")
)

// A FuncSplitter cuts one stream into messages with a bufio.SplitFunc, which may be
// anybody's: it is run under recover, and what it returns is checked. It is filled and
// asked as a Splitter is. What is empty is no message.
type FuncSplitter struct {
	buffer
	split bufio.SplitFunc
	limit int   // octets of the longest message kept whole
	err   error // once set, nothing is cut any more
}

// NewFuncSplitter returns a FuncSplitter for messages of up to limit octets. Longer
// ones are cut there and marked if the function finds their end. The buffer grows with
// need, to no more than 64 KiB, or limit and 4 KiB for what a framing adds.
func NewFuncSplitter(split bufio.SplitFunc, limit int) *FuncSplitter {
	return &FuncSplitter{buffer: newBuffer(limit + firstBuffer), split: split, limit: limit}
}

// Next returns the next message that is complete; ok is false if there is none yet.
// After an error the stream can't be cut any further.
func (s *FuncSplitter) Next() (f Frame, ok bool, err error) {
	if f, ok = s.next(false); ok {
		return f, true, nil
	}
	if s.err == nil && s.end-s.start >= s.largest {
		s.err = fmt.Errorf("%w (after %d octets)", ErrNoEnd, s.end-s.start)
	}
	return Frame{}, false, s.err
}

// Rest returns what the end of the stream leaves as a message: what the function still
// finds there, and at last what it leaves, marked Truncated. Call it until there is no
// more, after Next has found no more or has failed.
func (s *FuncSplitter) Rest() (f Frame, ok bool) {
	if f, ok = s.next(true); ok {
		return f, true
	}
	if s.start == s.end {
		return Frame{}, false
	}
	f = s.cut(s.waiting())
	f.Truncated = true
	s.start = s.end
	return f, true
}

// Empty reports whether nothing of a further message has arrived. Call it after Next
// has found no more.
func (s *FuncSplitter) Empty() bool { return s.start == s.end }

// next asks the function until it gives a message or wants more octets.
func (s *FuncSplitter) next(atEnd bool) (Frame, bool) {
	for s.start < s.end && s.err == nil {
		data := s.waiting()
		advance, token, err := s.ask(data, atEnd)
		s.err = wrongSplit(advance, token, err, len(data))
		if s.err != nil && !errors.Is(s.err, bufio.ErrFinalToken) {
			break
		}
		s.start += advance
		if len(token) > 0 {
			return s.cut(token), true
		}
		if advance == 0 {
			break
		}
	}
	return Frame{}, false
}

// ask calls the function. A panic is an error.
func (s *FuncSplitter) ask(data []byte, atEnd bool) (advance int, token []byte, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	return s.split(data, atEnd)
}

// wrongSplit returns what is wrong with the answer of a function that was given so many
// octets.
func wrongSplit(advance int, token []byte, err error, octets int) error {
	switch {
	case advance < 0 || advance > octets:
		return fmt.Errorf("%w: goes %d octets on, of %d", ErrSplitFunc, advance, octets)
	case err != nil:
		return fmt.Errorf("%w: %w", ErrSplitFunc, err)
	case advance == 0 && len(token) > 0:
		return fmt.Errorf("%w: gives a message and doesn't go on", ErrSplitFunc)
	}
	return nil
}

func (s *FuncSplitter) cut(message []byte) Frame {
	kept := min(len(message), s.limit)
	return Frame{Message: message[:kept], Truncated: kept < len(message)}
}
