package server

import (
	"context"
	"math"
	"sync"
	"time"

	"github.com/skewatch/skewatch/analysis"
	"github.com/skewatch/skewatch/cmd/internal/api"
)

// Clocks returns what is said of the fleet's clocks now: as of the last second, while the
// server runs.
func (d *desk) Clocks(ctx context.Context, q api.ClocksQuery) (*api.Clocks, error) {
	if !d.live {
		if err := d.refresh(); err != nil {
			return nil, err
		}
	}
	d.mu.Lock()
	glance := d.fleet.Glance(math.MaxInt)
	now := d.scale.fleet(d.now())
	d.mu.Unlock()
	c := &api.Clocks{At: now.UTC(), Reference: d.status().Reference, Verdicts: map[string]int{}, Hosts: []api.HostClock{}, Simulated: d.cfg.Simulated}
	for _, v := range analysis.Verdicts() {
		c.Verdicts[v.String()] = glance.Verdicts[v]
	}
	var trends map[string][]*float64
	if q.Trend {
		var from time.Time
		var err error
		if trends, from, err = d.trends.newest(ctx, d, now); err != nil {
			return nil, err
		}
		c.TrendFrom, c.TrendSeconds = &from, analysis.RollUpSpan.Seconds()
	}
	hosts := chosen(glance.Hosts, q)
	c.Omitted = hosts.omitted
	for i := range hosts.standings {
		shown := api.HostClockOf(&hosts.standings[i])
		shown.Trend = trends[hosts.standings[i].Key]
		c.Hosts = append(c.Hosts, shown)
	}
	return c, nil
}

// A choice is the hosts that are shown, and how many more there are.
type choice struct {
	standings []analysis.Standing
	omitted   int
}

// chosen returns the hosts of a query.
func chosen(all []analysis.Standing, q api.ClocksQuery) choice {
	if q.Host != "" {
		kept := all[:0]
		for _, s := range all {
			if api.MatchHost(q.Host, s.Host) {
				kept = append(kept, s)
			}
		}
		all = kept
	}
	if q.Most == 0 || len(all) <= q.Most {
		return choice{all, 0}
	}
	analysis.WorstFirst(all)
	return choice{all[:q.Most], len(all) - q.Most}
}

// The course of offsets that is kept at hand.
const (
	trendLasts = 20 * time.Second
	mostTrends = 10_000 // hosts: beyond, what it takes to read them is more than they are worth
)

// trends keeps how the offsets ran in the last two hours, by the originators' keys: that is
// asked for again and again, and changes each five minutes.
type trends struct {
	mu    sync.Mutex
	read  time.Time
	from  time.Time
	byKey map[string][]*float64
}

// newest returns the trends of the points up to now, and when they begin.
func (t *trends) newest(ctx context.Context, d *desk, now time.Time) (map[string][]*float64, time.Time, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if age := now.Sub(t.read); t.byKey != nil && age >= 0 && age < trendLasts {
		return t.byKey, t.from, nil
	}
	_, end := spanAround(now.UnixNano()+1, int64(analysis.RollUpSpan))
	from := end - api.TrendPoints*int64(analysis.RollUpSpan)
	byKey, err := d.readTrends(ctx, from)
	if err != nil {
		return nil, time.Time{}, err
	}
	t.read, t.from, t.byKey = now, time.Unix(0, from).UTC(), byKey
	return t.byKey, t.from, nil
}

// readTrends reads the offsets of the roll-ups from a time on.
func (d *desk) readTrends(ctx context.Context, from int64) (map[string][]*float64, error) {
	d.mu.Lock()
	recent, hosts := d.rollUps(), d.fleet.Originators()
	d.mu.Unlock()
	byKey := map[string][]*float64{}
	if hosts > mostTrends {
		return byKey, nil
	}
	enter := func(key string, start int64, r *analysis.RollUp) {
		at := (start - from) / int64(analysis.RollUpSpan)
		if at < 0 || at >= api.TrendPoints || !r.Known || r.Messages == 0 {
			return
		}
		if byKey[key] == nil {
			byKey[key] = make([]*float64, api.TrendPoints)
		}
		offset := r.Interval.Offset.Seconds()
		byKey[key][at] = &offset
	}
	hours, err := d.storedHours(from, 0)
	if err != nil {
		return nil, err
	}
	err = d.tolerate(d.storedRollUps(hours, func(start int64, key, blob []byte) error {
		var r analysis.RollUp
		if err := r.UnmarshalBinary(blob); err != nil {
			return err
		}
		enter(string(key), start, &r)
		return ctx.Err()
	}))
	for i := range recent {
		enter(recent[i].Key, recent[i].RollUp.Start, &recent[i].RollUp)
	}
	return byKey, err
}
