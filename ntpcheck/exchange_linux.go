package ntpcheck

import (
	"encoding/binary"
	"net"
	"time"

	"golang.org/x/sys/unix"
)

// stampArrivals asks the kernel to stamp what arrives (SO_TIMESTAMPNS), and says
// whether it will.
func stampArrivals(conn *net.UDPConn) bool {
	raw, err := conn.SyscallConn()
	if err != nil {
		return false
	}
	var refused error
	err = raw.Control(func(fd uintptr) {
		refused = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1)
	})
	return err == nil && refused == nil
}

// arrival returns the kernel's stamp in a datagram's control messages. It is two
// words of the machine's size: seconds and nanoseconds.
func arrival(control []byte) (at time.Time, ok bool) {
	messages, err := unix.ParseSocketControlMessage(control)
	if err != nil {
		return at, false
	}
	for _, m := range messages {
		if m.Header.Level != unix.SOL_SOCKET || m.Header.Type != unix.SO_TIMESTAMPNS {
			continue
		}
		switch order := binary.NativeEndian; len(m.Data) {
		case 16:
			return time.Unix(int64(order.Uint64(m.Data)), int64(order.Uint64(m.Data[8:]))), true
		case 8:
			return time.Unix(int64(int32(order.Uint32(m.Data))), int64(int32(order.Uint32(m.Data[4:])))), true
		}
	}
	return at, false
}
