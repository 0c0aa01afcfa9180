package ntpcheck

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"time"
)

// headerSize is the length of an NTP packet without extension fields.
const headerSize = 48

// Where the origin and transmit timestamps stand in a packet (RFC 5905, figure 8).
const (
	originAt   = 24
	transmitAt = 40
)

// An exchange is the socket of one query. Datagrams that can't be the answer are
// dropped and the wait goes on: whoever sends a forged reply before the true one
// must guess the 64 random bits of the query's transmit timestamp, or the query
// is none the worse for it.
//
// It is also the clock by which the library stamps: the arrival is the kernel's
// receive stamp of the very datagram that is the answer.
type exchange struct {
	*net.UDPConn
	now    func() time.Time
	kernel bool // the kernel stamps what arrives
	nts    bool // the answer must be authenticated by NTS

	query   []byte
	arrived time.Time // of the answer; zero before that
	strays  strays
}

// Strays are the datagrams that came instead of an answer, or before it.
type strays struct {
	count  int
	reason string // why the last one was dropped
	own    bool   // it repeated what only our query said
}

// dial opens a socket to a server that closes when the context ends, since the
// library's query can't be interrupted otherwise. The socket is connected: the
// kernel lets in what comes from that address and port only.
func (x *exchange) dial(ctx context.Context, address string) (net.Conn, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "udp", address)
	if err != nil {
		return nil, err
	}
	x.UDPConn = conn.(*net.UDPConn)
	context.AfterFunc(ctx, func() { conn.Close() })
	x.kernel = x.kernel && stampArrivals(x.UDPConn)
	return x, nil
}

// clock is what the library reads: the present time before the answer, and after
// that the time at which it arrived.
func (x *exchange) clock() time.Time {
	if x.arrived.IsZero() {
		return x.now()
	}
	return x.arrived
}

// Write sends the query and keeps it, to know its answer.
func (x *exchange) Write(query []byte) (int, error) {
	x.query = bytes.Clone(query)
	return x.UDPConn.Write(query)
}

// Read returns the answer, or an error when the time for it is over.
func (x *exchange) Read(packet []byte) (int, error) {
	for {
		n, at, err := x.read(packet)
		if err != nil {
			return 0, x.failed(err)
		}
		reason, own := x.stray(packet[:n])
		if reason == "" {
			x.arrived = at
			return n, nil
		}
		x.strays = strays{x.strays.count + 1, reason, x.strays.own || own}
	}
}

// read returns one datagram and when it came.
func (x *exchange) read(packet []byte) (int, time.Time, error) {
	if !x.kernel {
		n, err := x.UDPConn.Read(packet)
		return n, x.now(), err
	}
	var control [128]byte
	n, size, _, _, err := x.ReadMsgUDP(packet, control[:])
	at := x.now()
	if stamp, ok := arrival(control[:size]); ok {
		at = stamp
	}
	return n, at, err
}

// stray says why a datagram can't be the answer; "" if it may be. What repeats our
// query's transmit timestamp was written by the server, or by somebody who reads
// what we send.
func (x *exchange) stray(packet []byte) (reason string, own bool) {
	if len(x.query) < headerSize || len(packet) < headerSize {
		return "shorter than 48 octets", false
	}
	switch origin := packet[originAt : originAt+8]; {
	case binary.BigEndian.Uint64(origin) == 0:
		return "zero origin timestamp", false
	case !bytes.Equal(origin, x.query[transmitAt:transmitAt+8]):
		return "wrong origin timestamp", false
	}
	if x.nts {
		return unsealed(packet, x.query), true
	}
	return "", true
}

// failed tells of the datagrams that were dropped.
func (x *exchange) failed(err error) error {
	if x.strays.count == 0 {
		return err
	}
	return &strayError{err, x.strays}
}

// A strayError is a wait that ended without an answer, but not without datagrams.
type strayError struct {
	error
	strays
}

func (e *strayError) Unwrap() error { return e.error }

func (e *strayError) describe() string {
	replies := "a reply was"
	if e.count > 1 {
		replies = fmt.Sprintf("%d replies were", e.count)
	}
	return fmt.Sprintf("%s ignored: %s", replies, e.reason)
}

// isOwn says that a dropped datagram repeated what only our query said.
func isOwn(err error) bool {
	var stray *strayError
	return errors.As(err, &stray) && stray.own
}
