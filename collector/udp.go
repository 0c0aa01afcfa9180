package collector

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"sync"
	"time"

	"github.com/skewatch/skewatch/collector/message"
	"github.com/skewatch/skewatch/collector/parse"
)

// maxDatagram is the most octets a datagram can hold (65,507 over IPv4).
const maxDatagram = 65_527

// longAgo is a deadline that ends a waiting read at once.
var longAgo = time.Unix(1, 0)

// A udpSocket is one bound UDP address.
type udpSocket struct {
	conn *net.UDPConn
	in   *datagramReader

	mu    sync.Mutex
	drops uint64
}

// A datagram is one datagram of the batch that was read last.
type datagram struct {
	payload  []byte
	source   netip.Addr
	received int64 // the kernel's stamp in Unix nanoseconds; 0 if it gave none
	cut      bool  // the payload was longer than the buffer
}

func newUDPSocket(conn *net.UDPConn, maxMessage int) *udpSocket {
	return &udpSocket{conn: conn, in: newDatagramReader(conn, min(maxMessage, maxDatagram))}
}

// dropped returns how many datagrams the kernel has dropped for this socket.
func (u *udpSocket) dropped() uint64 {
	u.mu.Lock()
	defer u.mu.Unlock()
	if n, err := kernelDrops(u.conn); err == nil {
		u.drops += uint64(n - uint32(u.drops)) // the kernel's counter wraps at 32 bits
	}
	return u.drops
}

func (u *udpSocket) close() {
	u.dropped() // the count ends with the socket
	u.conn.Close()
}

// serveUDP receives on one socket until ctx ends, then reads it out.
func (c *Collector) serveUDP(ctx context.Context, fail func(error), u *udpSocket) {
	defer u.close()
	stop := context.AfterFunc(ctx, func() { u.conn.SetReadDeadline(longAgo) })
	defer stop()
	batch := make([]message.Message, 0, datagramsPerRead)
	err := c.receiveUDP(ctx, u, batch)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = c.readOut(u, batch)
	}
	if err != nil {
		fail(err)
	}
}

// receiveUDP receives until the Sink fails or the read deadline ends it.
func (c *Collector) receiveUDP(ctx context.Context, u *udpSocket, batch []message.Message) error {
	var pause backoff
	for {
		n, err := u.in.read()
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			return err
		case err != nil:
			c.cfg.Log.WithError(err).Warn("read UDP socket")
			pause.wait(ctx)
			continue
		}
		pause.reset()
		if err := c.putDatagrams(batch, u.in, n); err != nil {
			return err
		}
	}
}

// readOut takes what the socket holds. Its bound is what the socket can hold at
// most, because a sender may never pause.
func (c *Collector) readOut(u *udpSocket, batch []message.Message) error {
	u.conn.SetReadDeadline(time.Time{})
	for left := u.in.capacity(); left > 0; {
		n, err := u.in.readHeld()
		if n == 0 || err != nil {
			return nil // nothing is left
		}
		if err := c.putDatagrams(batch, u.in, n); err != nil {
			return err
		}
		left -= n
	}
	return nil
}

// putDatagrams puts the n datagrams that were read last, in the space of batch.
func (c *Collector) putDatagrams(batch []message.Message, in *datagramReader, n int) error {
	now := c.cfg.Now().UnixNano()
	for i := range n {
		d := in.datagram(i)
		if len(d.payload) == 0 {
			c.udpCounts.rejected[EmptyDatagram].Add(1)
			continue
		}
		m := message.Message{
			Received:  d.received,
			StampedBy: message.StampedByKernel,
			Source:    d.source,
			Transport: message.UDP,
			Trust:     message.TrustUDP,
			Truncated: d.cut,
		}
		if d.received == 0 {
			m.Received, m.StampedBy = now, message.StampedByUser
		}
		batch = append(batch, m)
		parse.Parse(d.payload, &batch[len(batch)-1])
	}
	return c.put(batch, &c.udpCounts)
}
