package ntpcheck

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// slept returns for how long the machine has slept since it was started.
func slept() time.Duration {
	var boot, mono unix.Timespec
	if unix.ClockGettime(unix.CLOCK_MONOTONIC, &mono) != nil || unix.ClockGettime(unix.CLOCK_BOOTTIME, &boot) != nil {
		return 0
	}
	return time.Duration(boot.Nano() - mono.Nano()).Round(minStep) // read one after the other
}

// NoticeSets calls notice whenever the kernel says that the system's clock was set, until
// the context ends (timerfd_create(2), TFD_TIMER_CANCEL_ON_SET). It returns an error where
// that can't be had.
func NoticeSets(ctx context.Context, notice func()) error {
	fd, err := unix.TimerfdCreate(unix.CLOCK_REALTIME, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		return fmt.Errorf("timerfd_create: %w", err)
	}
	f := os.NewFile(uintptr(fd), "timerfd")
	defer f.Close()
	defer context.AfterFunc(ctx, func() { f.Close() })()
	never := unix.ItimerSpec{Value: unix.Timespec{Sec: math.MaxInt32}}
	var expired [8]byte
	for ctx.Err() == nil {
		if err := unix.TimerfdSettime(fd, unix.TFD_TIMER_ABSTIME|unix.TFD_TIMER_CANCEL_ON_SET, &never, nil); err != nil && !errors.Is(err, unix.ECANCELED) {
			return fmt.Errorf("timerfd_settime: %w", err)
		}
		if _, err := f.Read(expired[:]); errors.Is(err, unix.ECANCELED) {
			notice()
		} else if err != nil && ctx.Err() == nil {
			return fmt.Errorf("read the timer: %w", err)
		}
	}
	return nil
}
