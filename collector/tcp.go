package collector

import (
	"context"
	"errors"
	"net"
	"os"
	"strings"
	"time"

	"github.com/skewatch/skewatch/collector/frame"
	"github.com/skewatch/skewatch/collector/message"
)

// A listener is one bound TCP address and what is spoken there.
type listener struct {
	*net.TCPListener
	transport message.Transport
	counts    *counts
}

// name returns the transport as logs write it.
func (l *listener) name() string { return strings.ToUpper(l.transport.String()) }

// acceptGrace is how long after the stop connections are accepted whose
// handshake was complete: their peers may have sent already.
const acceptGrace = 50 * time.Millisecond

// serveTCP accepts connections until ctx ends.
func (c *Collector) serveTCP(ctx context.Context, fail func(error), l *listener) {
	defer l.Close()
	stop := context.AfterFunc(ctx, func() {
		l.SetDeadline(time.Now().Add(acceptGrace)) // of the runtime, which knows no other clock
	})
	defer stop()
	var pause backoff
	crowded := false
	for {
		conn, err := l.AcceptTCP()
		switch {
		case err == nil:
			pause.reset()
			was := crowded
			if crowded = !c.admit(ctx, fail, l, conn); crowded && !was {
				c.cfg.Log.WithField("connections", c.cfg.MaxConnections).Warn("connection limit reached: further ones are closed")
			}
		case errors.Is(err, os.ErrDeadlineExceeded), ctx.Err() != nil:
			return
		default:
			c.cfg.Log.WithError(err).Warnf("accept %s connection", l.name())
			pause.wait(ctx)
		}
	}
}

// admit serves a new connection in a goroutine of its own, or closes it if there
// are too many.
func (c *Collector) admit(ctx context.Context, fail func(error), l *listener, conn *net.TCPConn) bool {
	if c.open.Add(1) > int64(c.cfg.MaxConnections) {
		c.open.Add(-1)
		l.counts.rejected[ConnectionLimit].Add(1)
		conn.Close()
		return false
	}
	l.counts.connections.Add(1)
	l.counts.open.Add(1)
	c.wg.Go(func() {
		defer c.open.Add(-1)
		defer l.counts.open.Add(-1)
		defer conn.Close()
		if err := c.serveConn(ctx, l, conn); err != nil {
			fail(err)
		}
	})
	return true
}

// serveConn receives from one connection to its end. It returns an error only
// if the Sink did: what a peer does wrong concerns nobody else.
func (c *Collector) serveConn(ctx context.Context, l *listener, conn *net.TCPConn) error {
	log := c.cfg.Log.WithField("peer", conn.RemoteAddr())
	s, err := c.newStream(l, conn)
	if err != nil {
		log.WithError(err).Warnf("serve %s connection", l.name())
		return nil
	}
	if l.transport == message.RELP {
		err = newRELPSession(s, conn).serve(ctx)
	} else {
		err = s.serve(ctx)
	}
	if errors.Is(err, errSink) {
		return err
	}
	if reason, ok := faultOf(err); ok {
		l.counts.rejected[reason].Add(1)
		log.WithError(err).Warnf("%s connection closed", l.name())
		return nil
	}
	log.WithError(err).Debugf("%s connection ended", l.name())
	return nil
}

// faultOf returns what a peer did that its connection was closed for.
func faultOf(err error) (Reason, bool) {
	for _, fault := range [...]struct {
		err    error
		reason Reason
	}{
		{frame.ErrCountTooLong, BadOctetCount}, {frame.ErrCountEndless, BadOctetCount},
		{frame.ErrTransactionNumber, BadFrame}, {frame.ErrCommand, BadFrame},
		{frame.ErrDataLength, BadFrame}, {frame.ErrTrailer, BadFrame},
		{errOutOfSequence, OutOfSequence}, {errBadCommand, BadCommand}, {errOpenTwice, BadCommand},
	} {
		if errors.Is(err, fault.err) {
			return fault.reason, true
		}
	}
	return 0, false
}
