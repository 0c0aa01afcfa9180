package archive

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
)

// lines reads a text line by line.
type lines struct {
	from   *bufio.Reader
	number int64 // of the line that was read last, from 1
}

func newLines(from io.Reader) lines { return lines{from: bufio.NewReaderSize(from, maxLine)} }

// next returns the next line without its end, LF or CR LF. It is valid until the call
// after. The error is io.EOF after the last line, and a *LineError for one that is
// longer than maxLine.
func (l *lines) next() ([]byte, error) {
	line, err := l.from.ReadSlice('\n')
	switch {
	case errors.Is(err, bufio.ErrBufferFull):
		l.number++
		return nil, l.skip()
	case err != nil && (!errors.Is(err, io.EOF) || len(line) == 0):
		return nil, err
	}
	l.number++
	line = bytes.TrimSuffix(line, []byte("\n"))
	return bytes.TrimSuffix(line, []byte("\r")), nil
}

// skip reads on to the end of a line that is too long.
func (l *lines) skip() error {
	for {
		switch _, err := l.from.ReadSlice('\n'); {
		case errors.Is(err, bufio.ErrBufferFull):
		case err == nil, errors.Is(err, io.EOF):
			return &LineError{Number: l.number, Problem: fmt.Sprintf("longer than %d bytes", maxLine)}
		default:
			return err
		}
	}
}

// skipBOM passes over the byte order mark that some programs put before UTF-8.
func (l *lines) skipBOM() {
	const bom = "\xEF\xBB\xBF"
	if b, _ := l.from.Peek(len(bom)); string(b) == bom {
		_, _ = l.from.Discard(len(bom)) // they are in the buffer
	}
}

// first returns the first byte that is no white space, without reading it.
func (l *lines) first() (byte, error) {
	for {
		b, err := l.from.Peek(1)
		if err != nil {
			return 0, err
		}
		switch b[0] {
		case '\n':
			l.number++
		case ' ', '\t', '\r':
		default:
			return b[0], nil
		}
		_, _ = l.from.Discard(1) // it is in the buffer
	}
}
