package main_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/skewatch/skewatch/cmd/internal/testbed"
)

// atRisk is how recent a message may be to be lost by a hard kill.
const atRisk = 200 * time.Millisecond

// TestEndToEndKill kills the server in the middle of TCP traffic and starts it again
// on the same data.
func TestEndToEndKill(t *testing.T) {
	data := t.TempDir()
	s := startServer(t, data)
	r := testbed.StartRsyslogd(t, testbed.Host{Name: "ahead", Target: s.TCP, Transport: "tcp", Format: testbed.Forward,
		Clock: testbed.Clock{Offset: 37500 * time.Millisecond}})

	first := feedFor(t, r, lasting(60*time.Second, 30*time.Second), 1)
	eventually(t, 10*time.Second, func() error { return checkNumbers(askMessages(t, s, "ahead"), first) })

	burst := startBurst(t, s.TCP)
	eventually(t, 20*time.Second, func() error { return burst.hasWritten(2000) })
	killed := time.Now()
	s.Kill()
	safe := burst.writtenBefore(killed.Add(-atRisk))

	s = startServer(t, data, "--listen-tcp", s.TCP)
	found := askMessages(t, s, "burst")
	if err := checkNumbers(found, safe); err != nil {
		t.Errorf("after the kill: %v", err)
	}
	t.Logf("%d messages stood %v at the kill, %d of %d written are stored", safe, atRisk, len(found), burst.total())

	before := askReport(t, s).rowOf("ahead", "handshake")
	checkContinues(t, r, before, first)

	second := feedFor(t, r, lasting(60*time.Second, 15*time.Second), 2)
	eventually(t, 20*time.Second, func() error {
		if row := askReport(t, s).rowOf("ahead", "handshake"); row.Messages != first+second {
			return fmt.Errorf("the report counts %d messages, want %d of both runs", row.Messages, first+second)
		}
		return nil
	})
	after := askReport(t, s).rowOf("ahead", "handshake")
	checkContinues(t, r, after, first+second)
	if !after.First.Equal(before.First) || !after.Last.After(killed) {
		t.Errorf("the row covers %v to %v, want from %v to after the kill at %v", after.First, after.Last, before.First, killed)
	}
	checkOneWarning(t, s)
	run(t, s, "verify") // which exits with 1 if it finds anything
}

func feedFor(t *testing.T, r *testbed.Rsyslogd, length time.Duration, seed uint64) int {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), length)
	defer cancel()
	n, err := r.Feed(ctx, meanInterval, rand.New(rand.NewPCG(4, seed)))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// checkContinues checks that the estimate is there and right.
func checkContinues(t *testing.T, r *testbed.Rsyslogd, row hostRow, messages int) {
	t.Helper()
	if err := checkEstimate(row, r.Offset(row.Last), withinSubSecond); err != nil {
		t.Error(err)
	}
	if row.Verdict != "ahead" || row.Messages != messages {
		t.Errorf("the row after the kill is %+v, want %d messages and the verdict ahead", row, messages)
	}
}

// checkOneWarning checks that a warning outlives the kill: it isn't raised anew.
func checkOneWarning(t *testing.T, s *testbed.Skewatch) {
	t.Helper()
	tail := s.Follow(t, "tail", "--format", "json", "--since", "1h", "--host", "ahead")
	eventually(t, 10*time.Second, func() error { return countEvents(t, tail, 1) })
	if e := readEvents(t, tail.Lines())[0]; e.Event != "raise" || e.Verdict != "ahead" {
		t.Errorf("the event of both runs is %+v, want a raise of ahead", e)
	}
}

// A burst writes numbered messages to one TCP connection until that breaks.
type burst struct {
	conn    net.Conn
	mu      sync.Mutex
	written []time.Time // when the write of each message had returned
	ended   chan struct{}
}

// startBurst starts a sender of about a thousand messages a second.
func startBurst(t *testing.T, address string) *burst {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	b := &burst{conn: conn, ended: make(chan struct{})}
	t.Cleanup(b.stop)
	go b.write(conn)
	return b
}

func (b *burst) write(conn net.Conn) {
	defer close(b.ended)
	pace := time.NewTicker(time.Millisecond)
	defer pace.Stop()
	for number := 0; ; number++ {
		now := <-pace.C
		if _, err := fmt.Fprintf(conn, "<14>1 %s burst feed - - - number %d\n", now.UTC().Format(time.RFC3339Nano), number); err != nil {
			return // the server is gone
		}
		b.mu.Lock()
		b.written = append(b.written, time.Now())
		b.mu.Unlock()
	}
}

// stop ends the sending.
func (b *burst) stop() {
	b.conn.Close()
	<-b.ended
}

func (b *burst) total() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.written)
}

func (b *burst) hasWritten(want int) error {
	if n := b.total(); n < want {
		return fmt.Errorf("%d messages written, want %d", n, want)
	}
	return nil
}

// writtenBefore returns how many messages had been written by then. On loopback
// they had arrived as well.
func (b *burst) writtenBefore(then time.Time) (n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for n < len(b.written) && b.written[n].Before(then) {
		n++
	}
	return n
}
