package ntpcheck

import (
	"context"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/skewatch/skewatch/ntpcheck/responder"
)

// scripted is an NTP server that answers as a test wants it to.
type scripted struct {
	address string
	queries atomic.Int64
}

// serveNTP answers each query with an honest reply of stratum 1 after edit has
// changed it; nil makes no answer.
func serveNTP(t *testing.T, edit func(reply []byte) []byte) *scripted {
	t.Helper()
	return serveNTPAt(t, "127.0.0.1:0", func(_, reply []byte) [][]byte {
		if reply = edit(reply); reply != nil {
			return [][]byte{reply}
		}
		return nil
	})
}

// serveNTPAt answers each query with the datagrams that answer makes of it and of an
// honest reply.
func serveNTPAt(t *testing.T, address string, answer func(query, reply []byte) [][]byte) *scripted {
	t.Helper()
	return serveNTPFrom(t, address, func(query, reply []byte, _ net.Addr) [][]byte { return answer(query, reply) })
}

// serveNTPFrom is serveNTPAt for those who want to know who asks.
func serveNTPFrom(t *testing.T, address string, answer func(query, reply []byte, peer net.Addr) [][]byte) *scripted {
	t.Helper()
	conn, err := net.ListenPacket("udp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	s := &scripted{address: conn.LocalAddr().String()}
	go func() {
		query := make([]byte, 1024)
		for {
			n, peer, err := conn.ReadFrom(query)
			if err != nil {
				return
			}
			s.queries.Add(1)
			for _, datagram := range answer(query[:n], honestReply(query[:n], time.Now()), peer) {
				conn.WriteTo(datagram, peer)
			}
		}
	}()
	return s
}

// honestReply is what a primary server with a true clock sends.
func honestReply(query []byte, now time.Time) []byte {
	return responder.Source{Stratum: 1, ID: "GPS"}.Reply(query, now)
}

func setTime(packet []byte, at int, t time.Time) { responder.SetTime(packet[at:], t) }

func kiss(code string) func([]byte) []byte {
	return func(reply []byte) []byte {
		reply[1] = 0
		copy(reply[12:16], code)
		return reply
	}
}

// run starts a monitor and ends it with the test.
func run(t *testing.T, cfg Config) *Monitor {
	t.Helper()
	m, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- m.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		select {
		case err := <-done:
			if err != nil {
				t.Errorf("Run: %v", err)
			}
		case <-time.After(5 * time.Second):
			t.Error("Run didn't end within 5s of its context")
		}
	})
	return m
}

// await polls a monitor until what it says is as wanted.
func await(t *testing.T, m *Monitor, within time.Duration, what string, want func(Status) bool) Status {
	t.Helper()
	for deadline := time.Now().Add(within); ; time.Sleep(10 * time.Millisecond) {
		s := m.Status()
		if want(s) {
			return s
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within %v: %+v", what, within, s)
		}
	}
}

func TestUnusableReplies(t *testing.T) {
	for _, tt := range []struct {
		name   string
		edit   func([]byte) []byte
		state  SourceState
		reason string
	}{
		{"kiss DENY", kiss("DENY"), Refused, `kiss-o'-death "DENY": not asked again`},
		{"kiss RSTR", kiss("RSTR"), Refused, `kiss-o'-death "RSTR": not asked again`},
		{"kiss RATE", kiss("RATE"), Refused, `kiss-o'-death "RATE": asked every`},
		{"kiss INIT", kiss("INIT"), Refused, `kiss-o'-death "INIT"`},
		{"stratum 0", func(r []byte) []byte { r[1] = 0; clear(r[12:16]); return r }, Refused, "stratum 0: not synchronised"},
		{"stratum 16", func(r []byte) []byte { r[1] = 16; return r }, Refused, "stratum 16: not synchronised"},
		{"leap 3", func(r []byte) []byte { r[0] |= 3 << 6; return r }, Refused, "leap 3: not synchronised"},
		{"root dispersion 17 s", func(r []byte) []byte { r[9] = 17; return r }, Refused, "invalid dispersion"},
		{"wrong origin", func(r []byte) []byte { r[30]++; return r }, Unreachable, "no answer within 200ms; a reply was ignored: wrong origin timestamp"},
		{"zero origin", func(r []byte) []byte { clear(r[24:32]); return r }, Unreachable, "no answer within 200ms; a reply was ignored: zero origin timestamp"},
		{"client mode", func(r []byte) []byte { r[0]--; return r }, Refused, "invalid mode"},
		{"too short", func(r []byte) []byte { return r[:40] }, Unreachable, "a reply was ignored: shorter than 48 octets"},
		{"silence", func([]byte) []byte { return nil }, Unreachable, "no answer within 200ms"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			server := serveNTP(t, tt.edit)
			m := run(t, Config{Servers: []string{server.address}, Poll: 200 * time.Millisecond, Kernel: KernelOff})
			s := await(t, m, 5*time.Second, "a reason", func(s Status) bool {
				return strings.Contains(s.Sources[0].Reason, tt.reason)
			})
			if have := s.Sources[0]; have.State != tt.state || have.OffsetSeconds != nil || have.Reach != "0" {
				t.Errorf("%+v, want state %v, no offset and reach 0", have, tt.state)
			}
			if s.Reference.State != Unsynchronised {
				t.Errorf("reference %+v, want unsynchronised", s.Reference)
			}
		})
	}
}

