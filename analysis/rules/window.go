package rules

import (
	"cmp"
	"slices"
	"time"
)

// A window is what is known of one key of a rule.
type window struct {
	rule *Rule
	key  string   // "address=192.0.2.7 user=root"
	of   []string // the values of the rule's key, in its order

	events   []event  // by time; the oldest of an episode are forgotten first
	names    []string // of hosts that events came from, the last few
	episodes []episode
	touched  int64 // when the last message came, Unix ns

	peer    *peer
	rank    rank
	inRank  *element
	changed bool // since the last snapshot
}

// An event is a message that counts.
type event struct {
	at      int64  // when it was written, Unix ns
	tag     uint32 // of what is counted distinct
	process uint32
	user    uint32 // the number of its name; 0 for none
	host    uint32 // likewise
	weight  uint16
	before  bool // it is what must come first
	echo    bool
	told    bool // it belongs to an episode
}

// An episode is a stretch of time in which a rule held.
type episode struct {
	First, Last int64  // of the events that count, Unix ns
	Count       uint64 // of messages, or of different values
	Told        uint64 // the same when it was last told
	Over        bool
	Silent      bool // nobody was told: there were too many at once

	Begun, Newest int64 // when it was found, and its newest message came

	Bound  int64  // the widest of the times' bounds, ns
	Host   string // the only host when it began; "" for several
	Source string
	Hosts  []string // the first few
	Seen   []uint32 // numbers of hosts
	Tags   []uint32 // of what is counted distinct
}

const (
	// echoWithin is how far apart two messages of one process may tell of the same.
	echoWithin = int64(5 * time.Minute)

	mostEpisodes = 4
	mostHosts    = 5   // that are named
	mostNames    = 16  // that are remembered for it
	mostNumbers  = 256 // that are told apart
)

// room is how many events a window holds: some two windows full of what is too little.
func (r *Rule) room() int { return 2*r.Threshold + 16 }

func (r *Rule) span() int64 { return int64(r.Window) }

// add takes an event in, and returns the index of the event that stands for it, -1 if none
// does, and by how much that weighs more than before.
func (w *window) add(e event) (index int, weight uint16) {
	if i := w.same(e); i >= 0 {
		later := w.events[i]
		later.at = max(later.at, e.at)
		w.events = slices.Delete(w.events, i, i+1)
		return w.insert(later), 0
	}
	for i := range w.events {
		o := &w.events[i]
		if !o.repeats(&e) {
			continue
		}
		if e.echo {
			return -1, 0
		}
		gain := e.weight - min(e.weight, o.weight)
		o.echo, o.weight = false, max(o.weight, e.weight)
		return i, gain
	}
	return w.insert(e), e.weight
}

// repeats reports whether two events tell of the same: one process wrote both, and nothing
// says that they are of two users.
func (e *event) repeats(o *event) bool {
	return (e.echo || o.echo) && e.process == o.process && e.before == o.before && distance(e.at, o.at) <= echoWithin &&
		(e.user == o.user || e.user == 0 || o.user == 0)
}

// insert puts an event behind those of its time, and returns its index: -1 if there is
// no room for one so old.
func (w *window) insert(e event) int {
	i, _ := slices.BinarySearchFunc(w.events, e, func(a, b event) int { return cmp.Or(cmp.Compare(a.at, b.at), -1) })
	w.events = slices.Insert(w.events, i, e)
	if len(w.events) <= w.rule.room() {
		return i
	}
	oldest := max(0, slices.IndexFunc(w.events, func(o event) bool { return o.told }))
	w.events = slices.Delete(w.events, oldest, oldest+1)
	switch {
	case oldest == i:
		return -1
	case oldest < i:
		i--
	}
	return i
}

// same returns the event that says the same as another where different values are
// counted, -1 if none: of each value the last one counts.
func (w *window) same(e event) int {
	return slices.IndexFunc(w.events, func(o event) bool {
		return w.rule.Distinct != "" && o.tag == e.tag && distance(o.at, e.at) <= w.rule.span()
	})
}

