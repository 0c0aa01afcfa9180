package collector

import (
	"context"
	"errors"
	"net"
	"os"
	"time"

	"github.com/skewatch/skewatch/collector/frame"
)

// acceptGrace is how long after the stop connections are accepted whose
// handshake was complete: their peers may have sent already.
const acceptGrace = 50 * time.Millisecond

// serveTCP accepts connections until ctx ends.
func (c *Collector) serveTCP(ctx context.Context, fail func(error), l *net.TCPListener) {
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
			if crowded = !c.admit(ctx, fail, conn); crowded && !was {
				c.cfg.Log.WithField("connections", c.cfg.MaxConnections).Warn("connection limit reached: further ones are closed")
			}
		case errors.Is(err, os.ErrDeadlineExceeded), ctx.Err() != nil:
			return
		default:
			c.cfg.Log.WithError(err).Warn("accept TCP connection")
			pause.wait(ctx)
		}
	}
}

// admit serves a new connection in a goroutine of its own, or closes it if there
// are too many.
func (c *Collector) admit(ctx context.Context, fail func(error), conn *net.TCPConn) bool {
	if c.open.Add(1) > int64(c.cfg.MaxConnections) {
		c.open.Add(-1)
		c.tcpCounts.rejected[ConnectionLimit].Add(1)
		conn.Close()
		return false
	}
	c.tcpCounts.connections.Add(1)
	c.wg.Go(func() {
		defer c.open.Add(-1)
		defer conn.Close()
		if err := c.serveConn(ctx, conn); err != nil {
			fail(err)
		}
	})
	return true
}

// serveConn receives from one connection to its end. It returns an error only
// if the Sink did: what a peer does wrong concerns nobody else.
func (c *Collector) serveConn(ctx context.Context, conn *net.TCPConn) error {
	log := c.cfg.Log.WithField("peer", conn.RemoteAddr())
	s, err := c.newStream(conn)
	if err != nil {
		log.WithError(err).Warn("serve TCP connection")
		return nil
	}
	err = s.serve(ctx)
	switch {
	case errors.Is(err, frame.ErrCountTooLong), errors.Is(err, frame.ErrCountEndless):
		c.tcpCounts.rejected[BadOctetCount].Add(1)
		log.WithError(err).Warn("TCP connection closed")
		return nil
	case errors.Is(err, errSink):
		return err
	}
	log.WithError(err).Debug("TCP connection ended")
	return nil
}
