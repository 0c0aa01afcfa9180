package testbed

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// Binary builds skewatch, once a test process, and returns its path: bin/ in the
// module's folder, so that nothing is left elsewhere.
func Binary(t testing.TB) string {
	t.Helper()
	path, err := build()
	if err != nil {
		t.Fatalf("testbed: building skewatch: %v", err)
	}
	return path
}

var build = sync.OnceValues(func() (string, error) {
	path, err := moduleFile("bin", "skewatch-under-test")
	if err != nil {
		return "", err
	}
	fresh := fmt.Sprintf("%s.%d", path, os.Getpid())
	output, err := exec.Command("go", "build", "-o", fresh, "github.com/skewatch/skewatch/cmd/skewatch").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%w\n%s", err, output)
	}
	// Another test process may be running the binary that is replaced.
	return path, os.Rename(fresh, path)
})

// moduleFile returns the path of a file in the module's folder.
func moduleFile(elements ...string) (string, error) {
	module, err := exec.Command("go", "env", "GOMOD").Output()
	if err != nil {
		return "", fmt.Errorf("finding the module: %w", err)
	}
	return filepath.Join(append([]string{filepath.Dir(string(module))}, elements...)...), nil
}

// Skewatch is a running `skewatch serve`.
type Skewatch struct {
	Data           string // its data directory
	UDP, TCP, HTTP string // the addresses it listens on
	TLS, RELP      string // the same; "" unless the arguments name them
	RELPTLS        string

	binary  string
	process *process
}

// StartSkewatch runs `skewatch serve` on a data directory with the given further
// arguments, waits until it is ready, and stops it when the test ends. It listens
// on free loopback ports unless the arguments name others.
func StartSkewatch(t testing.TB, data string, args ...string) *Skewatch {
	t.Helper()
	return StartSkewatchBy(t, nil, "exec", data, args...)
}

// StartSkewatchBy does the same through a shell, whose script ends with the server's
// command line, and lets the server inherit files from descriptor 3 on.
func StartSkewatchBy(t testing.TB, files []*os.File, script, data string, args ...string) *Skewatch {
	t.Helper()
	s := &Skewatch{Data: data, binary: Binary(t)}
	output := new(log)
	cmd := exec.Command("/bin/sh", slices.Concat([]string{"-c", script + ` "$0" "$@"`, s.binary}, serveArguments(data, args))...)
	cmd.ExtraFiles = files
	cmd.Stdout, cmd.Stderr = output, output
	s.process = start(t, cmd, "skewatch serve", output)
	await(t, s.process, `the line with "ready"`, func() bool {
		return s.readAddresses(output.String())
	})
	return s
}

func serveArguments(data string, args []string) []string {
	all := append([]string{"serve", "--data", data}, args...)
	for _, listener := range []string{"--listen-udp", "--listen-tcp", "--http"} {
		if !slices.Contains(args, listener) {
			all = append(all, listener, "127.0.0.1:0")
		}
	}
	return all
}

var (
	readyLine = regexp.MustCompile(`(?m)^.*\bready\b.*\n`)
	address   = regexp.MustCompile(`(?:^|\s)(udp|tcp|tls|relp|relp-tls|http)="?([^\s",]+)`)
)

// readAddresses takes the bound addresses from the log line that says ready.
func (s *Skewatch) readAddresses(output string) bool {
	for _, pair := range address.FindAllStringSubmatch(readyLine.FindString(output), -1) {
		switch pair[1] {
		case "udp":
			s.UDP = pair[2]
		case "tcp":
			s.TCP = pair[2]
		case "tls":
			s.TLS = pair[2]
		case "relp":
			s.RELP = pair[2]
		case "relp-tls":
			s.RELPTLS = pair[2]
		case "http":
			s.HTTP = pair[2]
		}
	}
	return s.HTTP != ""
}

// Log returns what the server has logged so far.
func (s *Skewatch) Log() string { return s.process.output.String() }

// PeakMemory returns how much memory, in bytes, the server has held at most: its resident
// set, as Linux counts it.
func (s *Skewatch) PeakMemory(t testing.TB) int64 {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.process.cmd.Process.Pid))
	if err != nil {
		t.Fatalf("testbed: %v", err)
	}
	for line := range strings.Lines(string(status)) {
		var kib int64
		if _, err := fmt.Sscanf(line, "VmHWM: %d kB", &kib); err == nil {
			return kib << 10
		}
	}
	t.Fatalf("testbed: no VmHWM in:\n%s", status)
	return 0
}

// ProcessorTime returns how long the server has been running on a processor.
func (s *Skewatch) ProcessorTime(t testing.TB) time.Duration {
	t.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.process.cmd.Process.Pid))
	if err != nil {
		t.Fatalf("testbed: %v", err)
	}
	const tick = time.Second / 100 // USER_HZ
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	var sum time.Duration
	for _, field := range fields[11:13] { // utime and stime (proc_pid_stat(5))
		n, err := strconv.Atoi(field)
		if err != nil {
			t.Fatalf("testbed: %v", err)
		}
		sum += time.Duration(n) * tick
	}
	return sum
}

// Kill ends the server with SIGKILL.
func (s *Skewatch) Kill() { s.process.kill() }

// Stop ends the server with SIGTERM and waits. It must exit with 0.
func (s *Skewatch) Stop(t testing.TB) {
	t.Helper()
	s.process.terminate(t, "skewatch serve")
	if code := s.process.cmd.ProcessState.ExitCode(); code != 0 {
		t.Errorf("skewatch serve exited with %d on SIGTERM, want 0; it wrote:\n%s", code, s.Log())
	}
}

// Run runs one of the commands that read, on this server's data directory, and
// returns what it wrote and its exit code.
func (s *Skewatch) Run(args ...string) (stdout, stderr string, code int) {
	var out, errs bytes.Buffer
	cmd := exec.Command(s.binary, append(args, "--data", s.Data)...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		return out.String(), err.Error(), -1
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// A Follower is a command that writes as things happen, such as `skewatch tail`.
type Follower struct{ output *log }

// Follow starts a following command on this server's data directory. It runs
// until the test ends.
func (s *Skewatch) Follow(t testing.TB, args ...string) *Follower {
	t.Helper()
	f := &Follower{output: new(log)}
	cmd := exec.Command(s.binary, append(args, "--data", s.Data)...)
	errs := new(log)
	cmd.Stdout, cmd.Stderr = f.output, errs
	start(t, cmd, "skewatch "+strings.Join(args, " "), errs)
	return f
}

// Lines returns the whole lines written so far.
func (f *Follower) Lines() []string {
	text := f.output.String()
	end := strings.LastIndexByte(text, '\n')
	if end < 0 {
		return nil
	}
	return strings.Split(text[:end], "\n")
}
