package collector

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/skewatch/skewatch/collector/message"
	"github.com/skewatch/skewatch/collector/parse/custom"
)

// Senders of syslog stay silent for hours. Keep-alives find out which of them
// are gone: after a minute of silence, then five times within 75 seconds.
var keepAlive = net.KeepAliveConfig{Enable: true, Idle: time.Minute, Interval: 15 * time.Second, Count: 5}

// bind takes over what is inherited and binds every address of the Config.
func (c *Collector) bind() error {
	for _, in := range c.cfg.Inherited {
		if err := c.inherit(in); err != nil {
			return err
		}
	}
	for t := range message.Transport(message.Transports) {
		for _, address := range c.cfg.addresses(t) {
			if err := c.bindOne(t, address, reading{}); err != nil {
				return bindError(t, address, err)
			}
		}
	}
	for _, its := range c.cfg.Custom {
		if err := c.bindOne(its.Transport, its.Address, reading{custom.New(its.Format)}); err != nil {
			return bindError(its.Transport, its.Address, err)
		}
	}
	return nil
}

func (c *Collector) bindOne(t message.Transport, address string, how reading) error {
	if t == message.UDP {
		return c.bindUDP(address, how)
	}
	l, err := c.listenConfig(nil).Listen(context.Background(), "tcp"+c.cfg.family(t, address), address)
	if err == nil {
		c.addListener(t, l.(*net.TCPListener)).reading = how
	}
	return err
}

func (c *Collector) addListener(t message.Transport, l *net.TCPListener) *listener {
	added := &listener{TCPListener: l, transport: t, counts: &c.counts[t]}
	c.streams = append(c.streams, added)
	return added
}

// listenConfig has stamping switched on before a socket is bound, and does more, if there
// is more to do. Multipath TCP stays off: stamps and a round trip mean one path.
func (c *Collector) listenConfig(more func(syscall.RawConn) error) *net.ListenConfig {
	lc := &net.ListenConfig{KeepAliveConfig: keepAlive}
	lc.SetMultipathTCP(false)
	lc.Control = func(_, _ string, raw syscall.RawConn) error {
		var stamping, further error
		if c.clocks.kernel.Load() {
			stamping = stampOnReceipt(raw)
		}
		if more != nil {
			further = more(raw)
		}
		return errors.Join(stamping, further)
	}
	return lc
}

// bindUDP binds several sockets to one address. The first is bound before it shares the
// address: so nothing is shared with another program.
func (c *Collector) bindUDP(address string, how reading) error {
	network := "udp" + c.cfg.family(message.UDP, address)
	first, err := c.listenConfig(nil).ListenPacket(context.Background(), network, address)
	if err != nil {
		return err
	}
	conn := first.(*net.UDPConn)
	c.addUDP(conn).reading = how
	if c.cfg.UDPSockets == 1 || !canSharePort {
		return nil
	}
	raw, err := conn.SyscallConn()
	if err == nil {
		err = sharePort(raw)
	}
	for n := 1; n < c.cfg.UDPSockets && err == nil; n++ {
		var further net.PacketConn
		if further, err = c.listenConfig(sharePort).ListenPacket(context.Background(), network, conn.LocalAddr().String()); err == nil {
			u := c.addUDP(further.(*net.UDPConn))
			u.further, u.reading = true, how
		}
	}
	return err
}

func (c *Collector) addUDP(conn *net.UDPConn) *udpSocket {
	c.enlarge(conn)
	u := newUDPSocket(conn, c.cfg.MaxMessage)
	c.udp = append(c.udp, u)
	return u
}

// enlarge gives a socket the receive buffer of the Config, or as much of it as
// the system grants.
func (c *Collector) enlarge(conn *net.UDPConn) {
	granted, err := enlargeReceiveBuffer(conn, c.cfg.ReceiveBuffer)
	switch {
	case err != nil:
		c.cfg.Log.WithError(err).Warn("enlarge UDP receive buffer")
	case granted < c.cfg.ReceiveBuffer:
		c.cfg.Log.Warnf("UDP receive buffer: %d octets instead of %d, bursts may be lost; raise it with sysctl -w net.core.rmem_max=%[2]d",
			granted, c.cfg.ReceiveBuffer)
	}
}

// inherit takes over a socket that was bound before.
func (c *Collector) inherit(in Inherited) error {
	defer in.File.Close() // net makes a copy
	take := c.inheritTCP
	if in.Transport == message.UDP {
		take = c.inheritUDP
	}
	if err := take(in); err != nil {
		return &InheritError{in.File.Name(), err}
	}
	return nil
}

