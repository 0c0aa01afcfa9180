package server

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/skewatch/skewatch/analysis"
	"github.com/skewatch/skewatch/storage"
)

// Thinning merges old roll-ups into hourly ones. How old they are is told by the
// roll-ups themselves: an hour may be merged when analysis.FineSpans spans with roll-ups
// are newer. A clock of ours that is a year ahead for a minute adds one such span, and
// doesn't make everything before it old. Our clock must put the hour that far back too,
// so that a clock that was a year ahead for days, and is right again, doesn't have new
// hours merged for a year. Wrong in whatever way, nothing but the resolution of the hour
// is lost: no message, extreme or time out of tolerance.
const (
	thinEvery  = time.Hour
	thinAtOnce = 2000 // roll-ups that one transaction takes in: checkpoints wait for it
	fineFor    = time.Duration(analysis.FineSpans) * analysis.RollUpSpan
)

// thinning thins now and then until the context ends.
func (k *keeper) thinning(ctx context.Context) {
	t := time.NewTicker(thinEvery)
	defer t.Stop()
	for {
		if err := k.tolerate(k.thin(ctx)); err != nil && ctx.Err() == nil {
			k.log.WithError(err).Error("can't merge old roll-ups: it is tried again in an hour")
		}
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
	}
}

// coarseUntil returns the time before which whole hours are merged, or may be soon;
// 0 for none. It never goes back.
func (a *archive) coarseUntil() (int64, error) {
	newest, err := a.store.RollUpStarts(0, 0, analysis.FineSpans)
	if err != nil || len(newest) < analysis.FineSpans {
		return 0, err
	}
	return newest[len(newest)-1], nil
}

// thin merges what has become old. It stays an hour behind coarseUntil, so that no
// report that is being made takes an hour for fine that is merged meanwhile. The error
// may be that of damage, which is passed over.
func (a *archive) thin(ctx context.Context) error {
	coarse, err := a.coarseUntil()
	until := min(coarse-int64(analysis.HourlySpan), a.now().Add(-fineFor).UnixNano())
	until = analysis.HourOf(until)
	if err != nil || until <= 0 {
		return err
	}
	starts, err := a.store.RollUpStarts(0, until, 0)
	if err != nil {
		return err
	}
	t := &thinner{archive: a, ctx: ctx, unsettled: a.unsettledBefore(until), rest: func(took time.Duration) error { return rest(ctx, took) }}
	for _, start := range slices.Backward(starts) {
		if start == analysis.HourOf(start) {
			continue
		}
		if err := t.span(start); err != nil {
			return err
		}
	}
	return t.passed
}

// unsettledBefore returns where the first roll-up starts that the fleet may still
// rewrite, of each originator for which that is before a time.
func (a *archive) unsettledBefore(until int64) map[string]int64 {
	a.mu.Lock()
	recent := a.rollUps()
	a.mu.Unlock()
	unsettled := map[string]int64{}
	for key, start := range firstStarts(recent) {
		if start < until {
			unsettled[key] = start
		}
	}
	return unsettled
}

// A thinner merges roll-ups span by span, in order of time. Each transaction takes some
// of a span in and deletes them: killed between two, it has neither lost nor doubled
// any, and goes on where it was.
type thinner struct {
	*archive
	ctx       context.Context
	unsettled map[string]int64
	rest      func(time.Duration) error // between two transactions
	some      []analysis.KeyedRollUp
	passed    error // why the first roll-up was passed over that can't be read: it stays as it is
}

// span merges the roll-ups that start at a time into those of their hour.
func (t *thinner) span(start int64) error {
	err := t.store.RollUps(start, start+1, func(_ int64, key, blob []byte) error {
		if first, ok := t.unsettled[string(key)]; ok && start >= first {
			return t.ctx.Err()
		}
		r := analysis.KeyedRollUp{Key: string(key)}
		if err := r.RollUp.UnmarshalBinary(blob); err != nil {
			t.pass(r.Key, err)
			return t.ctx.Err()
		}
		if t.some = append(t.some, r); len(t.some) < thinAtOnce {
			return t.ctx.Err()
		}
		return t.merge()
	})
	var damage *storage.DamageError
	if errors.As(err, &damage) {
		t.passed = cmp.Or(t.passed, err)
		err = nil
	}
	if err != nil {
		return err
	}
	return t.merge()
}

// merge takes the gathered roll-ups into their hours in one transaction, and rests as
// long as that took: others need the disk too.
func (t *thinner) merge() error {
	changes, err := t.changes()
	t.some = t.some[:0]
	if err != nil || len(changes) == 0 {
		return err
	}
	began := time.Now()
	t.hours.Lock()
	err = t.store.ReplaceRollUps(changes)
	t.hours.Unlock()
	if err != nil {
		return err
	}
	return t.rest(time.Since(began))
}

// rest waits, or returns the context's error when that ends.
func rest(ctx context.Context, length time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(length):
		return nil
	}
}

// changes returns the hourly roll-ups that the gathered ones have become part of, and
// the deletions of these.
func (t *thinner) changes() (changes []storage.RollUp, err error) {
	for i := range t.some {
		r := &t.some[i]
		hour, err := t.hourWith(r)
		if err != nil {
			t.pass(r.Key, err)
			continue
		}
		blob, err := hour.AppendBinary(nil)
		if err != nil {
			return nil, err
		}
		changes = append(changes, storage.RollUp{Start: hour.Start, Key: r.Key, Blob: blob},
			storage.RollUp{Start: r.RollUp.Start, Key: r.Key})
	}
	return changes, nil
}

// hourWith returns the hourly roll-up that a roll-up belongs to, with that merged.
func (t *thinner) hourWith(r *analysis.KeyedRollUp) (analysis.RollUp, error) {
	blob, err := t.store.RollUp(analysis.HourOf(r.RollUp.Start), r.Key)
	if err != nil || blob == nil {
		return r.RollUp.Hourly(), err
	}
	var hour analysis.RollUp
	if err := hour.UnmarshalBinary(blob); err != nil {
		return hour, err
	}
	hour.Merge(&r.RollUp)
	return hour, nil
}

// pass leaves a roll-up as it is that can't be read, or whose hour can't.
func (t *thinner) pass(key string, err error) {
	t.passed = cmp.Or(t.passed, fmt.Errorf("read the roll-up of %q: %w", key, err))
}
