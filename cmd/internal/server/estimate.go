package server

import (
	"cmp"
	"net/netip"
	"slices"
	"time"

	"github.com/skewatch/skewatch/analysis"
	"github.com/skewatch/skewatch/cmd/internal/api"
	"github.com/skewatch/skewatch/collector/message"
)

// An estimator tells what was known of the clocks that stamped messages, by the roll-ups of
// the time at which each was received. It is for one goroutine.
type estimator struct {
	desk   *desk
	rule   func(host string, peer netip.Addr) analysis.HostRule
	recent map[string][]analysis.RollUp // by originator, in order of time; nil while the fleet lives

	known map[spanKey]lookedUp // since
	since time.Time
	key   []byte // scratch
}

// A spanKey names an originator's roll-up.
type spanKey struct {
	originator string
	start      int64
}

// estimates returns what tells of a message's clock if a query asks for it, and else nothing.
func (d *desk) estimates(q api.Query) (func(*message.Message) *api.ClockEstimate, error) {
	if !q.Estimates {
		return func(*message.Message) *api.ClockEstimate { return nil }, nil
	}
	e, err := d.newEstimator()
	if err != nil {
		return nil, err
	}
	return func(m *message.Message) *api.ClockEstimate { return api.ClockEstimateOf(m, e.of(m)) }, nil
}

// lookedUp is what was found of an originator.
type lookedUp struct {
	rollUp analysis.RollUp
	zone   *time.Location // that stamps without one are read in
}

// freshFor is for how long a roll-up isn't looked up anew: the fleet is judged each second.
const freshFor = reviewEvery

// newEstimator returns one for a desk.
func (d *desk) newEstimator() (*estimator, error) {
	e := &estimator{desk: d, rule: hostRules(d.cfg), known: map[spanKey]lookedUp{}}
	if d.live {
		return e, nil
	}
	if err := d.refresh(); err != nil {
		return nil, err
	}
	e.recent = map[string][]analysis.RollUp{}
	for _, r := range d.rollUps() {
		e.recent[r.Key] = append(e.recent[r.Key], r.RollUp)
	}
	return e, nil
}

// hostName returns the name that a message's host goes by.
func hostName(m *message.Message) string {
	if len(m.Host) == 0 {
		return m.Source.String()
	}
	return string(m.Host)
}

// of returns what was known of the clock of a message's originator.
func (e *estimator) of(m *message.Message) api.Estimate {
	found := e.find(m)
	r := &found.rollUp
	known := api.Estimate{Verdict: r.Verdict.String(), Known: r.Known, Interval: r.Interval, Bounds: r.Bounds, Resolution: m.Sent.Resolution()}
	known.Sent, known.Dated = analysis.Instant(m.Sent, m.Received, found.zone)
	return known
}

// find looks up what is known of a message's originator. Messages come in order, so that what
// was looked up is of use for a moment only.
func (e *estimator) find(m *message.Message) lookedUp {
	if time.Since(e.since) >= freshFor {
		clear(e.known)
		e.since = time.Now()
	}
	start := m.Received - m.Received%int64(analysis.RollUpSpan)
	e.key = analysis.AppendKey(e.key[:0], m)
	found, ok := e.known[spanKey{string(e.key), start}]
	if !ok {
		found = lookedUp{e.lookUp(start), e.rule(hostName(m), m.Source).Zone}
		e.known[spanKey{string(e.key), start}] = found
	}
	return found
}

// lookUp returns the roll-up of the originator in key that was in force at a time. Where
// none is left of then, that is the next one that is known.
func (e *estimator) lookUp(start int64) analysis.RollUp {
	open, living := e.newest(start)
	if living && open.Start <= start {
		return open
	}
	for _, at := range [...]int64{start, analysis.HourOf(start)} {
		var r analysis.RollUp
		blob, err := e.desk.store.RollUp(at, string(e.key))
		if e.desk.tolerate(err) == nil && blob != nil && r.UnmarshalBinary(blob) == nil {
			return r
		}
	}
	if !living {
		open.Verdict = analysis.Insufficient
	}
	return open
}

// newest returns the roll-up of the originator in key that memory has of a time, or the
// nearest that it has.
func (e *estimator) newest(start int64) (analysis.RollUp, bool) {
	if e.recent == nil {
		e.desk.mu.Lock()
		defer e.desk.mu.Unlock()
		return e.desk.fleet.Open(e.key)
	}
	all := e.recent[string(e.key)]
	if len(all) == 0 {
		return analysis.RollUp{}, false
	}
	i, found := slices.BinarySearchFunc(all, start, func(r analysis.RollUp, at int64) int { return cmp.Compare(r.Start, at) })
	if !found && i > 0 {
		i--
	}
	return all[i], true
}
