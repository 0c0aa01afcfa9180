package analysis

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// MostSilences bounds the silences that last or are planned. Acknowledgements are bounded by
// the warnings: one has one at most.
const MostSilences = 500

// Why a mute can't be made or ended.
var (
	ErrTooManySilences = fmt.Errorf("%d silences last or are planned, and no more can be: end some, or let one cover more hosts", MostSilences)
	ErrNoMute          = errors.New("there is none with this number, or it has ended")
	ErrNoWarning       = errors.New("no such warning is open")
)

// An OpenWarning is one that was raised and isn't cleared.
type OpenWarning struct {
	Key    string // the originator's
	Host   string
	Source string
	Event  Event    // the newest one of it
	Told   *Telling `json:",omitempty"` // what people were told last; nil for nothing
	Held   *MuteRef `json:",omitempty"` // what kept them from being told what has come since; nil for nothing

	Acknowledged *Mute `json:",omitempty"`
}

// A Telling is what people were told of a warning.
type Telling struct {
	Verdict  Verdict
	Severity Severity
}

// Mutes is the state machine between events and the people who are told of them. It knows
// which warnings are open and what was told of each, and marks events of which nobody is to
// be told. When a mute ends, it tells what still stands and was held back: so what people
// were told last is always true, or muted.
//
// It has no clock: it goes by the time of the last Heed. It is not safe for concurrent use.
type Mutes struct {
	match    func(glob, host string) bool
	present  func(key string, v Verdict) (Interval, string, bool)
	silences map[uint64]*Mute
	lasting  []lasting               // the silences, those first that end last
	open     map[string]*OpenWarning // by the originator's key
	seen     map[string]*OpenWarning // of these, the acknowledged ones
	last     uint64                  // the newest ID
	now      time.Time               // zero before the first Heed: nothing begins or ends until then
	muted    [muteKinds]uint64

	changed      map[string]bool // keys of open, since the last snapshot
	tableChanged bool            // silences or last, likewise
}

// NewMutes returns a state machine without warnings. Match reports whether a glob matches a
// host's name. Present returns what a warning of a verdict would say now, if that is known.
func NewMutes(match func(glob, host string) bool, present func(key string, v Verdict) (Interval, string, bool)) *Mutes {
	return &Mutes{match: match, present: present, silences: map[uint64]*Mute{}, open: map[string]*OpenWarning{}, seen: map[string]*OpenWarning{}, changed: map[string]bool{}}
}

// Heed takes in what was found, marks the events of which nobody is to be told, and returns
// it with what follows from it and from the time. A doubtful time moves nothing: silences
// that last go on, and those that are planned wait.
func (m *Mutes) Heed(found []Finding, now time.Time, doubtful bool) []Finding {
	if !doubtful {
		m.now = now
		m.begin()
	}
	n := len(found)
	for i := range n {
		if found[i].Event != nil {
			found = append(found, m.heed(&found[i], now)...)
		}
	}
	return append(found, m.expire(now)...)
}

// begin begins the silences whose time has come.
func (m *Mutes) begin() {
	for _, s := range m.silences {
		if !s.Begun && !m.now.Before(s.Begins) {
			s.Begun, m.tableChanged = true, true
		}
	}
}

// lasts reports whether an event is of a warning that will be cleared. What is noticed
// beside a verdict never is.
func (f *Finding) lasts() bool {
	return !(f.Event.Kind == Raise && f.Event.Verdict == f.Event.Previous)
}

