package collector

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/skewatch/skewatch/collector/frame"
	"github.com/skewatch/skewatch/collector/message"
)

// A listener is one bound TCP address and what is spoken there.
type listener struct {
	*net.TCPListener
	transport message.Transport
	counts    *counts
	reading   reading
	inherited bool // connections may be older than stamping
}

// stopGrace is how long after the stop connections are accepted whose handshake was
// complete, and read as before: their peers may have sent already.
const stopGrace = 50 * time.Millisecond

// serveListener accepts connections until ctx ends.
func (c *Collector) serveListener(ctx context.Context, fail func(error), l *listener) {
	defer l.Close()
	stop := context.AfterFunc(ctx, func() {
		l.SetDeadline(time.Now().Add(stopGrace)) // of the runtime, which knows no other clock
	})
	defer stop()
	var pause backoff
	for {
		conn, err := l.AcceptTCP()
		switch {
		case err == nil:
			pause.reset()
			c.admit(ctx, fail, l, conn)
		case errors.Is(err, os.ErrDeadlineExceeded), ctx.Err() != nil:
			return
		default:
			c.cfg.Log.WithError(err).Warnf("accept %s connection", nameOf(l.transport))
			pause.wait(ctx)
		}
	}
}

// admit serves a new connection in a goroutine of its own, or closes it if it may not
// come in.
func (c *Collector) admit(ctx context.Context, fail func(error), l *listener, conn *net.TCPConn) {
	peer := peerOf(conn)
	if why, ok := c.gate.enter(peer); !ok {
		conn.Close()
		c.closed(l, conn, why, nil)
		return
	}
	l.counts.opened()
	c.wg.Go(func() {
		defer c.gate.leave(peer)
		defer l.counts.ended()
		defer conn.Close()
		if err := c.serveConn(ctx, l, conn, peer); err != nil {
			fail(err)
		}
	})
}

func peerOf(conn *net.TCPConn) netip.Addr {
	return conn.RemoteAddr().(*net.TCPAddr).AddrPort().Addr().Unmap()
}

// serveConn receives from one connection to its end. It returns an error only
// if the Sink did: what a peer does wrong concerns nobody else.
func (c *Collector) serveConn(ctx context.Context, l *listener, conn *net.TCPConn, peer netip.Addr) error {
	err := c.speak(ctx, l, conn, peer)
	if errors.Is(err, errSink) {
		return err
	}
	if why, ok := faultOf(err); ok {
		c.closed(l, conn, why, err)
		return nil
	}
	c.cfg.Log.WithError(err).WithField("peer", conn.RemoteAddr()).Debugf("%s connection ended", nameOf(l.transport))
	return nil
}

// speak speaks the listener's protocol until the connection ends, and returns why it did.
func (c *Collector) speak(ctx context.Context, l *listener, conn *net.TCPConn, peer netip.Addr) error {
	if l.inherited {
		if err := c.stampInherited(conn); err != nil {
			return err
		}
	}
	stamped, err := newStampedConn(conn, c.cfg.Now, &c.clocks.kernel)
	if err != nil {
		return err
	}
	from, trust := source(stamped), message.TrustHandshake
	if overTLS(l.transport) {
		if from, trust, err = c.secure(ctx, stamped); err != nil {
			return err
		}
	}
	s := c.newStream(l, from, peer, trust)
	if speaksRELP(l.transport) {
		return newRELPSession(s).serve(ctx)
	}
	err = s.serve(ctx)
	if overTLS(l.transport) {
		from.CloseWrite() // with a close_notify (RFC 5425, section 4.4); it ends within seconds
	}
	return err
}

// faults are what a connection is closed for, most specific first.
var faults = [...]struct {
	err error
	why Closure
}{
	{errHandshakeTimeout, HandshakeTimeout}, {errHandshake, HandshakeFailed}, {errIdle, IdleTimeout},
	{frame.ErrSplitFunc, FormatFailed}, {frame.ErrNoEnd, FormatFailed},
	{frame.ErrCountTooLong, BadOctetCount}, {frame.ErrCountEndless, BadOctetCount},
	{frame.ErrTransactionNumber, BadFrame}, {frame.ErrCommand, BadFrame},
	{frame.ErrDataLength, BadFrame}, {frame.ErrTrailer, BadFrame},
	{errOutOfSequence, OutOfSequence}, {errBadCommand, BadCommand}, {errOpenTwice, BadCommand},
}

// faultOf returns what a peer did that its connection was closed for.
func faultOf(err error) (Closure, bool) {
	for _, fault := range faults {
		if errors.Is(err, fault.err) {
			return fault.why, true
		}
	}
	return 0, false
}

// closed counts and tells that a connection is closed, or wasn't let in.
func (c *Collector) closed(l *listener, conn *net.TCPConn, why Closure, err error) {
	l.counts.closed(why)
	c.seldom[why].Do(func() {
		log := c.cfg.Log.WithFields(logrus.Fields{"peer": conn.RemoteAddr(), "reason": why})
		if err != nil {
			log = log.WithError(err)
		}
		log.Warnf("%s connection closed", nameOf(l.transport))
	})
}
