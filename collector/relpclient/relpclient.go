// Package relpclient sends syslog messages over RELP, and knows which of them the receiver
// has acknowledged.
package relpclient

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/skewatch/skewatch/collector/frame"
)

// Window is how many messages wait for their acknowledgement at most, as in librelp: what
// may be sent twice when a connection breaks.
const Window = 128

// Errors that end a session.
var (
	// ErrFarewell is returned when the receiver has closed the session.
	ErrFarewell = errors.New("the receiver closed the session")

	// ErrSilent is returned when the receiver acknowledges nothing for too long.
	ErrSilent = errors.New("the receiver acknowledges nothing")

	errAnswer = errors.New("an answer to nothing that was sent")
)

// A RefusedError says that the receiver has answered a message by something other than 200.
type RefusedError struct {
	Index  uint64 // of the message in the session, from 0
	Answer string
}

func (e *RefusedError) Error() string { return fmt.Sprintf("the receiver answers %q", e.Answer) }

// A Session sends messages over one connection. It is for one goroutine, but for
// Acknowledged, Moved, Err and Abort.
type Session struct {
	conn     net.Conn
	patience time.Duration
	out      *bufio.Writer
	number   int // the last transaction number
	moved    chan struct{}
	ended    chan struct{}

	mu      sync.Mutex
	waiting []flight // what was sent and isn't acknowledged, in order; or is, behind one that isn't
	done    uint64   // messages before those
	err     error    // set before ended is closed
}

// A flight is a message on its way.
type flight struct {
	number       int
	acknowledged bool
}

// Open offers a session over a connection, which it owns from then on, and waits until it
// is taken. Patience is how long the receiver may take for anything.
func Open(conn net.Conn, patience time.Duration) (*Session, error) {
	s := &Session{conn: conn, patience: patience, number: 1, moved: make(chan struct{}, 1), ended: make(chan struct{})}
	s.out = bufio.NewWriterSize(conn, 64<<10)
	answers := frame.NewRELPSplitter(longestAnswer)
	if err := s.open(answers); err != nil {
		conn.Close()
		return nil, fmt.Errorf("open a RELP session: %w", err)
	}
	go s.listen(answers)
	return s, nil
}

const longestAnswer = 4096 // octets

func (s *Session) open(answers *frame.RELPSplitter) error {
	const offer = "relp_version=0\nrelp_software=skewatch\ncommands=syslog"
	if err := s.conn.SetDeadline(time.Now().Add(s.patience)); err != nil {
		return err
	}
	if _, err := s.conn.Write(frame.AppendRELP(nil, s.number, "open", offer)); err != nil {
		return err
	}
	f, err := readFrame(s.conn, answers)
	switch {
	case err != nil:
		return err
	case f.Number != s.number || string(f.Command) != "rsp" || !isWell(f.Data):
		return fmt.Errorf("the receiver answers %q", f.Data)
	}
	return s.conn.SetDeadline(time.Time{})
}

// isWell reports whether an answer says that all is well.
func isWell(answer []byte) bool {
	return bytes.HasPrefix(answer, []byte("200")) && (len(answer) == 3 || answer[3] == ' ')
}

// readFrame reads the next frame.
func readFrame(from io.Reader, frames *frame.RELPSplitter) (frame.RELPFrame, error) {
	for {
		f, ok, err := frames.Next()
		if ok || err != nil {
			return f, err
		}
		n, err := from.Read(frames.Space())
		if frames.Fill(n); n == 0 && err != nil {
			return f, err
		}
	}
}

// listen takes acknowledgements until the session ends.
func (s *Session) listen(answers *frame.RELPSplitter) {
	for {
		f, err := readFrame(s.conn, answers)
		switch {
		case err != nil:
		case string(f.Command) == "serverclose":
			err = ErrFarewell
		case string(f.Command) == "rsp":
			err = s.answered(f.Number, f.Data)
		}
		if err != nil {
			s.end(err)
			return
		}
	}
}

