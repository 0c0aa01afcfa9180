package main_test

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/skewatch/skewatch/cmd/internal/testbed"
	"github.com/skewatch/skewatch/collector/tlsauth/tlstest"
)

// A siege is a server under hostile input, and the honest messages that must get through
// all the same.
type siege struct {
	*testbed.Skewatch
	t      *testing.T
	probes int
}

func besiege(t *testing.T, s *testbed.Skewatch) *siege { return &siege{Skewatch: s, t: t} }

// dial connects and remembers to close.
func (s *siege) dial(network, address string) net.Conn {
	s.t.Helper()
	conn, err := net.DialTimeout(network, address, 10*time.Second)
	if err != nil {
		s.t.Fatalf("%v; the server wrote:\n%s", err, s.Log())
	}
	s.t.Cleanup(func() { conn.Close() })
	return conn
}

// send writes what it can: the server may close before the end.
func (s *siege) send(network, address, octets string) {
	s.t.Helper()
	conn := s.dial(network, address)
	conn.SetWriteDeadline(time.Now().Add(10 * time.Second))
	_, _ = io.WriteString(conn, octets)
	conn.Close()
}

// probe sends an honest message over UDP and one over TCP.
func (s *siege) probe() {
	s.t.Helper()
	for network, address := range map[string]string{"udp": s.UDP, "tcp": s.TCP} {
		s.send(network, address, fmt.Sprintf("<13>Nov 20 23:53:09 honest probe: %s %d\n", network, s.probes))
	}
	s.probes++
}

// probeTLS sends an honest message over TLS and returns how long the handshake took.
func (s *siege) probeTLS() time.Duration {
	s.t.Helper()
	began := time.Now()
	conn := tls.Client(s.dial("tcp", s.TLS), &tls.Config{InsecureSkipVerify: true})
	conn.SetDeadline(began.Add(20 * time.Second))
	if err := conn.Handshake(); err != nil {
		s.t.Fatalf("an honest handshake: %v", err)
	}
	took := time.Since(began)
	if _, err := io.WriteString(conn, "42 <13>Nov 20 23:53:09 honest probe: tls 0\n\n"); err != nil {
		s.t.Error(err)
	}
	conn.Close()
	return took
}

// awaitProbes waits until all probes are stored.
func (s *siege) awaitProbes() {
	s.t.Helper()
	eventually(s.t, 20*time.Second, func() error {
		stored := map[string]int{}
		for line := range strings.Lines(run(s.t, s.Skewatch, "search", "--raw", "--host", "honest")) {
			stored[strings.TrimSpace(line)]++
		}
		for n := range s.probes {
			for _, network := range []string{"udp", "tcp"} {
				if probe := fmt.Sprintf("<13>Nov 20 23:53:09 honest probe: %s %d", network, n); stored[probe] != 1 {
					return fmt.Errorf("probe %q is stored %d times", probe, stored[probe])
				}
			}
		}
		return nil
	})
	if log := s.Log(); strings.Contains(log, "panic") {
		s.t.Errorf("the server wrote of a panic:\n%s", log)
	}
}

// metric returns the value of a series of /metrics.
func metric(t *testing.T, s *testbed.Skewatch, series string) float64 {
	t.Helper()
	answer, err := http.Get("http://" + s.HTTP + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, series+" "); ok {
			n, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
	}
	t.Fatalf("no series %s in:\n%s", series, text)
	return 0
}

// TestEndToEndHostileInput sends what no honest sender does, and after each of it something
// honest that must be stored.
func TestEndToEndHostileInput(t *testing.T) {
	certificate := tlstest.NewAuthority(t).Issue(t, "collector")
	s := besiege(t, testbed.StartSkewatch(t, t.TempDir(), "--listen-relp", "127.0.0.1:0", "--listen-tls", "127.0.0.1:0",
		"--tls-cert", certificate.File, "--tls-key", certificate.Key, "--kernel-clock", "trust", "--ntp-server", ""))
	const good = `<165>1 2026-11-21T12:00:00.123456Z web1 app 7 ID1 [timeQuality tzKnown="1" isSynced="1"] a "message"`
	streams := []string{
		"10000000 <13>too long a count\n", "18446744073709551621 <13>overflow\n", "99999999999999999999999999\n",
		strings.Repeat("9", 100_000), "9999999 <13>lies", "5 <13>a5", "100 <13>short\n<13>next\n", "-5 <13>a\n", "0 <13>a\n",
		strings.Repeat("x", 3<<20), strings.Repeat("\n", 1<<20), strings.Repeat("\x00", 1<<20), strings.Repeat("<", 1<<16) + "\n",
		"5 <13>a" + strings.Repeat("5 <13>a", 10_000), strings.Repeat("[", 1<<16) + "\n",
	}
	relp := []string{
		"1 open 999999999 x", "0 open 0\n", "1 syslog 5 <13>a\n", "1 open 0\n1 open 0\n", "1 open 0\n3 syslog 5 <13>a\n",
		"1 open 0\n2 syslog 99999999999 x\n", "1 open 0\n2 syslog 5 <13>abc\n", "999999999 open 0\n", strings.Repeat("1", 1<<16),
		"1 " + strings.Repeat("o", 1<<16), "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "1 open 0\n2 close 0\n3 syslog 5 <13>a\n",
	}
	var datagrams []string
	for _, pri := range []string{"", "<>", "<", "<192>", "<999>", "<-1>", "<+1>", "<0001>", "<18446744073709551617>", "<13", "13>", "<1 3>", "< 13>"} {
		datagrams = append(datagrams, pri, pri+"Nov 20 23:53:09 web1 x: y", pri+good[5:])
	}
	for _, host := range []string{"\x00", "a\x00b", "a\rb", "\xff\xfe", "\u202egnp.exe", "\x1b[31mred\x1b[0m", "\x1b]0;title\x07", strings.Repeat("h", 60_000), "../../etc/passwd", "a,b\"c", "=cmd()"} {
		datagrams = append(datagrams, "<13>Nov 20 23:53:09 "+host+" x: y", "<13>1 2026-11-21T12:00:00Z "+host+" app - - - y")
	}
	for _, line := range []string{good, "<13>Nov 20 23:53:09 web1 app[7]: text", "<13>2026-11-20T23:53:09.8+00:00 web1 app: text", "<189>29: web1: 000123: *Apr 29 13:58:40.411 UTC: %X-5-Y: msg"} {
		for n := range len(line) {
			datagrams = append(datagrams, line[:n])
			streams = append(streams, line[:n])
		}
	}
	for _, attack := range datagrams {
		s.send("udp", s.UDP, attack)
		s.probe()
	}
	for _, attack := range append(streams, datagrams...) {
		s.send("tcp", s.TCP, attack)
		s.probe()
	}
	for _, attack := range relp {
		s.send("tcp", s.RELP, attack)
		s.probe()
	}
	for _, attack := range append(streams[:15], "\x16\x03\x01\xff\xff", "\x80\x80\x01\x03\x01", "GET / HTTP/1.1\r\n\r\n") {
		s.send("tcp", s.TLS, attack)
		s.probe()
	}
	s.probeTLS()
	s.awaitProbes()
	t.Logf("%d hostile datagrams, %d streams, %d RELP and 18 TLS connections: all %d probes are stored",
		len(datagrams), len(streams)+len(datagrams), len(relp), 2*s.probes)
}

