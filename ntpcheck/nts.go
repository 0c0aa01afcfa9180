package ntpcheck

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/beevik/ntp"
	"github.com/beevik/nts"
)

const (
	// exchangeTimeout is how long an NTS key exchange may take.
	exchangeTimeout = 5 * time.Second

	// maxSession is how long the keys of one exchange are used.
	maxSession = 24 * time.Hour

	// maxUnanswered is how many queries in a row may stay unanswered until keys are
	// exchanged again. Each costs a cookie, and there are eight.
	maxUnanswered = 4

	// maxExchangeWait is the longest time from a failed key exchange to the next one
	// with a server that said nothing. One that was refused waits up to maxPoll.
	maxExchangeWait = 32 * time.Second
)

// An ntsSession is what a key exchange gave: keys, cookies, and the server to ask.
type ntsSession struct {
	*nts.Session
	since      time.Time
	unanswered int // queries in a row
}

// spent says that keys must be exchanged again.
func (s *ntsSession) spent(now time.Time) bool {
	return s == nil || s.unanswered >= maxUnanswered || now.Sub(s.since) > maxSession
}

// An exchangeError is a failed NTS key exchange.
type exchangeError struct{ error }

func (e *exchangeError) Unwrap() error { return e.error }

// isExchange says that no query was made, since there are no keys for it.
func isExchange(err error) bool {
	var failed *exchangeError
	return errors.As(err, &failed)
}

// queryNTS makes one exchange that is authenticated by NTS, or none at all: without
// keys nothing is asked, and without its seal no reply is taken.
func (m *Monitor) queryNTS(ctx context.Context, c *client, opts ntp.QueryOptions) (*ntp.Response, error) {
	if c.session.spent(m.now()) {
		c.session = nil
		if err := m.exchangeKeys(ctx, c); err != nil {
			return nil, &exchangeError{err}
		}
	}
	c.session.unanswered++
	reply, err := shielded(func() (*ntp.Response, error) { return c.session.QueryWithOptions(&opts) })
	switch {
	case err == nil:
		c.session.unanswered = 0
	case errors.Is(err, nts.ErrAuthFailedOnServer), errors.Is(err, nts.ErrAuthFailedOnClient):
		c.session = nil // the keys are of no use any more
	}
	return reply, err
}

// exchangeKeys begins a session (RFC 8915, section 4).
func (m *Monitor) exchangeKeys(ctx context.Context, c *client) error {
	ctx, cancel := context.WithTimeout(ctx, exchangeTimeout)
	defer cancel()
	dial := func(network, _ string, cfg *tls.Config) (*tls.Conn, error) {
		return dialTLS(ctx, network, c.server.String(), cfg)
	}
	session, err := nts.NewSessionWithOptions(c.endpoint.String(), &nts.SessionOptions{
		TLSConfig: &tls.Config{ServerName: c.endpoint.host, RootCAs: m.roots, Time: m.now, MinVersion: tls.VersionTLS13},
		Timeout:   exchangeTimeout,
		Dialer:    dial,
	})
	if err != nil && ctx.Err() != nil {
		return ctx.Err() // however far it had come
	}
	if err != nil {
		return exchangeFailure(err)
	}
	c.session = &ntsSession{Session: session, since: m.now()}
	return nil
}

// dialTLS bounds the whole exchange, not only its beginning as the library does.
func dialTLS(ctx context.Context, network, address string, cfg *tls.Config) (*tls.Conn, error) {
	var d net.Dialer
	raw, err := d.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	context.AfterFunc(ctx, func() { raw.Close() })
	conn := tls.Client(raw, cfg)
	if err := conn.HandshakeContext(ctx); err != nil {
		raw.Close()
		return nil, err
	}
	return conn, nil
}

