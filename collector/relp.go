package collector

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"github.com/skewatch/skewatch/collector/frame"
)

// How a RELP session ends, other than by its stream's end.
var (
	errClosed        = errors.New("the peer closed the session")
	errOpenTwice     = errors.New("the session was opened twice")
	errOutOfSequence = errors.New("transaction number out of sequence")
	errBadCommand    = errors.New("command unknown or out of place")
)

// relpOffers is the answer to an open. Version 0 is all there is: a client of librelp that
// is offered another one reconnects for ever.
const relpOffers = "200 OK\nrelp_version=0\nrelp_software=skewatch\ncommands=syslog"

const (
	// acknowledgeWithin is how long a session that ends waits for what was put to be
	// synced and acknowledged. What then isn't will be sent again.
	acknowledgeWithin = 10 * time.Second

	// lingerFor is how long the peer is given to read our last words and to close. A
	// close with unread octets of the peer's resets the connection, and acknowledgements
	// that are on their way may be lost.
	lingerFor = 300 * time.Millisecond

	acknowledgeAtOnce = 32 << 10 // octets of acknowledgements in one write
)

// A relpSession is a RELP connection. It cuts its stream into messages as the stream's
// splitter, and acknowledges them when they are on disk.
//
// One goroutine reads and puts. Another waits for the Sink's Sync and acknowledges all
// that had been put before, so that a slow disk makes the batches larger. The first
// writes only when the second has nothing to write: before the first message, and when
// it has ended.
//
// A message is never refused: a client gives up one that is. What can't be stored is
// not read, or its connection is closed.
type relpSession struct {
	*frame.RELPSplitter
	stream *stream
	conn   source // of the stream

	number   int    // the last transaction number of the peer
	opened   bool   // it has sent its open
	messages uint64 // syslog frames so far

	put   atomic.Uint64 // of messages, those that the Sink has taken
	done  atomic.Uint64 // of them, those that are acknowledged
	wake  chan struct{} // rings for put; closed when no more will come
	ended chan error    // gives why acknowledging ended
}

func newRELPSession(s *stream) *relpSession {
	r := &relpSession{
		RELPSplitter: frame.NewRELPSplitter(s.c.cfg.MaxMessage),
		stream:       s,
		conn:         s.conn,
		wake:         make(chan struct{}, 1),
		ended:        make(chan error, 1),
	}
	s.split, s.taken, s.owes = r, r.taken, r.owes
	return r
}

// serve serves the session to its end and returns why it ended.
func (r *relpSession) serve(ctx context.Context) error {
	background, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	go func() { r.ended <- r.acknowledge(background) }()
	err := r.stream.serve(ctx)

	defer time.AfterFunc(acknowledgeWithin, cancel).Stop()
	r.conn.SetWriteDeadline(time.Now().Add(acknowledgeWithin)) // for all of them
	close(r.wake)
	if acknowledging := <-r.ended; acknowledging != nil {
		return errors.Join(err, acknowledging)
	}
	return errors.Join(err, r.takeLeave(err))
}

// Next returns the message of the next syslog frame that is complete, and does what
// frames before it ask for.
func (r *relpSession) Next() (frame.Frame, bool, error) {
	for {
		f, ok, err := r.RELPSplitter.Next()
		if !ok || err != nil {
			return frame.Frame{}, false, err
		}
		if want := frame.NextRELPNumber(r.number); f.Number != want {
			return frame.Frame{}, false, fmt.Errorf("%w (got %d, want %d)", errOutOfSequence, f.Number, want)
		}
		r.number = f.Number
		isMessage, err := r.do(string(f.Command))
		if err != nil {
			return frame.Frame{}, false, err
		}
		if isMessage && r.count(f.Data) {
			return frame.Frame{Message: f.Data, Truncated: f.Truncated}, true, nil
		}
	}
}

