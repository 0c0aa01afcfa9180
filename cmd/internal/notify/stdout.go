package notify

import (
	"context"
	"io"

	"github.com/skewatch/skewatch/cmd/internal/api"
)

// lines writes each event as a JSON object in a line. Whoever reads them may stop doing so:
// then the writing goroutine hangs, and no other is begun until it is through.
type lines struct {
	to   io.Writer
	free chan struct{} // holds one token while nothing is written
}

func newLines(to io.Writer) *lines {
	l := &lines{to, make(chan struct{}, 1)}
	l.free <- struct{}{}
	return l
}

func (l *lines) send(ctx context.Context, events []api.Event) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-l.free:
	}
	var text []byte
	for _, e := range events {
		text = append(append(text, encode(deliveryOf(e))...), '\n')
	}
	done := make(chan error, 1)
	go func() {
		_, err := l.to.Write(text)
		l.free <- struct{}{}
		done <- err
	}()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case err := <-done:
		return err
	}
}
