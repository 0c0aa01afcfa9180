package ntpcheck

import (
	"bytes"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// shifted is a reply of a server whose clock is ahead by d.
func shifted(reply []byte, d time.Duration) []byte {
	reply = bytes.Clone(reply)
	for _, at := range []int{16, 32, 40} {
		setTime(reply, at, time.Now().Add(d))
	}
	return reply
}

// Forged replies that come before the true one are dropped, and it is used.
func TestForgedRepliesComeFirst(t *testing.T) {
	t.Parallel()
	var earlier []byte
	server := serveNTPAt(t, "127.0.0.1:0", func(_, reply []byte) [][]byte {
		guessed := shifted(reply, time.Hour)
		guessed[24]++
		zero := shifted(reply, time.Hour)
		clear(zero[24:32])
		deny := kiss("DENY")(bytes.Clone(guessed))
		datagrams := [][]byte{{}, reply[:47], guessed, zero, deny}
		if earlier != nil {
			datagrams = append(datagrams, earlier)
		}
		earlier = shifted(reply, -time.Hour) // to be replayed after the next query
		return append(datagrams, reply)
	})
	m := run(t, Config{Servers: []string{server.address}, Poll: 100 * time.Millisecond, Kernel: KernelOff})
	s := await(t, m, 5*time.Second, "eight answers", func(s Status) bool { return s.Sources[0].Reach == "377" })
	if s.Sources[0].State != Selected || m.Reference().Offset.Abs() > m.Reference().Bound {
		t.Errorf("%+v, want selected with an offset of 0", s)
	}
}

// A replay alone is no answer, and says so.
func TestReplayedReply(t *testing.T) {
	t.Parallel()
	var first []byte
	server := serveNTPAt(t, "127.0.0.1:0", func(_, reply []byte) [][]byte {
		if first == nil {
			first = reply
		}
		return [][]byte{first}
	})
	m := run(t, Config{Servers: []string{server.address}, Poll: 100 * time.Millisecond, Kernel: KernelOff})
	await(t, m, 5*time.Second, "the replay is named", func(s Status) bool {
		return strings.Contains(s.Sources[0].Reason, "no answer within 100ms; a reply was ignored: wrong origin timestamp")
	})
}

// A server with a key must sign by it.
func TestUnsignedReplies(t *testing.T) {
	keys := filepath.Join(t.TempDir(), "keys")
	if err := os.WriteFile(keys, []byte("7 SHA1 ASCII:long-enough\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	signature := func(key byte, size int) []byte { return append([]byte{0, 0, 0, key}, make([]byte, size)...) }
	for _, tt := range []struct {
		name   string
		tail   []byte
		reason string
	}{
		{"none", nil, "authentication failed: the reply isn't signed by our key"},
		{"false", signature(7, 20), "authentication failed: the reply isn't signed by our key"},
		{"of another key", signature(8, 20), "authentication failed: the reply isn't signed by our key"},
		{"of a kiss", nil, "authentication failed: the reply isn't signed by our key"},
		{"crypto-NAK", make([]byte, 4), "authentication failed: the server can't make sense of our key"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			server := serveNTP(t, func(r []byte) []byte {
				if tt.name == "of a kiss" {
					r = kiss("DENY")(r)
				}
				return append(r, tt.tail...)
			})
			m := run(t, Config{Servers: []string{server.address + " key 7"}, KeyFile: keys, Poll: 100 * time.Millisecond, Kernel: KernelOff})
			s := await(t, m, 5*time.Second, "a reason", func(s Status) bool { return s.Sources[0].Reason == tt.reason })
			if have := s.Sources[0]; have.State != Refused || have.OffsetSeconds != nil || have.Authentication != (Authentication{"key", AuthenticationFailed}) {
				t.Errorf("%+v, want refused for want of authentication", have)
			}
			asked := server.queries.Load()
			await(t, m, 5*time.Second, "it is asked again", func(Status) bool { return server.queries.Load() > asked })
			if n := m.Notices(0); len(n) != 1 || n[0].Kind != NoticeAuthentication {
				t.Errorf("noticed %+v, want the failure once", n)
			}
		})
	}
}

// Era 1 of NTP begins on 7 February 2036 (RFC 5905, section 6).
func TestEra2036(t *testing.T) {
	rollover := time.Date(2036, 2, 7, 6, 28, 16, 0, time.UTC)
	for _, tt := range []struct {
		name        string
		server, our time.Time
	}{
		{"both in the new era", rollover.Add(time.Hour), rollover.Add(time.Hour)},
		{"the server a minute into it", rollover.Add(30 * time.Second), rollover.Add(-30 * time.Second)},
		{"we a minute into it", rollover.Add(-30 * time.Second), rollover.Add(30 * time.Second)},
		{"we are ten years behind", rollover.Add(time.Hour), time.Now()},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			began := time.Now()
			clock := func(start time.Time) time.Time { return start.Add(time.Since(began)) }
			server := serveNTP(t, func(r []byte) []byte {
				for _, at := range []int{16, 32, 40} {
					setTime(r, at, clock(tt.server))
				}
				return r
			})
			m := run(t, Config{
				Servers: []string{server.address}, Poll: 100 * time.Millisecond, Kernel: KernelOff,
				Now: func() time.Time { return clock(tt.our) },
			})
			await(t, m, 5*time.Second, "synchronised", func(s Status) bool { return s.Reference.State == Synchronised })
			want := tt.server.Sub(tt.our)
			if r := m.Reference(); (r.Offset - want).Abs() > r.Bound {
				t.Errorf("offset %v ± %v, want %v", r.Offset, r.Bound, want)
			}
		})
	}
}