// heed takes in an event and returns what follows from it.
func (m *Mutes) heed(f *Finding, now time.Time) (follows []Finding) {
	e, w := f.Event, m.open[f.Key]
	switch {
	case f.Host == "":
		return nil // it is of hosts that weren't silenced when it was made
	case !f.lasts():
		if s := m.silencing(f.Host, e.Verdict); s != nil {
			m.mute(e, s.ref())
		}
		return nil
	case e.Kind == Clear && w == nil:
		return nil // it was raised before mutes were known
	case e.Kind == Clear:
		return m.clear(w, e, now)
	case w == nil:
		w = &OpenWarning{Key: f.Key, Host: f.Host, Source: f.Source}
		m.open[f.Key] = w
	}
	m.changed[f.Key] = true
	w.Event = *e
	if a := w.Acknowledged; a != nil && e.Severity > a.Severity {
		m.acknowledge(w, nil)
		follows = append(follows, a.news(Graver, now, ""))
	}
	if by := m.Muting(w); by != nil {
		w.Held = by.ref()
		m.mute(e, w.Held)
		return follows
	}
	if w.Held != nil && w.asTold() { // to who knows of nothing in between it is no change
		m.mute(e, w.Held)
		w.Held = nil
		return follows
	}
	w.tell(e)
	return follows
}

// asTold reports whether a warning is again what people were told last.
func (w *OpenWarning) asTold() bool {
	return w.Told != nil && *w.Told == Telling{w.Event.Verdict, w.Event.Severity}
}

// mute marks an event of which nobody is told.
func (m *Mutes) mute(e *Event, by *MuteRef) {
	e.Muted = by
	m.muted[by.Kind]++
}

// clear ends a warning. Who was told of it is told that, of what he was told; who wasn't, isn't.
func (m *Mutes) clear(w *OpenWarning, e *Event, now time.Time) (follows []Finding) {
	delete(m.open, w.Key)
	m.changed[w.Key] = true
	switch {
	case w.Held == nil:
	case w.Told == nil:
		m.mute(e, w.Held)
	default:
		e.Previous, e.Severity = w.Told.Verdict, w.Told.Severity
	}
	if a := w.Acknowledged; a != nil {
		m.acknowledge(w, nil)
		follows = append(follows, a.news(Cleared, now, ""))
	}
	return follows
}

// tell notes that people are told of an event. Who hears of the warning for the first time
// is told that it is raised, and who wasn't told of all since, what has become of what he was.
func (w *OpenWarning) tell(e *Event) {
	switch {
	case w.Told == nil:
		e.Kind, e.Previous = Raise, InSync
	case w.Held != nil:
		e.Previous = w.Told.Verdict
	}
	w.Told, w.Held = &Telling{e.Verdict, e.Severity}, nil
}

// Muting returns what keeps people from being told of an open warning now; nil for nothing.
func (m *Mutes) Muting(w *OpenWarning) *Mute {
	if a := w.Acknowledged; a != nil && m.now.Before(a.Ends) {
		return a
	}
	return m.Silenced(w)
}

// Silenced returns the silence of an open warning that lasts longest; nil for none.
func (m *Mutes) Silenced(w *OpenWarning) *Mute { return m.silencing(w.Host, w.Event.Verdict) }

// Untold reports whether people don't know of an originator's warning of a verdict, or won't
// once it is raised.
func (m *Mutes) Untold(key, host string, v Verdict) bool {
	if w := m.open[key]; w != nil {
		return w.Told == nil
	}
	return m.silencing(host, v) != nil
}

// A lasting is a silence with what its hosts' names begin with: most hosts are told from most
// silences by that, which matters when many are warned of at once.
type lasting struct {
	*Mute
	prefix string
}

