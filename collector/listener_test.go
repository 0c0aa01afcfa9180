package collector_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/skewatch/skewatch/collector"
	"github.com/skewatch/skewatch/collector/message"
)

func TestFramings(t *testing.T) {
	for _, tt := range []struct {
		name, stream string
		want         []string
		truncated    bool // the last one
	}{
		{"both in one connection", "<13>a\n5 <13>b<13>c\r\n7 <13>d\ne\n<13>f\n", []string{"<13>a", "<13>b", "<13>c", "<13>d\ne", "<13>f"}, false},
		{"a last line without LF", "<13>a\n<13>b", []string{"<13>a", "<13>b"}, false},
		{"cut in the middle of a message", "<13>a\n100 <13>b", []string{"<13>a", "<13>b"}, true},
		{"a line too long, at the end", "<13>a\n" + strings.Repeat("x", 600), []string{"<13>a", strings.Repeat("x", 500)}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var s store
			cfg := both()
			cfg.MaxMessage = 500
			c := listen(t, cfg, &s)
			run(t, c)
			conn := dialTCP(t, c)
			write(t, conn, tt.stream)
			conn.Close()
			got := s.wait(t, len(tt.want))
			if !slices.Equal(raws(got), tt.want) {
				t.Errorf("got %q, want %q", raws(got), tt.want)
			}
			for i, m := range got {
				if want := tt.truncated && i == len(got)-1; m.Truncated != want {
					t.Errorf("%q is truncated: %v, want %v", m.Raw, m.Truncated, want)
				}
			}
		})
	}
}

func TestBadCountClosesItsConnectionOnly(t *testing.T) {
	var s store
	c := listen(t, both(), &s)
	run(t, c)
	bad, good := dialTCP(t, c), dialTCP(t, c)
	write(t, good, "<13>before\n")
	s.wait(t, 1)
	write(t, bad, "<13>kept\n99999999 <13>lost\n")
	bad.SetReadDeadline(time.Now().Add(deadline))
	if _, err := bad.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("read on a connection with a bad count: %v, want it closed", err)
	}
	write(t, good, "<13>after\n")
	if got, want := raws(s.wait(t, 3)), []string{"<13>before", "<13>kept", "<13>after"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := c.Stats()[message.TCP].Closed[collector.BadOctetCount]; got != 1 {
		t.Errorf("%d connections with a bad count, want 1", got)
	}
}

// A blocked Sink stops the reading, a sender's writes then block, and nothing is
// lost or reordered by it.
func TestBackPressure(t *testing.T) {
	var s store
	c := listen(t, both(), &s)
	run(t, c)
	conn := dialTCP(t, c)
	const message = "<13>Nov 20 23:53:09 web1 pressure: %07d " + "................................................................................\n"
	s.shut.Lock()
	sent := 0
	var rest string
	for rest == "" {
		var lines strings.Builder
		for range 1000 {
			fmt.Fprintf(&lines, message, sent)
			sent++
		}
		if sent > 1_000_000 {
			t.Fatalf("the writer never blocked in %d messages", sent)
		}
		conn.SetWriteDeadline(time.Now().Add(300 * time.Millisecond))
		n, err := io.WriteString(conn, lines.String())
		if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatal(err)
		}
		rest = lines.String()[n:]
	}
	if got := len(s.all()); got != 0 {
		t.Errorf("a shut store holds %d messages", got)
	}
	s.shut.Unlock()
	conn.SetWriteDeadline(time.Time{})
	write(t, conn, rest)
	for i, m := range s.wait(t, sent) {
		if want := fmt.Sprintf(message, i); string(m.Raw)+"\n" != want {
			t.Fatalf("message %d is %q, want %q", i, m.Raw, want)
		}
	}
}

// A slowSink takes its time for each batch.
type slowSink struct {
	*store
	each time.Duration
}

func (s slowSink) Put(batch []message.Message) error {
	time.Sleep(s.each)
	return s.store.Put(batch)
}

// What the socket holds at the stop is stored, however long the Sink takes.
func TestStopWaitsForASlowSink(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("what the socket holds is known on Linux only")
	}
	const n = 10_000 // in what a new connection's receive buffer holds
	var s store
	c := listen(t, both(), slowSink{&s, 60 * time.Millisecond})
	conn := dialTCP(t, c)
	write(t, conn, strings.Repeat("<13>a\n", n))
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := c.Run(ctx); err != nil {
		t.Fatal(err)
	}
	if got := len(s.all()); got != n {
		t.Errorf("stored %d messages, want %d", got, n)
	}
}

func TestConnectionLimit(t *testing.T) {
	var s store
	cfg := both()
	cfg.MaxConnections = 2
	c := listen(t, cfg, &s)
	run(t, c)
	to := c.Addrs(message.TCP)[0]
	first, second := dialFrom(t, "127.0.0.2", "tcp", to), dialFrom(t, "127.0.0.3", "tcp", to)
	write(t, first, "<13>a\n")
	write(t, second, "<13>a\n")
	s.wait(t, 2)
	third := dialTCP(t, c)
	third.SetReadDeadline(time.Now().Add(deadline))
	if _, err := third.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("read on a third connection of two: %v, want it closed", err)
	}
	if got := c.Stats()[message.TCP]; got.Closed[collector.ConnectionLimit] != 1 || got.Open != 2 {
		t.Errorf("Stats: %+v, want 1 rejected and 2 open", got)
	}
	first.Close()
	poll(t, func() string {
		if got := c.Stats()[message.TCP].Open; got != 1 {
			return fmt.Sprintf("%d connections open after one of two closed", got)
		}
		return ""
	})
	write(t, dialTCP(t, c), "<13>a\n")
	s.wait(t, 3)
}

// What a real sender writes, in each of its ways.
func TestLogger(t *testing.T) {
	logger, err := exec.LookPath("logger")
	if err != nil {
		t.Skip("logger (util-linux) is not installed")
	}
	var s store
	c := listen(t, both(), &s)
	run(t, c)
	udp, tcp := c.Addrs(message.UDP), c.Addrs(message.TCP)
	for i, args := range [][]string{
		{"--udp", "--rfc3164", "--port", fmt.Sprint(udp[0].Port())},
		{"--udp", "--rfc5424", "--port", fmt.Sprint(udp[0].Port())},
		{"--tcp", "--rfc3164", "--port", fmt.Sprint(tcp[0].Port())},
		{"--tcp", "--rfc5424", "--port", fmt.Sprint(tcp[0].Port())},
		{"--tcp", "--rfc5424", "--octet-count", "--port", fmt.Sprint(tcp[0].Port())},
	} {
		args = append(args, "--server", "127.0.0.1", "--priority", "local0.notice", "--tag", "real", "a message")
		if out, err := exec.Command(logger, args...).CombinedOutput(); err != nil {
			t.Fatalf("logger %q: %v: %s", args, err, out)
		}
		m := s.wait(t, i+1)[i]
		if !m.Sent.Usable() || m.Priority != 16<<3|5 || !strings.HasSuffix(string(m.Raw), "a message") {
			t.Errorf("logger %q: got %q with priority %d and stamp %v", args, m.Raw, m.Priority, m.Sent.Format)
		}
	}
}

// A connection that is reset counts as ended, and what came before is stored.
func TestReset(t *testing.T) {
	var s store
	c := listen(t, both(), &s)
	run(t, c)
	conn := dialTCP(t, c)
	write(t, conn, "<13>a\n<13>b")
	s.wait(t, 1)
	conn.(*net.TCPConn).SetLinger(0)
	conn.Close()
	if got, want := raws(s.wait(t, 2)), []string{"<13>a", "<13>b"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