func (c *Collector) inheritTCP(in Inherited) error {
	l, err := net.FileListener(in.File)
	if err != nil {
		return err
	}
	tcp, ok := l.(*net.TCPListener)
	if !ok {
		l.Close()
		return errors.New("it isn't TCP")
	}
	c.addListener(in.Transport, tcp).inherited = true
	return c.stampInherited(tcp)
}

func (c *Collector) inheritUDP(in Inherited) error {
	p, err := net.FilePacketConn(in.File)
	if err != nil {
		return err
	}
	conn, ok := p.(*net.UDPConn)
	if !ok {
		p.Close()
		return errors.New("it isn't UDP")
	}
	u := c.addUDP(conn)
	u.unstamped = !stampsAlready(conn)
	u.forgetDrops()
	return c.stampInherited(conn)
}

// stampInherited switches stamping on, if the kernel is to stamp.
func (c *Collector) stampInherited(conn syscall.Conn) error {
	if !c.clocks.kernel.Load() {
		return nil
	}
	raw, err := conn.SyscallConn()
	if err != nil {
		return err
	}
	return stampOnReceipt(raw)
}

// An InheritError is returned by Listen for a socket that can't be taken over.
type InheritError struct {
	Name string // of its file
	Err  error  // why
}

func (e *InheritError) Error() string {
	return fmt.Sprintf("collector: take over socket %q: %v", e.Name, e.Err)
}

func (e *InheritError) Unwrap() error { return e.Err }

// Remedy returns what the user can do about it.
func (e *InheritError) Remedy() string {
	return "in the systemd socket unit give ListenDatagram= for UDP, ListenStream= for all others," +
		" each with a port (514 or 0.0.0.0:514), and FileDescriptorName=tcp, tls, relp or relp-tls"
}

// A BindError is returned by Listen for an address that can't be listened on.
type BindError struct {
	Transport message.Transport
	Address   string // as in the Config
	Err       error  // why, without the address
}

// bindError takes the address out of the reason, where the system repeats it.
func bindError(t message.Transport, address string, err error) error {
	var op *net.OpError
	if errors.As(err, &op) {
		err = op.Err
	}
	return &BindError{t, address, err}
}

func (e *BindError) Error() string {
	return fmt.Sprintf("collector: listen on %s %q: %v", nameOf(e.Transport), e.Address, e.Err)
}

// nameOf returns a transport as logs write it.
func nameOf(t message.Transport) string { return strings.ToUpper(t.String()) }

func (e *BindError) Unwrap() error { return e.Err }

// Remedy returns what the user can do about it, "" if nothing is known.
func (e *BindError) Remedy() string {
	var unresolved *net.DNSError
	switch {
	case errors.Is(e.Err, os.ErrPermission):
		return "ports below 1024 need a right: give it with `setcap cap_net_bind_service=+ep` on the program" +
			" or AmbientCapabilities=CAP_NET_BIND_SERVICE in its systemd unit, or choose a port above" +
			" (--listen-udp :5514, --listen-tcp :5514)"
	case errors.Is(e.Err, syscall.EADDRINUSE), errors.Is(e.Err, windowsAddressInUse):
		return "another program has it (rsyslogd, or skewatch itself?): stop that one or choose another port"
	case errors.Is(e.Err, syscall.EADDRNOTAVAIL), errors.Is(e.Err, windowsAddressNotHere):
		return "this machine doesn't have the address: give one that it has (`ip address` shows them)," +
			" or the port alone, such as \":514\", for all of them"
	case e.lacksZone():
		return "a link-local address needs the interface: write it behind a %, such as \"[fe80::1%eth0]:514\""
	case errors.As(e.Err, &unresolved):
		return "the name doesn't resolve here: give an IP address of this machine," +
			" or the port alone, such as \":514\", for all of its addresses"
	}
	return ""
}

// What Windows says instead of EADDRINUSE and EADDRNOTAVAIL.
const (
	windowsAddressInUse   = syscall.Errno(10048) // WSAEADDRINUSE
	windowsAddressNotHere = syscall.Errno(10049) // WSAEADDRNOTAVAIL
)

// lacksZone reports whether the address is link-local and doesn't say of which link.
func (e *BindError) lacksZone() bool {
	host, _, err := net.SplitHostPort(e.Address)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Is6() && ip.IsLinkLocalUnicast() && ip.Zone() == ""
}
