package server

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/skewatch/skewatch/analysis"
	"github.com/skewatch/skewatch/analysis/report"
	"github.com/skewatch/skewatch/cmd/internal/api"
	"github.com/skewatch/skewatch/cmd/internal/build"
	"github.com/skewatch/skewatch/storage"
)

// Report makes the report of a period, widened to the edges of roll-ups.
func (d *desk) Report(ctx context.Context, q api.ReportQuery) (*report.Report, error) {
	if err := d.refresh(); err != nil {
		return nil, err
	}
	coarse, err := d.coarseUntil()
	if err != nil {
		return nil, err
	}
	since, until := widen(q.Since, q.Until, coarse)
	b := report.NewBuilder(d.judgedBy(), q.Profile)
	var header report.Header
	var both sync.WaitGroup
	both.Go(func() { header, err = d.header(ctx, q, since, until) })
	gathered := d.gather(ctx, b, q, since, until)
	both.Wait()
	if err := cmp.Or(gathered, err); err != nil {
		return nil, err
	}
	header.Reference.Moves, header.Reference.Events = b.Moves(), b.Events()
	r := &report.Report{Header: header, Hosts: b.Rows(func(host string) bool { return api.MatchHost(q.Host, host) })}
	if q.Series != api.NoSeries {
		r.Series, err = d.series(ctx, b.NewAlbum(r.Hosts, q.Series == api.SeriesAll), since, until)
	}
	if err == nil && q.Sign != "" {
		r.Pattern, r.Compliance = q.Host, q.Profile != nil
		err = d.sign(r, q.Sign)
	}
	return r, err
}

// sign writes the report and signs what was written.
func (d *desk) sign(r *report.Report, format string) error {
	var body bytes.Buffer
	if err := r.Write(&body, format); err != nil {
		return err
	}
	signed, err := d.store.SignReport(body.Bytes())
	r.Signed = &report.Signed{Body: body.Bytes(), Note: signed}
	return err
}

// series gives an album the roll-ups of the period once more.
func (d *desk) series(ctx context.Context, a *report.Album, since, until int64) ([]report.Series, error) {
	var parts []*report.Album
	err := d.storedParts(ctx, since, until, func() func(int64, []byte, []byte) error {
		parts = append(parts, a.Part())
		return parts[len(parts)-1].Add
	})
	if err := d.tolerate(err); err != nil {
		return nil, err
	}
	for _, part := range parts {
		a.Join(part)
	}
	d.mu.Lock()
	recent := d.rollUps()
	d.mu.Unlock()
	for i := range recent {
		if within(recent[i].RollUp.Start, since, until) {
			a.AddRecent(&recent[i])
		}
	}
	return a.Series(), nil
}

// judgedBy returns what tells the tolerance that an originator is judged by.
func (d *desk) judgedBy() func(analysis.Identity) time.Duration {
	rule := hostRules(d.cfg)
	return func(i analysis.Identity) time.Duration {
		peer, _ := netip.ParseAddr(i.Source) // what isn't one lies in no network
		return rule(i.Host, peer).Tolerance.Warn
	}
}

// widen returns a period in Unix nanoseconds, its ends moved out to the edges of
// roll-ups: those of hours where the whole hour lies before coarse. 0 is open.
func widen(since, until time.Time, coarse int64) (from, to int64) {
	from, _ = spanAround(unixNano(since), int64(analysis.RollUpSpan))
	_, to = spanAround(unixNano(until), int64(analysis.RollUpSpan))
	if hour, end := spanAround(from, int64(analysis.HourlySpan)); end <= coarse {
		from = hour
	}
	if _, end := spanAround(to, int64(analysis.HourlySpan)); end <= coarse {
		to = end
	}
	return from, to
}

// spanAround returns the edges of a span next to a time, which may be on one itself.
func spanAround(at, span int64) (before, after int64) {
	before, after = at-at%span, at
	if before < at {
		after = before + span
	}
	return before, after
}

// within reports whether a roll-up that starts then belongs to a widened period.
func within(start, since, until int64) bool {
	return start >= since && (until == 0 || start < until)
}

