package server

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/skewatch/skewatch/analysis/timeline"
	"github.com/skewatch/skewatch/cmd/internal/api"
	"github.com/skewatch/skewatch/collector/message"
	"github.com/skewatch/skewatch/storage"
)

// Timeline calls fn with the messages of the query in the order in which they were written.
// It holds in memory what was received while others were on their way, not all.
func (d *desk) Timeline(ctx context.Context, q api.TimelineQuery, fn func(api.Entry) error) error {
	return d.timeline(ctx, q, mostPoints, fn)
}

// timeline is Timeline with so many roll-ups in memory at a time.
func (d *desk) timeline(ctx context.Context, q api.TimelineQuery, points int, fn func(api.Entry) error) error {
	if err := d.refresh(); err != nil {
		return err
	}
	_ = d.store.Sync(ctx) // when it fails, what is on disk is all there is to show
	query, err := storeQuery(api.Query{Grep: q.Grep, Host: q.Host})
	if err != nil {
		return err
	}
	since, until, err := d.timelinePeriod(ctx, q)
	if err != nil {
		return err
	}
	w := &scribe{fn: fn, raw: q.Raw, texts: api.NewTexts()}
	for since < until {
		part, err := d.timelinePart(ctx, q, query, since, until, points, w)
		if err := d.tolerate(err); err != nil {
			return err
		}
		since = part
	}
	return w.flush()
}

// timelinePeriod returns from when on and before when the query's messages were written, in
// Unix nanoseconds.
func (d *desk) timelinePeriod(ctx context.Context, q api.TimelineQuery) (since, until int64, err error) {
	if q.Around > 0 {
		at, err := d.written(ctx, q)
		return at - int64(q.Span), at + int64(q.Span) + 1, err
	}
	since, until = unixNano(q.Since), unixNano(q.Until)
	if until == 0 {
		until = math.MaxInt64
	}
	return since, until, nil
}

// written returns when the message that the query names was written.
func (d *desk) written(ctx context.Context, q api.TimelineQuery) (at int64, err error) {
	found := errors.New("found")
	err = d.store.Messages(ctx, storage.Query{After: q.Around - 1}, func(m *message.Message) error {
		if m.Sequence != q.Around {
			return found
		}
		sent, ok := m.Sent.Instant()
		near := min(m.Received, max(sent, m.Received-int64(30*24*time.Hour)))
		if !ok {
			near = m.Received
		}
		known, err := d.authors(ctx, q, near, m.Received, mostPoints)
		if err != nil {
			return err
		}
		at = known.place(known.of(m), m).At
		return found
	})
	if err = d.tolerate(err); errors.Is(err, found) && at != 0 {
		return at, nil
	}
	return 0, cmp.Or(ignore(err, found), error(&api.QueryError{Parameter: "around", Problem: "no message has this ID", Value: fmt.Sprint(q.Around)}))
}

// ignore returns an error unless it is the one given.
func ignore(err, this error) error {
	if errors.Is(err, this) {
		return nil
	}
	return err
}

// timelinePart passes on the messages from since on, and returns up to where it came, until at
// the most.
func (d *desk) timelinePart(ctx context.Context, q api.TimelineQuery, query storage.Query, since, until int64, points int, w *scribe) (to int64, err error) {
	known, err := d.authors(ctx, q, since, until, points)
	if err != nil {
		return since, err
	}
	until = known.until
	reading, err := d.store.Read()
	if err != nil {
		return since, err
	}
	defer reading.Close()
	p := &part{authors: known, reading: reading, query: query, since: since, until: until, choose: newChooser(q.Query)}
	if err := p.list(ctx); err != nil {
		return since, err
	}
	return until, p.merge(ctx, func(r *row) error { return w.take(known, r) })
}

// place places a message of an author.
func (a *authors) place(one *author, m *message.Message) timeline.Placing {
	received := a.own.read(m.Received)
	sent, ok := sentAt(m, one.zone)
	if !ok {
		return timeline.Received(received)
	}
	stamped := timeline.Stamped{Sent: sent, Stamp: m.Sent, Received: received}
	p := one.course.Place(&stamped)
	if one.known&knownBefore == 0 && (!p.ByStamp || p.High < received-heldUp) {
		if err := a.fetchBefore(one, received); err != nil {
			a.log.WithError(err).Error("can't look up what was known of a clock")
		}
		p = one.course.Place(&stamped)
	}
	return p
}

// A chooser tells the messages that a query selects by what they say.
type chooser struct {
	app   string
	least message.Priority // the greatest number of a severity; -1 for all
	apps  map[string]bool  // what was found of their names
}

func newChooser(q api.Query) *chooser {
	c := &chooser{app: q.App, least: -1, apps: map[string]bool{}}
	for i, s := range message.Severities() {
		if s == q.Severity {
			c.least = message.Priority(i)
		}
	}
	return c
}

// takes reports whether the query selects a message, which it parses if it must.
func (c *chooser) takes(m *message.Message) (ok, parsed bool) {
	if c.least >= 0 && (m.Priority < 0 || m.Priority&7 > c.least) {
		return false, false
	}
	if c.app == "" {
		return true, false
	}
	restoreFields(m)
	ok, known := c.apps[string(m.AppName)]
	if !known {
		ok = api.MatchHost(c.app, string(m.AppName))
		if len(c.apps) < 10_000 {
			c.apps[string(m.AppName)] = ok
		}
	}
	return ok, true
}

// A scribe turns rows into entries. An entry waits for the next, which tells whether their
// order is decided.
type scribe struct {
	fn      func(api.Entry) error
	raw     bool
	texts   *api.Texts
	pending api.Entry
	placing timeline.Placing
	key     string // of the pending entry's author; there is none yet while begun is false
	begun   bool
}

func (w *scribe) take(known *authors, r *row) error {
	if !r.parsed {
		restoreFields(&r.message)
	}
	e := api.EntryOf(w.texts.MessageOf(&r.message, r.author.zone, w.raw), &r.Placing, known.own.at(r.At).bound)
	if w.begun {
		if !timeline.Decided(&w.placing, &r.Placing, w.key == r.author.key) {
			w.pending.Undecided = append(w.pending.Undecided, api.UndecidedNext)
			e.Undecided = []string{api.UndecidedPrevious}
		}
		if err := w.fn(w.pending); err != nil {
			return err
		}
	}
	w.pending, w.placing, w.key, w.begun = e, r.Placing, r.author.key, true
	return nil
}

func (w *scribe) flush() error {
	if !w.begun {
		return nil
	}
	return w.fn(w.pending)
}
