package collector_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/skewatch/skewatch/collector"
	"github.com/skewatch/skewatch/collector/message"
)

func TestMessageAsReceived(t *testing.T) {
	var s store
	c := listen(t, both(), &s)
	run(t, c)
	const sent = "<165>1 2026-03-01T12:00:00.5Z web1 app 7 ID1 - hello"
	write(t, dialUDP(t, c), sent)
	s.wait(t, 1)
	write(t, dialTCP(t, c), sent+"\n")
	for i, m := range s.wait(t, 2) {
		transport, trust := message.UDP, message.TrustUDP
		if i == 1 {
			transport, trust = message.TCP, message.TrustHandshake
		}
		if m.Transport != transport || m.Trust != trust || m.Source.String() != "127.0.0.1" {
			t.Errorf("came over %v with trust %v from %v, want %v, %v, 127.0.0.1", m.Transport, m.Trust, m.Source, transport, trust)
		}
		if string(m.Raw) != sent || m.Priority != 165 || m.Sent.Format != message.StampRFC5424 {
			t.Errorf("raw %q, priority %d, stamp %v; want %q, 165, rfc5424", m.Raw, m.Priority, m.Sent.Format, sent)
		}
	}
}

func TestBurstOfDatagrams(t *testing.T) {
	const sent = 5000
	var s store
	c := listen(t, both(), &s)
	run(t, c)
	conn := dialUDP(t, c)
	for i := range sent {
		write(t, conn, fmt.Sprintf("<13>Nov 20 23:53:09 web1 burst: %d", i))
	}
	for i, m := range s.wait(t, sent) {
		if want := fmt.Sprintf("burst: %d", i); !strings.HasSuffix(string(m.Raw), want) {
			t.Fatalf("message %d is %q, want …%s", i, m.Raw, want)
		}
	}
	poll(t, func() string {
		if got := c.Stats()[message.UDP]; got.Stored != sent || got.DroppedByKernel != 0 {
			return fmt.Sprintf("Stats: %d messages, %d dropped, want %d and 0", got.Stored, got.DroppedByKernel, sent)
		}
		return ""
	})
}

func TestDualStack(t *testing.T) {
	var s store
	cfg := both()
	cfg.UDP, cfg.TCP = []string{":0"}, []string{":0"}
	c := listen(t, cfg, &s)
	run(t, c)
	udp, tcp := c.Addrs(message.UDP), c.Addrs(message.TCP)
	for i, host := range []string{"127.0.0.1", "::1"} {
		write(t, dial(t, "udp", net.JoinHostPort(host, fmt.Sprint(udp[0].Port()))), "<13>a\n")
		s.wait(t, 2*i+1)
		write(t, dial(t, "tcp", net.JoinHostPort(host, fmt.Sprint(tcp[0].Port()))), "<13>a\n")
		for _, m := range s.wait(t, 2*i+2)[2*i:] {
			if m.Source.String() != host {
				t.Errorf("%v from %s has source %v", m.Transport, host, m.Source)
			}
		}
	}
}

func TestLongAndEmptyDatagrams(t *testing.T) {
	var s store
	cfg := both()
	cfg.MaxMessage = 1000
	c := listen(t, cfg, &s)
	run(t, c)
	conn := dialUDP(t, c)
	for _, n := range []int{1000, 0, 1001, 65507} {
		write(t, conn, strings.Repeat("x", n))
	}
	for i, m := range s.wait(t, 3) {
		if cut := i > 0; len(m.Raw) != 1000 || m.Truncated != cut {
			t.Errorf("message %d has %d octets, truncated %v, want 1000, %v", i, len(m.Raw), m.Truncated, cut)
		}
	}
	poll(t, func() string {
		got := c.Stats()[message.UDP]
		if got.Stored != 3 || got.Octets != 3000 || got.Truncated != 2 || got.Rejected[collector.EmptyDatagram] != 1 {
			return fmt.Sprintf("Stats: %+v, want 3 messages, 3000 octets, 2 truncated, 1 empty", got)
		}
		return ""
	})
}

// All that was received before the stop is stored: here, before Run was called.
func TestStopReadsOut(t *testing.T) {
	const each = 300 // small enough for the receive buffers that connections start with
	var s store
	c := listen(t, both(), &s)
	udp, first, second := dialUDP(t, c), dialTCP(t, c), dialTCP(t, c)
	for i := range each {
		line := fmt.Sprintf("<13>Nov 20 23:53:09 web1 held: %d %s", i, strings.Repeat("x", 100))
		write(t, udp, line)
		write(t, first, line+"\n")
		write(t, second, fmt.Sprintf("%d %s", len(line), line))
	}
	write(t, first, "<13>the last line, without an end")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := c.Run(ctx); err != nil {
		t.Fatalf("Run: %v", err)
	}
	if got, want := len(s.all()), 3*each+1; got != want {
		t.Errorf("stored %d messages, want %d", got, want)
	}
	if got := c.Stats()[message.TCP]; got.Connections != 2 || got.Open != 0 {
		t.Errorf("Stats: %d connections, %d open, want 2 and 0", got.Connections, got.Open)
	}
}

