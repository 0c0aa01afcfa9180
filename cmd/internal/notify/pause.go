package notify

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"
)

// pause returns how long to wait after a failure: exponentially longer with each in a row,
// half of it by chance so that many don't come at once, and what the receiver asks for at
// least.
func (o *output) pause(err error) time.Duration {
	d := o.options.LongestPause
	if doublings := o.failures - 1; doublings < 20 {
		d = min(d, o.options.FirstPause<<doublings)
	}
	d = d/2 + rand.N(d/2+1)
	var later *delayed
	if errors.As(err, &later) {
		d = max(d, min(later.after, longestDelay))
	}
	return d
}

// longestDelay is how long a receiver can put off the next attempt.
const longestDelay = time.Hour

// pause waits.
func pause(ctx context.Context, d time.Duration) {
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
