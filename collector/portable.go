//go:build !linux

package collector

import (
	"errors"
	"net"
	"runtime"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/skewatch/skewatch/collector/message"
)

// Where there is no Linux, messages are stamped when they are read, one datagram
// a read, and what the system dropped or still holds is not known.

var errNotHere = errors.New("not supported on " + runtime.GOOS)

func proveKernelStamps(func() time.Time) (release func(), err error) {
	return func() {}, errNotHere
}

func kernelLead(func() time.Time) (time.Duration, error) { return 0, errNotHere }

func stampOnReceipt(syscall.RawConn) error { return errNotHere }

func stampsAlready(syscall.Conn) bool { return false }

const canSharePort = false

func sharePort(syscall.RawConn) error { return errNotHere }

func openFileLimit() (uint64, bool) { return 0, false }

func kernelDrops(*net.UDPConn) (uint32, error) { return 0, errNotHere }

func enlargeReceiveBuffer(conn *net.UDPConn, size int) (granted int, err error) {
	return size, conn.SetReadBuffer(size)
}

const datagramsPerRead = 1

// A datagramReader reads a UDP socket.
type datagramReader struct {
	conn *net.UDPConn
	buf  []byte // for the longest datagram: Windows fails when one has no room
	size int    // octets of a datagram that are kept
	last datagram
}

func newDatagramReader(conn *net.UDPConn, size int) (*datagramReader, error) {
	return &datagramReader{conn: conn, buf: make([]byte, maxDatagram), size: size}, nil
}

func (r *datagramReader) read() (int, error) {
	n, from, err := r.conn.ReadFromUDPAddrPort(r.buf)
	if err != nil {
		return 0, err
	}
	kept := min(n, r.size)
	r.last = datagram{payload: r.buf[:kept], source: from.Addr().Unmap(), cut: kept < n}
	return 1, nil
}

func (r *datagramReader) readHeld() (int, error) { return 0, errNotHere }

func (r *datagramReader) capacity() int { return 0 }

func (r *datagramReader) datagram(int) datagram { return r.last }

// A stampedConn is a TCP connection that knows when its octets were read.
type stampedConn struct {
	net.Conn
	tcp      *net.TCPConn
	now      func() time.Time
	received int64
	emptied  bool
}

func newStampedConn(conn *net.TCPConn, now func() time.Time, _ *atomic.Bool) (*stampedConn, error) {
	return &stampedConn{Conn: &promptConn{Conn: conn}, tcp: conn, now: now}, nil
}

// Read reads what has arrived, and waits if nothing has.
func (c *stampedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.received, c.emptied = c.now().UnixNano(), n < len(p)
	return n, err
}

// CloseWrite ends our direction.
func (c *stampedConn) CloseWrite() error { return c.tcp.CloseWrite() }

func (c *stampedConn) stamp() (int64, message.StampedBy) { return c.received, message.StampedByUser }

func (c *stampedConn) whole() bool { return c.emptied }

func (c *stampedConn) taken() uint64 { return 0 }

func (c *stampedConn) readRest([]byte) (int, error) { return 0, nil }

func (c *stampedConn) held() int { return 0 }

func (c *stampedConn) minRTT() time.Duration { return 0 }
