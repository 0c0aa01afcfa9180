package server

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path"
	"strings"
	"time"

	"github.com/skewatch/skewatch/analysis"
	"github.com/skewatch/skewatch/analysis/report"
	"github.com/skewatch/skewatch/cmd/internal/api"
	"github.com/skewatch/skewatch/cmd/internal/build"
	"github.com/skewatch/skewatch/collector/message"
	"github.com/skewatch/skewatch/collector/parse"
	"github.com/skewatch/skewatch/ntpcheck"
	"github.com/skewatch/skewatch/storage"
)

// A desk answers from an archive. It is the part that a running server and the files
// of a stopped one have in common.
type desk struct {
	*archive
	now func() time.Time

	// status returns what is known of our own clock.
	status func() (ntpcheck.Status, error)

	// refresh brings the fleet's estimates up to their newest messages.
	refresh func()

	// changed returns a channel that is closed at the next commit or event; nil when
	// nothing can change any more.
	changed func() <-chan struct{}
}

// followLeast is how long a follower rests between two looks at the store.
const followLeast = 100 * time.Millisecond

// Report makes the report of a period, widened to the edges of roll-ups.
func (d *desk) Report(ctx context.Context, q api.ReportQuery) (*report.Report, error) {
	d.refresh()
	own := report.Profile{Name: string(d.cfg.Profile), Warn: d.cfg.Tolerance.Seconds(), Crit: d.cfg.Critical.Seconds()}
	profile := own
	if q.Profile != nil {
		profile = *q.Profile
	}
	since, until := widen(q.Since, q.Until)
	b := report.NewBuilder(profile, profile.Warn == own.Warn)
	if err := d.gather(b, since, until); err != nil {
		return nil, err
	}
	header, err := d.header(q, since, until)
	if err != nil {
		return nil, err
	}
	header.Profile = profile
	return &report.Report{Header: header, Hosts: b.Rows(func(host string) bool { return matches(q.Host, host) })}, nil
}

// widen returns a period in Unix nanoseconds, its ends moved out to the edges of
// roll-ups; 0 is open.
func widen(since, until time.Time) (from, to int64) {
	span := int64(analysis.RollUpSpan)
	if !since.IsZero() {
		from = since.UnixNano() / span * span
	}
	if !until.IsZero() {
		to = (until.UnixNano() + span - 1) / span * span
	}
	return from, to
}

// gather gives the builder everything about the period.
func (d *desk) gather(b *report.Builder, since, until int64) error {
	d.mu.Lock()
	live, identities := d.fleet.RollUps(), d.fleet.Identities()
	d.mu.Unlock()
	for _, i := range identities {
		b.Identify(i)
	}
	type place struct {
		start int64
		key   string
	}
	newer := map[place]bool{}
	for _, r := range live {
		newer[place{r.RollUp.Start, r.Key}] = true
	}
	err := d.store.RollUps(since, until, func(stored storage.RollUp) error {
		if newer[place{stored.Start, stored.Key}] {
			return nil
		}
		k := analysis.KeyedRollUp{Key: stored.Key}
		if err := k.RollUp.UnmarshalBinary(stored.Blob); err != nil {
			return fmt.Errorf("read the roll-up of %q: %w", stored.Key, err)
		}
		b.Add(k)
		return nil
	})
	if err := d.tolerate(err); err != nil {
		return err
	}
	for _, r := range live {
		if r.RollUp.Start >= since && (until == 0 || r.RollUp.Start < until) {
			b.Add(r)
		}
	}
	return d.findings(since, until, func(_ storage.Finding, f *analysis.Finding) error {
		b.Note(*f)
		return nil
	})
}

// findings calls fn with the findings of a period.
func (d *desk) findings(since, until int64, fn func(storage.Finding, *analysis.Finding) error) error {
	return d.tolerate(d.store.Findings(since, until, func(stored storage.Finding) error {
		var f analysis.Finding
		if err := json.Unmarshal(stored.Blob, &f); err != nil {
			return fmt.Errorf("read finding %d: %w", stored.ID, err)
		}
		return fn(stored, &f)
	}))
}

