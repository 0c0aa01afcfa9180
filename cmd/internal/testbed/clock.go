package testbed

import (
	"fmt"
	"testing"
	"time"
)

// A Clock is how a host's clock differs from this machine's, which stands for
// true time. The zero Clock is right.
type Clock struct {
	Offset time.Duration // host minus true time when the host starts; positive: ahead
	Skew   float64       // in ppm; positive: the host gains
}

// After returns the clock's true offset once the host has run for a while.
func (c Clock) After(running time.Duration) time.Duration {
	return c.Offset + time.Duration(float64(running)*c.Skew/1e6)
}

// environment returns the variables under which a C program reads this clock. The
// monotonic clock is left alone, since timers run by it. A clock that is right
// needs none, and so shows that the lie isn't the test bed's own.
func (c Clock) environment(t testing.TB) []string {
	t.Helper()
	if c == (Clock{}) {
		return nil
	}
	return []string{
		"LD_PRELOAD=" + needFaketime(t),
		fmt.Sprintf("FAKETIME=%+.9fs x%.9f", c.Offset.Seconds(), 1+c.Skew/1e6),
		"FAKETIME_DONT_RESET=1",
		"FAKETIME_DONT_FAKE_MONOTONIC=1",
	}
}
