package collector

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/skewatch/skewatch/collector/message"
)

// Senders of syslog stay silent for hours. Keep-alives find out which of them
// are gone: after a minute of silence, then five times within 75 seconds.
var keepAlive = net.KeepAliveConfig{Enable: true, Idle: time.Minute, Interval: 15 * time.Second, Count: 5}

// listenConfig has stamping switched on before a socket is bound. Multipath TCP
// stays off: stamps and a round trip mean one path.
func (c *Collector) listenConfig() *net.ListenConfig {
	lc := &net.ListenConfig{KeepAliveConfig: keepAlive}
	lc.SetMultipathTCP(false)
	if c.stamps == message.StampedByKernel {
		lc.Control = func(_, _ string, raw syscall.RawConn) error { return stampOnReceipt(raw) }
	}
	return lc
}

func (c *Collector) bindUDP(address string) (*udpSocket, error) {
	pc, err := c.listenConfig().ListenPacket(context.Background(), "udp", address)
	if err != nil {
		return nil, bindError("UDP", address, err)
	}
	conn := pc.(*net.UDPConn)
	c.enlarge(conn)
	return newUDPSocket(conn, c.cfg.MaxMessage), nil
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

func (c *Collector) bindTCP(transport message.Transport, address string) (*net.TCPListener, error) {
	l, err := c.listenConfig().Listen(context.Background(), "tcp", address)
	if err != nil {
		return nil, bindError(strings.ToUpper(transport.String()), address, err)
	}
	return l.(*net.TCPListener), nil
}

// A BindError is returned by Listen for an address that can't be listened on.
type BindError struct {
	Transport string // UDP, TCP or RELP
	Address   string // as in the Config
	Err       error  // why, without the address
}

// bindError takes the address out of the reason, where the system repeats it.
func bindError(transport, address string, err error) error {
	var op *net.OpError
	if errors.As(err, &op) {
		err = op.Err
	}
	return &BindError{transport, address, err}
}

func (e *BindError) Error() string {
	return fmt.Sprintf("collector: listen on %s %q: %v", e.Transport, e.Address, e.Err)
}

func (e *BindError) Unwrap() error { return e.Err }

// Remedy returns what the user can do about it, "" if nothing is known.
func (e *BindError) Remedy() string {
	switch {
	case errors.Is(e.Err, os.ErrPermission):
		return "ports below 1024 need a right: give it with `setcap cap_net_bind_service=+ep` on the program" +
			" or AmbientCapabilities=CAP_NET_BIND_SERVICE in its systemd unit, or choose a port above" +
			" (--listen-udp :5514, --listen-tcp :5514)"
	case errors.Is(e.Err, syscall.EADDRINUSE):
		return "another program has it (rsyslogd, or skewatch itself?): stop that one or choose another port"
	}
	return ""
}