func (d *desk) header(q api.ReportQuery, since, until int64) (report.Header, error) {
	reference, err := d.reference(since, until)
	if err != nil {
		return report.Header{}, err
	}
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	params := analysis.DefaultParams()
	return report.Header{
		Generated: d.now().UTC(),
		Asked:     report.Period{Since: orNil(q.Since), Until: orNil(q.Until)},
		Effective: report.Period{Since: unixOrNil(since), Until: unixOrNil(until)},
		Collector: report.Collector{Host: host, Version: build.This().Version, ConfigHash: d.cfg.Hash()},
		Reference: reference,
		Estimator: report.EstimatorOf(&params),
		Notes:     report.Notes(),
	}, nil
}

// reference returns our own clock's state now and its gaps in the period.
func (d *desk) reference(since, until int64) (report.Reference, error) {
	status, err := d.status()
	if err != nil {
		return report.Reference{}, err
	}
	s := status.Reference
	r := report.Reference{
		State: s.State.String(), Source: s.Source, Stratum: s.Stratum,
		Offset: s.OffsetSeconds, Bound: s.BoundSeconds, Reason: s.Reason, Gaps: []report.Gap{},
	}
	err = d.store.ReferenceHistory(since, until, func(sample storage.ReferenceSample) error {
		var then ntpcheck.Status
		if err := json.Unmarshal(sample.Blob, &then); err != nil {
			return fmt.Errorf("read the reference's history: %w", err)
		}
		r.Gaps = extend(r.Gaps, time.Unix(0, sample.At).UTC(), then.Reference.State)
		return nil
	})
	return r, d.tolerate(err)
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

// Sources returns what is known of the collector's own clock.
func (d *desk) Sources(context.Context) (ntpcheck.Status, error) { return d.status() }

// Events calls fn with the warning events of the query, each once.
func (d *desk) Events(ctx context.Context, q api.Query, fn func(api.Event) error) error {
	since, until := unixNano(q.Since), unixNano(q.Until)
	last := q.After
	return d.follow(ctx, q.Follow, func() error {
		return d.findings(since, until, func(stored storage.Finding, f *analysis.Finding) error {
			if stored.ID <= last {
				return nil
			}
			last, since = stored.ID, stored.At
			if e, ok := api.EventOf(f); ok && matches(q.Host, f.Host) {
				e.ID = stored.ID
				return fn(e)
			}
			return nil
		})
	})
}

// Messages calls fn with the stored messages of the query, each once.
func (d *desk) Messages(ctx context.Context, q api.Query, fn func(api.Message) error) error {
	query := storage.Query{After: q.After, Since: unixNano(q.Since), Until: unixNano(q.Until)}
	rule := rules(d.cfg)
	return d.follow(ctx, q.Follow, func() error {
		return d.tolerate(d.store.Messages(ctx, query, func(m *message.Message) error {
			query.After = m.Sequence
			host := string(m.Host)
			if len(m.Host) == 0 {
				host = m.Source.String()
			}
			if !matches(q.Host, host) {
				return nil
			}
			restoreFields(m)
			zone := rule(host, m.Source).Zone
			return fn(api.MessageOf(m, zone, q.Raw))
		}))
	})
}

// restoreFields parses the fields that the store doesn't keep out of the frame,
// which it does.
func restoreFields(m *message.Message) {
	stored := *m
	parse.Parse(m.Raw, m)
	m.Priority, m.Sent, m.Host = stored.Priority, stored.Sent, stored.Host
}

// follow calls look and, if asked to, again whenever something has changed, until
// the context ends.
func (d *desk) follow(ctx context.Context, on bool, look func() error) error {
	for {
		changed := d.changed()
		if err := look(); err != nil || !on || changed == nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
		}
		select { // changes come in bursts
		case <-ctx.Done():
			return nil
		case <-time.After(followLeast):
		}
	}
}

// matches reports whether a host's name matches a glob in lower case; "" matches all.
func matches(glob, host string) bool {
	if glob == "" {
		return true
	}
	ok, err := path.Match(glob, strings.ToLower(host))
	return ok && err == nil
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

func unixNano(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}
