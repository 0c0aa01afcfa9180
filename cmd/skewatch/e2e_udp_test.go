//go:build unix

package main_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/skewatch/skewatch/cmd/internal/testbed"
)

// received is what /metrics says of UDP.
type received struct{ total, stored, pending, rejected, dropped float64 }

func askReceived(t *testing.T, s *testbed.Skewatch) received {
	t.Helper()
	udp := func(name string) float64 { return metric(t, s, "skewatch_"+name+`{transport="udp"}`) }
	return received{
		total: udp("received_messages_total"), stored: udp("stored_messages_total"),
		pending: udp("pending_messages"), dropped: udp("kernel_dropped_messages_total"),
		rejected: metric(t, s, `skewatch_rejected_messages_total{reason="empty_datagram",transport="udp"}`),
	}
}

// awaitAccount waits until all that was sent is stored or dropped.
func awaitAccount(t *testing.T, s *testbed.Skewatch, sent int) (r received) {
	t.Helper()
	eventually(t, 30*time.Second, func() error {
		if r = askReceived(t, s); r.total != float64(sent) || r.pending != 0 {
			return fmt.Errorf("of %d datagrams sent %+v", sent, r)
		}
		return nil
	})
	if r.stored+r.dropped != float64(sent) {
		t.Errorf("of %d datagrams %.0f are stored and %.0f were dropped", sent, r.stored, r.dropped)
	}
	return r
}

func startUDPServer(t *testing.T) *testbed.Skewatch {
	t.Helper()
	return testbed.StartSkewatch(t, t.TempDir(), "--kernel-clock", "trust", "--ntp-server", "")
}

// TestEndToEndUDP offers many datagrams a second: none is lost.
func TestEndToEndUDP(t *testing.T) {
	rate, lasts := 250_000, lasting(10*time.Second, 3*time.Second)
	if lasts < 10*time.Second {
		rate = 100_000 // beside other tests
	}
	s := startUDPServer(t)
	sent := int(lasts.Seconds() * float64(rate))
	took := testbed.Flood(t, s.UDP, sent, rate)
	r := awaitAccount(t, s, sent)
	if r.dropped > 0 {
		t.Errorf("%.0f of %d datagrams are lost at %d a second", r.dropped, sent, rate)
	}
	t.Logf("%d datagrams in %v: %.0f a second; %.0f stored, %.0f dropped; %.2f us of processor time each", sent, took,
		float64(sent)/took.Seconds(), r.stored, r.dropped, s.ProcessorTime(t).Seconds()/r.stored*1e6)
}

// TestEndToEndUDPOverload sends as fast as it goes to a server that has a tenth of a
// processor: what is lost is counted, to the last datagram.
func TestEndToEndUDPOverload(t *testing.T) {
	sent := 1_000_000
	if lasting(1, 0) == 1 {
		sent = 4_000_000
	}
	s := startUDPServer(t)
	release := s.Hold(t, 0.1)
	took := testbed.Flood(t, s.UDP, sent, 0)
	release()
	r := awaitAccount(t, s, sent)
	if r.dropped == 0 {
		t.Error("nothing was dropped: the test has lost its object")
	}
	t.Logf("%d datagrams at %.0f a second = %.0f stored + %.0f dropped", sent, float64(sent)/took.Seconds(), r.stored, r.dropped)
}
