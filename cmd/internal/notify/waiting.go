package notify

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"github.com/skewatch/skewatch/cmd/internal/api"
	"github.com/skewatch/skewatch/cmd/internal/config"
)

// waiting is the events that an output has yet to deliver. The first of them are in
// memory; when they are too many, or after a start, the rest is in the store only.
type waiting struct {
	critical bool   // only what is critical concerns the output
	hosts    string // only these, a glob in lower case; "" for all
	most     int    // in memory
	wake     chan struct{}

	mu     sync.Mutex
	events []api.Event
	open   map[string]bool // who was warned of, and not cleared yet, up to seen
	seen   uint64          // up to this ID all is delivered, in events, or of no concern
	last   uint64          // up to this ID all is done with, at least
	newest uint64          // the ID told last
	behind bool            // there are events after seen that only the store has
	beyond int             // about how many of these concern the output
	oldest time.Time       // of the first of these
}

func newWaiting(n *config.Notify, most int) *waiting {
	return &waiting{critical: n.MinSeverity == config.NotifyCrit, hosts: n.Hosts, most: most,
		wake: make(chan struct{}, 1), open: map[string]bool{}}
}

// begin sets where the output begins: after one ID, when another is the newest.
func (w *waiting) begin(after, newest uint64) {
	w.seen, w.last, w.newest, w.behind = after, after, newest, after < newest
}

// tell adds events.
func (w *waiting) tell(events []api.Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, e := range events {
		w.newest = max(w.newest, e.ID)
		switch {
		case !w.behind && len(w.events) < w.most:
			w.take(e)
		default:
			w.behind = true
			w.count(e)
		}
	}
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// take adds an event to those in memory if it concerns the output. That a warning is over
// concerns one only that has told of it: what came in between may have been muted. The
// caller holds mu.
func (w *waiting) take(e api.Event) {
	w.seen = max(w.seen, e.ID)
	told := w.open[subject(e)]
	if e.Muted != "" || e.Event == cleared && !told || !w.concerns(e) && !told {
		return
	}
	w.events = append(w.events, e)
	switch {
	case e.Event == cleared:
		delete(w.open, subject(e))
	case lasts(e):
		w.open[subject(e)] = true
	}
}

// count notes an event that only the store has.
func (w *waiting) count(e api.Event) {
	if w.concerns(e) {
		if w.beyond++; w.beyond == 1 {
			w.oldest = e.Time
		}
	}
}

// concerns reports whether the output is to tell of an event. What it has told of it tells
// the end of as well, however grave that is.
func (w *waiting) concerns(e api.Event) bool {
	return e.Muted == "" && (!w.critical || e.Severity == critical) && api.MatchHost(w.hosts, e.Host)
}

// Reaches returns what reports whether every output that tells of a host tells of a leader
// too; nil if all tell of all. Events are the same for everybody, the outputs' receivers and
// those who read them here: where a leader isn't enough for one output, its hosts get an
// event of their own, one more for all of them that share the clock.
func Reaches(outputs []config.Notify) func(leader, host string) bool {
	var globs []string
	for i := range outputs {
		if glob := outputs[i].Hosts; glob != "" && !slices.Contains(globs, glob) {
			globs = append(globs, glob)
		}
	}
	if len(globs) == 0 {
		return nil
	}
	return func(leader, host string) bool {
		return !slices.ContainsFunc(globs, func(glob string) bool {
			return api.MatchHost(glob, host) && !api.MatchHost(glob, leader)
		})
	}
}

// refill reads events from the store when those in memory are used up, until there is one
// that concerns the output or no more.
func (w *waiting) refill(store Store) error {
	for {
		w.mu.Lock()
		after, before := w.seen, w.newest
		wanted := w.behind && len(w.events) == 0
		w.mu.Unlock()
		if !wanted {
			return nil
		}
		f := firsts{most: w.most}
		if err := store.EventsAfter(after, f.add); err != nil {
			return err
		}
		f.cut()
		w.put(&f, before)
	}
}

// put takes what was read when the ID given was the newest.
func (w *waiting) put(f *firsts, before uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.beyond, w.oldest = 0, time.Time{}
	for _, e := range f.events {
		w.take(e)
	}
	for _, e := range f.over {
		w.count(e)
	}
	if w.behind = len(f.over) > 0 || w.newest > before; !w.behind {
		w.seen = max(w.seen, w.newest)
	}
}

// firsts keeps the events with the smallest IDs, and of others what counting takes.
type firsts struct {
	most   int
	events []api.Event
	over   []api.Event // without their texts
}

func (f *firsts) add(e api.Event) error {
	if f.events = append(f.events, e); len(f.events) >= 2*f.most {
		f.cut()
	}
	return nil
}

// cut sorts the events by their IDs, and leaves the first of them.
func (f *firsts) cut() {
	slices.SortFunc(f.events, func(a, b api.Event) int { return cmp.Compare(a.ID, b.ID) })
	if len(f.events) <= f.most {
		return
	}
	for _, e := range f.events[f.most:] {
		f.over = append(f.over, api.Event{Time: e.Time, Host: e.Host, Severity: e.Severity, Muted: e.Muted})
	}
	f.events = f.events[:f.most:f.most]
}

// next returns up to so many of the events that are due first.
func (w *waiting) next(most int) []api.Event {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.events[:min(most, len(w.events))])
}

// done removes the first events.
func (w *waiting) done(events []api.Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.last = events[len(events)-1].ID
	if w.events = w.events[len(events):]; len(w.events) == 0 {
		w.events = nil
	}
}

// passed returns the ID up to which all is done with.
func (w *waiting) passed() uint64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.events) == 0 {
		return w.seen
	}
	return w.last
}

// left returns how many events wait, and since when.
func (w *waiting) left() (n int, oldest time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	oldest = w.oldest
	if len(w.events) > 0 {
		oldest = w.events[0].Time
	}
	return len(w.events) + w.beyond, oldest
}

// What happens to warnings, and how grave they are, as events say it.
const (
	raised   = "raise"
	cleared  = "clear"
	critical = "crit"
)

// subject names what an event's warning is about.
func subject(e api.Event) string {
	about := e.Host + keySeparator + e.Source
	if e.Rule != "" {
		about += keySeparator + e.Rule + keySeparator + e.Subject
	}
	return about
}

// lasts reports whether an event begins or changes a warning that will be cleared. What is
// said of several hosts at once, or noticed beside a verdict that stays, never is.
func lasts(e api.Event) bool {
	return e.Event != cleared && (e.Host != "" || e.Rule != "") && !(e.Event == raised && e.Verdict == e.Previous)
}
