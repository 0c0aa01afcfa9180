package ntpcheck

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"
)

// freshPolls is for how many poll intervals a usable reply counts.
const freshPolls = 4

// A source is one NTP server and what it has said so far. Its fields are guarded
// by the monitor's mutex, but for the server, which never changes.
type source struct {
	Server
	fixed  *client            // of a pool's member, which has its address; nil for others
	end    context.CancelFunc // ends the asking, once that has begun
	again  chan struct{}      // told to ask at once
	server netip.AddrPort     // where it is asked; zero if that isn't known yet
	denial int                // queries in a row after which the majority called it false

	filter  filter
	reach   uint8 // the last eight queries, a bit for each answered one
	queries int
	pace
	lastPoll time.Duration // the interval in force at the last usable reply
	moved    bool          // the last reply was elsewhere than those before

	asked    bool   // a first query has been answered, or given up
	problem  string // why the last query gave no sample, "" if it gave one
	refused  bool   // the last problem was an answer, not silence
	denied   bool   // the server doesn't want to be asked
	limited  bool   // it wants to be asked less often: no bursts
	outvoted bool   // the last majority that judged the source called it false
	auth     Authentication
	failures int // NTS key exchanges in a row that failed
}

func newSource(s Server, cfg *Config) *source {
	return &source{Server: s, pace: newPace(cfg), auth: unproven(s), again: make(chan struct{}, 1)}
}

// record takes in what came of one query.
func (s *source) record(sample sample, err error, timeout time.Duration) {
	s.asked = true
	s.queries++
	s.reach <<= 1
	s.authenticate(err)
	if err == nil {
		s.accept(sample)
		return
	}
	s.problem = describe(err, timeout)
	s.refused = !isNetwork(err)
	var no *refusal
	if !errors.As(err, &no) {
		return
	}
	s.refused = true
	switch {
	case no.limited():
		s.limited = true
		s.slow()
		s.problem = fmt.Sprintf("%s: asked every %v from now on", s.problem, s.poll)
	case no.auth:
		// Somebody spoke in the server's place, or its keys have changed: that says
		// nothing of what it said before.
	default:
		// The server disowns its own time: what it said before is void.
		s.filter = nil
		if s.denied = no.denied(); s.denied {
			s.problem += ": not asked again"
		}
	}
}

func (s *source) accept(sample sample) {
	s.moved = len(s.filter) > 0 && s.filter.estimate(sample.at).moved(sample)
	s.reach |= 1
	s.filter.add(sample)
	s.problem, s.refused = "", false
	s.lastPoll = s.poll
}

// authenticate keeps whether it is proven who answers.
func (s *source) authenticate(err error) {
	s.failures++
	if !isExchange(err) {
		s.failures = 0
	}
	if s.auth.Kind == "" {
		return
	}
	switch {
	case err == nil:
		s.auth.State = AuthenticationOK
	case isAuthentication(err):
		s.auth.State = AuthenticationFailed
	}
}

// usable says whether the source's replies are recent enough to count. The one that
// is due may be a long interval away; after the first that fails the interval is
// short.
func (s *source) usable(now time.Time) bool {
	return len(s.filter) > 0 && now.Sub(s.filter.newest().at) <= s.lastPoll+(freshPolls-1)*s.poll
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
	case isExchange(err):
		n.wait = s.exchangeWait()
	case err == nil && len(s.filter) < burst && !s.limited:
		n.wait = min(burstSpacing, poll/4)
	}
	return n
}

// exchangeWait grows with each key exchange that fails.
func (s *source) exchangeWait() time.Duration {
	longest := maxExchangeWait
	if s.refused {
		longest = maxPoll
	}
	return max(s.poll, min(s.poll<<min(s.failures-1, 10), longest))
}

// follow asks one source again and again, until the context ends or the server
// asks to be left alone.
func (m *Monitor) follow(ctx context.Context, s *source) {
	c := client{Server: s.Server}
	if s.fixed != nil {
		c = *s.fixed
	}
	c.source = s
	for {
		began, epoch := m.now(), m.currentEpoch()
		sample, err := m.ask(ctx, &c)
		if ctx.Err() != nil {
			return
		}
		if epoch != m.currentEpoch() {
			continue // our clock was set meanwhile: the exchange measured neither
		}
		next := m.record(s, sample, err)
		if next.lost {
			c.forget() // the name may lead elsewhere by now
		}
		if next.denied || !sleep(ctx, next.wait-m.now().Sub(began), s.again) {
			return
		}
	}
}

// hurried makes a source be asked at the shortest interval, and at once if that was
// longer.
func (s *source) hurried() {
	if !s.hurry() {
		return
	}
	select {
	case s.again <- struct{}{}:
	default: // it was told already
	}
}

// sleep waits, unless it is told otherwise, and says whether there is still something to do.
func sleep(ctx context.Context, d time.Duration, again <-chan struct{}) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-again:
		return true
	case <-timer.C:
		return ctx.Err() == nil
	}
}
