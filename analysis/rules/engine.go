package rules

import (
	"slices"
	"time"

	"github.com/skewatch/skewatch/analysis"
)

// Keep is how long a message may come after it was written and still be counted where it
// belongs. A rule's window is kept open for so long.
const Keep = 24 * time.Hour

// Limits bound what an Engine keeps. The zero value stands for good ones.
type Limits struct {
	Keys int // that are counted at once, of all rules; 0 for 50,000
	Told int // that one rule speaks of at once; 0 for 100
}

// Stats are counts since the start.
type Stats struct {
	Counted uint64 // messages that counted for a rule, once for each
	TooLate uint64 // that came more than Keep after they were written
	Evicted uint64 // keys that were given up, for there were too many
	Keys    int    // that are counted now
}

// An Engine counts what rules look for. It is not safe for concurrent use.
type Engine struct {
	set    *Set
	limits Limits
	table  *table
	open   map[*window]bool // with an episode that isn't over
	dirty  []*window        // changed since the last snapshot
	states map[*Rule]*ruleState
	found  []analysis.Finding // not told yet
	gone   []windowKey        // since the last snapshot
	swept  int64
	stats  Stats
}

// A ruleState is what is known of a rule besides its windows.
type ruleState struct {
	speaking int    // episodes that people were told of
	silent   uint64 // episodes that they weren't, since too many are open
	counted  uint64 // messages
	evicted  uint64 // keys that were given up
	crowd    crowd
}

// NewEngine returns an engine that has counted nothing.
func NewEngine(s *Set, l Limits) *Engine {
	if l.Keys == 0 {
		l.Keys = 50_000
	}
	if l.Told == 0 {
		l.Told = 100
	}
	e := &Engine{set: s, limits: l, table: newTable(l.Keys), open: map[*window]bool{}, states: map[*Rule]*ruleState{}}
	for _, r := range s.rules {
		e.states[r] = &ruleState{}
	}
	return e
}

// Stats returns what was counted.
func (e *Engine) Stats() Stats {
	s := e.stats
	s.Keys = len(e.table.windows)
	return s
}

// Counted returns how many messages counted for each rule, by its name, since the start.
func (e *Engine) Counted() map[string]uint64 {
	all := map[string]uint64{}
	for _, r := range e.set.rules {
		all[r.Name] = e.states[r].counted
	}
	return all
}

// Take counts a hit that was written at a time, within a bound of it, and has come now. All
// are in Unix nanoseconds or nanoseconds.
func (e *Engine) Take(h *Hit, at, bound, now int64) {
	at = min(at, now)
	if at < now-int64(Keep) {
		e.stats.TooLate++
		return
	}
	for _, r := range h.pattern.roles {
		if values, ok := r.rule.keyOf(h); ok && (r.before || r.rule.wants(h)) {
			e.count(r, h, values, at, bound, now)
		}
	}
}

// wants reports whether the groups of a hit have values that the rule asks for.
func (r *Rule) wants(h *Hit) bool {
	return !slices.ContainsFunc(r.where, func(w want) bool { return !slices.Contains(w.values, h.value(w.group)) })
}

// change notes that a window isn't any more what the last snapshot had.
func (e *Engine) change(w *window) {
	if !w.changed {
		w.changed = true
		e.dirty = append(e.dirty, w)
	}
}

// keyOf returns the values of a rule's key.
func (r *Rule) keyOf(h *Hit) (values []string, ok bool) {
	for _, group := range r.Key {
		value := h.value(group)
		if value == "" {
			return nil, false
		}
		values = append(values, value)
	}
	return values, true
}

func (e *Engine) count(as role, h *Hit, values []string, at, bound, now int64) {
	r, tag := as.rule, uint32(0)
	if r.Distinct != "" {
		value := h.value(r.Distinct)
		if value == "" {
			return
		}
		tag = numberOf(value)
	}
	e.stats.Counted++
	e.states[r].counted++
	w := e.window(r, values, h, now)
	w.touched = now
	e.change(w)
	w.know(h.Host)
	o := event{at: at, tag: tag, process: h.session, host: numberOf(h.Host), weight: uint16(h.times), before: as.before, echo: h.matcher.echo}
	if user := h.value(userGroup); user != "" {
		o.user = numberOf(user)
	}
	i, weight := w.add(o)
	if i >= 0 {
		e.weigh(w, i, weight, bound, now, h)
	}
	e.table.use(w)
}

// window finds or makes the window of a key.
func (e *Engine) window(r *Rule, values []string, h *Hit, now int64) *window {
	key := r.describe(values)
	if w := e.table.windows[windowKey{r, key}]; w != nil {
		return w
	}
	w := &window{rule: r, key: key, of: values, touched: now}
	if evicted := e.table.put(w, keyOf(h.Source, h.Trust)); evicted != nil {
		e.stats.Evicted++
		e.states[evicted.rule].evicted++
		e.abandon(evicted, now, "it is no longer followed, since there are too many keys")
	}
	return w
}

// weigh sees what an event means: it goes on with an episode, or completes one.
func (e *Engine) weigh(w *window, i int, weight uint16, bound, now int64, h *Hit) {
	o := &w.events[i]
	if ep := w.episodeAt(o.at); ep != nil && (w.rule.after == nil || o.told) {
		o.told = true
		ep.take(o, weight, w.rule)
		ep.Bound, ep.Newest = max(ep.Bound, bound), now
		w.meet(ep, o.host)
		e.revive(w, ep, now)
		return
	}
	b, ok := w.burst(o.at)
	if !ok {
		return
	}
	ep, isNew := w.begin(b)
	ep.Bound, ep.Newest = max(ep.Bound, bound), now
	if !isNew {
		return
	}
	if len(ep.Hosts) == 1 && len(ep.Seen) == 1 {
		ep.Host = ep.Hosts[0]
		if ep.Host == h.Host {
			ep.Source = h.source()
		}
	}
	e.begin(w, ep, now)
}

