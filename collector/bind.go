package collector

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
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

func (c *Collector) bindTCP(address string) (*net.TCPListener, error) {
	l, err := c.listenConfig().Listen(context.Background(), "tcp", address)
	if err != nil {
		return nil, bindError("TCP", address, err)
	}
	return l.(*net.TCPListener), nil
}

// bindError says which address can't be listened on, why, and what to do.
func bindError(transport, address string, err error) error {
	remedy := ""
	switch {
	case errors.Is(err, os.ErrPermission):
		remedy = "; ports below 1024 need a right: give it with `setcap cap_net_bind_service=+ep` on the program" +
			" or AmbientCapabilities=CAP_NET_BIND_SERVICE in its systemd unit, or choose a port above, such as :5514" +
			" (--listen-udp :5514, --listen-tcp :5514)"
	case errors.Is(err, syscall.EADDRINUSE):
		remedy = "; another program has it (rsyslogd, or skewatch itself?): stop that one or choose another port"
	}
	return fmt.Errorf("collector: listen on %s %q: %w%s", transport, address, err, remedy)
}
