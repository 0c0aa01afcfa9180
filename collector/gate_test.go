package collector_test

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"testing"
	"time"

	"github.com/skewatch/skewatch/collector"
	"github.com/skewatch/skewatch/collector/message"
)

// mustBeClosed fails unless the server closes a connection soon.
func mustBeClosed(t *testing.T, conn net.Conn, why string) {
	t.Helper()
	conn.SetReadDeadline(time.Now().Add(deadline))
	if _, err := conn.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("%s: read: %v, want it closed", why, err)
	}
}

// awaitClosed waits until so many connections were closed for that reason.
func awaitClosed(t *testing.T, c *collector.Collector, transport message.Transport, why collector.Closure, want uint64) {
	t.Helper()
	poll(t, func() string {
		if got := c.Stats()[transport].Closed[why]; got != want {
			return fmt.Sprintf("%d %v connections closed for %v, want %d", got, transport, why, want)
		}
		return ""
	})
}

// dialFrom connects from one of the addresses of loopback.
func dialFrom(t *testing.T, source, network string, to netip.AddrPort) net.Conn {
	t.Helper()
	var from net.Addr = &net.TCPAddr{IP: net.ParseIP(source)}
	if network == "udp" {
		from = &net.UDPAddr{IP: net.ParseIP(source)}
	}
	conn, err := (&net.Dialer{LocalAddr: from}).Dial(network, to.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// What one peer takes up is not missed by another.
func TestPeerLimit(t *testing.T) {
	cfg := both()
	cfg.MaxPerPeer = 2
	var s store
	c := listen(t, cfg, &s)
	run(t, c)
	to := c.Addrs(message.TCP)[0]
	first, second := dialFrom(t, "127.0.0.2", "tcp", to), dialFrom(t, "127.0.0.2", "tcp", to)
	write(t, first, "<13>a\n")
	write(t, second, "<13>a\n")
	s.wait(t, 2)
	mustBeClosed(t, dialFrom(t, "127.0.0.2", "tcp", to), "a third connection of two")
	awaitClosed(t, c, message.TCP, collector.PeerLimit, 1)
	write(t, dialFrom(t, "127.0.0.3", "tcp", to), "<13>a\n")
	s.wait(t, 3)

	first.Close()
	poll(t, func() string {
		if n := c.Stats()[message.TCP].Open; n != 2 {
			return fmt.Sprintf("%d connections are open, want 2", n)
		}
		return ""
	})
	write(t, dialFrom(t, "127.0.0.2", "tcp", to), "<13>a\n")
	s.wait(t, 4)
}

// One peer leaves room for others, however few connections there may be.
func TestPeerLimitLeavesRoom(t *testing.T) {
	cfg := both()
	cfg.MaxConnections = 5
	var s store
	c := listen(t, cfg, &s)
	run(t, c)
	to := c.Addrs(message.TCP)[0]
	for range 3 {
		write(t, dialFrom(t, "127.0.0.2", "tcp", to), "<13>a\n")
	}
	s.wait(t, 3)
	mustBeClosed(t, dialFrom(t, "127.0.0.2", "tcp", to), "a fourth connection of five")
	write(t, dialFrom(t, "127.0.0.3", "tcp", to), "<13>a\n")
	s.wait(t, 4)
}

func TestAllow(t *testing.T) {
	cfg := both()
	cfg.Allow = []netip.Prefix{netip.MustParsePrefix("127.0.0.2/32"), netip.MustParsePrefix("10.0.0.0/8")}
	var s store
	c := listen(t, cfg, &s)
	run(t, c)
	udp, tcp := c.Addrs(message.UDP)[0], c.Addrs(message.TCP)[0]
	mustBeClosed(t, dialFrom(t, "127.0.0.3", "tcp", tcp), "a peer that isn't allowed")
	awaitClosed(t, c, message.TCP, collector.PeerNotAllowed, 1)
	write(t, dialFrom(t, "127.0.0.3", "udp", udp), "<13>no")
	write(t, dialFrom(t, "127.0.0.2", "udp", udp), "<13>yes")
	s.wait(t, 1)
	write(t, dialFrom(t, "127.0.0.2", "tcp", tcp), "<13>yes\n")
	for _, m := range s.wait(t, 2) {
		if m.Source.String() != "127.0.0.2" || string(m.Raw) != "<13>yes" {
			t.Errorf("stored %q from %v", m.Raw, m.Source)
		}
	}
	if n := c.Stats()[message.UDP].Rejected[collector.DatagramNotAllowed]; n != 1 {
		t.Errorf("%d datagrams rejected, want 1", n)
	}
}

// A connection that speaks now and then stays, one that has fallen silent ends.
func TestIdleConnectionsEnd(t *testing.T) {
	const idle = 500 * time.Millisecond
	cfg := both()
	cfg.IdleTimeout = idle
	var s store
	c := listen(t, cfg, &s)
	run(t, c)
	silent, speaking := dialTCP(t, c), dialTCP(t, c)
	for i := range 8 {
		write(t, speaking, "<13>a\n")
		s.wait(t, i+1)
		time.Sleep(idle / 4)
	}
	mustBeClosed(t, silent, "a silent connection")
	if got := c.Stats()[message.TCP]; got.Closed[collector.IdleTimeout] != 1 || got.Open != 1 {
		t.Errorf("%d connections ended as idle, %d are open, want 1 and 1", got.Closed[collector.IdleTimeout], got.Open)
	}
	mustBeClosed(t, speaking, "one that has fallen silent")
	awaitClosed(t, c, message.TCP, collector.IdleTimeout, 2)
}