// end notes why the session is over. The first reason counts.
func (s *Session) end(err error) {
	s.mu.Lock()
	if s.err == nil {
		s.err = err
		close(s.ended)
	}
	s.mu.Unlock()
	s.ring()
	s.conn.Close()
}

func (s *Session) ring() {
	select {
	case s.moved <- struct{}{}:
	default: // it will be seen
	}
}

// answered takes the answer to a message. Answers may come out of order.
func (s *Session) answered(number int, answer []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.waiting) == 0 {
		return errAnswer
	}
	i := number - s.waiting[0].number
	if i < 0 {
		i += frame.MaxRELPNumber
	}
	switch {
	case i >= len(s.waiting):
		return errAnswer
	case !isWell(answer):
		return &RefusedError{Index: s.done + uint64(i), Answer: string(answer)}
	}
	s.waiting[i].acknowledged = true
	n := 0
	for n < len(s.waiting) && s.waiting[n].acknowledged {
		n++
	}
	if n > 0 {
		s.waiting = append(s.waiting[:0], s.waiting[n:]...)
		s.done += uint64(n)
		s.ring()
	}
	return nil
}

// Acknowledged returns how many messages are acknowledged, and all before them.
func (s *Session) Acknowledged() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.done
}

// Moved returns a channel that gets a value when more is acknowledged or the session ends.
func (s *Session) Moved() <-chan struct{} { return s.moved }

// Err returns why the session has ended, nil while it hasn't.
func (s *Session) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

func (s *Session) inFlight() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.waiting)
}

// Send sends a message, or keeps it back until Flush. While as many as Window wait for
// their acknowledgement, it waits too.
func (s *Session) Send(raw []byte) error {
	if err := s.await(Window - 1); err != nil {
		return err
	}
	s.number = frame.NextRELPNumber(s.number)
	s.mu.Lock()
	s.waiting = append(s.waiting, flight{number: s.number})
	s.mu.Unlock()
	return s.write("syslog", raw)
}

func (s *Session) write(command string, data []byte) error {
	if err := s.conn.SetWriteDeadline(time.Now().Add(s.patience)); err != nil {
		return err
	}
	_, err := s.out.Write(frame.AppendRELP(s.out.AvailableBuffer(), s.number, command, data))
	return err
}

// Flush sends what was kept back.
func (s *Session) Flush() error {
	if s.out.Buffered() == 0 {
		return nil
	}
	if err := s.conn.SetWriteDeadline(time.Now().Add(s.patience)); err != nil {
		return err
	}
	return s.out.Flush()
}

// await waits until no more than most messages wait for their acknowledgement.
func (s *Session) await(most int) error {
	for waiting := s.inFlight(); waiting > most; waiting = s.inFlight() {
		if err := s.Flush(); err != nil {
			return err
		}
		late := time.NewTimer(s.patience)
		select {
		case <-s.moved:
		case <-s.ended:
		case <-late.C:
			return ErrSilent
		}
		late.Stop()
		if err := s.Err(); err != nil {
			return err
		}
	}
	return s.Err()
}

// Drain waits until all messages are acknowledged.
func (s *Session) Drain() error {
	if err := s.await(0); err != nil && s.inFlight() > 0 {
		return err
	}
	return nil // whatever became of the session then
}

// Close ends the session, and in order if all messages are acknowledged. What isn't may
// have been stored or not.
func (s *Session) Close() {
	if s.Err() == nil && s.inFlight() == 0 {
		s.number = frame.NextRELPNumber(s.number)
		if s.write("close", nil) == nil && s.Flush() == nil {
			select { // the answer, or the end
			case <-s.ended:
			case <-time.After(min(s.patience, farewellWithin)):
			}
		}
	}
	s.end(net.ErrClosed)
}

// farewellWithin is how long the receiver is given to answer to our farewell.
const farewellWithin = 300 * time.Millisecond

// Abort ends the session at once. It may be called by another goroutine.
func (s *Session) Abort() { s.end(net.ErrClosed) }
