package collector_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/skewatch/skewatch/collector"
	"github.com/skewatch/skewatch/collector/message"
)

// deadline is how long a test waits for what must happen.
const deadline = 20 * time.Second

// A store is a Sink that keeps copies of messages, and blocks while it is shut.
type store struct {
	shut sync.RWMutex // held for writing while it is shut
	slow sync.RWMutex // held for writing while syncing takes its time

	mu       sync.Mutex
	messages []message.Message
	synced   int // of messages, those that a Sync has confirmed
	syncs    int // Syncs that returned
	fails    error
	unsynced error // what Sync returns
}

// Sync confirms what was put before the call.
func (s *store) Sync(ctx context.Context) error {
	n := len(s.all())
	if err := s.awaitDisk(ctx); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.syncs++
	if s.unsynced == nil {
		s.synced = max(s.synced, n)
	}
	return s.unsynced
}

// awaitDisk waits while syncing takes its time.
func (s *store) awaitDisk(ctx context.Context) error {
	for !s.slow.TryRLock() {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Millisecond):
		}
	}
	s.slow.RUnlock()
	return nil
}

// confirmed returns how many messages a Sync has confirmed.
func (s *store) confirmed() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.synced
}

func (s *store) Put(batch []message.Message) error {
	s.shut.RLock()
	defer s.shut.RUnlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fails != nil {
		return s.fails
	}
	for _, m := range batch {
		m.Raw = slices.Clone(m.Raw)
		s.messages = append(s.messages, m)
	}
	return nil
}

func (s *store) all() []message.Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.messages)
}

// wait returns the messages once there are n of them.
func (s *store) wait(t *testing.T, n int) []message.Message {
	t.Helper()
	poll(t, func() string {
		if got := len(s.all()); got < n {
			return fmt.Sprintf("stored %d messages, want %d", got, n)
		}
		return ""
	})
	return s.all()
}

// poll calls check until it has nothing to complain about.
func poll(t *testing.T, check func() string) {
	t.Helper()
	end := time.Now().Add(deadline)
	for complaint := check(); complaint != ""; complaint = check() {
		if time.Now().After(end) {
			t.Fatal(complaint)
		}
		time.Sleep(time.Millisecond)
	}
}

func raws(messages []message.Message) []string {
	var raws []string
	for _, m := range messages {
		raws = append(raws, string(m.Raw))
	}
	return raws
}

func quiet() logrus.FieldLogger {
	log := logrus.New()
	log.SetOutput(io.Discard)
	return log
}

// both listens on loopback, on UDP and TCP, with kernel stamps.
func both() collector.Config {
	return collector.Config{
		UDP:    []string{"127.0.0.1:0"},
		TCP:    []string{"127.0.0.1:0"},
		Stamps: message.StampedByKernel,
		Log:    quiet(),
	}
}

func listen(t testing.TB, cfg collector.Config, sink collector.Sink) *collector.Collector {
	t.Helper()
	c, err := collector.Listen(cfg, sink)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// run runs c until the test ends or stop is called, which returns Run's error.
func run(t testing.TB, c *collector.Collector) (stop func() error) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- c.Run(ctx) }()
	stop = sync.OnceValue(func() error {
		cancel()
		return <-ended
	})
	t.Cleanup(func() { stop() })
	return stop
}

func dial(t testing.TB, network, address string) net.Conn {
	t.Helper()
	conn, err := net.Dial(network, address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

func dialUDP(t testing.TB, c *collector.Collector) net.Conn {
	return dial(t, "udp", c.Addrs(message.UDP)[0].String())
}

func dialTCP(t testing.TB, c *collector.Collector) net.Conn {
	return dial(t, "tcp", c.Addrs(message.TCP)[0].String())
}

func write(t testing.TB, conn net.Conn, data string) {
	t.Helper()
	if _, err := io.WriteString(conn, data); err != nil {
		t.Fatal(err)
	}
}
