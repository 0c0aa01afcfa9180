package testbed

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"
)

// feedApp is the APP-NAME of the messages that Feed writes.
const feedApp = "feed"

// Feed logs numbered messages at random intervals until the context ends, and
// returns how many it logged: their numbers are 0 to that less one. The intervals
// are exponential with the given mean, so that the stamps meet every phase of a
// second, which evenly spaced ones would not.
func (r *Rsyslogd) Feed(ctx context.Context, mean time.Duration, random *rand.Rand) (int, error) {
	for n := 0; ; n++ {
		pause := time.NewTimer(time.Duration(random.ExpFloat64() * float64(mean)))
		select {
		case <-ctx.Done():
			pause.Stop()
			return n, nil
		case <-pause.C:
		}
		if err := r.Log(feedApp, fmt.Sprintf("number %d", n)); err != nil {
			return n, err
		}
	}
}

// Number returns the number in the text of a message that Feed logged.
func Number(text string) (int, bool) {
	digits, found := strings.CutPrefix(strings.TrimSpace(text), "number ")
	n, err := strconv.Atoi(digits)
	return n, found && err == nil
}
