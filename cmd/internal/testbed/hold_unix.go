//go:build unix

package testbed

import (
	"syscall"
	"testing"
	"time"
)

// Hold lets the server run only for a share of the time, until release is called.
func (s *Skewatch) Hold(t testing.TB, share float64) (release func()) {
	t.Helper()
	const turn = 20 * time.Millisecond
	runs := time.Duration(share * float64(turn))
	done, ended := make(chan struct{}), make(chan struct{})
	signal := func(sig syscall.Signal) { _ = s.process.cmd.Process.Signal(sig) } // fails only if it has ended
	go func() {
		defer close(ended)
		for {
			signal(syscall.SIGSTOP)
			select {
			case <-done:
				signal(syscall.SIGCONT)
				return
			case <-time.After(turn - runs):
			}
			signal(syscall.SIGCONT)
			time.Sleep(runs)
		}
	}()
	return func() {
		close(done)
		<-ended
	}
}
