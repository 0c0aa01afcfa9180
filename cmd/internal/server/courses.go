package server

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/skewatch/skewatch/analysis"
	"github.com/skewatch/skewatch/analysis/timeline"
	"github.com/skewatch/skewatch/cmd/internal/api"
	"github.com/skewatch/skewatch/collector/message"
	"github.com/skewatch/skewatch/storage"
)

// An author is an originator with what is known of its clock.
type author struct {
	key    string
	zone   *time.Location
	wanted bool // by the query
	course timeline.Course
	known  sides // what was fetched besides what was loaded
}

type sides uint8

const (
	knownBefore sides = 1 << iota
	knownAfter
)

// The authors of a part of a timeline, from one time to another.
type authors struct {
	*desk
	q        api.TimelineQuery
	own      ownHistory
	from, to int64 // whose roll-ups are loaded
	until    int64 // up to when messages can be placed by them

	all    map[string]*author
	hashes map[uint32][]*author // by storage.HostHash
	key    []byte               // scratch

	lookups int // of what was known before
}

// courseReach is how far around a timeline clocks are looked at.
const courseReach = 2 * time.Hour

// heldUp is how late messages are for which it is looked up what was known of a clock before
// the times looked at.
const heldUp = int64(10 * time.Minute)

// mostLookups is how many clocks it is looked up of for a part at the most.
const mostLookups = 1000

// mostPoints is how many roll-ups are held in memory at a time. A longer timeline is made in
// parts.
const mostPoints = 1 << 19

// authors loads what is known of clocks from since on, and up to until or until there is too
// much of it: until then says how far it goes. math.MaxInt64 stands for no end.
func (d *desk) authors(ctx context.Context, q api.TimelineQuery, since, until int64, points int) (*authors, error) {
	a := &authors{desk: d, q: q, until: until, all: map[string]*author{}, hashes: map[uint32][]*author{}}
	a.from, a.to = max(0, analysis.HourOf(since-int64(courseReach))), math.MaxInt64
	if until < math.MaxInt64-int64(courseReach) {
		a.to = analysis.HourOf(until+int64(courseReach)) + int64(analysis.HourlySpan)
	}
	own, err := d.ownHistory(a.from, openEnd(a.to))
	if err != nil {
		return nil, err
	}
	a.own = own
	if err := a.load(ctx, since, points); err != nil {
		return nil, err
	}
	a.index()
	if err := a.loadSteps(ctx); err != nil {
		return nil, err
	}
	for _, one := range a.all {
		one.course.Settle()
	}
	return a, nil
}

// openEnd returns an end as the store takes it: 0 for none.
func openEnd(to int64) int64 {
	if to == math.MaxInt64 {
		return 0
	}
	return to
}

// load reads the roll-ups, from the store up to where an originator's aren't settled, and
// from there on from memory.
func (a *authors) load(ctx context.Context, since int64, points int) error {
	a.mu.Lock()
	recent := a.rollUps()
	a.mu.Unlock()
	unsettled := firstStarts(recent)
	hours, err := a.storedHours(a.from, openEnd(a.to))
	if err != nil {
		return err
	}
	n := 0
	for i, hour := range hours {
		if n > points && hour.from > since+2*int64(courseReach) {
			a.to, a.until = hour.from, hour.from-int64(courseReach)
			break
		}
		err := a.storedRollUps(hours[i:i+1], func(start int64, key, blob []byte) error {
			if first, ok := unsettled[string(key)]; ok && start >= first {
				return ctx.Err()
			}
			n++
			return a.add(string(key), blob)
		})
		if err := a.tolerate(err); err != nil {
			return err
		}
	}
	for i := range recent {
		if r := &recent[i]; r.RollUp.Start >= a.from { // there are few of them
			a.put(r.Key, &r.RollUp)
		}
	}
	return nil
}

func (a *authors) add(key string, blob []byte) error {
	var r analysis.RollUp
	if err := r.UnmarshalBinary(blob); err != nil {
		return fmt.Errorf("read the roll-up of %q: %w", key, err)
	}
	a.put(key, &r)
	return nil
}