func distance(a, b int64) int64 { return max(a-b, b-a) }

// A burst is a stretch of events that a rule speaks of.
type burst struct{ from, to int } // indices, to inclusive

// burst looks for one near a time, or of a sequence anywhere. Those events that belong to an
// episode are left out.
func (w *window) burst(at int64) (burst, bool) {
	var sum int
	from := 0
	for to := range w.events {
		last := &w.events[to]
		for ; last.at-w.events[from].at > w.rule.span(); from++ {
			sum -= w.events[from].counts(w.rule)
		}
		sum += last.counts(w.rule)
		if sum < w.rule.Threshold || last.told || w.rule.after != nil && last.before {
			continue
		}
		if w.rule.after != nil || distance(last.at, at) <= w.rule.span() {
			return burst{from, to}, true
		}
	}
	return burst{}, false
}

// counts returns how much an event counts for the threshold. No value that is counted once
// stands twice in one window: add sees to that.
func (e *event) counts(r *Rule) int {
	switch {
	case e.told, r.after != nil && !e.before:
		return 0
	case r.Distinct != "":
		return 1
	}
	return int(e.weight)
}

// episodeAt returns the episode that an event at a time goes on with, nil if none.
func (w *window) episodeAt(at int64) *episode {
	for i := range w.episodes {
		if e := &w.episodes[i]; at >= e.First-w.rule.span() && at <= e.Last+w.rule.span() {
			return e
		}
	}
	return nil
}

// open returns the episode that isn't over, nil if there is none.
func (w *window) open() *episode {
	for i := range w.episodes {
		if e := &w.episodes[i]; !e.Over {
			return e
		}
	}
	return nil
}

// begin makes an episode of a burst, or has the open one go on with it.
func (w *window) begin(b burst) (e *episode, isNew bool) {
	if e = w.open(); e == nil {
		if len(w.episodes) == mostEpisodes {
			w.episodes = slices.Delete(w.episodes, 0, 1)
		}
		w.episodes = append(w.episodes, episode{First: w.events[b.to].at, Last: w.events[b.to].at})
		e, isNew = &w.episodes[len(w.episodes)-1], true
	}
	for i := b.from; i <= b.to; i++ {
		w.join(e, &w.events[i])
	}
	if w.rule.after == nil { // what hangs together with it
		for i := b.to + 1; i < len(w.events) && w.events[i].at <= e.Last+w.rule.span(); i++ {
			w.join(e, &w.events[i])
		}
		for i := b.from - 1; i >= 0 && w.events[i].at >= e.First-w.rule.span(); i-- {
			w.join(e, &w.events[i])
		}
	}
	return e, isNew
}

// join makes an event part of an episode, if it is of none.
func (w *window) join(e *episode, o *event) {
	if !o.told {
		o.told = true
		e.take(o, o.weight, w.rule)
		w.meet(e, o.host)
	}
}

// take counts an event.
func (e *episode) take(o *event, weight uint16, r *Rule) {
	e.First, e.Last = min(e.First, o.at), max(e.Last, o.at)
	switch {
	case r.Distinct == "":
		if r.after == nil || o.before {
			e.Count += uint64(weight)
		}
	case len(e.Tags) < mostNumbers && !slices.Contains(e.Tags, o.tag):
		e.Tags = append(e.Tags, o.tag)
		e.Count++
	}
}

// know remembers the name of a host.
func (w *window) know(name string) {
	if slices.Contains(w.names, name) {
		return
	}
	if len(w.names) == mostNames {
		w.names = slices.Delete(w.names, 0, 1)
	}
	w.names = append(w.names, name)
}

// meet notes a host that had a part in an episode.
func (w *window) meet(e *episode, host uint32) {
	if len(e.Seen) == mostNumbers || slices.Contains(e.Seen, host) {
		return
	}
	e.Seen = append(e.Seen, host)
	i := slices.IndexFunc(w.names, func(name string) bool { return numberOf(name) == host })
	if i >= 0 && len(e.Hosts) < mostHosts {
		e.Hosts = append(e.Hosts, w.names[i])
	}
}