// A liar of 0.2 s among four who tell the truth.
func TestNearLiar(t *testing.T) {
	var servers []string
	for i := range 5 {
		server := serveNTP(t, func(r []byte) []byte {
			if i == 2 {
				return shifted(r, 200*time.Millisecond)
			}
			return r
		})
		servers = append(servers, server.address)
	}
	m := run(t, Config{Servers: servers, Poll: 200 * time.Millisecond, Kernel: KernelOff})
	s := await(t, m, 10*time.Second, "the liar is named", func(s Status) bool {
		return s.Reference.State == Synchronised && s.Sources[2].State == Falseticker
	})
	if !strings.Contains(s.Sources[2].Reason, "0.200 s away from the majority") || m.Reference().Offset.Abs() > time.Millisecond {
		t.Errorf("%+v, want the liar 0.2 s away and an offset under 1 ms", s)
	}
	if n := m.Notices(0); len(n) == 0 || n[0].Kind != NoticeFalseticker || n[0].Source != servers[2] || n[0].Offset < 199*time.Millisecond {
		t.Errorf("noticed %+v, want the falseticker", n)
	}
}

// A datagram with the right origin, but from another port than was asked, is dropped by
// the kernel: the socket is connected.
func TestReplyFromElsewhere(t *testing.T) {
	t.Parallel()
	elsewhere, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer elsewhere.Close()
	var forged atomic.Int64
	server := serveNTPFrom(t, "127.0.0.1:0", func(_, reply []byte, peer net.Addr) [][]byte {
		if _, err := elsewhere.WriteTo(shifted(reply, time.Hour), peer); err == nil {
			forged.Add(1)
		}
		return [][]byte{reply}
	})
	m := run(t, Config{Servers: []string{server.address}, Poll: 100 * time.Millisecond, Kernel: KernelOff})
	await(t, m, 5*time.Second, "eight answers", func(s Status) bool { return s.Sources[0].Reach == "377" })
	if r := m.Reference(); r.Offset.Abs() > r.Bound || forged.Load() < 8 {
		t.Errorf("%+v after %d forged replies, want an offset of 0 after eight", r, forged.Load())
	}
}
