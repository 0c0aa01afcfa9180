package pages

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"html/template"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/skewatch/skewatch/analysis/plot"
	"github.com/skewatch/skewatch/cmd/internal/api"
)

// A board is the fleet as the pages show it. Rows that look as they did are not made again,
// and each knows when it last changed: so those who watch are told what has changed only.
type board struct {
	ending context.Context
	desk   api.Desk
	query  api.ClocksQuery

	mu      sync.Mutex // guards what follows
	seq     uint64     // rises with each look
	entries map[string]*entry
	seen    view
	at      time.Time // of the last look
	took    time.Duration
}

// An entry is one host on the board.
type entry struct {
	clock   api.HostClock
	row     row
	html    template.HTML
	changed uint64 // the look at which it took this form
}

// A view is what a look at the board shows. It is never changed.
type view struct {
	seq     uint64
	at      time.Time
	summary summary
	hosts   []*entry // worst first
	marks   []marks  // of every tolerance there is
	listed  uint64   // the look at which the list of hosts last changed
	omitted int      // hosts in order that are not on the board

	simulated bool // the hosts are made up
}

// mostOnBoard is how many hosts the board has room for: the worst of a larger fleet. The
// others are found by their names.
const mostOnBoard = 10_000

// freshFor is for how long a look is as good as a new one.
const freshFor = time.Second

// newBoard returns a board of the hosts that match a glob.
func newBoard(ending context.Context, d api.Desk, hosts string) *board {
	return &board{ending: ending, desk: d, query: api.ClocksQuery{Host: hosts, Most: mostOnBoard, Trend: true}, entries: map[string]*entry{}}
}

// look returns the fleet as of the last second.
func (b *board) look(ctx context.Context) (view, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if time.Since(b.at) < freshFor {
		return b.seen, nil
	}
	began := time.Now()
	clocks, err := b.desk.Clocks(ctx, b.query)
	if err != nil {
		return view{}, err
	}
	if err := b.take(clocks); err != nil {
		return view{}, err
	}
	b.at, b.took = time.Now(), time.Since(began)
	return b.seen, nil
}

// take enters what the desk says. What was handed out stays as it is.
func (b *board) take(c *api.Clocks) error {
	b.seq++
	names := map[string]int{}
	for i := range c.Hosts {
		names[c.Hosts[i].Host]++
	}
	now := view{seq: b.seq, at: c.At, hosts: make([]*entry, 0, len(c.Hosts)), listed: b.seen.listed, omitted: c.Omitted, simulated: c.Simulated}
	entries := make(map[string]*entry, len(c.Hosts))
	tolerances := map[float64]bool{}
	for i := range c.Hosts {
		h := &c.Hosts[i]
		e, err := b.enter(h, names[h.Host] == 1, c.At)
		if err != nil {
			return err
		}
		if old := b.entries[h.ID]; old == nil || old.row.Verdict != e.row.Verdict {
			now.listed = b.seq
		}
		entries[h.ID] = e
		now.hosts = append(now.hosts, e)
		tolerances[h.Tolerance] = true
	}
	if len(entries) < len(b.entries) {
		now.listed = b.seq
	}
	for t := range tolerances {
		now.marks = append(now.marks, marks{marksID(t), plot.ToleranceMarks(t)})
	}
	slices.SortFunc(now.marks, func(x, y marks) int { return strings.Compare(x.ID, y.ID) })
	slices.SortStableFunc(now.hosts, worse)
	now.summary = summarise(c, now.hosts)
	b.entries, b.seen = entries, now
	return nil
}

// enter returns the entry of a host: the one there is, if it looks the same.
func (b *board) enter(h *api.HostClock, unique bool, now time.Time) (*entry, error) {
	r := rowOf(h, unique, now)
	e := &entry{clock: *h, row: r, changed: b.seq}
	if old := b.entries[h.ID]; old != nil && sameLook(old.row, r) {
		e.html, e.changed = old.html, old.changed
		return e, nil
	}
	var text bytes.Buffer
	if err := templates["fleet"].ExecuteTemplate(&text, "row", r); err != nil {
		return nil, fmt.Errorf("draw the row of %q: %w", h.Host, err)
	}
	e.html = template.HTML(text.String())
	return e, nil
}

// sameLook reports whether two rows look the same.
func sameLook(a, b row) bool {
	a.weight, b.weight = 0, 0
	return a == b
}

// gravity orders the classes of rows.
var gravity = map[string]int{classCrit: 0, classWarn: 1, classUnknown: 2, classFine: 3}

func worse(a, b *entry) int {
	return cmp.Or(cmp.Compare(gravity[a.row.Class], gravity[b.row.Class]), cmp.Compare(b.row.weight, a.row.weight), strings.Compare(a.row.Host, b.row.Host))
}

// chosen returns the hosts that a query asks for, in its order.
func (v *view) chosen(q *fleetQuery) []*entry {
	hosts := make([]*entry, 0, len(v.hosts))
	for _, e := range v.hosts {
		if api.MatchHost(q.Host, e.clock.Host) && (q.Verdict == "" || q.Verdict == e.row.Verdict) {
			hosts = append(hosts, e)
		}
	}
	if by := orders[q.Sort]; by != nil {
		slices.SortStableFunc(hosts, by)
	}
	if q.Down {
		slices.Reverse(hosts)
	}
	return hosts
}

// orders are how two hosts compare, by the name of the order.
var orders = map[string]func(a, b *entry) int{
	sortHost: func(a, b *entry) int {
		return strings.Compare(strings.ToLower(a.row.Host), strings.ToLower(b.row.Host))
	},
	sortVerdict: func(a, b *entry) int { return strings.Compare(a.row.Verdict, b.row.Verdict) },
	sortOffset:  func(a, b *entry) int { return compareKnown(a.clock.Offset, b.clock.Offset) },
	sortSkew:    func(a, b *entry) int { return compareKnown(a.clock.Skew, b.clock.Skew) },
	sortSeen:    func(a, b *entry) int { return lastOf(b).Compare(lastOf(a)) },
}

// compareKnown puts what isn't known last.
func compareKnown(a, b *float64) int {
	value := func(v *float64) float64 {
		if v == nil {
			return math.Inf(1)
		}
		return *v
	}
	return cmp.Compare(value(a), value(b))
}

func lastOf(e *entry) time.Time {
	if e.clock.Last == nil {
		return time.Time{}
	}
	return *e.clock.Last
}
