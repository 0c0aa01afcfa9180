package ntpcheck

import (
	"fmt"
	"time"
)

const (
	// slewed is how far a clock that is being put right may be slewed unseen, in seconds a
	// second: twice what ntpd and the kernel do. A step is seen.
	slewed = 1000e-6

	// leap is the least change of the offset that a majority isn't believed for.
	leap = 100 * time.Millisecond
)

// disbelief says why a majority isn't believed; "" if it is. Most of the sources may lie in
// concert. What they say must agree with what they said before, as far as our clock can have
// moved unseen since, or with a kernel that calls its clock synchronised. Where nothing is
// known of before they are believed: a measurement counts for more than the kernel's word.
func (m *Monitor) disbelief(c combination, agreeing int, now time.Time) string {
	held := !m.last.newest.IsZero() && now.Sub(m.last.newest) <= m.cfg.Holdover
	if !held || !m.last.jumps(c, now) {
		return ""
	}
	if k := m.cfg.ReadKernel(); m.cfg.Kernel == KernelAuto && k.Synchronised && !c.contradicts(k, now) {
		return ""
	}
	return fmt.Sprintf("%d sources agree that our clock is off by %+.3f s, but nobody set it and they said %+.3f s before: they may lie in concert",
		agreeing, -c.offset.Seconds(), -m.last.offset.Seconds())
}

// jumps reports whether a later combination is further off than both bounds, and a clock
// that is slewed, explain.
func (c combination) jumps(later combination, now time.Time) bool {
	moved := time.Duration(slewed * float64(max(now.Sub(c.asOf), 0)))
	return (later.offset - c.offset).Abs() > c.boundAt(now)+later.bound+max(moved, leap)
}