// gather gives the builder everything about the period: from the store up to where an
// originator's roll-ups aren't settled, and from there on from memory.
func (d *desk) gather(ctx context.Context, b *report.Builder, q api.ReportQuery, since, until int64) error {
	d.mu.Lock()
	recent, identities := d.rollUps(), d.fleet.Identities()
	d.mu.Unlock()
	identify(b, identities, recent, func(newest int64) bool { return q.Everyone || within(newest, since, until) })
	if err := d.tolerate(d.gatherStored(ctx, b, since, until)); err != nil {
		return err
	}
	for i := range recent {
		if within(recent[i].RollUp.Start, since, until) {
			b.Add(recent[i])
		}
	}
	if q.Everyone {
		if err := d.tolerate(d.goBack(ctx, b, unheard(b, identities, q.Host), recent, since)); err != nil {
			return err
		}
	}
	return d.findings(ctx, since, until, 0, func(_ uint64, f *analysis.Finding) error {
		b.Note(*f)
		return nil
	})
}

// unheard returns the keys of the hosts that said nothing in the period, and did before.
func unheard(b *report.Builder, identities []analysis.Identity, host string) map[string]bool {
	keys := map[string]bool{}
	for _, i := range identities {
		if !i.Absent && !b.Heard(i.Key) && api.MatchHost(host, i.Host) {
			keys[i.Key] = true
		}
	}
	return keys
}

// goBack gives the builder the newest roll-up with messages, from before the period, of those
// who said nothing in it: most are in memory, and for the others the store is read back as far
// as it takes.
func (d *desk) goBack(ctx context.Context, b *report.Builder, unheard map[string]bool, recent []analysis.KeyedRollUp, since int64) error {
	take := func(r analysis.KeyedRollUp) {
		b.Precede(r)
		delete(unheard, r.Key)
	}
	for _, r := range slices.Backward(recent) {
		if unheard[r.Key] && r.RollUp.Messages > 0 && r.RollUp.Start < since {
			take(r)
		}
	}
	if len(unheard) == 0 {
		return nil
	}
	return d.goBackStored(ctx, unheard, since, take)
}

// goBackStored takes the newest stored roll-up with messages of those unheard, hour by hour
// back from a time, until all are taken. Damage is passed over as by the store.
func (d *desk) goBackStored(ctx context.Context, unheard map[string]bool, before int64, take func(analysis.KeyedRollUp)) error {
	hours, err := d.storedHours(0, before)
	if err != nil {
		return err
	}
	var damage error
	for i := len(hours) - 1; i >= 0 && len(unheard) > 0; i-- {
		newest := map[string]analysis.RollUp{}
		err := d.storedRollUps(hours[i:i+1], func(_ int64, key, blob []byte) error {
			if !unheard[string(key)] {
				return ctx.Err()
			}
			var r analysis.RollUp
			if err := r.UnmarshalBinary(blob); err != nil || r.Messages == 0 {
				return err
			}
			newest[string(key)] = r
			return nil
		})
		if err != nil && !errors.As(err, new(*storage.DamageError)) {
			return err
		}
		damage = cmp.Or(damage, err)
		for key, r := range newest {
			take(analysis.KeyedRollUp{Key: key, RollUp: r})
		}
	}
	return damage
}

// gatherStored gives the builder the stored roll-ups of a period.
func (d *desk) gatherStored(ctx context.Context, b *report.Builder, since, until int64) error {
	var parts []*report.Part
	err := d.storedParts(ctx, since, until, func() func(int64, []byte, []byte) error {
		parts = append(parts, b.Part())
		return parts[len(parts)-1].Add
	})
	for _, part := range parts {
		b.Join(part)
	}
	return err
}

