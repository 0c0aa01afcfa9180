package simulate

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"github.com/skewatch/skewatch/cmd/internal/config"
	"github.com/skewatch/skewatch/collector/frame"
)

// A wire takes messages to a receiver. It is used by one goroutine.
type wire interface {
	send(raw []byte) error

	// close ends the sending in order, and waits until the receiver has read to the end,
	// as far as the transport tells.
	close() error
}

// How long a connection may take, to open, to take a message, and to end.
const (
	dialFor  = 5 * time.Second
	writeFor = 10 * time.Second
	closeFor = 5 * time.Second
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
	conn, err := d.DialContext(ctx, "tcp", t.Address)
	if err != nil {
		return nil, err
	}
	switch transport {
	case config.FleetTLS:
		conn, err = encrypt(ctx, conn, t, secure)
	case config.FleetRELP:
		return openRELP(conn)
	case config.FleetTCPLF:
		return stream{conn, func(b, raw []byte) []byte { return append(append(b, raw...), '\n') }}, nil
	}
	return stream{conn, counted}, err
}

func encrypt(ctx context.Context, conn net.Conn, t Target, cfg *tls.Config) (net.Conn, error) {
	cfg = cfg.Clone()
	cfg.ServerName, _, _ = net.SplitHostPort(t.Address)
	secure := tls.Client(conn, cfg)
	if err := secure.HandshakeContext(ctx); err != nil {
		conn.Close()
		return nil, err
	}
	return secure, nil
}

// counted appends a message with its octets counted (RFC 6587, section 3.4.1).
func counted(b, raw []byte) []byte {
	b = append(strconv.AppendInt(b, int64(len(raw)), 10), ' ')
	return append(b, raw...)
}

// datagrams sends one message a datagram.
type datagrams struct{ net.Conn }

func (d datagrams) send(raw []byte) error { _, err := d.Write(raw); return err }
func (d datagrams) close() error          { return d.Close() }

// A stream sends messages in a framing.
type stream struct {
	net.Conn
	frame func(b, raw []byte) []byte
}

func (s stream) send(raw []byte) error {
	if err := s.SetWriteDeadline(time.Now().Add(writeFor)); err != nil {
		return err
	}
	_, err := s.Write(s.frame(nil, raw))
	return err
}

func (s stream) close() error {
	defer s.Close()
	if err := s.SetDeadline(time.Now().Add(closeFor)); err != nil {
		return err
	}
	half, ok := s.Conn.(interface{ CloseWrite() error })
	if !ok {
		return nil
	}
	if err := half.CloseWrite(); err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, s.Conn); err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("the receiver may not have read to the end: %w", err)
	}
	return nil
}

// relpWindow is how many messages wait for their acknowledgement at most, as in librelp.
const relpWindow = 128

// A relp sends messages that the receiver acknowledges.
type relp struct {
	conn   net.Conn
	number int
	slots  chan struct{} // one for each message that waits
	ended  chan struct{} // closed when nothing is acknowledged any more
	once   sync.Once
	err    error // why; set before ended is closed
}

// openRELP offers a session, and waits until it is taken.
func openRELP(conn net.Conn) (wire, error) {
	r := &relp{conn: conn, number: 1, slots: make(chan struct{}, relpWindow), ended: make(chan struct{})}
	err := conn.SetDeadline(time.Now().Add(dialFor))
	if err == nil {
		_, err = conn.Write(frame.AppendRELP(nil, 1, "open", "relp_version=0\nrelp_software=skewatch\ncommands=syslog"))
	}
	answers := frame.NewRELPSplitter(relpAnswer)
	if err == nil {
		err = readAnswer(conn, answers)
	}
	if err == nil {
		err = conn.SetDeadline(time.Time{})
	}
	if err != nil {
		conn.Close()
		return nil, fmt.Errorf("open a RELP session: %w", err)
	}
	go r.listen(answers)
	return r, nil
}

const relpAnswer = 4096 // octets of the longest answer

// errFarewell says that the receiver has closed a RELP session.
var errFarewell = errors.New("the receiver closed the session")

// readAnswer reads one answer, which must be that all is well.
func readAnswer(from io.Reader, answers *frame.RELPSplitter) error {
	for {
		f, ok, err := answers.Next()
		switch {
		case err != nil:
			return err
		case ok && string(f.Command) == "serverclose":
			return errFarewell
		case ok && len(f.Data) > 0 && string(f.Data[:min(3, len(f.Data))]) != "200":
			return fmt.Errorf("the receiver answers %q", f.Data)
		case ok:
			return nil
		}
		n, err := from.Read(answers.Space())
		if answers.Fill(n); n == 0 && err != nil {
			return err
		}
	}
}

// listen takes acknowledgements until the session ends.
func (r *relp) listen(answers *frame.RELPSplitter) {
	for {
		if err := readAnswer(r.conn, answers); err != nil {
			r.once.Do(func() { r.err = err; close(r.ended) })
			return
		}
		select {
		case <-r.slots:
		default: // the answer to close
		}
	}
}

func (r *relp) send(raw []byte) error {
	select {
	case r.slots <- struct{}{}:
	case <-r.ended:
		return r.err
	}
	return r.write("syslog", raw)
}

func (r *relp) write(command string, data []byte) error {
	r.number = frame.NextRELPNumber(r.number)
	if err := r.conn.SetWriteDeadline(time.Now().Add(writeFor)); err != nil {
		return err
	}
	_, err := r.conn.Write(frame.AppendRELP(nil, r.number, command, data))
	return err
}

// close waits until all is acknowledged: whoever takes every slot knows it.
func (r *relp) close() error {
	defer r.conn.Close()
	late := time.After(closeFor)
	for range relpWindow {
		select {
		case r.slots <- struct{}{}:
		case <-r.ended:
			return r.err
		case <-late:
			return errors.New("the receiver hasn't acknowledged all messages")
		}
	}
	return r.write("close", nil)
}
