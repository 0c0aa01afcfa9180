package analysis

import (
	"fmt"
	"strings"
	"time"

	"github.com/skewatch/skewatch/collector/message"
)

// A falseClaim is what became of holding a host's claim against its measured clock.
type falseClaim struct {
	since int64 // since when the clock contradicts it; 0 while it doesn't
	told  bool  // until the claim is withdrawn
}

// claimHold is how long a clock must contradict its claim. That is longer than a step
// back takes to be found: a clock that was just set right claims so in truth.
const claimHold = 5 * minute

// checkClaim holds the claim against the measured clock. It reports whether a false
// one is news.
func (o *originator) checkClaim(now int64) bool {
	c := &o.falseClaim
	if o.claim.IsSynced != message.ClaimedTrue {
		*c = falseClaim{}
	}
	if o.contradiction() == "" {
		c.since = 0
		return false
	}
	if c.since == 0 {
		c.since = now
	}
	if c.told || now-c.since < claimHold {
		return false
	}
	c.told = true
	return true
}

// contradiction says how the measured clock contradicts the host's claim; "" if it
// doesn't. Ahead is proved. Behind may be a delay, and is said only where it makes the
// verdict.
func (o *originator) contradiction() string {
	v := o.judged.verdict
	if o.claim.IsSynced != message.ClaimedTrue || !v.decides() || v == Silent || v == Mixed {
		return ""
	}
	claimed, within := o.rule.Tolerance.Warn, ""
	if o.claim.SyncAccuracy > 0 {
		claimed = o.claim.SyncAccuracy
		within = " within " + spelled(claimed)
	}
	switch i := o.interval; {
	case i.Low > claimed:
		return fmt.Sprintf("claims to be synchronised%s, but is proved %s ahead", within, rounded(i.Low))
	case -i.High > claimed && v != InSync && v != Drifting:
		return fmt.Sprintf("claims to be synchronised%s, but is %s behind, or its messages are delayed by that much", within, rounded(-i.High))
	}
	return ""
}

// timeQualityWords writes a claim as it stood in the message.
func timeQualityWords(q message.TimeQuality) string {
	var words []string
	flag := func(name string, c message.Claim) {
		if c != message.NotClaimed {
			words = append(words, fmt.Sprintf("%s=%d", name, c-message.ClaimedFalse))
		}
	}
	flag("tzKnown", q.TZKnown)
	flag("isSynced", q.IsSynced)
	if q.SyncAccuracy > 0 {
		words = append(words, fmt.Sprintf("syncAccuracy=%d us", q.SyncAccuracy/time.Microsecond))
	}
	if len(words) == 0 {
		return ""
	}
	return "timeQuality: " + strings.Join(words, " ")
}
