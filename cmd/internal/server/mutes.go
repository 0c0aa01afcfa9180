package server

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/skewatch/skewatch/analysis"
	"github.com/skewatch/skewatch/cmd/internal/api"
)

// A mutesReader restores what is open and what is muted, as the last checkpoint had it.
type mutesReader struct {
	*archive
	any bool
}

func (r *mutesReader) restore(key string, blob []byte) {
	r.any = true
	if err := r.mutes.Restore(analysis.Blob{Key: key, Blob: blob}); err != nil {
		r.log.WithError(err).Error("what is kept of warnings and silences can't be read: it begins anew")
	}
}

// end takes what is open from the events of a store that knows of no mutes yet: that of an
// earlier version.
func (r *mutesReader) end() error {
	if r.any {
		return nil
	}
	return r.findingsAfter(0, func(_ uint64, f *analysis.Finding) error {
		r.mutes.Adopt(f)
		return nil
	})
}

// An orderly carries out an order about mutes, given the time, and returns once that is on
// disk.
type orderly func(context.Context, func(m *analysis.Mutes, now time.Time) (analysis.Mute, []analysis.Finding, error)) (api.Mute, error)

// keepWithin is how long an order waits until it is on disk.
const keepWithin = 10 * time.Second

// carryOut is an orderly.
func (k *keeper) carryOut(ctx context.Context, do func(*analysis.Mutes, time.Time) (analysis.Mute, []analysis.Finding, error)) (api.Mute, error) {
	k.judging.Lock()
	k.mu.Lock()
	mute, found, err := do(k.mutes, k.scale.fleet(k.now()).UTC().Round(0)) // by the clock's reading alone, as when it is restored
	if err == nil {
		k.found = append(k.found, found...)
		k.orders++
	}
	mine, shown := k.orders, k.shownMute(&mute, found)
	k.mu.Unlock()
	for i := range found {
		k.tell(&found[i])
	}
	k.judging.Unlock()
	if err != nil {
		return api.Mute{}, err
	}
	select {
	case k.urgent <- struct{}{}:
	default:
	}
	return shown, k.awaitKept(ctx, mine)
}

// shownMute returns what an order has made or ended as it is shown. The caller holds mu.
func (a *archive) shownMute(m *analysis.Mute, found []analysis.Finding) api.Mute {
	for i := range found {
		if n := found[i].Mute; n != nil && n.ID == m.ID {
			return api.MuteOfNews(n, a.scale.shown)
		}
	}
	return api.MuteOf(m, a.scale.shown)
}

// awaitKept waits until a number of orders are on disk.
func (k *keeper) awaitKept(ctx context.Context, orders uint64) error {
	late := time.After(keepWithin)
	for {
		written := k.told.wait()
		k.mu.Lock()
		kept := k.ordersKept >= orders
		k.mu.Unlock()
		if kept {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-late:
			return api.ErrNotKept
		case <-written:
		}
	}
}

// tellMute logs what happened to a mute.
func (k *keeper) tellMute(n *analysis.MuteNews) {
	fields := logrus.Fields{"id": n.ID, "host": n.Host, "until": n.Ends.Format(time.RFC3339), "author": n.Author, "comment": n.Comment}
	if n.Source != "" {
		fields["source"] = n.Source
	}
	what := "made"
	if n.Ended != analysis.NotEnded {
		what, fields["why"] = "over", string(n.Ended)
	}
	if n.By != "" {
		fields["by"] = n.By
	}
	k.log.WithFields(fields).Info(n.Kind.String() + " " + what)
}

// Silence keeps people from being told of the warnings of some hosts for a time.
func (d *desk) Silence(ctx context.Context, o api.SilenceOrder) (api.Mute, error) {
	if d.carryOut == nil {
		return api.Mute{}, api.ErrFilesOnly
	}
	s, err := o.Mute(d.now())
	if err != nil {
		return api.Mute{}, err
	}
	return d.carryOut(ctx, func(m *analysis.Mutes, now time.Time) (analysis.Mute, []analysis.Finding, error) {
		d.inFleetTime(&s)
		return m.Silence(s, now)
	})
}

// inFleetTime puts a mute's times into the fleet's: it lasts as long as it seemed when it was
// made, though our clock be set. The caller holds mu.
func (a *archive) inFleetTime(m *analysis.Mute) {
	m.Begins, m.Ends = a.scale.fleet(m.Begins).UTC().Round(0), a.scale.fleet(m.Ends).UTC().Round(0)
}