func (a *authors) put(key string, r *analysis.RollUp) {
	one, ok := a.all[key]
	if !ok {
		one = &author{key: key}
		a.all[key] = one
	}
	at := a.own.at(r.Noted())
	one.course.Add(r, r.Noted()+at.correction, a.own.least(r.Noted()))
}

// loadSteps reads the steps of all clocks.
func (a *authors) loadSteps(ctx context.Context) error {
	return a.tolerate(a.store.Findings(a.from, 0, func(stored storage.Finding) error {
		f, err := findingIn(&stored)
		if err != nil {
			return err
		}
		if one := a.all[f.Key]; one != nil && f.Step != nil {
			at := a.own.at(f.Step.At)
			one.course.Move(f.Step.At+at.correction, stored.At+at.correction)
		}
		return ctx.Err()
	}))
}

// of returns the author of a message.
func (a *authors) of(m *message.Message) *author {
	a.key = analysis.AppendKey(a.key[:0], m)
	one, ok := a.all[string(a.key)]
	if !ok {
		one = &author{key: string(a.key)}
		one.course.Settle()
		a.all[one.key] = one
	}
	if one.zone == nil {
		host := hostName(m)
		one.zone = hostRules(a.cfg)(host, m.Source).Zone
		one.wanted = api.MatchHost(a.q.Host, host)
	}
	return one
}

// index lists the authors, and all others that the fleet knows, under the hashes that blocks
// list them by.
func (a *authors) index() {
	a.mu.Lock()
	identities := a.fleet.Identities()
	a.mu.Unlock()
	for i := range identities {
		if _, ok := a.all[identities[i].Key]; !ok && !identities[i].Absent {
			a.all[identities[i].Key] = &author{key: identities[i].Key}
		}
	}
	for _, one := range a.all {
		hash := storage.HostHash(analysis.Bearer(one.key))
		a.hashes[hash] = append(a.hashes[hash], one)
	}
}

// most returns the most that the clock of any of a block's hosts may be ahead, and whether
// something is known of all of them.
func (a *authors) most(b *storage.Block) (high int64, all bool) {
	high, all = math.MinInt64, b.Originators != nil
	note := func(one *author) {
		most, ok := one.course.High()
		high, all = max(high, most), all && ok
	}
	if b.Originators == nil {
		for _, one := range a.all {
			note(one)
		}
	}
	for _, hash := range b.Originators {
		all = all && len(a.hashes[hash]) > 0
		for _, one := range a.hashes[hash] {
			note(one)
		}
	}
	return high, all
}

// extend fetches what is known of a block's hosts besides what was loaded, once of each. While a
// host can't reach the collector, nothing is known of its clock.
func (a *authors) extend(b *storage.Block, fetch func(*authors, *author, int64) error) error {
	for _, hash := range b.Originators {
		for _, one := range a.hashes[hash] {
			if err := fetch(a, one, b.Latest); err != nil {
				return err
			}
		}
	}
	return nil
}

// fetchAt adds what was known of a clock when a message was received.
func (a *authors) fetchAt(one *author, received int64) error {
	if one.known&knownAfter != 0 {
		return nil
	}
	one.known |= knownAfter
	for _, start := range [...]int64{analysis.HourOf(received), received - received%int64(analysis.RollUpSpan)} {
		if _, err := a.fetch(one, start); err != nil {
			return err
		}
	}
	one.course.Settle()
	return nil
}

// fetchBefore adds what was known of a clock last before the times that roll-ups are loaded of.
func (a *authors) fetchBefore(one *author, _ int64) error {
	if one.known&knownBefore != 0 || a.lookups == mostLookups {
		return nil
	}
	one.known |= knownBefore
	a.lookups++
	earlier, err := a.store.RollUpStarts(0, a.from, analysis.FineSpans)
	if err != nil {
		return err
	}
	for _, start := range earlier {
		if found, err := a.fetch(one, start); found || err != nil {
			one.course.Settle()
			return err
		}
	}
	return nil
}

// fetch adds one roll-up that wasn't loaded, if there is one.
func (a *authors) fetch(one *author, start int64) (found bool, err error) {
	if within(start, a.from, openEnd(a.to)) {
		return false, nil
	}
	blob, err := a.store.RollUp(start, one.key)
	if err := a.tolerate(err); err != nil || blob == nil {
		return false, err
	}
	return true, a.add(one.key, blob)
}
