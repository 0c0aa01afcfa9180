package server

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/skewatch/skewatch/analysis"
	"github.com/skewatch/skewatch/cmd/internal/api"
	"github.com/skewatch/skewatch/collector/message"
	"github.com/skewatch/skewatch/collector/parse"
	"github.com/skewatch/skewatch/ntpcheck"
	"github.com/skewatch/skewatch/storage"
)

// A desk answers from an archive. It is the part that a running server and the files
// of a stopped one have in common.
type desk struct {
	*archive
	live     bool                   // more may come
	status   func() ntpcheck.Status // what is known of our own clock
	refresh  func() error           // brings the fleet's estimates up to their newest messages
	carryOut orderly                // carries out orders about mutes; nil where nobody would heed them
	trends   trends
}

// Sources returns what is known of the collector's own clock.
func (d *desk) Sources(context.Context) (ntpcheck.Status, error) { return d.status(), nil }

// Events calls fn with the warning events of the query, each once.
func (d *desk) Events(ctx context.Context, q api.Query, fn func(api.Event) error) error {
	since, until := d.begin(q), unixNano(q.Until)
	sift, after := api.NewSift(q), q.After
	if sift.Remembers() {
		after = 0
	}
	return d.follow(ctx, q, &d.told, func() error {
		return d.findings(ctx, since, until, after, func(id uint64, f *analysis.Finding) error {
			after = max(after, id) // a clock that was set back puts newer ones first
			if !sift.Takes(f) || id <= q.After {
				return nil
			}
			e, _ := api.EventOf(f)
			e.ID = id
			return fn(e)
		})
	})
}

// begin returns where the events of a query begin, Unix ns. A follower that asks for what
// comes from now on has a clock of its own, or ours was set since: its now may lie ahead.
func (d *desk) begin(q api.Query) int64 {
	since := unixNano(q.Since)
	if !q.Follow || since == 0 {
		return since
	}
	d.mu.Lock()
	now := d.scale.fleet(d.now()).UnixNano()
	d.mu.Unlock()
	if q.After > 0 && since > now { // it goes on where it was
		return 0
	}
	return min(since, now)
}

// findings calls fn with the findings of a period whose IDs are greater than after.
func (d *desk) findings(ctx context.Context, since, until int64, after uint64, fn func(id uint64, f *analysis.Finding) error) error {
	return d.tolerate(d.store.Findings(since, until, func(stored storage.Finding) error {
		if stored.ID <= after || ctx.Err() != nil {
			return ctx.Err()
		}
		f, err := findingIn(&stored)
		if err != nil {
			return err
		}
		return fn(stored.ID, f)
	}))
}

// findingIn returns what is stored as a finding.
func findingIn(stored *storage.Finding) (*analysis.Finding, error) {
	f := new(analysis.Finding)
	if err := json.Unmarshal(stored.Blob, f); err != nil {
		return nil, fmt.Errorf("read finding %d: %w", stored.ID, err)
	}
	return f, nil
}

// Messages calls fn with the stored messages of the query, each once. Those that were
// received before the question are among them.
func (d *desk) Messages(ctx context.Context, q api.Query, fn func(api.Message) error) error {
	query, err := storeQuery(q)
	if err != nil {
		return err
	}
	estimate, err := d.estimates(q)
	if err != nil {
		return err
	}
	rule, choose := hostRules(d.cfg), newChooser(q)
	return d.follow(ctx, q, &d.stored, func() error {
		last := d.store.Last()
		synced := d.store.Sync(ctx) // when it fails, what is on disk is all there is to show
		err := d.tolerate(d.store.Messages(ctx, query, func(m *message.Message) error {
			query.After = m.Sequence
			host := hostName(m)
			zone := rule(host, m.Source).Zone
			if !api.MatchHost(q.Host, host) || !sentWithin(q, m, zone) {
				return nil
			}
			ok, parsed := choose.takes(m)
			if !ok {
				return nil
			}
			if !parsed {
				restoreFields(m)
			}
			shown := api.MessageOf(m, zone, q.Raw)
			shown.Estimate = estimate(m)
			return fn(shown)
		}))
		if err == nil && synced == nil {
			query.After = max(query.After, last) // what didn't match isn't read again
		}
		return err
	})
}

// isName reports whether a glob matches one name only, in letters whose case the store
// folds.
func isName(glob string) bool {
	return !strings.ContainsFunc(glob, func(r rune) bool { return r > unicode.MaxASCII || strings.ContainsRune(`*?[\`, r) })
}

// restoreFields parses the fields that the store doesn't keep out of the frame,
// which it does.
func restoreFields(m *message.Message) {
	stored := *m
	parse.Parse(m.Raw, m)
	m.Priority, m.Sent, m.Host = stored.Priority, stored.Sent, stored.Host
}

// followLeast is how long a follower rests between two looks at the store.
const followLeast = 100 * time.Millisecond

// follow calls look and, if the query says so, again whenever the bell has rung, until
// the context or the query's period ends.
func (d *desk) follow(ctx context.Context, q api.Query, bell *chime, look func() error) error {
	if !q.Follow || !d.live {
		return look()
	}
	var over <-chan time.Time // never
	if !q.Until.IsZero() {
		over = time.After(q.Until.Sub(d.now()))
	}
	for {
		changed := bell.wait()
		if err := look(); err != nil && ctx.Err() == nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-over:
			return look()
		case <-changed:
		}
		select { // changes come in bursts
		case <-ctx.Done():
			return nil
		case <-time.After(followLeast):
		}
	}
}

// unixNano returns a time in Unix nanoseconds, 0 for the zero time. What lies outside
// of the times that a clock can have shown becomes the nearest of these.
func unixNano(t time.Time) int64 {
	const last int64 = 1 << 62 // in the year 2116
	switch {
	case t.IsZero():
		return 0
	case t.Unix() < 0:
		return 1
	case t.Unix() >= last/int64(time.Second):
		return last
	}
	return max(t.UnixNano(), 1)
}
