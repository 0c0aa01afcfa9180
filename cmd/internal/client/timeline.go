package client

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/skewatch/skewatch/cmd/internal/api"
)

// timelineBuffer holds the usual line whole.
const timelineBuffer = 256 << 10

// Timeline asks for messages in the order in which they were written.
func (c *HTTP) Timeline(ctx context.Context, q api.TimelineQuery, fn func(api.Entry) error) error {
	body, err := c.get(ctx, api.PathTimeline, q.Values())
	if err != nil {
		return err
	}
	defer body.Close()
	for lines := bufio.NewReaderSize(body, timelineBuffer); ; {
		line, err := readLine(lines)
		switch {
		case errors.Is(err, io.EOF) && len(line) == 0:
			return nil
		case err != nil:
			return fmt.Errorf("the answer of %s was cut short: %w", c.base, err)
		}
		e, err := api.ReadEntry(line[:len(line)-1])
		if err != nil {
			return fmt.Errorf("read the answer of %s: %w", c.base, err)
		}
		if err := fn(e); err != nil {
			return err
		}
	}
}

// readLine returns the next line, which is valid until the next call. A part of one at the
// end is an error.
func readLine(r *bufio.Reader) ([]byte, error) {
	line, err := r.ReadSlice('\n')
	if !errors.Is(err, bufio.ErrBufferFull) {
		return line, whole(line, err)
	}
	long := append([]byte{}, line...)
	rest, err := r.ReadBytes('\n')
	return append(long, rest...), whole(rest, err)
}

// whole turns an end in the midst of a line into an error that says so.
func whole(line []byte, err error) error {
	if errors.Is(err, io.EOF) && len(line) > 0 {
		return io.ErrUnexpectedEOF
	}
	return err
}
