package forward

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"os"
	"time"

	"github.com/skewatch/skewatch/cmd/internal/config"
	"github.com/skewatch/skewatch/collector/relpclient"
	"github.com/skewatch/skewatch/collector/streamclient"
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
	ctx, cancel := context.WithTimeout(ctx, o.Patience)
	defer cancel()
	conn, err := connect(ctx, f)
	if err != nil {
		return nil, err
	}
	switch f.Transport {
	case config.ForwardRELP, config.ForwardRELPTLS:
		s, err := relpclient.Open(conn, o.Patience)
		if err != nil {
			return nil, err
		}
		return relp{s}, nil
	}
	return &stream{Stream: streamclient.New(conn, o.Patience), ending: time.Now().Add(o.Connection)}, nil
}

func connect(ctx context.Context, f *config.Forward) (net.Conn, error) {
	secure, err := tlsConfig(f)
	if err != nil {
		return nil, err
	}
	if f.Transport.Encrypted() {
		return (&tls.Dialer{Config: secure}).DialContext(ctx, "tcp", f.Address)
	}
	return new(net.Dialer).DialContext(ctx, "tcp", f.Address)
}

// tlsConfig reads a receiver's certificates. That is done for each connection, so that they
// can be renewed. Its error's Field is the setting of the receiver. Nothing is read for a
// transport that isn't encrypted: there is nothing to read.
func tlsConfig(f *config.Forward) (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	if f.CA != "" {
		pool, err := config.ReadCAs("ca", f.CA)
		if err != nil {
			return nil, err
		}
		c.RootCAs = pool
	}
	if f.Certificate != "" {
		pair, err := tls.LoadX509KeyPair(f.Certificate, f.Key)
		if err != nil {
			return nil, pairError(f, err)
		}
		c.Certificates = []tls.Certificate{pair}
	}
	return c, nil
}

// pairError says which of a certificate's two files can't be used.
func pairError(f *config.Forward, err error) error {
	var inPath *os.PathError
	switch {
	case !errors.As(err, &inPath):
		return &config.Error{Field: "certificate", Problem: "can't be used: " + err.Error(), Value: f.Certificate,
			Hint: "give the file with the certificate and its intermediates in PEM, and the key that belongs to it"}
	case inPath.Path == f.Key:
		return config.Unreadable("key", f.Key, err)
	}
	return config.Unreadable("certificate", f.Certificate, err)
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

// A stream is a session over TCP or TLS, with octets counted. Nothing is acknowledged. So it
// is finished now and then: what the receiver closes in turn it has read to the end.
type stream struct {
	*streamclient.Stream
	ending   time.Time
	messages int
}

// fullStream is after how many messages a stream must be finished: what may be sent twice
// when a connection breaks.
const fullStream = 50_000

func (s *stream) send(message []byte) error {
	s.messages++
	return s.Send(message)
}

func (s *stream) flush() error           { return s.Flush() }
func (s *stream) acknowledges() bool     { return false }
func (s *stream) confirmed() uint64      { return 0 } // until it is finished
func (s *stream) moved() <-chan struct{} { return s.Over() }
func (s *stream) err() error             { return s.Err() }
func (s *stream) full() bool             { return s.messages >= fullStream || time.Now().After(s.ending) }
func (s *stream) due() time.Time         { return s.ending }
func (s *stream) finish() error          { return s.Finish() }
func (s *stream) close()                 { s.Close() }
func (s *stream) abort()                 { s.Abort() }
