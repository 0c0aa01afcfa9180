package server

import (
	"cmp"
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/skewatch/skewatch/analysis"
	"github.com/skewatch/skewatch/analysis/simulation"
	"github.com/skewatch/skewatch/cmd/internal/api"
	"github.com/skewatch/skewatch/collector/message"
	"github.com/skewatch/skewatch/collector/parse"
)

// An hour's hosts: of each the truth is known.
type witnesses struct {
	hosts   []*simulation.Host
	written []time.Time // by the number that a message has as its text
	of      []string    // the host
}

const witnessed = 5 * time.Hour

// newWitnesses returns hosts in several formats, off by up to a day, one of which is cut off
// for over three hours and another steps.
func newWitnesses() *witnesses {
	w := new(witnesses)
	host := func(name string, stamp simulation.Stamp, offset time.Duration, more ...simulation.Clock) *simulation.Host {
		n := byte(len(w.hosts) + 1)
		h := &simulation.Host{
			Seed: uint64(n), Start: noon, Span: witnessed, Clock: append(simulation.Sum{simulation.Constant(offset)}, more...),
			Process: simulation.Poisson(4 * time.Second), InOrder: true, Stamp: stamp, MinRTT: 300 * time.Microsecond,
			Delay: simulation.Jitter{Median: time.Millisecond, Sigma: 1}, Name: name, Source: netip.AddrFrom4([4]byte{192, 0, 2, n}),
			Transport: message.TCP, Trust: message.TrustHandshake,
		}
		w.hosts = append(w.hosts, h)
		return h
	}
	fine := simulation.Stamp{Format: message.StampRFC5424, Resolution: time.Microsecond}
	coarse := simulation.Stamp{Format: message.StampBSD, Resolution: time.Second}
	host("right", fine, 0)
	host("ahead", fine, 95*time.Second)
	host("behind", coarse, -192*time.Second)
	host("zone", fine, -2*time.Hour)
	host("days", fine, -50*time.Hour)
	host("steps", fine, 0, simulation.Step{At: 2*time.Hour + 30*time.Minute, By: -40 * time.Second})
	cut := host("cut", coarse, 17*time.Second)
	cut.Outages = []simulation.Outage{{At: 35 * time.Minute, For: 3*time.Hour + 40*time.Minute, Rate: 100}}
	return w
}

// frame writes a message as its host sent it.
func frame(m *message.Message, n int) []byte {
	at := time.Unix(0, m.Sent.Civil).UTC()
	if m.Sent.Format == message.StampBSD {
		return fmt.Appendf(nil, "<%d>%s %s test: %d", 30+n%4, at.Format(time.Stamp), m.Host, n)
	}
	return fmt.Appendf(nil, "<%d>1 %s %s test - - - %d", 30+n%4, at.Format("2006-01-02T15:04:05.000000Z"), m.Host, n)
}

// tell has a server receive all that the hosts say. It looks at its clocks each ten seconds.
func (w *witnesses) tell(h *history) {
	type arrival struct {
		message.Message
		at time.Duration
	}
	var all []arrival
	for _, host := range w.hosts {
		for m, at := range host.Written() {
			all = append(all, arrival{*m, at})
		}
	}
	slices.SortStableFunc(all, func(a, b arrival) int { return cmp.Compare(a.Received, b.Received) })
	next := noon
	for n := range all {
		m := &all[n].Message
		for ; m.Received >= next.UnixNano(); next = next.Add(10 * time.Second) {
			h.at(next)
			h.judge((*analysis.Fleet).Tick)
			if next.Minute() == 0 && next.Second() == 0 {
				h.commit()
			}
		}
		w.written, w.of = append(w.written, noon.Add(all[n].at)), append(w.of, string(m.Host))
		parse.Parse(frame(m, n), m)
		if err := h.Put([]message.Message{*m}); err != nil {
			h.t.Fatal(err)
		}
	}
	h.at(next)
	h.judge((*analysis.Fleet).Refresh)
	h.commit()
}

func entriesOf(t *testing.T, d *desk, q api.TimelineQuery, points int) (all []api.Entry) {
	t.Helper()
	if err := d.timeline(t.Context(), q, points, func(e api.Entry) error { all = append(all, e); return nil }); err != nil {
		t.Fatal(err)
	}
	return all
}