// Acknowledge notes that somebody sees to an open warning.
func (d *desk) Acknowledge(ctx context.Context, o api.AcknowledgeOrder) (api.Mute, error) {
	if d.carryOut == nil {
		return api.Mute{}, api.ErrFilesOnly
	}
	a, err := o.Mute(d.now())
	if err != nil {
		return api.Mute{}, err
	}
	return d.carryOut(ctx, func(m *analysis.Mutes, now time.Time) (analysis.Mute, []analysis.Finding, error) {
		w, err := warningOf(m, o.Host, o.Source)
		if err != nil {
			return analysis.Mute{}, nil, err
		}
		d.inFleetTime(&a)
		return m.Acknowledge(w.Key, a, now)
	})
}

// warningOf returns the open warning of a host, if that is one.
func warningOf(m *analysis.Mutes, host, source string) (analysis.OpenWarning, error) {
	fits := slices.DeleteFunc(m.Open(), func(w analysis.OpenWarning) bool {
		return !strings.EqualFold(w.Host, host) || source != "" && w.Source != source
	})
	switch len(fits) {
	case 0:
		return analysis.OpenWarning{}, analysis.ErrNoWarning
	case 1:
		return fits[0], nil
	}
	var sources []string
	for _, w := range fits {
		sources = append(sources, w.Source)
	}
	return analysis.OpenWarning{}, &api.QueryError{Parameter: "source", Value: source,
		Problem: "several warnings of this host are open: name the source, one of " + strings.Join(sources, ", ")}
}

// Unmute ends a mute before its time.
func (d *desk) Unmute(ctx context.Context, o api.UnmuteOrder) (api.Mute, error) {
	if d.carryOut == nil {
		return api.Mute{}, api.ErrFilesOnly
	}
	by := api.Author(o.Author)
	if by == "" {
		return api.Mute{}, &api.QueryError{Parameter: "author", Problem: "missing: who asks for it"}
	}
	return d.carryOut(ctx, func(m *analysis.Mutes, now time.Time) (analysis.Mute, []analysis.Finding, error) {
		return m.End(analysis.MuteRef{Kind: o.Kind, ID: o.ID}, by, now)
	})
}

// Warnings returns what is open, with the offsets of now.
func (d *desk) Warnings(_ context.Context, q api.Query) ([]api.Warning, error) {
	if err := d.refresh(); err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	all := []api.Warning{}
	for _, w := range d.mutes.Open() {
		if !api.MatchHost(q.Host, w.Host) {
			continue
		}
		if i, text, ok := d.fleet.Present(w.Key, w.Event.Verdict); ok {
			w.Event.Interval, w.Event.Text = i, text
		}
		all = append(all, api.WarningOf(&w, d.mutes.Silenced(&w), d.scale.shown))
	}
	return all, nil
}

// Mutes returns what lasts or is planned, and of those that were made or ended in the
// query's period what was found last.
func (d *desk) Mutes(ctx context.Context, q api.MuteQuery) ([]api.Mute, error) {
	if !d.live {
		if err := d.refresh(); err != nil { // which reads them
			return nil, err
		}
	}
	byID := map[uint64]api.Mute{}
	if !q.Since.IsZero() {
		found, err := d.foundMutes(ctx, q)
		if err != nil {
			return nil, err
		}
		byID = found
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, m := range d.lasting(q.Kind) {
		byID[m.ID] = api.MuteOf(&m, d.scale.shown)
	}
	all := slices.SortedFunc(maps.Values(byID), func(a, b api.Mute) int { return cmp.Compare(a.ID, b.ID) })
	return append([]api.Mute{}, all...), nil
}

// foundMutes returns the mutes of which something was found in the query's period.
func (d *desk) foundMutes(ctx context.Context, q api.MuteQuery) (map[uint64]api.Mute, error) {
	d.mu.Lock()
	scale := d.scale.clocks
	d.mu.Unlock()
	shown := (&timescale{clocks: scale}).shown
	byID := map[uint64]api.Mute{}
	return byID, d.findings(ctx, unixNano(q.Since), unixNano(q.Until), 0, func(_ uint64, f *analysis.Finding) error {
		if n := f.Mute; n != nil && n.Kind == q.Kind && byID[n.ID].State != api.MuteEnded {
			byID[n.ID] = api.MuteOfNews(n, shown)
		}
		return nil
	})
}

// lasting returns the mutes of a kind that last or are planned. The caller holds mu.
func (a *archive) lasting(k analysis.MuteKind) (all []analysis.Mute) {
	if k == analysis.Silence {
		return a.mutes.Silences()
	}
	for _, w := range a.mutes.Open() {
		if w.Acknowledged != nil {
			all = append(all, *w.Acknowledged)
		}
	}
	return all
}
