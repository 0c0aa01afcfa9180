package server_test

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/skewatch/skewatch/cmd/internal/api"
	"github.com/skewatch/skewatch/cmd/internal/server/servertest"
)

// TestFullDisk has the disk full by a limit on the size of files, in a process of its
// own, which the limit is for.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	const child = "SERVER_TEST_FULL_DISK"
	if os.Getenv(child) != "" {
		fillDisk(t)
		return
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestFullDisk$", "-test.timeout=60s")
	cmd.Env = append(os.Environ(), child+"=1")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v:\n%s", err, out)
	}
}

// unlimited and full are limits on the size of files.
const (
	unlimited = 1 << 40
	full      = 4096
)

func limitFiles(t *testing.T, size uint64) {
	t.Helper()
	var l syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &l); err != nil {
		t.Fatal(err)
	}
	l.Cur = min(size, l.Max)
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &l); err != nil {
		t.Fatal(err)
	}
}

func fillDisk(t *testing.T) {
	signal.Ignore(syscall.SIGXFSZ) // so that a write beyond the limit returns EFBIG
	s := servertest.Start(t, t.TempDir(), "SKEWATCH_LISTEN_RELP=127.0.0.1:0")
	sendNumbers(s, 0, 10)
	awaitNumbers(t, s, 10)

	limitFiles(t, full)
	sendNumbers(s, 10, 510)
	awaitLog(t, s, "messages can't be written", 1)
	awaitLog(t, s, "can't write a checkpoint", 1)
	acknowledged := sendRELP(t, s, 510, 520)
	asked := time.Now()
	if _, err := s.Report(t.Context(), api.ReportQuery{}); err != nil {
		t.Error(err)
	}
	if took := time.Since(asked); took > 5*time.Second {
		t.Errorf("while the disk is full a report takes %v", took)
	}
	if n := acknowledged.Load(); n > 0 {
		t.Errorf("%d messages are acknowledged that can't be written", n)
	}
	limitFiles(t, unlimited)
	awaitNumbers(t, s, 520)
	servertest.Eventually(t, func() error {
		if n := acknowledged.Load(); n != 10 {
			return fmt.Errorf("%d messages of 10 are acknowledged", n)
		}
		return nil
	})
	awaitLog(t, s, "checkpoints can be written again", 1)
	if r, err := s.Report(t.Context(), api.ReportQuery{}); err != nil || r.Hosts[0].Messages != 520 {
		t.Errorf("the report tells of %+v, %v, want 520 messages", r, err)
	}

	limitFiles(t, full)
	sendNumbers(s, 520, 1020)
	awaitLog(t, s, "messages can't be written", 2)
	stopped := make(chan error)
	go func() { stopped <- s.Stop() }()
	select {
	case err := <-stopped:
		if err == nil || !strings.Contains(err.Error(), "are lost") {
			t.Errorf("on a full disk the server stops with %v, want it to say what is lost", err)
		}
	case <-time.After(servertest.Patience):
		t.Errorf("on a full disk the server doesn't stop within %v", servertest.Patience)
	}
}

// sendNumbers sends messages with the numbers from first to before end. Each ten have a
// connection of their own: they wait there while the server takes nothing.
func sendNumbers(s *servertest.Server, first, end int) {
	for n := first; n < end; n += 10 {
		conn, err := net.Dial("tcp", s.TCP)
		if err != nil {
			return // what is missing tells
		}
		for i := range 10 {
			fmt.Fprintln(conn, inTime("web1", fmt.Sprint(n+i)))
		}
		conn.Close()
	}
}

// sendRELP sends messages with the numbers from first to before end over RELP, and counts
// those that are acknowledged.
func sendRELP(t *testing.T, s *servertest.Server, first, end int) *atomic.Int64 {
	t.Helper()
	conn, err := net.Dial("tcp", s.RELP)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	fmt.Fprintf(conn, "1 open 14 relp_version=0\n")
	for n := first; n < end; n++ {
		text := inTime("web1", fmt.Sprint(n))
		fmt.Fprintf(conn, "%d syslog %d %s\n", n-first+2, len(text), text)
	}
	acknowledged := new(atomic.Int64)
	go func() {
		for lines := bufio.NewScanner(conn); lines.Scan(); {
			if strings.HasSuffix(lines.Text(), " rsp 6 200 OK") {
				acknowledged.Add(1)
			}
		}
	}()
	return acknowledged
}

// awaitNumbers waits until the numbers below n are stored, and checks that none is
// stored twice.
func awaitNumbers(t *testing.T, s *servertest.Server, n int) {
	t.Helper()
	servertest.Eventually(t, func() error {
		texts := stored(t, s, api.Query{})
		slices.Sort(texts)
		if unique := slices.Compact(slices.Clone(texts)); len(unique) != len(texts) || len(texts) != n {
			return fmt.Errorf("%d numbers are stored, %d different ones, want %d", len(texts), len(unique), n)
		}
		return nil
	})
}

func awaitLog(t *testing.T, s *servertest.Server, text string, times int) {
	t.Helper()
	servertest.Eventually(t, func() error {
		if n := strings.Count(s.Log(), text); n < times {
			return fmt.Errorf("the log says %d times %q, want %d", n, text, times)
		}
		return nil
	})
}
