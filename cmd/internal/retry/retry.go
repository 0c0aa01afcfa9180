// Package retry says how long to wait before what failed is tried again.
package retry

import (
	"context"
	"math/rand/v2"
	"time"
)

// Pause returns how long to wait after so many failures in a row: first, exponentially longer
// with each and longest at most, half of it by chance so that many don't come at once.
func Pause(failures int, first, longest time.Duration) time.Duration {
	d := longest
	if doublings := failures - 1; doublings < 20 {
		d = min(d, first<<doublings)
	}
	return d/2 + rand.N(d/2+1)
}

// Wait waits, no longer than until the context ends.
func Wait(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