func TestDenyEndsTheAsking(t *testing.T) {
	honest := serveNTP(t, func(r []byte) []byte { return r })
	denying := serveNTP(t, kiss("DENY"))
	m := run(t, Config{Servers: []string{honest.address, denying.address}, Poll: 100 * time.Millisecond, Kernel: KernelOff})
	await(t, m, 5*time.Second, "ten honest answers", func(Status) bool { return honest.queries.Load() >= 10 })
	if n := denying.queries.Load(); n != 1 {
		t.Errorf("the denying server was asked %d times, want once", n)
	}
	await(t, m, time.Second, "the honest one is selected", func(s Status) bool {
		return s.Sources[0].State == Selected && s.Sources[1].State == Refused
	})
}

// A server that only wants fewer queries is still believed.
func TestRateDoublesThePoll(t *testing.T) {
	var answered atomic.Int64
	server := serveNTP(t, func(r []byte) []byte {
		if answered.Add(1) <= burst {
			return r
		}
		return kiss("RATE")(r)
	})
	m := run(t, Config{Servers: []string{server.address}, Poll: 100 * time.Millisecond, Kernel: KernelOff})
	s := await(t, m, 5*time.Second, "a doubled poll", func(s Status) bool { return s.Sources[0].PollSeconds >= 0.4 })
	if s.Reference.State != Synchronised || s.Sources[0].State != Selected {
		t.Errorf("reference %v, source %v; want synchronised and selected", s.Reference.State, s.Sources[0].State)
	}
}

// A server that disowns its time takes back what it said before.
func TestLosingSynchronisationVoidsOldReplies(t *testing.T) {
	var lost atomic.Bool
	server := serveNTP(t, func(r []byte) []byte {
		if lost.Load() {
			r[0] |= 3 << 6
		}
		return r
	})
	m := run(t, Config{Servers: []string{server.address}, Poll: 500 * time.Millisecond, Kernel: KernelOff})
	await(t, m, 5*time.Second, "selected", func(s Status) bool { return s.Sources[0].State == Selected })
	lost.Store(true)
	await(t, m, 1500*time.Millisecond, "refused", func(s Status) bool {
		return s.Sources[0].State == Refused && s.Reference.State == Holdover
	})
}

func TestOffsetIsWhatMustBeAddedToOurClock(t *testing.T) {
	for _, tt := range []struct {
		name        string
		server, our time.Duration // clock minus true time
		want        time.Duration
	}{
		{"the server is ahead of us", 37 * time.Second, 0, 37 * time.Second},
		{"the server is behind us", -2 * time.Second, 0, -2 * time.Second},
		{"our clock is ahead", 0, time.Hour, -time.Hour},
		{"our clock is behind", 0, -90 * time.Second, 90 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			server := serveNTP(t, func(r []byte) []byte {
				for _, at := range []int{16, 32, 40} {
					setTime(r, at, time.Now().Add(tt.server))
				}
				return r
			})
			m := run(t, Config{
				Servers: []string{server.address},
				Kernel:  KernelOff,
				Now:     func() time.Time { return time.Now().Add(tt.our) },
			})
			await(t, m, 5*time.Second, "synchronised", func(s Status) bool { return s.Reference.State == Synchronised })
			r := m.Reference()
			if (r.Offset - tt.want).Abs() > r.Bound {
				t.Errorf("offset %v ± %v, want %v", r.Offset, r.Bound, tt.want)
			}
		})
	}
}

func TestNameThatCannotBeResolved(t *testing.T) {
	m := run(t, Config{Servers: []string{"no-such-host.invalid"}, Poll: 100 * time.Millisecond, Kernel: KernelOff})
	s := await(t, m, 5*time.Second, "a reason", func(s Status) bool {
		return strings.Contains(s.Sources[0].Reason, "can't resolve the name")
	})
	if s.Sources[0].State != Unreachable {
		t.Errorf("state %v, want unreachable", s.Sources[0].State)
	}
}

func TestNothingListens(t *testing.T) {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
	m := run(t, Config{Servers: []string{conn.LocalAddr().String()}, Poll: 100 * time.Millisecond, Kernel: KernelOff})
	await(t, m, 5*time.Second, "a reason", func(s Status) bool {
		return s.Sources[0].State == Unreachable && s.Sources[0].Reason == "nothing listens there (connection refused)"
	})
}
