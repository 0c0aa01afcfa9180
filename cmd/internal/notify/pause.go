package notify

import (
	"errors"
	"time"

	"github.com/skewatch/skewatch/cmd/internal/retry"
)

// pause returns how long to wait after a failure: longer with each in a row, and what the
// receiver asks for at least.
func (o *output) pause(err error) time.Duration {
	d := retry.Pause(o.failures, o.options.FirstPause, o.options.LongestPause)
	var later *delayed
	if errors.As(err, &later) {
		d = max(d, min(later.after, longestDelay))
	}
	return d
}

// longestDelay is how long a receiver can put off the next attempt.
const longestDelay = time.Hour
