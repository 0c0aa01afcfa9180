package collector

import (
	"io"
	"math"
	"net"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/skewatch/skewatch/collector/message"
)

// A stampedConn is a TCP connection that knows when its octets arrived. Each
// Read is one recvmsg, and stamp tells the stamp of the last. It is a net.Conn,
// so that it can carry another protocol, and hides what else *net.TCPConn offers
// because io.Copy would read past the stamps.
type stampedConn struct {
	net.Conn
	tcp *net.TCPConn
	raw syscall.RawConn
	now func() time.Time
	use *atomic.Bool // the kernel's stamps, where there are any

	received  int64
	stampedBy message.StampedBy
	emptied   bool   // the last Read took all that the socket held
	octets    uint64 // that were read in all

	// One recvmsg: its buffers, its results, and the function that RawConn.Read
	// calls, made once.
	space    []byte
	controls []byte
	n        int
	nn       int
	err      error
	recvmsg  func(fd uintptr) (done bool)
}

func newStampedConn(conn *net.TCPConn, now func() time.Time, use *atomic.Bool) (*stampedConn, error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return nil, err
	}
	c := &stampedConn{
		Conn: &promptConn{Conn: conn}, tcp: conn, raw: raw, now: now, use: use,
		controls: make([]byte, controlSpace),
	}
	c.recvmsg = c.tryRecvmsg
	return c, nil
}

// Read reads what has arrived, and waits if nothing has.
func (c *stampedConn) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	c.space = p
	err := c.raw.Read(c.recvmsg)
	c.space = nil
	switch {
	case err != nil:
		return 0, err
	case c.err != nil:
		return 0, &net.OpError{Op: "read", Net: "tcp", Source: c.LocalAddr(), Addr: c.RemoteAddr(), Err: os.NewSyscallError("recvmsg", c.err)}
	case c.n == 0:
		return 0, io.EOF
	}
	c.received, c.stampedBy = stampIn(c.controls[:c.nn]), message.StampedByKernel
	if c.received == 0 || !c.use.Load() {
		c.received, c.stampedBy = c.now().UnixNano(), message.StampedByUser
	}
	c.emptied = c.n < len(p)
	c.octets += uint64(c.n)
	return c.n, nil
}

func (c *stampedConn) tryRecvmsg(fd uintptr) (done bool) {
	for {
		c.n, c.nn, _, _, c.err = unix.Recvmsg(int(fd), c.space, c.controls, 0)
		if c.err != unix.EINTR {
			return c.err != unix.EAGAIN
		}
	}
}

// CloseWrite ends our direction.
func (c *stampedConn) CloseWrite() error { return c.tcp.CloseWrite() }

// stamp returns when what the last Read returned had arrived, in Unix
// nanoseconds: the arrival of its last segment, if the kernel stamped it.
func (c *stampedConn) stamp() (int64, message.StampedBy) { return c.received, c.stampedBy }

// whole reports whether the last Read returned all that had arrived then.
func (c *stampedConn) whole() bool { return c.emptied }

// taken returns how many octets were read from the socket in all.
func (c *stampedConn) taken() uint64 { return c.octets }

// readRest returns nothing, since nothing but the socket holds octets.
func (c *stampedConn) readRest([]byte) (int, error) { return 0, nil }

// held returns how many octets wait to be read.
func (c *stampedConn) held() (n int) {
	controlRaw(c.raw, func(fd int) (err error) {
		n, err = unix.IoctlGetInt(fd, unix.SIOCINQ)
		return err
	})
	return n
}

// minRTT returns the smallest round trip to the peer that the kernel has
// measured; 0 if it has none.
func (c *stampedConn) minRTT() (rtt time.Duration) {
	controlRaw(c.raw, func(fd int) error {
		info, err := unix.GetsockoptTCPInfo(fd, unix.SOL_TCP, unix.TCP_INFO)
		if err == nil && info.Min_rtt != math.MaxUint32 {
			rtt = time.Duration(info.Min_rtt) * time.Microsecond
		}
		return err
	})
	return rtt
}
