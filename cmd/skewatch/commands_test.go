package main_test

import (
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/skewatch/skewatch/cmd/internal/testbed"
)

// trusting starts a server that takes the local clock as true.
func trusting(t *testing.T, data string) *testbed.Skewatch {
	t.Helper()
	return testbed.StartSkewatch(t, data, "--kernel-clock", "trust", "--ntp-server", "")
}

// sendText sends a message over TCP.
func sendText(t *testing.T, s *testbed.Skewatch, text string) {
	t.Helper()
	conn, err := net.Dial("tcp", s.TCP)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := fmt.Fprintf(conn, "<14>1 %s web1 app 7 - - %s\n", time.Now().UTC().Format(time.RFC3339Nano), text); err != nil {
		t.Fatal(err)
	}
}

// TestTailOutlivesTheServer follows messages while the server is stopped, killed, and
// started again on other ports.
func TestTailOutlivesTheServer(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	s := trusting(t, data)
	tail := s.Follow(t, "tail", "--messages", "--format", "csv", "--since", "1h")
	sent := []string{"first", "second, in \"quotes\"", "third"}
	for i, end := range []func(){func() { s.Stop(t) }, func() { s.Kill() }, func() {}} {
		sendText(t, s, sent[i])
		eventually(t, 20*time.Second, func() error {
			if lines := tail.Lines(); len(lines) != i+2 {
				return fmt.Errorf("tail shows %q, want the names of the columns and %d messages", lines, i+1)
			}
			return nil
		})
		if end(); i < 2 {
			s = trusting(t, data)
		}
	}
	want := []string{",message", ",first", `,"second, in ""quotes"""`, ",third"}
	for i, line := range tail.Lines() {
		if i >= len(want) || !strings.HasSuffix(line, want[i]) {
			t.Errorf("line %d of tail is %q, want the ends %q", i, line, want)
		}
	}
}

// TestRefusedOrders wants what only the server can refuse, by its clock, to be named as it was
// written, with a remedy.
func TestRefusedOrders(t *testing.T) {
	t.Parallel()
	s := trusting(t, t.TempDir())
	const past = "2020-01-01T00:00:00Z"
	for _, tt := range []struct{ args, says string }{
		{"silence x --until " + past, `--until: not in the future (got "` + past + `")`},
		{"silence x --until 2099-01-01T00:00:00Z", "--until: more than a year away"},
		{"silence x --from 2h --until 1h", "--until: not after its beginning"},
		{"silence x --from " + past + " --for 1h", `--from: the end is not in the future (got "2020-01-01T01:00:00Z")`},
		{"silence x --from 2099-01-01T00:00:00Z --for 1h", "--from: the end is more than a year away"},
		{"acknowledge x --comment mine --until " + past, "--until: not in the future"},
	} {
		stdout, stderr, code := s.Run(strings.Fields(tt.args)...)
		if code != 2 || stdout != "" || !strings.HasPrefix(stderr, "error: "+tt.says) || !strings.Contains(stderr, "\nhint: write a time to come") {
			t.Errorf("skewatch %s: exit code %d, %q, want %q", tt.args, code, stderr, tt.says)
		}
	}
}

// TestCommandsReadFiles asks the same of a server and of the files that it leaves.
func TestCommandsReadFiles(t *testing.T) {
	t.Parallel()
	s := trusting(t, t.TempDir())
	sendText(t, s, "one")
	eventually(t, 20*time.Second, func() error {
		if n := strings.Count(run(t, s, "search"), "\n"); n != 1 {
			return fmt.Errorf("%d messages are found, want 1", n)
		}
		return nil
	})
	tests := []struct {
		args  string
		lines int
		has   string
	}{
		{"report --format csv", 2, "web1,127.0.0.1,,handshake,1,"},
		{"report --format csv --host nobody", 1, ",host,source,"},
		{"search", 1, " sent "},
		{"search --format csv", 2, "received,sent,host,"},
		{"search --format csv --host nobody", 1, ",received,sent,host,"},
		{"search --format json --raw", 1, `"raw":"PDE0Pj`},
		{"search --raw", 1, "<14>1 "},
		{"search --raw --format csv", 1, "<14>1 "},
		{"search --grep web1.app", 1, " sent "},
		{"search --grep WEB1", 0, ""},
		{"search --clock sent --since 1h", 1, " sent "},
		{"search --clock sent --until 1h", 0, ""},
		{"tail --messages --since 1h --until 0s", 1, " web1 app[7]: one"},
		{"tail --format csv --since 1h --until 0s", 1, "time,host,"},
		{"sources --format csv", 1, "address,state,"},
	}
	answers := make([]string, len(tests))
	for i, tt := range tests {
		answers[i] = run(t, s, strings.Fields(tt.args)...)
		if n := strings.Count(answers[i], "\n"); n != tt.lines || !strings.Contains("\n,"+answers[i], tt.has) {
			t.Errorf("skewatch %s writes\n%swant %d lines, and %q", tt.args, answers[i], tt.lines, tt.has)
		}
	}
	s.Stop(t)
	for i, tt := range tests {
		if answer := run(t, s, strings.Fields(tt.args)...); answer != answers[i] {
			t.Errorf("when the server has stopped, skewatch %s writes\n%swant\n%s", tt.args, answer, answers[i])
		}
	}
	if _, stderr, _ := s.Run("report"); stderr != "" {
		t.Errorf("reading files also says %q", stderr)
	}
}