// exchangeFailure tells a server that can't prove its name, or doesn't speak NTS,
// from one that isn't there.
func exchangeFailure(err error) error {
	var untrusted *tls.CertificateVerificationError
	var op *net.OpError
	switch {
	case errors.As(err, &untrusted):
		return &refusal{auth: true, reason: fmt.Sprintf("certificate refused: %v", untrusted.Err)}
	case errors.As(err, &op) && op.Op != "remote error", errors.Is(err, context.DeadlineExceeded), errors.Is(err, net.ErrClosed):
		return err
	}
	return &refusal{auth: true, reason: fmt.Sprintf("no NTS there: %v", err)}
}

// The extension fields of NTS (RFC 8915, section 5), and the one kiss code that
// comes without a seal.
const (
	fieldUnique = 0x0104
	fieldSeal   = 0x0404
	kissNAK     = "NTSN"
)

// unsealed says why a datagram isn't a reply by NTS to the query; "" if it has all
// that such a reply must have. The library verifies the seal, but only if there is
// one, and takes its form on trust.
func unsealed(packet, query []byte) string {
	unique, ok := fieldsOf(query)[fieldUnique]
	fields := fieldsOf(packet)
	switch {
	case !ok || !bytes.Equal(fields[fieldUnique], unique):
		return "not authenticated by NTS"
	case packet[1] == 0 && string(packet[12:16]) == kissNAK:
		return ""
	case !isSeal(fields[fieldSeal]):
		return "not authenticated by NTS"
	}
	return ""
}

// fieldsOf returns the extension fields of a packet by type (RFC 7822), up to and
// with the seal, which vouches for no more than what comes before it. It is empty if
// they are malformed, also behind the seal.
func fieldsOf(packet []byte) map[uint16][]byte {
	fields := make(map[uint16][]byte)
	for rest, sealed := packet[headerSize:], false; len(rest) > 0; {
		if len(rest) < 4 {
			return nil
		}
		kind, size := binary.BigEndian.Uint16(rest), int(binary.BigEndian.Uint16(rest[2:]))
		if size < 16 || size%4 != 0 || size > len(rest) {
			return nil
		}
		if _, twice := fields[kind]; twice && (kind == fieldUnique || kind == fieldSeal) {
			return nil
		}
		if !sealed || kind == fieldSeal {
			fields[kind] = rest[4:size]
		}
		sealed = sealed || kind == fieldSeal
		rest = rest[size:]
	}
	return fields
}

// isSeal says that a field has the form of an authenticator: the lengths of nonce
// and ciphertext, which it then holds. Both algorithms that are offered have a nonce
// of 12 or 16 octets and a tag of 16.
func isSeal(body []byte) bool {
	if len(body) < 4 {
		return false
	}
	nonce, text := int(binary.BigEndian.Uint16(body)), int(binary.BigEndian.Uint16(body[2:]))
	return (nonce == 12 || nonce == 16) && text >= 16 && 4+(nonce+3)&^3+(text+3)&^3 <= len(body)
}

// shielded turns a panic of the library, at what a server has sealed, into a
// refusal.
func shielded(query func() (*ntp.Response, error)) (reply *ntp.Response, err error) {
	defer func() {
		if p := recover(); p != nil {
			reply, err = nil, &refusal{auth: true, reason: fmt.Sprintf("malformed NTS reply: %v", p)}
		}
	}()
	return query()
}

// rootsWith returns the system's certificate authorities and those in a file; nil
// for the system's alone.
func rootsWith(path string) (*x509.CertPool, error) {
	if path == "" {
		return nil, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, &ConfigError{"nts-ca", "can't be read: " + pathless(err), path, "name a file that this process may read"}
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if !pool.AppendCertsFromPEM(text) {
		return nil, &ConfigError{"nts-ca", "holds no certificate", path, "name a file of certificates in PEM"}
	}
	return pool, nil
}

// pathless returns an error of the file system without the path, which stands beside
// it.
func pathless(err error) string {
	var path *os.PathError
	if errors.As(err, &path) {
		return path.Err.Error()
	}
	return err.Error()
}