// do does what a command asks for, unless it is a message.
func (r *relpSession) do(command string) (isMessage bool, err error) {
	switch {
	case command == "open" && !r.opened:
		r.opened = true
		return false, r.answer(relpOffers)
	case command == "open":
		return false, errOpenTwice
	case command == "close":
		return false, errClosed
	case command == "syslog" && r.opened:
		return true, nil
	}
	return false, fmt.Errorf("%w (got %q, opened: %v)", errBadCommand, command, r.opened)
}

// count counts a syslog frame, and reports whether there is a message in it.
func (r *relpSession) count(data []byte) bool {
	r.messages++
	if len(data) == 0 {
		r.stream.counts.arrived(1)
		r.stream.counts.reject(1, EmptyFrame)
	}
	return len(data) > 0
}

// Rest returns nothing: what the end of the stream leaves unfinished is not acknowledged,
// and so will be sent again.
func (r *relpSession) Rest() (frame.Frame, bool) { return frame.Frame{}, false }

// answer answers the last frame of the peer.
func (r *relpSession) answer(data string) error {
	return r.write(response(nil, r.number, data))
}

func (r *relpSession) write(frames []byte) error {
	_, err := r.conn.Write(frames)
	return err
}

// response appends the answer to a frame.
func response(b []byte, number int, data string) []byte {
	return frame.AppendRELP(b, number, "rsp", data)
}

// taken says that all messages so far are with the Sink.
func (r *relpSession) taken() {
	if r.put.Swap(r.messages) == r.messages {
		return
	}
	select {
	case r.wake <- struct{}{}:
	default: // it will be seen
	}
}

// owes reports whether the peer waits for acknowledgements.
func (r *relpSession) owes() bool { return r.put.Load() > r.done.Load() }

// acknowledge acknowledges what is put, once it is on disk, until no more will come. When
// it fails it closes the connection, so that no more is read.
func (r *relpSession) acknowledge(ctx context.Context) (err error) {
	const opening = 1 // the number of the open, which comes before all messages
	number := opening
	for range r.wake {
		acknowledged, upTo := r.done.Load(), r.put.Load()
		if upTo == acknowledged {
			continue
		}
		if err = r.stream.c.sink.Sync(ctx); err != nil {
			err = fmt.Errorf("%d messages are not acknowledged: %w", upTo-acknowledged, err)
			break
		}
		if number, err = r.acknowledgeBatch(number, upTo-acknowledged); err != nil {
			break
		}
		r.done.Store(upTo)
	}
	if err != nil {
		r.conn.Close()
	}
	return err
}

// acknowledgeBatch acknowledges the n frames that follow a number, and returns the number
// of the last.
func (r *relpSession) acknowledgeBatch(number int, n uint64) (last int, err error) {
	var b []byte
	for ; n > 0; n-- {
		number = frame.NextRELPNumber(number)
		if b = response(b, number, "200 OK"); n > 1 && len(b) < acknowledgeAtOnce {
			continue
		}
		if err := r.write(b); err != nil {
			return 0, err
		}
		b = b[:0]
	}
	return number, nil
}

// takeLeave says the last words that the end of the stream calls for: nil is that this
// server stops.
func (r *relpSession) takeLeave(end error) error {
	const serverClose = "0 serverclose 0\n"
	var words []byte
	switch {
	case end == nil:
		words = []byte(serverClose)
	case errors.Is(end, errClosed):
		words = append(response(nil, r.number, ""), serverClose...)
	case errors.Is(end, errOpenTwice):
		words = response(nil, r.number, "500 the session is open already")
	case errors.Is(end, io.EOF):
		return nil
	}
	if err := r.write(words); err != nil {
		return err
	}
	return r.linger()
}

// linger ends our direction, and waits a little for the peer to end its own.
func (r *relpSession) linger() error {
	if err := r.conn.CloseWrite(); err != nil {
		return err
	}
	r.conn.SetReadDeadline(time.Now().Add(lingerFor))
	io.Copy(io.Discard, r.conn) // what comes now isn't acknowledged
	return nil
}
