// Package streamclient sends syslog messages over TCP or TLS (RFC 6587, RFC 5425), and knows
// whether the receiver has read to the end.
//
// Streams acknowledge nothing. So one is closed for writing, and when the receiver closes it
// in turn it has read all.
package streamclient

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"
	"time"
)

// Errors that say that messages may not have been read.
var (
	// ErrClosedEarly is returned when the receiver has ended the stream before it was finished.
	ErrClosedEarly = errors.New("the receiver closed the connection and may not have read to the end")

	// ErrUnconfirmed is returned when the receiver doesn't end the stream in turn.
	ErrUnconfirmed = errors.New("the receiver doesn't close the connection in turn and may not have read to the end")
)

// A Stream sends messages over one connection. It is for one goroutine, but for Over, Err and
// Abort.
type Stream struct {
	conn     net.Conn
	plain    net.Conn // below TLS
	out      *bufio.Writer
	patience time.Duration
	head     []byte // scratch

	over   chan struct{} // gets a value when the receiver has ended its side
	mu     sync.Mutex
	ended  bool
	reason error // nil for an end in order
}

// New begins a stream over a connection, which it owns from then on. Patience is how long the
// receiver may take for anything.
func New(conn net.Conn, patience time.Duration) *Stream {
	s := &Stream{conn: conn, plain: conn, patience: patience, over: make(chan struct{}, 1)}
	if secure, ok := conn.(interface{ NetConn() net.Conn }); ok {
		s.plain = secure.NetConn()
	}
	s.out = bufio.NewWriterSize(conn, 64<<10)
	go s.listen()
	return s
}

// listen waits until the receiver ends its side. What it says meanwhile has no meaning.
func (s *Stream) listen() {
	_, err := io.Copy(io.Discard, s.conn)
	if errors.Is(err, io.ErrUnexpectedEOF) { // without TLS's own farewell
		err = nil
	}
	s.mu.Lock()
	s.ended, s.reason = true, err
	s.mu.Unlock()
	s.over <- struct{}{}
}

// Over returns a channel that gets a value when the receiver has ended its side.
func (s *Stream) Over() <-chan struct{} { return s.over }

// Err returns why the stream has ended, nil while it hasn't.
func (s *Stream) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case !s.ended:
		return nil
	case s.reason == nil:
		return ErrClosedEarly
	}
	return fmt.Errorf("%w: %w", ErrClosedEarly, s.reason)
}

// Send sends a message with its octets counted (RFC 6587, section 3.4.1), or keeps it back
// until Flush.
func (s *Stream) Send(message []byte) error {
	s.head = append(strconv.AppendInt(s.head[:0], int64(len(message)), 10), ' ')
	return s.write(s.head, message)
}

// SendLine sends a message that a line feed ends (RFC 6587, section 3.4.2), or keeps it back
// until Flush.
func (s *Stream) SendLine(message []byte) error { return s.write(message, []byte{'\n'}) }

func (s *Stream) write(parts ...[]byte) error {
	if err := s.Err(); err != nil {
		return err
	}
	if err := s.conn.SetWriteDeadline(time.Now().Add(s.patience)); err != nil {
		return err
	}
	for _, part := range parts {
		if _, err := s.out.Write(part); err != nil {
			return err
		}
	}
	return nil
}

// Flush sends what was kept back.
func (s *Stream) Flush() error {
	if err := s.conn.SetWriteDeadline(time.Now().Add(s.patience)); err != nil {
		return err
	}
	return s.out.Flush()
}

// Finish ends our side, and waits until the receiver has read to the end. The stream is to be
// closed all the same.
func (s *Stream) Finish() error {
	if err := s.Flush(); err != nil {
		return err
	}
	if err := s.Err(); err != nil {
		return err // it was not in turn
	}
	if err := closeWrite(s.conn); err != nil {
		return err
	}
	if s.conn != s.plain {
		_ = closeWrite(s.plain) // the receiver may have answered to TLS's own farewell
	}
	late := time.NewTimer(s.patience)
	defer late.Stop()
	select {
	case <-s.over:
	case <-late.C:
		return ErrUnconfirmed
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.reason != nil {
		return fmt.Errorf("the receiver may not have read to the end: %w", s.reason)
	}
	return nil
}

// closeWrite ends our side of a connection.
func closeWrite(c net.Conn) error {
	if half, ok := c.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

// Close closes the connection.
func (s *Stream) Close() { s.conn.Close() }

// Abort closes the connection at once, without a farewell. It may be called by another
// goroutine.
func (s *Stream) Abort() { s.plain.Close() }
