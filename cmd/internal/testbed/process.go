package testbed

import (
	"bytes"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience is how long a program may take to start or to stop.
const patience = 20 * time.Second

// A process is a running program whose output is kept for the test's log.
type process struct {
	cmd    *exec.Cmd
	output *log
	exited chan struct{} // closed when the program has ended
}

// start runs a program until the test ends. What it writes to the log is shown
// only if the test fails.
func start(t testing.TB, cmd *exec.Cmd, name string, output *log) *process {
	t.Helper()
	if err := cmd.Start(); err != nil {
		t.Fatalf("testbed: starting %s: %v", name, err)
	}
	p := &process{cmd: cmd, output: output, exited: make(chan struct{})}
	go func() {
		defer close(p.exited)
		_ = cmd.Wait() // how it ended stands in ProcessState
	}()
	t.Cleanup(func() {
		p.kill()
		if t.Failed() {
			t.Logf("%s wrote:\n%s", name, output)
		}
	})
	return p
}

// startLogged starts a program whose whole output is its log.
func startLogged(t testing.TB, cmd *exec.Cmd, name string) *process {
	t.Helper()
	output := new(log)
	cmd.Stdout, cmd.Stderr = output, output
	return start(t, cmd, name, output)
}

// kill ends the program at once, as a power cut would.
func (p *process) kill() {
	_ = p.cmd.Process.Kill() // fails only if it has ended
	<-p.exited
}

// terminate asks the program to stop and waits for it.
func (p *process) terminate(t testing.TB, name string) {
	t.Helper()
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // fails only if it has ended
	select {
	case <-p.exited:
	case <-time.After(patience):
		p.kill()
		t.Errorf("testbed: %s did not stop within %v of SIGTERM", name, patience)
	}
}

// log collects what a program writes. Its text can be read while the program runs.
type log struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// await polls until the condition holds or patience ends.
func await(t testing.TB, p *process, what string, holds func() bool) {
	t.Helper()
	deadline := time.After(patience)
	for !holds() {
		select {
		case <-p.exited:
			t.Fatalf("testbed: the program ended (%v) before %s; it wrote:\n%s", p.cmd.ProcessState, what, p.output)
		case <-deadline:
			t.Fatalf("testbed: waited %v for %s; the program wrote:\n%s", patience, what, p.output)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func withEnvironment(extra []string) []string { return append(os.Environ(), extra...) }