// TestEndToEndSlowConnections holds connections open that never say anything whole.
func TestEndToEndSlowConnections(t *testing.T) {
	t.Parallel() // it waits more than it works
	const slow, half = 1000, 1000
	idle := 2000
	if os.Getenv("SKEWATCH_ACCEPTANCE") != "" {
		idle = 10_000
	}
	certificate := tlstest.NewAuthority(t).Issue(t, "collector")
	s := besiege(t, testbed.StartSkewatch(t, t.TempDir(), "--listen-tls", "127.0.0.1:0",
		"--tls-cert", certificate.File, "--tls-key", certificate.Key, "--kernel-clock", "trust", "--ntp-server", ""))
	var loris []net.Conn
	for range slow {
		loris = append(loris, s.dial("tcp", s.TCP))
	}
	began := time.Now()
	var handshakes []net.Conn
	for range half {
		handshakes = append(handshakes, s.dial("tcp", s.TLS))
	}
	for i := range 20 {
		for _, conn := range loris {
			io.WriteString(conn, "<13>Nov 20 23:53:09 slow x"[i:i+1])
		}
		s.probe()
	}
	if took := s.probeTLS(); took > time.Second {
		t.Errorf("an honest handshake took %v beside %d that hang", took, half)
	}
	for _, conn := range handshakes {
		conn.SetReadDeadline(began.Add(10 * time.Second))
		if _, err := conn.Read(make([]byte, 1)); errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatal("a handshake that hangs is still open after 10 s")
		}
	}
	if n := metric(t, s.Skewatch, `skewatch_closed_connections_total{reason="handshake_timeout",transport="tls"}`); n != half {
		t.Errorf("%v handshakes timed out, want %d", n, half)
	}
	for range idle - slow {
		s.dial("tcp", s.TCP)
	}
	s.probe()
	const watched = 3 * time.Second
	before := s.ProcessorTime(t)
	time.Sleep(watched)
	used := float64(s.ProcessorTime(t)-before) / float64(watched)
	if memory := s.PeakMemory(t); used > 0.05 || memory > 400<<20 {
		t.Errorf("%d idle connections take %.1f %% of a processor and %d MiB, want at most 5 %% and 400 MiB", idle, 100*used, memory>>20)
	} else {
		t.Logf("%d idle connections take %.1f %% of a processor and %d MiB", idle, 100*used, memory>>20)
	}
	s.awaitProbes()
}

// TestEndToEndFewFiles runs a server that may have 64 files open: when others have taken all
// of them, it goes on receiving over UDP, doesn't spin, and recovers when they let go.
func TestEndToEndFewFiles(t *testing.T) {
	s := besiege(t, testbed.StartSkewatchBy(t, nil, "ulimit -n 64; exec", t.TempDir(), "--kernel-clock", "trust", "--ntp-server", ""))
	s.probe()
	var held []net.Conn
	for range 200 {
		held = append(held, s.dial("tcp", s.TCP))
	}
	const watched = 2 * time.Second
	before := s.ProcessorTime(t)
	time.Sleep(watched)
	if used := float64(s.ProcessorTime(t)-before) / float64(watched); used > 0.2 {
		t.Errorf("the server spins: %.0f %% of a processor", 100*used)
	}
	s.send("udp", s.UDP, "<13>Nov 20 23:53:09 meanwhile x: over UDP")
	for _, conn := range held {
		conn.Close()
	}
	eventually(t, 5*time.Second, func() error {
		s.send("tcp", s.TCP, "<13>Nov 20 23:53:09 again x: over TCP\n")
		if found := run(t, s.Skewatch, "search", "--raw", "--host", "again"); found == "" {
			return errors.New("nothing is received over TCP again")
		}
		return nil
	})
	if found := run(t, s.Skewatch, "search", "--raw", "--host", "meanwhile"); strings.Count(found, "\n") != 1 {
		t.Errorf("over UDP meanwhile: stored %q", found)
	}
	s.awaitProbes()
}
