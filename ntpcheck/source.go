package ntpcheck

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"
)

const (
	// burst is how many answers a source must have given before it is asked at
	// its poll interval only.
	burst        = 4
	burstSpacing = 250 * time.Millisecond

	// lookupSpacing is the least time from a failed resolution to the next.
	lookupSpacing = 16 * time.Second

	// maxPoll is how far a source can make us slow down (RFC 5905 has 2^17 s; a
	// sample so old would be worth nothing here).
	maxPoll = 1024 * time.Second

	// freshPolls is for how many poll intervals a usable reply counts.
	freshPolls = 4
)

// A source is one NTP server and what it has said so far. Its fields are guarded
// by the monitor's mutex, but for the endpoint, which never changes.
type source struct {
	endpoint endpoint

	filter filter
	reach  uint8         // the last eight queries, a bit for each answered one
	poll   time.Duration // between queries

	asked    bool   // a first query has been answered, or given up
	problem  string // why the last query gave no sample, "" if it gave one
	refused  bool   // the last problem was an answer, not silence
	denied   bool   // the server doesn't want to be asked
	outvoted bool   // the last majority that judged the source called it false
}

// record takes in what came of one query.
func (s *source) record(sample sample, err error, timeout time.Duration) {
	s.asked = true
	s.reach <<= 1
	if err == nil {
		s.reach |= 1
		s.filter.add(sample)
		s.problem, s.refused = "", false
		return
	}
	s.problem = describe(err, timeout)
	var no *refusal
	s.refused = errors.As(err, &no) || !isNetwork(err)
	switch {
	case no == nil:
	case no.limited():
		s.poll = max(s.poll, min(2*s.poll, maxPoll))
		s.problem = fmt.Sprintf("%s: asked every %v from now on", s.problem, s.poll)
	default:
		// The server disowns its own time: what it said before is void.
		s.filter = nil
		if s.denied = no.denied(); s.denied {
			s.problem += ": not asked again"
		}
	}
}

// isNetwork tells silence from an answer that can't be read.
func isNetwork(err error) bool {
	var netErr net.Error
	return errors.As(err, &netErr) || errors.Is(err, net.ErrClosed)
}

// usable says whether the source's replies are recent enough to count.
func (s *source) usable(now time.Time) bool {
	return len(s.filter) > 0 && now.Sub(s.filter.newest().at) <= freshPolls*s.poll
}

// unusable returns state and reason of a source that has no recent reply.
func (s *source) unusable() (SourceState, string) {
	switch {
	case !s.asked:
		return Unreachable, "not answered yet"
	case s.refused:
		return Refused, s.problem
	}
	return Unreachable, s.problem
}

// next is what is to be done after a query.
type next struct {
	wait   time.Duration // from the beginning of the query to that of the next
	lost   bool          // none of the last eight queries was answered
	denied bool          // there must be no next query
}

func (s *source) next(poll time.Duration, err error) next {
	n := next{wait: s.poll, lost: s.reach == 0, denied: s.denied}
	switch {
	case isLookup(err):
		n.wait = max(s.poll, lookupSpacing)
	case err == nil && len(s.filter) < burst:
		n.wait = min(burstSpacing, poll/4)
	}
	return n
}

// follow asks one source again and again, until the context ends or the server
// asks to be left alone.
func (m *Monitor) follow(ctx context.Context, s *source) {
	c := client{endpoint: s.endpoint}
	for {
		began := m.now()
		sample, err := m.query(ctx, &c)
		if ctx.Err() != nil {
			return
		}
		next := m.record(s, sample, err)
		if next.lost {
			c.forget() // the name may lead elsewhere by now
		}
		if next.denied || !sleep(ctx, next.wait-m.now().Sub(began)) {
			return
		}
	}
}

func (m *Monitor) query(ctx context.Context, c *client) (sample, error) {
	if err := c.resolve(ctx); err != nil {
		return sample{}, err
	}
	return m.ask(ctx, c.server)
}

// sleep waits and says whether there is still something to do.
func sleep(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