// number returns which message an entry is of.
func (w *witnesses) number(t *testing.T, e *api.Entry) int {
	t.Helper()
	n, err := strconv.Atoi(e.Message.Message)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// check holds entries against the truth: each was written when it says, nothing that is certain
// to belong to the period is missed, and what is decided is so.
func (w *witnesses) check(t *testing.T, all []api.Entry, q api.Query) {
	t.Helper()
	seen, decided := map[int]bool{}, 0
	for i := range all {
		e, n := &all[i], w.number(t, &all[i])
		truth := w.written[n]
		if seen[n] {
			t.Errorf("message %d comes twice", n)
		}
		seen[n] = true
		if truth.After(e.Latest) || e.Earliest != nil && truth.Before(*e.Earliest) {
			t.Errorf("%s wrote message %d at %v, which isn't between %v and %v", e.Host, n, truth, e.Earliest, e.Latest)
		}
		if i == 0 {
			continue
		}
		before := &all[i-1]
		if e.Corrected.Before(before.Corrected) {
			t.Errorf("%v stands behind %v", e.Corrected, before.Corrected)
		}
		if slices.Contains(e.Undecided, api.UndecidedPrevious) != slices.Contains(before.Undecided, api.UndecidedNext) {
			t.Errorf("entries %d and %d don't agree on their order", i-1, i)
		}
		if !slices.Contains(e.Undecided, api.UndecidedPrevious) {
			decided++
			if earlier := w.written[w.number(t, before)]; truth.Before(earlier) {
				t.Errorf("%s's message %d stands before %s's %d, which was written %v earlier", before.Host, w.number(t, before), e.Host, n, earlier.Sub(truth))
			}
		}
	}
	const slack = 3 * time.Second
	certain := 0
	for n, at := range w.written {
		if w.of[n] == "steps" || at.Before(q.Since.Add(slack)) || at.After(q.Until.Add(-slack)) {
			continue
		}
		if certain++; !seen[n] {
			t.Errorf("%s's message %d of %v is missed", w.of[n], n, at)
		}
	}
	t.Logf("%d entries, %d certain ones, %d of %d neighbours decided", len(all), certain, decided, len(all)-1)
}

// TestTimeline holds the timeline of an hour in which a host is cut off against the truth, of a
// running server, in parts, and of files.
func TestTimeline(t *testing.T) {
	t.Parallel()
	h, w := openHistory(t, t.TempDir()), newWitnesses()
	w.tell(h)
	hour := api.Query{Since: noon.Add(150 * time.Minute), Until: noon.Add(210 * time.Minute)}
	want := entriesOf(t, h.desk, api.TimelineQuery{Query: hour}, mostPoints)
	w.check(t, want, hour)
	all := entriesOf(t, h.desk, api.TimelineQuery{}, mostPoints)
	if len(all) != len(w.written) {
		t.Errorf("the whole timeline has %d entries, want %d", len(all), len(w.written))
	}
	if parts := entriesOf(t, h.desk, api.TimelineQuery{}, 100); !reflect.DeepEqual(parts, all) {
		t.Errorf("in parts, %d entries aren't those of the whole", len(parts))
	}
	checkSelections(t, h.desk, w, hour, want)
	h.close()
	again := openHistory(t, h.data)
	again.at(noon.Add(witnessed + time.Minute))
	if have := entriesOf(t, again.desk, api.TimelineQuery{Query: hour}, mostPoints); !reflect.DeepEqual(have, want) {
		t.Errorf("after a restart, %d entries aren't those from before", len(have))
	}
}

// checkSelections asks for parts of an hour by what messages say.
func checkSelections(t *testing.T, d *desk, w *witnesses, hour api.Query, all []api.Entry) {
	t.Helper()
	with := func(change func(*api.Query)) api.TimelineQuery {
		q := hour
		change(&q)
		return api.TimelineQuery{Query: q}
	}
	middle := all[len(all)/2]
	for _, tt := range []struct {
		name string
		q    api.TimelineQuery
		want func(e *api.Entry) bool
	}{
		{"a host", with(func(q *api.Query) { q.Host = "cut" }), func(e *api.Entry) bool { return e.Host == "cut" }},
		{"hosts", with(func(q *api.Query) { q.Host = "?e*" }), func(e *api.Entry) bool { return e.Host == "behind" }},
		{"a severity", with(func(q *api.Query) { q.Severity = "notice" }), func(e *api.Entry) bool { return e.Severity != "info" && e.Severity != "debug" }},
		{"an application", with(func(q *api.Query) { q.App = "te?t" }), func(*api.Entry) bool { return true }},
		{"another", with(func(q *api.Query) { q.App = "sshd" }), func(*api.Entry) bool { return false }},
		{"a text", with(func(q *api.Query) { q.Grep = "7$" }), func(e *api.Entry) bool { return w.number(t, e)%10 == 7 }},
		{"around a message", api.TimelineQuery{Around: middle.ID, Span: time.Minute}, func(e *api.Entry) bool {
			return e.Corrected.Sub(middle.Corrected).Abs() <= time.Minute
		}},
	} {
		var have, want []uint64
		for _, e := range entriesOf(t, d, tt.q, mostPoints) {
			have = append(have, e.ID)
		}
		for i := range all {
			if tt.want(&all[i]) {
				want = append(want, all[i].ID)
			}
		}
		if !slices.Equal(have, want) {
			t.Errorf("%s: %d entries, want %d", tt.name, len(have), len(want))
		}
	}
	err := d.Timeline(t.Context(), api.TimelineQuery{Around: 1 << 40, Span: time.Minute}, func(api.Entry) error { return nil })
	if err == nil || err.Error() != `around: no message has this ID (got "1099511627776")` {
		t.Errorf("around no message: %v", err)
	}
}
