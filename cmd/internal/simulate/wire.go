package simulate

import (
	"context"
	"crypto/tls"
	"net"
	"net/netip"
	"time"

	"github.com/skewatch/skewatch/cmd/internal/config"
	"github.com/skewatch/skewatch/collector/relpclient"
	"github.com/skewatch/skewatch/collector/streamclient"
)

// A wire takes messages to a receiver. It is used by one goroutine.
type wire interface {
	send(raw []byte) error

	// close ends the sending in order, and waits until the receiver has read to the end,
	// as far as the transport tells.
	close() error
}

// How long a receiver may take, to be connected to, and then for anything.
const (
	dialFor  = 5 * time.Second
	writeFor = 10 * time.Second
)

// dial opens a wire from a source address of its own; the zero Addr for any.
func dial(ctx context.Context, t Target, transport config.FleetTransport, source netip.Addr, secure *tls.Config) (wire, error) {
	d := net.Dialer{Timeout: dialFor}
	if transport == config.FleetUDP {
		if source.IsValid() {
			d.LocalAddr = net.UDPAddrFromAddrPort(netip.AddrPortFrom(source, 0))
		}
		conn, err := d.DialContext(ctx, "udp", t.Address)
		return datagrams{conn}, err
	}
	if source.IsValid() {
		d.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(source, 0))
	}
	var conn net.Conn
	var err error
	if transport == config.FleetTLS {
		conn, err = (&tls.Dialer{NetDialer: &d, Config: secure}).DialContext(ctx, "tcp", t.Address)
	} else {
		conn, err = d.DialContext(ctx, "tcp", t.Address)
	}
	if err != nil {
		return nil, err
	}
	if transport == config.FleetRELP {
		return openRELP(conn)
	}
	return stream{streamclient.New(conn, writeFor), transport == config.FleetTCPLF}, nil
}

// datagrams sends one message a datagram.
type datagrams struct{ net.Conn }

func (d datagrams) send(raw []byte) error { _, err := d.Write(raw); return err }
func (d datagrams) close() error          { return d.Close() }

// A stream sends messages with their octets counted, or each as a line.
type stream struct {
	*streamclient.Stream
	lines bool
}

func (s stream) send(raw []byte) error {
	send := s.Send
	if s.lines {
		send = s.SendLine
	}
	if err := send(raw); err != nil {
		return err
	}
	return s.Flush() // each message has its time
}

func (s stream) close() error {
	defer s.Close()
	return s.Finish()
}

// A relp sends messages that the receiver acknowledges.
type relp struct{ *relpclient.Session }

// openRELP offers a session, and waits until it is taken.
func openRELP(conn net.Conn) (wire, error) {
	s, err := relpclient.Open(conn, writeFor)
	if err != nil {
		return nil, err
	}
	return relp{s}, nil
}

func (r relp) send(raw []byte) error {
	if err := r.Send(raw); err != nil {
		return err
	}
	return r.Flush() // each message has its time
}

// close waits until all is acknowledged.
func (r relp) close() error {
	defer r.Close()
	return r.Drain()
}
