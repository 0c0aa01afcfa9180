package collector_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/skewatch/skewatch/collector"
	"github.com/skewatch/skewatch/collector/message"
)

// accounted returns what of the messages received is stored, pending, rejected or dropped.
func accounted(s *collector.TransportStats) (n uint64) {
	for _, rejected := range s.Rejected {
		n += rejected
	}
	return n + s.Stored + s.Pending + s.DroppedByKernel
}

// At any moment each message that was received is accounted for, and in the end each that
// was sent.
func TestEveryMessageIsAccountedFor(t *testing.T) {
	const each = 20_000
	cfg := both()
	cfg.ReceiveBuffer = 64 << 10 // so that the kernel drops some
	cfg.RELP = []string{"127.0.0.1:0"}
	var s store
	c := listen(t, cfg, &s)
	run(t, c)
	ctx, cancel := context.WithCancel(t.Context())
	var watching, sending sync.WaitGroup
	watching.Go(func() {
		for ctx.Err() == nil {
			stats := c.Stats()
			for i := range stats {
				if of := &stats[i]; accounted(of) != of.Received {
					t.Errorf("%v: received %d, accounted for %d: %+v", message.Transport(i), of.Received, accounted(of), *of)
					return
				}
			}
		}
	})
	udp, tcp, relp := dialUDP(t, c), dialTCP(t, c), openRELP(t, c)
	sending.Go(func() {
		for i := range each {
			payload := "<13>a"
			if i%10 == 0 {
				payload = ""
			}
			if _, err := udp.Write([]byte(payload)); err != nil {
				t.Error(err)
			}
		}
	})
	sending.Go(func() {
		for range each {
			if _, err := tcp.Write([]byte("<13>a\n")); err != nil {
				t.Error(err)
			}
		}
	})
	sending.Go(func() {
		for i := range each {
			payload := "<13>a"
			if i%10 == 0 {
				payload = ""
			}
			if _, err := relp.Write([]byte(relpFrame(i+2, "syslog", payload))); err != nil {
				t.Error(err)
			}
		}
	})
	sending.Go(func() {
		for range each {
			if _, err := relp.answers.ReadString('\n'); err != nil {
				t.Error(err)
				return
			}
		}
	})
	sending.Wait()
	poll(t, func() string {
		stats := c.Stats()
		for _, transport := range []message.Transport{message.UDP, message.TCP, message.RELP} {
			if of := stats[transport]; of.Received != each || of.Pending != 0 {
				return fmt.Sprintf("%v: received %d and %d pending, want %d and 0", transport, of.Received, of.Pending, each)
			}
		}
		return ""
	})
	cancel()
	watching.Wait()
	stats := c.Stats()
	if n := stats[message.UDP].DroppedByKernel; n == 0 {
		t.Error("the kernel dropped nothing: the test has lost its object")
	}
	if n := stats[message.RELP].Rejected[collector.EmptyFrame]; n != each/10 {
		t.Errorf("%d empty frames, want %d", n, each/10)
	}
	if got := uint64(len(s.all())); got != stats[message.UDP].Stored+stats[message.TCP].Stored+stats[message.RELP].Stored {
		t.Errorf("the sink has %d messages, which isn't what is counted as stored", got)
	}
}

// While the Sink is busy, datagrams wait in memory: many more than the kernel would hold.
func TestDatagramsWaitForTheSink(t *testing.T) {
	const sent = 100_000
	var s store
	c := listen(t, both(), &s)
	run(t, c)
	conn := dialUDP(t, c)
	s.shut.Lock()
	for i := range sent {
		write(t, conn, fmt.Sprintf("<13>%d", i))
		if i%1000 == 999 { // as fast as it goes is another test
			poll(t, func() string {
				if behind := i - int(c.Stats()[message.UDP].Received); behind > 5000 {
					return fmt.Sprintf("%d of %d datagrams wait in the kernel", behind, i)
				}
				return ""
			})
		}
	}
	s.shut.Unlock()
	poll(t, func() string {
		if got := c.Stats()[message.UDP]; got.Stored+got.DroppedByKernel != sent {
			return fmt.Sprintf("%d stored and %d dropped of %d", got.Stored, got.DroppedByKernel, sent)
		}
		return ""
	})
	if n := c.Stats()[message.UDP].DroppedByKernel; n > 0 {
		t.Errorf("%d of %d datagrams are lost", n, sent)
	}
	next := 0
	for _, m := range s.all() {
		if want := fmt.Sprintf("<13>%d", next); string(m.Raw) != want {
			t.Fatalf("message %d is %q, want %q", next, m.Raw, want)
		}
		next++
	}
}