// storedParts divides the stored roll-ups of a period into one part for each core, which are
// read at once. It calls begin for each part, in order of time, and what that returns with
// each of the part's roll-ups. Damage is passed over as by the store.
func (d *desk) storedParts(ctx context.Context, since, until int64, begin func() func(start int64, key, blob []byte) error) error {
	hours, err := d.storedHours(since, until)
	if err != nil {
		return err
	}
	each := max(1, (len(hours)+runtime.GOMAXPROCS(0)-1)/runtime.GOMAXPROCS(0))
	met := make([]error, (len(hours)+each-1)/each)
	var all sync.WaitGroup
	for i := range met {
		add := begin()
		all.Go(func() {
			met[i] = d.storedRollUps(hours[i*each:min((i+1)*each, len(hours))], func(start int64, key, blob []byte) error {
				if err := add(start, key, blob); err != nil {
					return fmt.Errorf("read the roll-up of %q: %w", key, err)
				}
				return ctx.Err()
			})
		})
	}
	all.Wait()
	return worst(met)
}

// worst returns the first error that isn't damage, or else the first damage.
func worst(met []error) error {
	var damage error
	for _, err := range met {
		if err != nil && !errors.As(err, new(*storage.DamageError)) {
			return err
		}
		damage = cmp.Or(damage, err)
	}
	return damage
}

// A stretch is a part of one hour, Unix ns.
type stretch struct{ from, to int64 }

// storedHours returns the hours of a period in which roll-ups start, in order of time.
func (d *desk) storedHours(since, until int64) (hours []stretch, err error) {
	starts, err := d.store.RollUpStarts(since, until, 0)
	if err != nil {
		return nil, err
	}
	var end int64 // of the last one
	for _, start := range slices.Backward(starts) {
		if start < end {
			continue
		}
		hour := analysis.HourOf(start)
		end = hour + int64(analysis.HourlySpan)
		to := end
		if until != 0 {
			to = min(to, until)
		}
		hours = append(hours, stretch{max(since, hour), to})
	}
	return hours, nil
}

// storedRollUps calls fn with each stored roll-up of some hours, in order of time. Each
// hour is as before it was merged, or as after. Damage is passed over as by the store.
func (d *desk) storedRollUps(hours []stretch, fn func(start int64, key, blob []byte) error) error {
	var damage error
	for _, hour := range hours {
		d.hours.RLock()
		err := d.store.RollUps(hour.from, hour.to, fn)
		d.hours.RUnlock()
		if err != nil && !errors.As(err, new(*storage.DamageError)) {
			return err
		}
		damage = cmp.Or(damage, err)
	}
	return damage
}

// identify tells the builder who the originators are, and which of their roll-ups it isn't
// to take from the store. What is said of their clocks now explains no verdict of the past:
// present tells whether the verdict of a newest roll-up that starts then is shown.
func identify(b *report.Builder, identities []analysis.Identity, recent []analysis.KeyedRollUp, present func(newest int64) bool) {
	newest := make(map[string]int64, len(identities))
	for i := range recent {
		newest[recent[i].Key] = recent[i].RollUp.Start
	}
	for _, i := range identities {
		if !present(newest[i.Key]) {
			i.Explanation, i.Check, i.Claims = "", "", nil
		}
		b.Identify(i)
	}
	for i := range recent {
		b.Unsettled(recent[i].Key, recent[i].RollUp.Start)
	}
}

func (d *desk) header(ctx context.Context, q api.ReportQuery, since, until int64) (report.Header, error) {
	reference, err := d.reference(ctx, since, until)
	if err != nil {
		return report.Header{}, err
	}
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	profile := report.Profile{Name: string(d.cfg.Profile), Warn: d.cfg.Tolerance.Seconds(), Crit: d.cfg.Critical.Seconds()}
	if q.Profile != nil {
		profile = *q.Profile
	}
	params := analysis.DefaultParams()
	return report.Header{
		Generated: d.now().UTC(),
		Simulated: d.cfg.Simulated,
		Asked:     report.Period{Since: orNil(q.Since), Until: orNil(q.Until)},
		Effective: report.Period{Since: unixOrNil(since), Until: unixOrNil(until)},
		Collector: report.Collector{Host: host, Version: build.This().Version, ConfigHash: d.cfg.Hash()},
		Reference: reference,
		Profile:   profile,
		Estimator: report.EstimatorOf(&params),
		Notes:     report.Notes(),
	}, nil
}

func orNil(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

func unixOrNil(ns int64) *time.Time {
	if ns == 0 {
		return nil
	}
	return orNil(time.Unix(0, ns))
}
