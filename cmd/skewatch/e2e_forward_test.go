package main_test

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/skewatch/skewatch/cmd/internal/testbed"
	"github.com/skewatch/skewatch/collector/tlsauth/tlstest"
)

// A forwardRun is a server that sends its messages on to a real rsyslogd.
type forwardRun struct {
	siem   *testbed.SIEM
	server *testbed.Skewatch
	args   []string
}

func startForward(t *testing.T, transport string) *forwardRun {
	t.Helper()
	authority := tlstest.NewAuthority(t)
	secure := testbed.TLS{Authority: authority, Certificate: authority.Issue(t, "localhost"), Library: "ossl"}
	r := &forwardRun{siem: testbed.StartSIEM(t, transport, secure)}
	item := fmt.Sprintf("name: siem, address: %q, transport: %s", r.siem.Address, transport)
	if strings.HasSuffix(transport, "tls") {
		client := authority.Issue(t, "collector")
		item += fmt.Sprintf(", ca: %q, certificate: %q, key: %q", authority.File, client.File, client.Key)
	}
	config := filepath.Join(t.TempDir(), "skewatch.yaml")
	if err := os.WriteFile(config, []byte("forward: [{"+item+"}]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	r.args = []string{"--config", config, "--kernel-clock", "trust", "--ntp-server", ""}
	r.server = testbed.StartSkewatch(t, t.TempDir(), r.args...)
	return r
}

// kill kills the server, and starts it again on the same data.
func (r *forwardRun) kill(t *testing.T) {
	t.Helper()
	r.server.Kill()
	r.server = testbed.StartSkewatch(t, r.server.Data, r.args...)
}

var sequenceOf = regexp.MustCompile(`^\d+\|feed\|-\|\[skewatch@32473 sequence="(\d+)" .* verdict="[a-z-]+".*\]\|(?: ?)(number \d+)$`)

// understood returns what the receiver has of each message by its sequence, in the order in
// which each came first, and how many came again.
func (r *forwardRun) understood(t *testing.T) (texts map[int]string, order []int, doubled int) {
	t.Helper()
	texts = map[int]string{}
	for _, line := range r.siem.Lines() {
		parts := sequenceOf.FindStringSubmatch(line)
		if parts == nil {
			continue // half written, or not of the test
		}
		n, err := strconv.Atoi(parts[1])
		if err != nil {
			t.Fatal(err)
		}
		if _, again := texts[n]; again {
			doubled++
			continue
		}
		texts[n], order = parts[2], append(order, n)
	}
	return texts, order, doubled
}

// checkAll compares what the receiver has with all that is stored.
func (r *forwardRun) checkAll(t *testing.T) (messages, doubled int, err error) {
	t.Helper()
	stored := askMessages(t, r.server, "burst")
	texts, order, doubled := r.understood(t)
	if len(order) != len(stored) {
		return 0, 0, fmt.Errorf("the receiver has %d of %d messages", len(order), len(stored))
	}
	if !slices.IsSorted(order) {
		t.Errorf("the messages have come out of order: %v", order)
	}
	for i, m := range stored {
		if got := texts[i+1]; got != m.Message {
			t.Errorf("message %d is %q, want %q", i+1, got, m.Message)
			break
		}
	}
	return len(stored), doubled, nil
}

// TestEndToEndForward stops the receiver for a while, under messages, and kills the server
// meanwhile: nothing is lost, and the order is kept.
func TestEndToEndForward(t *testing.T) {
	away := lasting(time.Minute, 3*time.Second)
	tests := []struct {
		transport string
		doubles   int // that a kill may make, at a thousand messages a second
	}{
		{"relp", 128 + 1000},
		{"relp-tls", 128 + 1000},
		{"tcp", 7000},
		{"tls", 7000},
	}
	for _, tt := range tests {
		t.Run(tt.transport, func(t *testing.T) {
			t.Parallel()
			r := startForward(t, tt.transport)
			first := startBurst(t, r.server.TCP)
			eventually(t, 20*time.Second, func() error {
				if _, order, _ := r.understood(t); len(order) < 1000 {
					return fmt.Errorf("the receiver has %d messages; the server wrote:\n%s", len(order), r.server.Log())
				}
				return nil
			})
			r.kill(t) // while the receiver is there
			second := startBurst(t, r.server.TCP)
			eventually(t, 10*time.Second, func() error { return second.hasWritten(500) })
			r.siem.Stop(t)
			gone := time.Now()
			eventually(t, 20*time.Second, func() error {
				if n := metric(t, r.server, `skewatch_forward_failed_attempts_total{forward="siem"}`); n < 1 {
					return fmt.Errorf("no attempt has failed")
				}
				return nil
			})
			r.kill(t) // and while it isn't
			third := startBurst(t, r.server.TCP)
			eventually(t, away+30*time.Second, func() error {
				if left := away - time.Since(gone); left > 0 {
					return fmt.Errorf("the receiver is away for %v more", left)
				}
				return third.hasWritten(500)
			})
			r.siem.Start(t)
			for _, b := range []*burst{first, second, third} {
				b.stop()
			}
			var messages, doubled int
			eventually(t, 60*time.Second, func() (err error) {
				messages, doubled, err = r.checkAll(t)
				return err
			})
			if doubled > 3*tt.doubles {
				t.Errorf("%d of %d messages came twice, want %d at most", doubled, messages, 3*tt.doubles)
			}
			eventually(t, 20*time.Second, func() error {
				if n := metric(t, r.server, `skewatch_forward_waiting_messages{forward="siem"}`); n > 0 {
					return fmt.Errorf("%v messages wait", n)
				}
				return nil
			})
			if n := metric(t, r.server, `skewatch_forward_missed_messages_total{forward="siem"}`); n > 0 {
				t.Errorf("%v messages were missed", n)
			}
			t.Logf("of %d messages 0 are lost and %d came twice", messages, doubled)
		})
	}
}

// TestEndToEndForwardSpeed tells how fast a receiver that comes back gets what has gathered.
func TestEndToEndForwardSpeed(t *testing.T) {
	if os.Getenv("SKEWATCH_ACCEPTANCE") == "" {
		t.Skip("a figure, for make acceptance")
	}
	const messages = 1_000_000
	for _, transport := range []string{"relp", "relp-tls", "tcp", "tls"} {
		t.Run(transport, func(t *testing.T) {
			r := startForward(t, transport)
			r.siem.Stop(t)
			conn, err := net.Dial("tcp", r.server.TCP)
			if err != nil {
				t.Fatal(err)
			}
			out := bufio.NewWriterSize(conn, 1<<20)
			for i := range messages {
				fmt.Fprintf(out, "<14>1 %s host%d feed - - - number %d %s\n", time.Now().UTC().Format(time.RFC3339Nano), i%1000, i, strings.Repeat("x", 60))
			}
			if err := errors.Join(out.Flush(), conn.Close()); err != nil {
				t.Fatal(err)
			}
			waiting := func() float64 { return metric(t, r.server, `skewatch_forward_waiting_messages{forward="siem"}`) }
			eventually(t, 60*time.Second, func() error {
				if n := waiting(); n < messages {
					return fmt.Errorf("%v messages wait", n)
				}
				return nil
			})
			r.siem.Start(t)
			eventually(t, 60*time.Second, func() error {
				if waiting() > messages*0.95 {
					return errors.New("nothing is sent")
				}
				return nil
			})
			began, before := time.Now(), waiting()
			eventually(t, 5*time.Minute, func() error {
				if n := waiting(); n > 0 {
					return fmt.Errorf("%v messages wait", n)
				}
				return nil
			})
			t.Logf("%s: %.0f messages/s, with %v of processor time in all", transport, before/time.Since(began).Seconds(), r.server.ProcessorTime(t))
		})
	}
}
