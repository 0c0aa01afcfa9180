// Package collector receives syslog messages over UDP, TCP and RELP, stamps them
// as near to the wire as the system allows, and hands them on in batches.
//
// UDP can't be slowed: it is read in batches, and what the kernel drops is
// counted. Streams can: while the Sink blocks nothing is read, and TCP pushes
// back on the sender. RELP's senders keep each message until it is acknowledged,
// which is when the Sink has it on disk.
package collector

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sirupsen/logrus"

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

// Defaults of a Config.
const (
	DefaultMaxMessage     = 64 << 10
	DefaultMaxConnections = 10_000
	DefaultReceiveBuffer  = 8 << 20
)

// minMaxMessage is what every receiver must take (RFC 5424, section 6.1).
const minMaxMessage = 480

// Config says what to listen on and how. Zero values stand for the defaults.
type Config struct {
	UDP, TCP, RELP []string // addresses to listen on, host:port; port 0 picks a free one

	// Stamps is the clock to stamp messages with. StampedByKernel falls back to
	// StampedByUser, and the log says so, where the system can't.
	Stamps message.StampedBy

	// MaxMessage is the longest message kept whole, in octets: at least 480.
	// Longer ones are cut there and marked Truncated. A datagram holds no more
	// than 65,507 octets over IPv4.
	MaxMessage int

	// MaxConnections is how many connections, TCP and RELP together, may be open at
	// once. Further ones are closed at once and counted.
	MaxConnections int

	// ReceiveBuffer is how many octets a UDP socket may queue in the kernel. Twice
	// that is granted, and 700 or more a datagram are the kernel's own.
	ReceiveBuffer int

	Now func() time.Time // the clock of user stamps; time.Now if nil
	Log logrus.FieldLogger
}

func (cfg Config) withDefaults() Config {
	cfg.MaxMessage = cmp.Or(cfg.MaxMessage, DefaultMaxMessage)
	cfg.MaxConnections = cmp.Or(cfg.MaxConnections, DefaultMaxConnections)
	cfg.ReceiveBuffer = cmp.Or(cfg.ReceiveBuffer, DefaultReceiveBuffer)
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = logrus.StandardLogger()
	}
	return cfg
}

func (cfg Config) validate() error {
	switch {
	case cfg.MaxMessage < minMaxMessage:
		return fmt.Errorf("MaxMessage: too short (got %d): every receiver must take %d octets", cfg.MaxMessage, minMaxMessage)
	case cfg.MaxConnections < 0:
		return fmt.Errorf("MaxConnections: negative (got %d): give 0 for %d", cfg.MaxConnections, DefaultMaxConnections)
	case cfg.ReceiveBuffer < 0:
		return fmt.Errorf("ReceiveBuffer: negative (got %d): give 0 for %d", cfg.ReceiveBuffer, DefaultReceiveBuffer)
	}
	return nil
}

// A Collector receives on the sockets of one Config.
type Collector struct {
	cfg    Config
	sink   Sink
	stamps message.StampedBy
	udp    []*udpSocket
	tcp    []*listener
	relp   []*listener

	udpCounts, tcpCounts, relpCounts counts

	open    atomic.Int64 // connections open now
	batches sync.Pool    // of *[]message.Message
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
	c := &Collector{cfg: cfg, sink: sink, stamps: cfg.Stamps}
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
		c.stamps = message.StampedByUser
	}
	return release
}

func (c *Collector) bind() error {
	for _, address := range c.cfg.UDP {
		u, err := c.bindUDP(address)
		if err != nil {
			return err
		}
		c.udp = append(c.udp, u)
	}
	for _, address := range c.cfg.TCP {
		l, err := c.bindTCP(message.TCP, address)
		if err != nil {
			return err
		}
		c.tcp = append(c.tcp, &listener{l, message.TCP, &c.tcpCounts})
	}
	for _, address := range c.cfg.RELP {
		l, err := c.bindTCP(message.RELP, address)
		if err != nil {
			return err
		}
		c.relp = append(c.relp, &listener{l, message.RELP, &c.relpCounts})
	}
	return nil
}

// streams returns the listeners for streams of any kind.
func (c *Collector) streams() []*listener { return slices.Concat(c.tcp, c.relp) }

func (c *Collector) closeSockets() {
	for _, u := range c.udp {
		u.conn.Close()
	}
	for _, l := range c.streams() {
		l.Close()
	}
}

// Addrs returns the bound addresses, in the order of the Config.
func (c *Collector) Addrs() (udp, tcp, relp []netip.AddrPort) {
	for _, u := range c.udp {
		udp = append(udp, u.conn.LocalAddr().(*net.UDPAddr).AddrPort())
	}
	return udp, addrs(c.tcp), addrs(c.relp)
}

func addrs(listeners []*listener) (all []netip.AddrPort) {
	for _, l := range listeners {
		all = append(all, l.Addr().(*net.TCPAddr).AddrPort())
	}
	return all
}

// Stamps returns the clock that stamps messages. A single message may still be
// stamped by the user clock, and says so.
func (c *Collector) Stamps() message.StampedBy { return c.stamps }

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
	for _, l := range c.streams() {
		c.wg.Go(func() { c.serveTCP(ctx, fail, l) })
	}
}

// errSink tells a failure of the Sink, which concerns everything, from one of a
// single connection.
var errSink = errors.New("the sink refused")

// put hands a batch to the Sink and counts what became of it.
func (c *Collector) put(batch []message.Message, n *counts) error {
	if len(batch) == 0 {
		return nil
	}
	if err := c.sink.Put(batch); err != nil {
		n.rejected[RefusedBySink].Add(uint64(len(batch)))
		return fmt.Errorf("%w %d messages: %w", errSink, len(batch), err)
	}
	n.add(batch)
	return nil
}