// put enters a silence, or takes it out.
func (m *Mutes) put(s *Mute, lasts bool) {
	delete(m.silences, s.ID)
	if lasts {
		m.silences[s.ID] = s
	}
	m.lasting, m.tableChanged = nil, true
	for _, s := range m.silences {
		prefix := s.Host
		if i := strings.IndexAny(prefix, `*?[\`); i >= 0 {
			prefix = prefix[:i]
		}
		m.lasting = append(m.lasting, lasting{s, prefix})
	}
	slices.SortFunc(m.lasting, func(a, b lasting) int { return cmp.Or(b.Ends.Compare(a.Ends), cmp.Compare(b.ID, a.ID)) })
}

// silencing returns the silence of a host and a verdict that lasts longest; nil for none.
func (m *Mutes) silencing(host string, v Verdict) *Mute {
	folded := strings.ToLower(host)
	for _, s := range m.lasting {
		switch {
		case !strings.HasPrefix(folded, s.prefix), !s.Begun, !m.now.Before(s.Ends):
		case len(s.Verdicts) > 0 && !slices.Contains(s.Verdicts, v):
		case m.match(s.Host, host):
			return s.Mute
		}
	}
	return nil
}

// news returns the finding of what happened to a mute.
func (a *Mute) news(ended MuteEnding, at time.Time, by string) Finding {
	return Finding{Key: muteKey, Host: a.Host, Source: a.Source, Mute: &MuteNews{Mute: *a, At: at, Ended: ended, By: by}}
}

// expire ends what has lasted its time: acknowledgements first, of which people are told
// once more, so that they are told once where a silence ends at the same time.
func (m *Mutes) expire(now time.Time) (found []Finding) {
	for _, key := range slices.Sorted(maps.Keys(m.seen)) {
		if w := m.seen[key]; !m.now.Before(w.Acknowledged.Ends) {
			found = append(found, m.endAcknowledgement(w, Expired, now, "")...)
		}
	}
	for _, s := range m.Silences() {
		if !m.now.Before(s.Ends) {
			found = append(found, m.endSilence(&s, Expired, now, "")...)
		}
	}
	return found
}

// endSilence ends a silence and tells what it held back, unless another mute does.
func (m *Mutes) endSilence(s *Mute, why MuteEnding, now time.Time, by string) []Finding {
	m.put(s, false)
	found := []Finding{s.news(why, now, by)}
	for _, key := range slices.Sorted(maps.Keys(m.open)) {
		if w := m.open[key]; w.Held != nil && *w.Held == *s.ref() {
			found = append(found, m.release(w, s, why, now)...)
		}
	}
	return found
}

// endAcknowledgement ends the acknowledgement of a warning and tells what it held back. When
// it has expired, people are told once more in any case, unless they just were: who said to
// see to it hasn't.
func (m *Mutes) endAcknowledgement(w *OpenWarning, why MuteEnding, now time.Time, by string) []Finding {
	a := w.Acknowledged
	m.acknowledge(w, nil)
	found := []Finding{a.news(why, now, by)}
	if w.Held == nil && why == Expired && w.Event.Time.Before(now) && m.Muting(w) == nil {
		return append(found, w.belated(a, why, now, m.present))
	}
	if w.Held != nil {
		found = append(found, m.release(w, a, why, now)...)
	}
	return found
}

// release tells what a mute that has ended held back of a warning, if nothing else holds
// it back and it isn't what people were told before.
func (m *Mutes) release(w *OpenWarning, ended *Mute, why MuteEnding, now time.Time) []Finding {
	m.changed[w.Key] = true
	if by := m.Muting(w); by != nil {
		w.Held = by.ref()
		return nil
	}
	again := ended.Kind == Acknowledgement && why == Expired
	if !again && w.asTold() {
		w.Held = nil
		return nil
	}
	return []Finding{w.belated(ended, why, now, m.present)}
}

// belated returns the finding that tells of a warning once a mute of it has ended.
func (w *OpenWarning) belated(ended *Mute, why MuteEnding, now time.Time, present func(string, Verdict) (Interval, string, bool)) Finding {
	e := w.Event
	e.Time, e.Kind, e.Common = now, Change, nil // the move was told of once
	if w.Told != nil {
		e.Previous = w.Told.Verdict
	}
	if i, text, ok := present(w.Key, e.Verdict); ok {
		e.Interval, e.Text = i, text
	}
	w.Event = e
	w.tell(&e)
	e.Text = fmt.Sprintf("told now that %v has %s: %s", ended.ref(), past(why), e.Text)
	return Finding{Key: w.Key, Host: w.Host, Source: w.Source, Event: &e}
}

// past writes an ending after "has".
func past(why MuteEnding) string {
	if why == Withdrawn {
		return "been ended"
	}
	return string(why)
}

// Silence begins a silence, at once or at a later time, and returns it with its number.
func (m *Mutes) Silence(s Mute, now time.Time) (Mute, []Finding, error) {
	if len(m.silences) >= MostSilences {
		return Mute{}, nil, ErrTooManySilences
	}
	m.last++
	s.ID, s.Kind, s.Made, s.Begun = m.last, Silence, now, !now.Before(s.Begins)
	m.put(&s, true)
	return s, []Finding{s.news(NotEnded, now, "")}, nil
}

// Acknowledge acknowledges the open warning of an originator, and returns that with its
// number. A former acknowledgement of it is replaced.
func (m *Mutes) Acknowledge(key string, a Mute, now time.Time) (Mute, []Finding, error) {
	w := m.open[key]
	if w == nil {
		return Mute{}, nil, ErrNoWarning
	}
	var found []Finding
	m.last++
	a.ID, a.Kind, a.Made, a.Begins, a.Begun = m.last, Acknowledgement, now, now, true
	a.Key, a.Host, a.Source, a.Severity = w.Key, w.Host, w.Source, w.Event.Severity
	if before := w.Acknowledged; before != nil {
		found = append(found, before.news(Replaced, now, a.Author))
		if w.Held != nil && *w.Held == *before.ref() {
			w.Held = a.ref()
		}
	}
	m.acknowledge(w, &a)
	m.tableChanged = true
	return a, append(found, a.news(NotEnded, now, "")), nil
}

// acknowledge gives a warning its acknowledgement, or nil for none.
func (m *Mutes) acknowledge(w *OpenWarning, a *Mute) {
	w.Acknowledged, m.changed[w.Key] = a, true
	if m.seen[w.Key] = w; a == nil {
		delete(m.seen, w.Key)
	}
}

// End ends a mute before its time, and returns it as it was.
func (m *Mutes) End(ref MuteRef, by string, now time.Time) (Mute, []Finding, error) {
	if s := m.silences[ref.ID]; s != nil && ref.Kind == Silence {
		return *s, m.endSilence(s, Withdrawn, now, by), nil
	}
	for _, w := range m.seen {
		if a := w.Acknowledged; *a.ref() == ref {
			return *a, m.endAcknowledgement(w, Withdrawn, now, by), nil
		}
	}
	return Mute{}, nil, ErrNoMute
}

// Silences returns those that last or are planned, in order of their numbers.
func (m *Mutes) Silences() []Mute {
	var all []Mute
	for _, id := range slices.Sorted(maps.Keys(m.silences)) {
		all = append(all, *m.silences[id])
	}
	return all
}

// Open returns the open warnings, those first that have stood longest.
func (m *Mutes) Open() []OpenWarning {
	all := make([]OpenWarning, 0, len(m.open))
	for _, w := range m.open {
		all = append(all, *w)
	}
	slices.SortFunc(all, func(a, b OpenWarning) int {
		return cmp.Or(a.Event.Since.Compare(b.Event.Since), cmp.Compare(a.Key, b.Key))
	})
	return all
}

// A MuteCount is what was counted of mutes.
type MuteCount struct {
	Lasting [muteKinds]int    // by kind, now
	Muted   [muteKinds]uint64 // events that they have held back since the start
}

// Count counts.
func (m *Mutes) Count() MuteCount {
	c := MuteCount{Muted: m.muted}
	for _, s := range m.silences {
		if s.Begun {
			c.Lasting[Silence]++
		}
	}
	c.Lasting[Acknowledgement] = len(m.seen)
	return c
}
