package testbed

import (
	"fmt"
	"os"
	"testing"
	"time"
)

// A Clock is how a host's clock differs from this machine's, which stands for
// true time. The zero Clock is right.
type Clock struct {
	Offset time.Duration // host minus true time when the host starts; positive: ahead
	Skew   float64       // in ppm; positive: the host gains

	// Dial names a file that holds the offset instead, as Turn writes it; "" for none.
	Dial string
}

// Turn sets the offset of a clock that has a dial.
func (c Clock) Turn(t testing.TB, to time.Duration) {
	t.Helper()
	write(t, c.Dial+".new", fmt.Sprintf("%+.9f\n", to.Seconds()))
	if err := os.Rename(c.Dial+".new", c.Dial); err != nil {
		t.Fatalf("testbed: %v", err)
	}
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
	if c.Dial != "" {
		return []string{
			"LD_PRELOAD=" + needFaketime(t), "FAKETIME_TIMESTAMP_FILE=" + c.Dial, "FAKETIME_NO_CACHE=1",
			"FAKETIME_DONT_RESET=1", "FAKETIME_DONT_FAKE_MONOTONIC=1",
		}
	}
	return []string{
		"LD_PRELOAD=" + needFaketime(t),
		fmt.Sprintf("FAKETIME=%+.9fs x%.9f", c.Offset.Seconds(), 1+c.Skew/1e6),
		"FAKETIME_DONT_RESET=1",
		"FAKETIME_DONT_FAKE_MONOTONIC=1",
	}
}
