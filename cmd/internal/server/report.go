package server

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"time"

	"github.com/skewatch/skewatch/analysis"
	"github.com/skewatch/skewatch/analysis/report"
	"github.com/skewatch/skewatch/cmd/internal/api"
	"github.com/skewatch/skewatch/cmd/internal/build"
	"github.com/skewatch/skewatch/ntpcheck"
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
	if err := d.gather(ctx, b, since, until); err != nil {
		return nil, err
	}
	header, err := d.header(ctx, q, since, until)
	if err != nil {
		return nil, err
	}
	return &report.Report{Header: header, Hosts: b.Rows(func(host string) bool { return matches(q.Host, host) })}, nil
}

// judgedBy returns what tells the tolerance that an originator is judged by.
func (d *desk) judgedBy() func(analysis.Identity) time.Duration {
	rule := rules(d.cfg)
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
func (d *desk) gather(ctx context.Context, b *report.Builder, since, until int64) error {
	d.mu.Lock()
	recent, identities := d.rollUps(), d.fleet.Identities()
	d.mu.Unlock()
	identify(b, identities, recent, since, until)
	unsettled := firstStarts(recent)
	err := d.storedRollUps(since, until, func(stored storage.RollUp) error {
		if start, ok := unsettled[stored.Key]; ok && stored.Start >= start {
			return ctx.Err()
		}
		k := analysis.KeyedRollUp{Key: stored.Key}
		if err := k.RollUp.UnmarshalBinary(stored.Blob); err != nil {
			return fmt.Errorf("read the roll-up of %q: %w", stored.Key, err)
		}
		b.Add(k)
		return ctx.Err()
	})
	if err := d.tolerate(err); err != nil {
		return err
	}
	for _, r := range recent {
		if within(r.RollUp.Start, since, until) {
			b.Add(r)
		}
	}
	return d.findings(ctx, since, until, 0, func(_ uint64, f *analysis.Finding) error {
		b.Note(*f)
		return nil
	})
}

// storedRollUps calls fn with each stored roll-up of a period, in order of time. Each
// hour is as before it was merged, or as after. Damage is passed over as by the store.
func (d *desk) storedRollUps(since, until int64, fn func(storage.RollUp) error) error {
	starts, err := d.store.RollUpStarts(since, until, 0)
	if err != nil {
		return err
	}
	var read int64 // up to here
	var damage *storage.DamageError
	for _, start := range slices.Backward(starts) {
		if start < read {
			continue
		}
		hour := analysis.HourOf(start)
		read = hour + int64(analysis.HourlySpan)
		to := read
		if until != 0 {
			to = min(to, until)
		}
		d.hours.RLock()
		err := d.store.RollUps(max(since, hour), to, fn)
		d.hours.RUnlock()
		var met *storage.DamageError
		if err != nil && !errors.As(err, &met) {
			return err
		}
		damage = cmp.Or(damage, met)
	}
	if damage != nil { // a nil one in an error would not be nil
		return damage
	}
	return nil
}

// identify tells the builder who the originators are. What is said of their clocks now
// explains no verdict of the past.
func identify(b *report.Builder, identities []analysis.Identity, recent []analysis.KeyedRollUp, since, until int64) {
	newest := make(map[string]int64, len(identities))
	for _, r := range recent {
		newest[r.Key] = r.RollUp.Start
	}
	for _, i := range identities {
		if !within(newest[i.Key], since, until) {
			i.Explanation, i.Claims = "", nil
		}
		b.Identify(i)
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
		Asked:     report.Period{Since: orNil(q.Since), Until: orNil(q.Until)},
		Effective: report.Period{Since: unixOrNil(since), Until: unixOrNil(until)},
		Collector: report.Collector{Host: host, Version: build.This().Version, ConfigHash: d.cfg.Hash()},
		Reference: reference,
		Profile:   profile,
		Estimator: report.EstimatorOf(&params),
		Notes:     report.Notes(),
	}, nil
}

// reference returns our own clock's state now and its gaps in the period.
func (d *desk) reference(ctx context.Context, since, until int64) (report.Reference, error) {
	s := d.status().Reference
	r := report.Reference{
		State: s.State.String(), Source: s.Source, Stratum: s.Stratum,
		Offset: s.OffsetSeconds, Bound: s.BoundSeconds, Trusted: s.Trusted, Reason: s.Reason, Gaps: []report.Gap{},
	}
	var before time.Time
	err := d.store.ReferenceHistory(since, until, func(sample storage.ReferenceSample) error {
		var then ntpcheck.Status
		if err := json.Unmarshal(sample.Blob, &then); err != nil {
			return fmt.Errorf("read the reference's history: %w", err)
		}
		at := time.Unix(0, sample.At).UTC()
		if !before.IsZero() && at.Sub(before) > lapse {
			r.Gaps = interrupt(r.Gaps, before, at)
		}
		r.Gaps = extend(r.Gaps, at, then.Reference.State)
		before = at
		return ctx.Err()
	})
	return r, d.tolerate(err)
}

// lapse is how far two samples of our own clock may be apart while the server runs.
const lapse = 3 * sampleEvery

// interrupt adds to a list of gaps that no server was running between two times.
func interrupt(gaps []report.Gap, from, to time.Time) []report.Gap {
	gaps = extend(gaps, from, ntpcheck.Synchronised) // what held before is not known to have lasted
	return append(gaps, report.Gap{From: from, To: &to, State: "not running"})
}

// extend carries a list of gaps on to the state at a later time.
func extend(gaps []report.Gap, at time.Time, s ntpcheck.State) []report.Gap {
	open := len(gaps) > 0 && gaps[len(gaps)-1].To == nil
	if open && gaps[len(gaps)-1].State != s.String() {
		gaps[len(gaps)-1].To = &at
		open = false
	}
	if !open && s != ntpcheck.Synchronised {
		gaps = append(gaps, report.Gap{From: at, State: s.String()})
	}
	return gaps
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
