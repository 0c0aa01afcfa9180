package collector

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// controlSpace holds one receive stamp: a header and a timespec, aligned.
var controlSpace = unix.CmsgSpace(16)

// probes is how many times stamping is tried, about a millisecond apart.
const probes = 100

// control runs do on the file descriptor of a socket.
func control(conn syscall.Conn, do func(fd int) error) error {
	raw, err := conn.SyscallConn()
	if err != nil {
		return err
	}
	return controlRaw(raw, do)
}

func controlRaw(raw syscall.RawConn, do func(fd int) error) (err error) {
	return errors.Join(raw.Control(func(fd uintptr) { err = do(int(fd)) }), err)
}

// stampOnReceipt has the kernel stamp what a socket receives. Connections that
// a listening socket accepts inherit it.
func stampOnReceipt(raw syscall.RawConn) error {
	return setOption(raw, "SO_TIMESTAMPNS", unix.SO_TIMESTAMPNS)
}

// stampsAlready reports whether the kernel stamps what a socket receives.
func stampsAlready(conn syscall.Conn) bool {
	on, err := getOption(conn, "SO_TIMESTAMPNS", unix.SO_TIMESTAMPNS)
	return err == nil && on != 0
}

// setOption switches an option of a socket on.
func setOption(raw syscall.RawConn, name string, option int) error {
	return controlRaw(raw, func(fd int) error {
		return os.NewSyscallError("setsockopt "+name, unix.SetsockoptInt(fd, unix.SOL_SOCKET, option, 1))
	})
}

// getOption returns an option of a socket.
func getOption(conn syscall.Conn, name string, option int) (value int, err error) {
	err = control(conn, func(fd int) error {
		value, err = unix.GetsockoptInt(fd, unix.SOL_SOCKET, option)
		return os.NewSyscallError("getsockopt "+name, err)
	})
	return value, err
}

// stampIn returns the receive stamp among control messages, in Unix nanoseconds;
// 0 if there is none.
func stampIn(controls []byte) int64 {
	for len(controls) >= unix.SizeofCmsghdr {
		header, data, rest, err := unix.ParseOneSocketControlMessage(controls)
		if err != nil {
			return 0
		}
		if header.Level == unix.SOL_SOCKET && header.Type == unix.SCM_TIMESTAMPNS {
			return nanoseconds(data)
		}
		controls = rest
	}
	return 0
}

// nanoseconds reads a timespec of the kernel's word size.
func nanoseconds(timespec []byte) int64 {
	order := binary.NativeEndian
	switch len(timespec) {
	case 16:
		return int64(order.Uint64(timespec))*1e9 + int64(order.Uint64(timespec[8:]))
	case 8:
		return int64(int32(order.Uint32(timespec)))*1e9 + int64(int32(order.Uint32(timespec[4:])))
	}
	return 0
}

// proveKernelStamps switches stamping on and returns when stamps over loopback
// are proved to be of the arrival, and of the same clock as now. The kernel
// switches it on in its own time; until then it gives the time of the read.
// Stamping stays on at least until release is called.
func proveKernelStamps(now func() time.Time) (release func(), err error) {
	release = func() {}
	p, err := newProbe()
	if err != nil {
		return release, fmt.Errorf("prove kernel stamps: %w", err)
	}
	for range probes {
		if err = p.try(now); err == nil {
			return p.close, nil
		}
		time.Sleep(time.Millisecond)
	}
	p.close()
	return release, fmt.Errorf("prove kernel stamps: %w", err)
}

// A probe is a pair of sockets that exchange datagrams over loopback.
type probe struct {
	from, to *net.UDPConn
	lead     time.Duration // of the last stamp that was not of its arrival: by how much, at least
}

var errNoStamp = errors.New("the kernel gives no stamp")

// leadProbes is how many times both clocks are compared before they are said to differ: one
// of them may just be set.
const leadProbes = 5

// kernelLead returns by how much the clock of the kernel's stamps is ahead of another, at
// least; 0 if they agree.
func kernelLead(now func() time.Time) (time.Duration, error) {
	p, err := newProbe()
	if err != nil {
		return 0, err
	}
	defer p.close()
	for range leadProbes {
		p.lead = 0
		if err = p.try(now); err == nil {
			return 0, nil
		}
		if p.lead == 0 {
			return 0, err
		}
	}
	return p.lead, nil
}

func newProbe() (*probe, error) {
	to, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		if to, err = net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv6loopback}); err != nil {
			return nil, err
		}
	}
	from, err := net.DialUDP("udp", nil, to.LocalAddr().(*net.UDPAddr))
	if err != nil {
		to.Close()
		return nil, err
	}
	p := &probe{from: from, to: to}
	raw, err := to.SyscallConn()
	if err == nil {
		err = stampOnReceipt(raw)
	}
	if err != nil {
		p.close()
		return nil, err
	}
	return p, nil
}

func (p *probe) close() {
	p.from.Close()
	p.to.Close()
}

// try sends one datagram. Over loopback it has arrived when Write returns, so a
// stamp after that is not of its arrival, or of another clock.
func (p *probe) try(now func() time.Time) error {
	var payload [1]byte
	controls := make([]byte, controlSpace)
	earliest := now()
	if _, err := p.from.Write(payload[:]); err != nil {
		return err
	}
	latest := now()
	p.to.SetReadDeadline(time.Now().Add(time.Second)) // of the runtime, which knows no other clock
	_, n, _, _, err := p.to.ReadMsgUDP(payload[:], controls)
	if err != nil {
		return err
	}
	stamp := stampIn(controls[:n])
	if stamp == 0 {
		return errNoStamp
	}
	if stamp < earliest.UnixNano() || stamp > latest.UnixNano() {
		p.lead = time.Duration(stamp - max(earliest.UnixNano(), min(stamp, latest.UnixNano())))
		return fmt.Errorf("a datagram sent at %d ns was stamped %+d ns from that and had arrived after %d ns",
			earliest.UnixNano(), stamp-earliest.UnixNano(), latest.Sub(earliest).Nanoseconds())
	}
	return nil
}
