package simulation

import "time"

// An Outage is a span in which a host doesn't reach the collector.
type Outage struct {
	At    time.Duration
	For   time.Duration
	Flush Flush

	// Rate is how many messages a second the spool gives out afterwards. Together
	// with what the host says meanwhile it decides how long the flush takes.
	Rate float64

	// Batch is how many messages leave the spool at once, as where a sender limits
	// its rate by pausing; 0 means one by one.
	Batch int
}

// Flush is what becomes of the messages of an outage.
type Flush uint8

// The ways of flushing a spool.
const (
	Queued      Flush = iota // in order: new messages wait until the spool is empty
	Interleaved              // old ones leave beside new ones, as from rsyslog's disk-assisted queues
	Lost                     // there is no spool
)

// A spool passes on messages, at once or when an outage is over.
type spool struct {
	outages []Outage
	current int           // the outage in question
	n       int           // messages it has held
	last    time.Duration // when the newest of them leaves
}

// pass returns when a message leaves, and whether it does.
func (s *spool) pass(at time.Duration) (departed time.Duration, ok bool) {
	for s.current+1 < len(s.outages) && at >= s.outages[s.current+1].At {
		s.current, s.n = s.current+1, 0
	}
	if s.current >= len(s.outages) {
		return at, true
	}
	o := &s.outages[s.current]
	down := at >= o.At && at < o.At+o.For
	waits := down || o.Flush == Queued && at >= o.At && s.last > at
	switch {
	case !waits:
		return at, true
	case o.Flush == Lost:
		return 0, false
	}
	s.last = max(o.leaves(s.n, s.last), at)
	s.n++
	return s.last, true
}

// leaves returns when the n-th message of the spool leaves, the one before having left
// at last.
func (o *Outage) leaves(n int, last time.Duration) time.Duration {
	if n == 0 || last < o.At+o.For {
		last = max(last, o.At+o.For)
	}
	batch := max(o.Batch, 1)
	if n%batch != 0 {
		return last
	}
	return last + seconds(float64(batch)/o.Rate)
}
