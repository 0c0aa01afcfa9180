package collector_test

import (
	"sync"
	"syscall"
	"testing"

	"github.com/sirupsen/logrus"
	"github.com/sirupsen/logrus/hooks/test"
	"golang.org/x/sys/unix"
)

// Without a free file descriptor accepting fails again and again: it must pause
// between, ever longer, and go on where descriptors are free again.
func TestAcceptBacksOff(t *testing.T) {
	log, hook := test.NewNullLogger()
	cfg := both()
	cfg.Log = log
	var s store
	c := listen(t, cfg, &s)
	write(t, dialTCP(t, c), "<13>a\n")

	free := useUpDescriptors(t)
	run(t, c)
	var failed []logrus.Entry
	poll(t, func() string {
		failed = nil
		for _, e := range hook.AllEntries() {
			if e.Message == "accept TCP connection" {
				failed = append(failed, *e)
			}
		}
		if len(failed) < 4 {
			return "accepting hasn't failed four times"
		}
		return ""
	})
	free()

	for i, pause := range []int64{5, 10, 20} {
		if got := failed[i+1].Time.Sub(failed[i].Time).Milliseconds(); got < pause {
			t.Errorf("pause %d of %d ms, want at least %d", i+1, got, pause)
		}
	}
	s.wait(t, 1)
}

// useUpDescriptors leaves no file descriptor free until free is called.
func useUpDescriptors(t *testing.T) (free func()) {
	var before syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &before); err != nil {
		t.Fatal(err)
	}
	highest, err := unix.Dup(0)
	if err != nil {
		t.Fatal(err)
	}
	few := before
	few.Cur = uint64(highest + 20)
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &few); err != nil {
		t.Fatal(err)
	}
	used := []int{highest}
	for fd, err := unix.Dup(0); err == nil; fd, err = unix.Dup(0) {
		used = append(used, fd)
	}
	free = sync.OnceFunc(func() {
		for _, fd := range used {
			unix.Close(fd)
		}
		if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &before); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(free)
	return free
}