func TestSinkErrorStops(t *testing.T) {
	full := errors.New("no space left")
	for _, network := range []string{"udp", "tcp", "relp"} {
		s := store{fails: full}
		cfg := both()
		cfg.RELP = []string{"127.0.0.1:0"}
		c := listen(t, cfg, &s)
		udp, tcp, relp := c.Addrs(message.UDP), c.Addrs(message.TCP), c.Addrs(message.RELP)
		switch network {
		case "udp":
			write(t, dial(t, "udp", udp[0].String()), "<13>a")
		case "tcp":
			write(t, dial(t, "tcp", tcp[0].String()), "<13>a\n")
		case "relp":
			write(t, dial(t, "tcp", relp[0].String()), "1 open 0\n2 syslog 5 <13>a\n")
		}
		ctx, cancel := context.WithTimeout(context.Background(), deadline)
		if err := c.Run(ctx); !errors.Is(err, full) || ctx.Err() != nil {
			t.Errorf("%s: Run = %v, want %v", network, err, full)
		}
		cancel()
		got := c.Stats()
		if n := got[message.UDP].Rejected[collector.RefusedBySink] + got[message.TCP].Rejected[collector.RefusedBySink] + got[message.RELP].Rejected[collector.RefusedBySink]; n != 1 {
			t.Errorf("%s: %d messages refused by the sink, want 1", network, n)
		}
	}
}

func TestListenRefuses(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for _, tt := range []struct {
		name string
		cfg  collector.Config
		want []string
	}{
		{"an address in use", collector.Config{TCP: []string{taken.Addr().String()}}, []string{"TCP", taken.Addr().String(), "already in use"}},
		{"no port", collector.Config{UDP: []string{"127.0.0.1"}}, []string{"UDP", `"127.0.0.1"`, "missing port"}},
		{"short messages", collector.Config{MaxMessage: 100}, []string{"MaxMessage", "100", "480"}},
		{"a negative limit", collector.Config{MaxConnections: -1}, []string{"MaxConnections", "-1"}},
	} {
		tt.cfg.Log = quiet()
		_, err := collector.Listen(tt.cfg, &store{})
		for _, want := range tt.want {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: Listen = %v, want %q in it", tt.name, err, want)
			}
		}
	}
}

func TestBindErrorKnowsTheRemedy(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	_, err = collector.Listen(collector.Config{TCP: []string{taken.Addr().String()}, Log: quiet()}, &store{})
	var bind *collector.BindError
	if !errors.As(err, &bind) || !strings.Contains(bind.Remedy(), "another program") {
		t.Fatalf("Listen = %v, want a BindError that says who may have the port", err)
	}
	if n := strings.Count(err.Error(), taken.Addr().String()); n != 1 {
		t.Errorf("%q names the address %d times, want once", err, n)
	}
}

// Listen binds all or nothing: what it bound before an error is free again.
func TestListenAllOrNothing(t *testing.T) {
	free, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.LocalAddr().String()
	free.Close()
	if _, err := collector.Listen(collector.Config{UDP: []string{address, address}, Log: quiet()}, &store{}); err == nil {
		t.Fatal("Listen bound one address twice")
	}
	again, err := net.ListenPacket("udp", address)
	if err != nil {
		t.Fatalf("after Listen failed: %v", err)
	}
	again.Close()
}

func TestUserStamps(t *testing.T) {
	at := time.Date(2020, 2, 29, 23, 59, 59, 123456789, time.UTC)
	cfg := both()
	cfg.Stamps = message.StampedByUser
	cfg.Now = func() time.Time { return at }
	var s store
	c := listen(t, cfg, &s)
	run(t, c)
	write(t, dialUDP(t, c), "<13>a")
	write(t, dialTCP(t, c), "<13>a\n")
	for _, m := range s.wait(t, 2) {
		if m.StampedBy != message.StampedByUser || m.Received != at.UnixNano() {
			t.Errorf("%v stamped by %v: %v, want user, %v", m.Transport, m.StampedBy, m.ReceivedTime(), at)
		}
	}
	poll(t, func() string {
		if got := c.Stats(); got[message.UDP].UserStamped != 1 || got[message.TCP].UserStamped != 1 {
			return fmt.Sprintf("Stats: %+v, want 1 user stamp each", got)
		}
		return ""
	})
}
