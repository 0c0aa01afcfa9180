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
)

// maxDatagram is the most octets a datagram can hold (65,507 over IPv4).
const maxDatagram = 65_527

// longAgo is a deadline that ends a waiting read at once.
var longAgo = time.Unix(1, 0)

// A udpSocket is a socket that is bound to a UDP address.
type udpSocket struct {
	conn      *net.UDPConn
	maxOctets int // of a datagram, that are kept
	reading   reading
	further   bool // it shares the address of the socket before
	unstamped bool // what it holds when it is first read bears no stamp of its arrival

	mu     sync.Mutex
	before uint32 // the kernel's counter of drops when the socket was taken over
	drops  uint64 // since
}

// A datagram is one datagram of the batch that was read last.
type datagram struct {
	payload  []byte
	source   netip.Addr
	received int64 // the kernel's stamp in Unix nanoseconds; 0 if it gave none
	cut      bool  // the payload was longer than the buffer
}

func newUDPSocket(conn *net.UDPConn, maxMessage int) *udpSocket {
	return &udpSocket{conn: conn, maxOctets: min(maxMessage, maxDatagram)}
}

// forgetDrops begins to count at 0 what the kernel drops.
func (u *udpSocket) forgetDrops() { u.before, _ = kernelDrops(u.conn) }

// dropped returns how many datagrams the kernel has dropped for this socket since we have it.
func (u *udpSocket) dropped() uint64 {
	u.mu.Lock()
	defer u.mu.Unlock()
	if n, err := kernelDrops(u.conn); err == nil {
		u.drops += uint64(n - u.before - uint32(u.drops)) // the kernel's counter wraps at 32 bits
	}
	return u.drops
}

func (u *udpSocket) close() {
	u.dropped() // the count ends with the socket
	u.conn.Close()
}

// serveUDP receives on one socket until ctx ends, then reads it out. What is read waits in
// a queue of our own while the Sink blocks, since the kernel's is short.
func (c *Collector) serveUDP(ctx context.Context, fail func(error), u *udpSocket) {
	q := newDatagramQueue()
	var putting sync.WaitGroup
	putting.Go(func() { c.putDatagrams(q, u.reading, fail) })
	if err := c.readUDP(ctx, u, q); err != nil {
		fail(err)
	}
	u.close() // what comes now is refused, rather than lost in silence
	q.end()
	putting.Wait()
}

// readUDP reads into the queue until ctx ends, and then what the socket holds.
func (c *Collector) readUDP(ctx context.Context, u *udpSocket, q *datagramQueue) error {
	in, err := newDatagramReader(u.conn, u.maxOctets)
	if err != nil {
		return err
	}
	r := &udpReader{c: c, in: in, queue: q, counts: &c.counts[message.UDP]}
	if u.unstamped {
		r.unstamped = true
		r.readOut()
		r.unstamped = false
	}
	stopped := make(chan struct{}) // closed once reads are at their end
	context.AfterFunc(ctx, func() {
		u.conn.SetReadDeadline(longAgo)
		close(stopped)
	})
	r.receive(ctx)
	<-stopped
	u.conn.SetReadDeadline(time.Time{})
	r.readOut()
	return nil
}

// A udpReader reads a socket into a queue.
type udpReader struct {
	c         *Collector
	in        *datagramReader
	queue     *datagramQueue
	counts    *counts
	unstamped bool // the kernel's stamps are of the read
}

const (
	// manyDatagrams in one read are a sign that more come at once soon.
	manyDatagrams = 16

	// gatherFor is for how long they are let gather. They bear the kernel's stamps, and
	// the socket has room for what comes meanwhile.
	gatherFor = time.Millisecond
)

// receive receives until the read deadline ends it.
func (r *udpReader) receive(ctx context.Context) {
	var pause backoff
	for {
		n, err := r.in.read()
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			return
		case err != nil:
			r.c.cfg.Log.WithError(err).Warn("read UDP socket")
			pause.wait(ctx)
			continue
		}
		pause.reset()
		r.queueUp(n)
		if manyDatagrams <= n && n < datagramsPerRead && r.c.clocks.kernel.Load() {
			time.Sleep(gatherFor)
		}
	}
}

// readOut takes what the socket holds. Its bound is what the socket can hold at
// most, because a sender may never pause.
func (r *udpReader) readOut() {
	for left := r.in.capacity(); left > 0; {
		n, err := r.in.readHeld()
		if n == 0 || err != nil {
			return // nothing is left
		}
		r.queueUp(n)
		left -= n
	}
}

// queueUp queues the n datagrams that were read last, but for those that are turned away.
func (r *udpReader) queueUp(n int) {
	r.counts.arrived(n)
	now := r.c.cfg.Now().UnixNano()
	r.queue.mu.Lock()
	defer r.queue.mu.Unlock()
	for i := range n {
		d := r.in.datagram(i)
		switch {
		case len(d.payload) == 0:
			r.counts.reject(1, EmptyDatagram)
			continue
		case !r.c.gate.allows(d.source):
			r.counts.reject(1, DatagramNotAllowed)
			continue
		}
		head := datagramHead{source: d.source, received: d.received, stampedBy: message.StampedByKernel, cut: d.cut}
		if d.received == 0 || r.unstamped || !r.c.clocks.kernel.Load() {
			head.received, head.stampedBy = now, message.StampedByUser
		}
		r.queue.add(head, d.payload)
	}
	r.queue.changed.Broadcast()
}
