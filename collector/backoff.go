package collector

import (
	"context"
	"time"
)

// A backoff is the pause after a failure: 5 ms, doubling to 1 s with each
// failure that follows.
type backoff time.Duration

// wait pauses, no longer than until ctx ends.
func (b *backoff) wait(ctx context.Context) {
	*b = min(max(2**b, backoff(5*time.Millisecond)), backoff(time.Second))
	timer := time.NewTimer(time.Duration(*b))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

func (b *backoff) reset() { *b = 0 }
