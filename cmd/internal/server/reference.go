package server

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/skewatch/skewatch/analysis"
	"github.com/skewatch/skewatch/analysis/report"
	"github.com/skewatch/skewatch/cmd/internal/api"
	"github.com/skewatch/skewatch/ntpcheck"
	"github.com/skewatch/skewatch/storage"
)

// reference returns our own clock's state now and its gaps in the period.
func (d *desk) reference(ctx context.Context, since, until int64) (report.Reference, error) {
	s := d.status().Reference
	r := report.Reference{
		State: s.State.String(), Source: s.Source, Stratum: s.Stratum,
		Offset: s.OffsetSeconds, Bound: s.BoundSeconds, Trusted: s.Trusted, Reason: s.Reason, Gaps: []report.Gap{},
	}
	var before time.Time
	err := d.store.ReferenceHistory(since, until, func(sample storage.ReferenceSample) error {
		state, err := stateIn(sample.Blob)
		if err != nil {
			return fmt.Errorf("read the reference's history: %w", err)
		}
		at := time.Unix(0, sample.At).UTC()
		if !before.IsZero() && at.Sub(before) > lapse {
			r.Gaps = interrupt(r.Gaps, before, at)
		}
		r.Gaps = extend(r.Gaps, at, state)
		before = at
		return ctx.Err()
	})
	return r, d.tolerate(err)
}

// Reference returns how the collector's own clock ran in a period.
func (d *desk) Reference(ctx context.Context, q api.Query) (*api.ReferenceHistory, error) {
	since, until := unixNano(q.Since), unixNano(q.Until)
	h := &api.ReferenceHistory{Points: []api.ReferencePoint{}, Events: []report.ClockEvent{}}
	err := d.ownSamples(since, until, func(at int64, then *ownSample) error {
		r := &then.Reference
		h.Points = append(h.Points, api.ReferencePoint{At: time.Unix(0, at).UTC(), State: r.State.String(), Source: r.Source,
			Offset: r.OffsetSeconds, Bound: r.BoundSeconds})
		return ctx.Err()
	})
	if err != nil {
		return nil, err
	}
	return h, d.findings(ctx, since, until, 0, func(_ uint64, f *analysis.Finding) error {
		if c := f.Collector; c != nil {
			h.Events = append(h.Events, report.ClockEvent{At: c.At, Seconds: c.Seconds, Text: c.Text})
		}
		return nil
	})
}

// stateIn returns the reference's state in an encoded ownSample. It reads no further than
// there, which is seven times as fast as reading it all: a month has 43,200 samples.
func stateIn(blob []byte) (state ntpcheck.State, err error) {
	d := json.NewDecoder(bytes.NewReader(blob))
	for _, name := range [...]string{"reference", "state"} {
		if err := enter(d, name); err != nil {
			return state, err
		}
	}
	return state, d.Decode(&state)
}

// enter reads the beginning of an object up to the value of a name.
func enter(d *json.Decoder, name string) error {
	if _, err := d.Token(); err != nil { // the brace
		return err
	}
	for d.More() {
		key, err := d.Token()
		if err != nil || key == name {
			return err
		}
		var passed json.RawMessage
		if err := d.Decode(&passed); err != nil {
			return err
		}
	}
	return fmt.Errorf("it has no %q", name)
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
