package collector

import (
	"encoding/binary"
	"net"
	"net/netip"
	"os"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// datagramsPerRead is how many datagrams one read returns at most.
const datagramsPerRead = 256

// A datagramReader reads a UDP socket in batches, by recvmmsg(2) into space that is its
// own: nothing is allocated for a datagram.
type datagramReader struct {
	conn    *net.UDPConn
	raw     syscall.RawConn
	headers []mmsghdr
	space   []datagramSpace
	payload []byte // of all, a slot of size octets each
	size    int
	zones   map[uint32]string // names of the interfaces of link-local addresses

	// The results of the last read, and the functions that RawConn.Read calls, made once.
	n        int
	errno    syscall.Errno
	recvmmsg func(fd uintptr) (done bool)
	once     func(fd uintptr) (done bool)
}

// mmsghdr is struct mmsghdr of the kernel.
type mmsghdr struct {
	unix.Msghdr
	octets uint32
}

// datagramSpace is where the kernel writes what it says of one datagram.
type datagramSpace struct {
	vector  unix.Iovec
	name    [unix.SizeofSockaddrInet6]byte
	control [64]byte
}

func newDatagramReader(conn *net.UDPConn, size int) (*datagramReader, error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return nil, err
	}
	r := &datagramReader{
		conn: conn, raw: raw, size: size, zones: map[uint32]string{},
		headers: make([]mmsghdr, datagramsPerRead),
		space:   make([]datagramSpace, datagramsPerRead),
		payload: make([]byte, datagramsPerRead*size),
	}
	for i := range r.headers {
		h, s := &r.headers[i], &r.space[i]
		s.vector.Base = &r.payload[i*size]
		s.vector.SetLen(size)
		h.Iov, h.Name, h.Control = &s.vector, &s.name[0], &s.control[0]
		h.SetIovlen(1)
	}
	r.recvmmsg = func(fd uintptr) bool { return r.tryRead(fd) != unix.EAGAIN }
	r.once = func(fd uintptr) bool { r.tryRead(fd); return true }
	return r, nil
}

// read waits for datagrams and returns how many there are.
func (r *datagramReader) read() (int, error) { return r.result(r.raw.Read(r.recvmmsg)) }

// readHeld reads what is there and doesn't wait.
func (r *datagramReader) readHeld() (int, error) { return r.result(r.raw.Read(r.once)) }

func (r *datagramReader) result(err error) (int, error) {
	switch {
	case err != nil:
		return 0, err
	case r.errno != 0:
		return 0, &net.OpError{Op: "read", Net: "udp", Addr: r.conn.LocalAddr(), Err: os.NewSyscallError("recvmmsg", r.errno)}
	}
	return r.n, nil
}

func (r *datagramReader) tryRead(fd uintptr) syscall.Errno {
	for i := range r.headers {
		h := &r.headers[i]
		h.Namelen = unix.SizeofSockaddrInet6
		h.SetControllen(len(r.space[i].control))
	}
	for {
		n, _, errno := unix.Syscall6(unix.SYS_RECVMMSG, fd, uintptr(unsafe.Pointer(&r.headers[0])), datagramsPerRead, unix.MSG_DONTWAIT, 0, 0)
		if errno == unix.EINTR {
			continue
		}
		if r.n, r.errno = int(n), errno; errno != 0 {
			r.n = 0
		}
		return errno
	}
}

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
	h, s := &r.headers[i], &r.space[i]
	slot := r.payload[i*r.size:]
	return datagram{
		payload:  slot[:min(int(h.octets), r.size)],
		source:   r.peer(&s.name),
		received: stampIn(s.control[:min(int(h.Controllen), len(s.control))]),
		cut:      h.Flags&unix.MSG_TRUNC != 0,
	}
}

// peer reads the address in a struct sockaddr_in or sockaddr_in6.
func (r *datagramReader) peer(name *[unix.SizeofSockaddrInet6]byte) netip.Addr {
	if binary.NativeEndian.Uint16(name[:]) == unix.AF_INET {
		return netip.AddrFrom4([4]byte(name[4:8]))
	}
	peer := netip.AddrFrom16([16]byte(name[8:24])).Unmap()
	if scope := binary.NativeEndian.Uint32(name[24:]); scope != 0 {
		peer = peer.WithZone(r.zone(scope))
	}
	return peer
}

// zone returns the name of an interface.
func (r *datagramReader) zone(scope uint32) string {
	name, known := r.zones[scope]
	if !known {
		name = zoneName(scope)
		r.zones[scope] = name
	}
	return name
}
