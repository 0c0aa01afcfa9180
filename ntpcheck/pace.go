package ntpcheck

import "time"

const (
	// burst is how many answers a source must have given before it is asked at
	// its poll interval only.
	burst        = 4
	burstSpacing = 250 * time.Millisecond

	// lookupSpacing is the least time from a failed resolution to the next.
	lookupSpacing = 16 * time.Second

	// maxPoll is the longest poll interval (RFC 5905 has 2^17 s; a sample so old
	// would be worth nothing here).
	maxPoll = 1024 * time.Second

	// pollsPerHoldover is how often a source is asked in the time for which an old
	// measurement is used: one lost reply must not end that.
	pollsPerHoldover = 3

	// steadyReplies is how many replies in a row must have agreed with the one before
	// and with the other sources until the poll interval is doubled.
	steadyReplies = 8

	// gate is how many times its jitter an offset may move and still be the same
	// (PGATE of RFC 5905, appendix A.5.5.6).
	gate = 4

	// stampNoise is what stamps taken in a busy process differ by at any rate.
	stampNoise = 200 * time.Microsecond
)

// A pace is how often a source is asked: between the shortest and the longest
// interval, rarer while its replies agree, and at once at the shortest when they
// don't or when it is needed.
type pace struct {
	poll              time.Duration // between queries
	shortest, longest time.Duration
	steady            int // replies in a row that agreed
}

func newPace(cfg *Config) pace {
	longest := min(maxPoll, cfg.Holdover/pollsPerHoldover)
	return pace{poll: cfg.Poll, shortest: cfg.Poll, longest: max(cfg.Poll, longest)}
}

// calm takes in a reply that agrees.
func (p *pace) calm() {
	if p.steady++; p.steady < steadyReplies {
		return
	}
	p.steady = 0
	p.poll = min(2*p.poll, p.longest)
}

// hurry goes back to the shortest interval, and says whether it was longer.
func (p *pace) hurry() bool {
	was := p.poll
	p.poll, p.steady = p.shortest, 0
	return was > p.poll
}

// slow obeys a server that asks for fewer queries (RFC 5905, section 7.4).
func (p *pace) slow() {
	p.shortest = max(p.shortest, min(2*p.poll, maxPoll))
	p.longest = max(p.longest, p.shortest)
	p.hurry()
}

// moved says that a reply's offset is elsewhere than the estimate had it, beyond
// jitter and what half the longer round trip explains.
func (e estimate) moved(s sample) bool {
	return (s.offset - e.offset).Abs() > gate*e.jitter+max(s.delay-e.delay, 0)/2+stampNoise
}
