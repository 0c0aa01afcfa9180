package collector

import (
	"net"
	"net/netip"
	"os"
	"unsafe"

	"golang.org/x/net/ipv6"
	"golang.org/x/sys/unix"
)

const (
	datagramsPerRead = 128

	// leastCharge is less than what the kernel counts against the receive buffer
	// for the smallest datagram (832 octets, Linux 6.18).
	leastCharge = 512
)

// A datagramReader reads a UDP socket in batches (recvmmsg).
type datagramReader struct {
	conn  *net.UDPConn
	batch *ipv6.PacketConn // serves an IPv4 socket as well
	in    []ipv6.Message
}

func newDatagramReader(conn *net.UDPConn, size int) *datagramReader {
	r := &datagramReader{conn: conn, batch: ipv6.NewPacketConn(conn), in: make([]ipv6.Message, datagramsPerRead)}
	payloads := make([]byte, datagramsPerRead*size)
	controls := make([]byte, datagramsPerRead*controlSpace)
	for i := range r.in {
		r.in[i].Buffers = [][]byte{payloads[i*size : (i+1)*size]}
		r.in[i].OOB = controls[i*controlSpace : (i+1)*controlSpace]
	}
	return r
}

// read waits for datagrams and returns how many there are.
func (r *datagramReader) read() (int, error) { return r.batch.ReadBatch(r.in, 0) }

// readHeld reads what is there and doesn't wait.
func (r *datagramReader) readHeld() (int, error) { return r.batch.ReadBatch(r.in, unix.MSG_DONTWAIT) }

// capacity returns how many datagrams the socket can hold at most.
func (r *datagramReader) capacity() int {
	size, err := receiveBuffer(r.conn)
	if err != nil {
		return 0
	}
	return size / leastCharge
}

// datagram returns number i of those read last.
func (r *datagramReader) datagram(i int) datagram {
	m := &r.in[i]
	return datagram{
		payload:  m.Buffers[0][:m.N],
		source:   peerOf(m.Addr),
		received: stampIn(m.OOB[:m.NN]),
		cut:      m.Flags&unix.MSG_TRUNC != 0,
	}
}

func peerOf(a net.Addr) netip.Addr {
	return a.(*net.UDPAddr).AddrPort().Addr().Unmap()
}

// enlargeReceiveBuffer asks for a buffer of size octets and returns what was
// granted. More than net.core.rmem_max needs CAP_NET_ADMIN.
func enlargeReceiveBuffer(conn *net.UDPConn, size int) (granted int, err error) {
	err = control(conn, func(fd int) error {
		if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, size) == nil {
			return nil
		}
		return os.NewSyscallError("setsockopt SO_RCVBUF", unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, size))
	})
	if err != nil {
		return 0, err
	}
	doubled, err := receiveBuffer(conn)
	return doubled / 2, err
}

// receiveBuffer returns the size of a socket's receive buffer as the kernel
// keeps it: twice what was granted, to make room for its own overhead.
func receiveBuffer(conn *net.UDPConn) (size int, err error) {
	err = control(conn, func(fd int) error {
		size, err = unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF)
		return os.NewSyscallError("getsockopt SO_RCVBUF", err)
	})
	return size, err
}

// kernelDrops returns how many datagrams the kernel has dropped for the socket.
// It is the counter behind the drops column of /proc/net/udp and SO_RXQ_OVFL
// (which tells it only with a datagram queued later), asked for directly.
func kernelDrops(conn *net.UDPConn) (drops uint32, err error) {
	var info [unix.SK_MEMINFO_VARS]uint32
	size := uint32(unsafe.Sizeof(info))
	err = control(conn, func(fd int) error {
		_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(fd), unix.SOL_SOCKET, unix.SO_MEMINFO,
			uintptr(unsafe.Pointer(&info)), uintptr(unsafe.Pointer(&size)), 0)
		if errno != 0 {
			return os.NewSyscallError("getsockopt SO_MEMINFO", errno)
		}
		return nil
	})
	return info[unix.SK_MEMINFO_DROPS], err
}
