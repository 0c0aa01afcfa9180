package report

import "fmt"

// legend says what the figures of a page for people mean, by the names of its columns.
func (r *Report) legend() []string {
	return []string{
		"Offset: host clock minus true time; positive means the host is ahead",
		"Low is proved, given that one clock wrote the stamps and truncated them",
		fmt.Sprintf("High assumes that some messages were delivered within δ, %g s; a constant delay beyond it can't be told from a clock that is behind", r.Header.Estimator.LeastDelay),
		"Skew: how fast the clock gains, or loses where it is negative",
		"Out of tolerance: for how long the clock was certainly off by more than the tolerance within the period",
		"Compliance: fail where Low and High both lie outside the tolerance on one side, pass where both lie inside, else insufficient",
		"Offset, Low, High and Skew stand as at the host's last message",
	}
}