// begin opens an episode. Of the first few of a rule people are told.
func (e *Engine) begin(w *window, ep *episode, now int64) {
	ep.Begun = now
	e.open[w] = true
	s := e.states[w.rule]
	if ep.Over, ep.Silent = false, s.speaking >= e.limits.Told; ep.Silent {
		s.silent++
		return
	}
	s.speaking++
}

// revive sees to an episode that was over when another of its messages came: either it
// goes on, or messages were late, and how many it were is told again when it has become
// another number.
func (e *Engine) revive(w *window, ep *episode, now int64) {
	switch {
	case !ep.Over:
	case now-ep.Last <= w.rule.span() && w.open() == nil:
		ep.Told = 0
		e.begin(w, ep, now)
	case ep.Count >= 10*ep.Told:
		e.say(w, ep, analysis.Clear, now, "over, and more of it has come since: ")
	}
}

// Quiet reports whether nothing is going on that Tick could tell of, if no message came.
func (e *Engine) Quiet() bool { return len(e.open) == 0 && len(e.found) == 0 }

// Tick returns what is to be told as of now, Unix ns.
func (e *Engine) Tick(now int64) []analysis.Finding {
	for _, w := range e.opened() {
		e.advance(w, now)
	}
	for _, r := range e.set.rules {
		e.speakOfCrowd(r, now)
	}
	if now-e.swept >= int64(time.Minute) || now < e.swept {
		e.sweep(now)
	}
	found := e.found
	e.found = nil
	return found
}

// opened returns the windows with an episode that people know of and that isn't over, in
// order of its beginning.
func (e *Engine) opened() (all []*window) {
	for w := range e.open {
		if !w.open().Silent {
			all = append(all, w)
		}
	}
	slices.SortFunc(all, func(a, b *window) int {
		if x, y := a.open().First, b.open().First; x != y {
			return int(min(max(x-y, -1), 1))
		}
		return compareKeys(a, b)
	})
	return all
}

// What is found of the past comes in a flood: its number is told when that has stopped for
// floodQuiet, or has lasted for floodMost.
const (
	floodQuiet = int64(10 * time.Second)
	floodMost  = int64(time.Minute)
)

// advance tells what is new of an open episode, and ends one that has been quiet for a
// window.
func (e *Engine) advance(w *window, now int64) {
	ep := w.open()
	quiet := now-ep.Last > w.rule.span()
	if quiet && now-ep.Newest < floodQuiet && now-ep.Begun < floodMost {
		return
	}
	switch {
	case ep.Told == 0:
		e.say(w, ep, analysis.Raise, now, "")
	case ep.Count >= 10*ep.Told:
		e.say(w, ep, analysis.Change, now, "")
	}
	if quiet && now-ep.Newest >= floodQuiet {
		e.end(w, ep, now, "over: ")
	}
}

// end closes an episode.
func (e *Engine) end(w *window, ep *episode, now int64, why string) {
	e.say(w, ep, analysis.Clear, now, why)
	if !ep.Silent {
		e.states[w.rule].speaking--
	}
	ep.Over = true
	e.change(w)
	delete(e.open, w)
}

// abandon ends what people were told of a window that is gone.
func (e *Engine) abandon(w *window, now int64, why string) {
	if ep := w.open(); ep != nil {
		if ep.Told == 0 {
			e.say(w, ep, analysis.Raise, now, "")
		}
		e.end(w, ep, now, why+": ")
	}
	e.gone = append(e.gone, windowKey{w.rule, w.key})
}

// say makes a finding of an episode.
func (e *Engine) say(w *window, ep *episode, kind analysis.EventKind, now int64, before string) {
	ep.Told = ep.Count
	e.change(w)
	if ep.Silent {
		return
	}
	e.found = append(e.found, analysis.Finding{Host: ep.Host, Source: ep.Source, Rule: &analysis.RuleEvent{
		Time: unixUTC(now), Kind: kind, Severity: w.rule.Severity, Rule: w.rule.Name, Subject: w.key, Count: ep.Count,
		First: unixUTC(ep.First), Last: unixUTC(ep.Last), Text: before + w.words(ep),
	}})
}

func unixUTC(ns int64) time.Time { return time.Unix(0, ns).UTC() }

// sweep removes windows that no message has come for in a long time.
func (e *Engine) sweep(now int64) {
	e.swept = now
	for w := range e.open {
		if w.open().Silent {
			e.advance(w, now)
		}
	}
	for key, w := range e.table.windows {
		if w.open() == nil && (now-w.touched > int64(Keep) || w.forget(now)) {
			e.table.remove(w)
			e.gone = append(e.gone, key)
		}
	}
}

// forget drops events and episodes that nothing that may still come can concern, and
// reports whether nothing is left.
func (w *window) forget(now int64) bool {
	oldest := now - int64(Keep) - w.rule.span()
	w.events = slices.DeleteFunc(w.events, func(o event) bool { return o.at < oldest })
	w.episodes = slices.DeleteFunc(w.episodes, func(ep episode) bool { return ep.Over && ep.Last < oldest })
	return len(w.events)+len(w.episodes) == 0
}
