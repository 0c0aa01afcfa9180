package collector

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"time"

	"github.com/skewatch/skewatch/collector/message"
)

// How a TLS handshake fails.
var (
	errHandshake        = errors.New("TLS handshake")
	errHandshakeTimeout = errors.New("the TLS handshake took too long")
)

// secure makes the TLS handshake, and returns the connection inside.
func (c *Collector) secure(ctx context.Context, conn *stampedConn) (source, message.Trust, error) {
	within, cancel := context.WithTimeout(ctx, c.cfg.HandshakeTimeout)
	defer cancel()
	s := &secureConn{records: &recordReader{stampedConn: conn}}
	s.Conn = tls.Server(s.records, c.cfg.TLSConfig)
	err := s.HandshakeContext(within)
	switch {
	case err == nil:
		s.records.secured = true
		return s, trustOf(s.Conn), nil
	case ctx.Err() != nil:
		return nil, 0, ctx.Err()
	case within.Err() != nil:
		return nil, 0, fmt.Errorf("%w (%v)", errHandshakeTimeout, c.cfg.HandshakeTimeout)
	}
	return nil, 0, fmt.Errorf("%w: %w", errHandshake, err)
}

// trustOf returns what a peer's word is worth by what it showed.
func trustOf(conn *tls.Conn) message.Trust {
	if len(conn.ConnectionState().PeerCertificates) > 0 {
		return message.TrustCertificate
	}
	return message.TrustHandshake
}

// A secureConn is a TLS connection whose Read returns all that has arrived, as far as
// there is space, so that it belongs to one receive stamp.
type secureConn struct {
	*tls.Conn
	records *recordReader
	all     bool // the last Read returned all that had arrived
}

// Read reads what has arrived, and waits if nothing has.
func (c *secureConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	return c.readOn(p, n, err)
}

// readRest reads what crypto/tls holds, and takes nothing from the socket.
func (c *secureConn) readRest(p []byte) (int, error) { return c.readOn(p, 0, nil) }

// readOn goes on with a read that has returned n and err, as long as there is space and
// crypto/tls holds more.
func (c *secureConn) readOn(p []byte, n int, err error) (int, error) {
	c.records.closed = true
	for n < len(p) && err == nil {
		var more int
		more, err = c.Conn.Read(p[n:])
		n += more
	}
	c.records.closed = false
	c.all = n < len(p) && c.records.whole()
	if n < len(p) {
		c.records.data = false
	}
	if errors.Is(err, errNoMore) {
		err = nil
	}
	return n, err
}

func (c *secureConn) stamp() (int64, message.StampedBy) { return c.records.stamp() }
func (c *secureConn) whole() bool                       { return c.all }
func (c *secureConn) taken() uint64                     { return c.records.taken() }
func (c *secureConn) held() int                         { return c.records.held() }
func (c *secureConn) minRTT() time.Duration             { return c.records.minRTT() }

// A recordReader reads the octets of TLS records and knows where records end: their
// headers are in the clear (RFC 8446, section 5.1).
type recordReader struct {
	*stampedConn
	closed  bool // Read returns errNoMore
	secured bool // the handshake is complete
	data    bool // an application record was completed since all was returned

	header  [5]byte // type, version and length of the record that began last
	present int     // octets of the header that have arrived
	left    int     // octets of the record that are still to come
}

// errNoMore is returned by a recordReader that is closed. crypto/tls goes on after it.
var errNoMore error = noMore{}

type noMore struct{}

func (noMore) Error() string   { return "no more has arrived" }
func (noMore) Timeout() bool   { return true }
func (noMore) Temporary() bool { return true } // what crypto/tls goes by

func (r *recordReader) Read(p []byte) (int, error) {
	if r.closed || r.beyondData() {
		return 0, errNoMore
	}
	n, err := r.stampedConn.Read(p)
	r.follow(p[:n])
	return n, err
}

// Types of records (RFC 8446, section 5.1).
const (
	recordAlert       = 21
	recordApplication = 23
)

// beyondData reports whether crypto/tls has data to return and yet reads on, for the sake of
// an alert that follows. What comes then would give the data its stamp.
func (r *recordReader) beyondData() bool {
	return r.secured && r.data && r.header[0] == recordAlert
}

// follow follows the records through the octets that were read.
func (r *recordReader) follow(octets []byte) {
	for len(octets) > 0 {
		if n := min(r.left, len(octets)); n > 0 {
			octets = octets[n:]
			if r.left -= n; r.left == 0 && r.header[0] == recordApplication {
				r.data = true
			}
			continue
		}
		n := copy(r.header[r.present:], octets)
		octets = octets[n:]
		if r.present += n; r.present == len(r.header) {
			r.present, r.left = 0, int(r.header[3])<<8|int(r.header[4])
		}
	}
}

// whole reports whether the last Read returned all that had arrived then, and ended with
// a record.
func (r *recordReader) whole() bool { return r.stampedConn.whole() && r.present == 0 && r.left == 0 }
