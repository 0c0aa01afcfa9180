package forward

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/skewatch/skewatch/cmd/internal/config"
	"github.com/skewatch/skewatch/collector/relpclient"
)

// A session sends messages over one connection. It is for one goroutine, but for abort.
type session interface {
	send(message []byte) error // or keeps it back until flush
	flush() error
	acknowledges() bool     // the transport has acknowledgements
	confirmed() uint64      // messages that the receiver is known to have, and all before them
	moved() <-chan struct{} // gets a value when more are, or the session has ended
	err() error             // why it has ended, nil while it hasn't
	full() bool             // it must be finished before more is sent
	due() time.Time         // when it must be at the latest; zero for never
	finish() error          // waits until the receiver has all, and ends the session
	close()
	abort()
}

// open connects to a receiver.
func open(ctx context.Context, f *config.Forward, o Options) (session, error) {
	secure, err := tlsConfig(f)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, o.Patience)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", f.Address)
	if err != nil {
		return nil, err
	}
	plain := conn
	if f.Transport.Encrypted() {
		t := tls.Client(plain, secure)
		if err := t.HandshakeContext(ctx); err != nil {
			plain.Close()
			return nil, err
		}
		conn = t
	}
	switch f.Transport {
	case config.ForwardRELP, config.ForwardRELPTLS:
		s, err := relpclient.Open(conn, o.Patience)
		if err != nil {
			return nil, err
		}
		return relp{s}, nil
	}
	return newStream(conn, plain, o), nil
}

// tlsConfig reads a receiver's certificates. That is done for each connection, so that they
// can be renewed. Its error's Field is the setting of the receiver. Nothing is read for a
// transport that isn't encrypted: there is nothing to read.
func tlsConfig(f *config.Forward) (*tls.Config, error) {
	host, _, _ := net.SplitHostPort(f.Address)
	c := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: host}
	if f.CA != "" {
		pem, err := os.ReadFile(f.CA)
		if err != nil {
			return nil, fileError("ca", f.CA, err)
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fileError("ca", f.CA, errors.New("holds no certificate"))
		}
	}
	if f.Certificate != "" {
		pair, err := tls.LoadX509KeyPair(f.Certificate, f.Key)
		if err != nil {
			return nil, fileError("certificate", f.Certificate, err)
		}
		c.Certificates = []tls.Certificate{pair}
	}
	return c, nil
}

func fileError(field, path string, err error) error {
	problem := err.Error()
	var inPath *os.PathError
	if errors.As(err, &inPath) {
		problem = "can't be read: " + inPath.Err.Error()
		path = inPath.Path
	}
	return &config.Error{Field: field, Problem: problem, Value: path, Hint: "name a file (PEM) that this user can read"}
}

// A relp is a session over RELP, which acknowledges each message.
type relp struct{ *relpclient.Session }

func (r relp) send(message []byte) error { return r.Send(message) }
func (r relp) flush() error              { return r.Flush() }
func (r relp) acknowledges() bool        { return true }
func (r relp) confirmed() uint64         { return r.Acknowledged() }
func (r relp) moved() <-chan struct{}    { return r.Moved() }
func (r relp) err() error                { return r.Err() }
func (r relp) full() bool                { return false }
func (r relp) due() time.Time            { return time.Time{} }
func (r relp) close()                    { r.Close() }
func (r relp) abort()                    { r.Abort() }

func (r relp) finish() error {
	if err := r.Drain(); err != nil {
		return err
	}
	r.Close()
	return nil
}

// A stream is a session over TCP or TLS, with octets counted. Nothing is acknowledged. So a
// stream is closed for writing now and then, and when the receiver closes it in turn it has
// read it to the end.
type stream struct {
	conn     net.Conn
	plain    net.Conn // below TLS
	out      *bufio.Writer
	patience time.Duration
	ending   time.Time
	messages int
	head     []byte // scratch

	over   chan struct{} // gets a value when the receiver has ended its side
	mu     sync.Mutex
	ended  bool
	reason error // nil for an end in order
}

// fullStream is after how many messages a stream must be finished: what may be sent twice
// when a connection breaks.
const fullStream = 50_000

func newStream(conn, plain net.Conn, o Options) *stream {
	s := &stream{conn: conn, plain: plain, patience: o.Patience, ending: time.Now().Add(o.Connection), over: make(chan struct{}, 1)}
	s.out = bufio.NewWriterSize(conn, 64<<10)
	go s.listen()
	return s
}

// listen waits until the receiver ends its side. What it says meanwhile has no meaning.
func (s *stream) listen() {
	_, err := io.Copy(io.Discard, s.conn)
	if errors.Is(err, io.ErrUnexpectedEOF) { // without TLS's own farewell
		err = nil
	}
	s.mu.Lock()
	s.ended, s.reason = true, err
	s.mu.Unlock()
	s.over <- struct{}{}
}

var (
	errClosedEarly = errors.New("the receiver closed the connection and may not have read to the end")
	errUnconfirmed = errors.New("the receiver doesn't close the connection in turn and may not have read to the end")
)

func (s *stream) err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case !s.ended:
		return nil
	case s.reason == nil:
		return errClosedEarly
	}
	return fmt.Errorf("%w: %w", errClosedEarly, s.reason)
}

func (s *stream) send(message []byte) error {
	if err := s.err(); err != nil {
		return err
	}
	if err := s.conn.SetWriteDeadline(time.Now().Add(s.patience)); err != nil {
		return err
	}
	s.head = append(strconv.AppendInt(s.head[:0], int64(len(message)), 10), ' ')
	if _, err := s.out.Write(s.head); err != nil {
		return err
	}
	s.messages++
	_, err := s.out.Write(message)
	return err
}

func (s *stream) flush() error {
	if err := s.conn.SetWriteDeadline(time.Now().Add(s.patience)); err != nil {
		return err
	}
	return s.out.Flush()
}

func (s *stream) acknowledges() bool     { return false }
func (s *stream) confirmed() uint64      { return 0 } // until it is finished
func (s *stream) moved() <-chan struct{} { return s.over }
func (s *stream) full() bool             { return s.messages >= fullStream || time.Now().After(s.ending) }
func (s *stream) due() time.Time         { return s.ending }
func (s *stream) close()                 { s.conn.Close() }
func (s *stream) abort()                 { s.plain.Close() }

// closeWrite ends our side of a connection.
func closeWrite(c net.Conn) error {
	if half, ok := c.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

func (s *stream) finish() error {
	if err := s.flush(); err != nil {
		return err
	}
	if err := s.err(); err != nil {
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
		return errUnconfirmed
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.reason
}
