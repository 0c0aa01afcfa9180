// Package collector receives syslog messages over UDP, TCP, TLS and RELP, stamps them
// as near to the wire as the system allows, and hands them on in batches.
//
// UDP can't be slowed: it is read in batches, and what the kernel drops is
// counted. Streams can: while the Sink blocks nothing is read, and TCP pushes
// back on the sender. RELP's senders keep each message until it is acknowledged,
// which is when the Sink has it on disk.
package collector

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/skewatch/skewatch/collector/message"
)

// A Sink takes over what a Collector receives.
type Sink interface {
	// Put takes over a batch, in order of arrival. The batch and the bytes it
	// points to are the collector's again when Put returns. Put may block:
	// streams then push back on their senders. It is called by several
	// goroutines at once, one for each UDP socket and each connection.
	//
	// An error is final: it says that messages can't be taken any more, and
	// stops the Collector.
	Put(batch []message.Message) error

	// Sync waits until everything that was put before the call will outlast a crash.
	// Only then is it acknowledged to senders that ask for that (RELP). It may take
	// long: meanwhile further batches are put, and one Sync serves for all of them.
	//
	// After an error nothing is acknowledged and the connection is closed: its sender
	// will send those messages again.
	Sync(ctx context.Context) error
}

// A Collector receives on the sockets of one Config.
type Collector struct {
	cfg     Config
	sink    Sink
	clocks  clocks
	udp     []*udpSocket
	streams []*listener
	gate    gate
	counts  [message.Transports]counts
	seldom  [closures]rate.Sometimes // when a closed connection is logged
	batches sync.Pool                // of *[]message.Message
	wg      sync.WaitGroup
}

// Listen binds every address of cfg, or none and returns an error that says
// what to do about it. Messages are queued by the kernel from here on, and
// received once Run is called. Only Run closes the sockets again.
func Listen(cfg Config, sink Sink) (*Collector, error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, fmt.Errorf("collector: %w", err)
	}
	cfg.fitOpenFiles()
	cfg.leaveRoom()
	c := &Collector{cfg: cfg, sink: sink, gate: newGate(&cfg)}
	c.clocks.kernel.Store(cfg.Stamps == message.StampedByKernel)
	for i := range c.seldom {
		c.seldom[i] = rate.Sometimes{First: 5, Interval: 10 * time.Second}
	}
	c.batches.New = func() any { return new([]message.Message) }

	// Stamping is proved before anything is bound, and kept switched on until
	// everything is: no message can come in between.
	defer c.chooseStamps()()
	if err := c.bind(); err != nil {
		c.closeSockets()
		return nil, err
	}
	return c, nil
}

// chooseStamps settles which clock stamps. Kernel stamping, if chosen, stays
// switched on at least until release is called.
func (c *Collector) chooseStamps() (release func()) {
	if c.cfg.Stamps == message.StampedByUser {
		return func() {}
	}
	release, err := proveKernelStamps(c.cfg.Now)
	if err != nil {
		c.cfg.Log.WithError(err).Warn("no kernel receive stamps: messages are stamped when they are read")
		c.clocks.kernel.Store(false)
	}
	return release
}

func (c *Collector) closeSockets() {
	for _, u := range c.udp {
		u.conn.Close()
	}
	for _, l := range c.streams {
		l.Close()
	}
}

// Addrs returns the bound addresses of a transport: inherited ones, then those of the
// Config in its order.
func (c *Collector) Addrs(t message.Transport) (all []netip.AddrPort) {
	if t == message.UDP {
		for _, u := range c.udp {
			if !u.further {
				all = append(all, u.conn.LocalAddr().(*net.UDPAddr).AddrPort())
			}
		}
	}
	for _, l := range c.streams {
		if l.transport == t {
			all = append(all, l.Addr().(*net.TCPAddr).AddrPort())
		}
	}
	return all
}

// Stamps returns the clock that stamps messages. A single message may still be
// stamped by the user clock, and says so. Kernel becomes user when both clocks are found
// to differ.
func (c *Collector) Stamps() message.StampedBy {
	if c.clocks.kernel.Load() {
		return message.StampedByKernel
	}
	return message.StampedByUser
}

// Run receives until ctx ends, then stops in good order: it accepts no more,
// reads what the sockets already hold (known on Linux only), puts that, acknowledges
// what is to be, closes and returns nil when every goroutine has ended. It returns an error if the
// Sink refused messages or a socket failed. It must be called once.
func (c *Collector) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	failures := make(chan error, 1)
	fail := func(err error) {
		select {
		case failures <- err:
		default: // the first one is enough
		}
		cancel()
	}
	c.start(ctx, fail)
	c.wg.Go(func() { c.watchClocks(ctx) })
	<-ctx.Done()
	c.wg.Wait()
	select {
	case err := <-failures:
		return fmt.Errorf("collector: %w", err)
	default:
		return nil
	}
}

func (c *Collector) start(ctx context.Context, fail func(error)) {
	for _, u := range c.udp {
		c.wg.Go(func() { c.serveUDP(ctx, fail, u) })
	}
	for _, l := range c.streams {
		c.wg.Go(func() { c.serveListener(ctx, fail, l) })
	}
}

// errSink tells a failure of the Sink, which concerns everything, from one of a
// single connection.
var errSink = errors.New("the sink refused")

// put hands a batch that was counted as received to the Sink, and counts what became
// of it.
func (c *Collector) put(batch []message.Message, n *counts) error {
	if len(batch) == 0 {
		return nil
	}
	err := c.sink.Put(batch)
	n.settle(batch, err == nil)
	if err != nil {
		return fmt.Errorf("%w %d messages: %w", errSink, len(batch), err)
	}
	return nil
}
