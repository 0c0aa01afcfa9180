package collector

import (
	"net"
	"os"
	"strconv"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// leastCharge is less than what the kernel counts against the receive buffer
// for the smallest datagram (832 octets, Linux 6.18).
const leastCharge = 512

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
func receiveBuffer(conn *net.UDPConn) (int, error) {
	return getOption(conn, "SO_RCVBUF", unix.SO_RCVBUF)
}

// canSharePort says that datagrams to one address can be spread over several sockets.
const canSharePort = true

// sharePort lets other sockets of this user bind the same address.
func sharePort(raw syscall.RawConn) error { return setOption(raw, "SO_REUSEPORT", unix.SO_REUSEPORT) }

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

// zoneName returns the name of an interface, or its number if it has none any more.
func zoneName(index uint32) string {
	if i, err := net.InterfaceByIndex(int(index)); err == nil {
		return i.Name
	}
	return strconv.FormatUint(uint64(index), 10)
}

// openFileLimit returns how many files this process may have open.
func openFileLimit() (uint64, bool) {
	var limit unix.Rlimit
	err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit)
	return limit.Cur, err == nil
}
