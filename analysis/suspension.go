package analysis

import (
	"fmt"
	"time"
)

// CollectorName is who the findings of the fleet's vote are about, in the place of a host.
const CollectorName = "collector"

// A CommonMove is what most of the fleet's clocks seemed to do at once: the collector's own
// clock moved, or its network.
type CommonMove struct {
	At     time.Time     // when the first of them was received off its level
	Size   time.Duration // by how much they seemed to move; positive if they seem ahead: our clock fell back
	Moved  int           // peers that moved together
	Voters int           // of so many that had a vote
}

// A suspension holds the verdicts of the hosts that moved with most others, until that is
// explained.
type suspension struct {
	at, size      int64 // as in CommonMove, ns
	moved, voters int
	before        time.Duration // our own clock's offset before it
	began         int64         // when it was found
	told          bool          // people know of it: it held for as long as warnings must
	hosts         int           // how many it has held
	ending        ending
	over          int64 // when it ended; 0 while it lasts. Hosts are held until their estimates have followed
}

// An ending is how a suspension ended.
type ending uint8

// The endings. The numbers are stored.
const (
	lasts     ending = iota
	returned         // most hosts came back to where they were
	explained        // our own clock was measured to have moved by as much
	outlasted        // it has lasted so long that it must be taken as the hosts' own
	endings          // how many there are
)

const (
	suspendFor   = hour        // after which a common move is taken as the hosts' own
	followWithin = 10 * minute // the longest that a host is held after the end,
	clearWithin  = 40 * minute // and where the two levels leave its estimate in doubt
	lateWithin   = 10 * second // how much after the others a host may have been on its old level
)

// An ownReading is a look at our own clock.
type ownReading struct {
	at     int64
	offset time.Duration // as in Reference
}

// How often our own clock is looked at, and for how long that is remembered.
const (
	readOwnEvery    = 8 * second
	ownReadingsSpan = 5 * minute
)

// readOwn remembers what is known of our own clock.
func (v *vote) readOwn(now int64, ref Reference) {
	n := len(v.ownReadings)
	if ref.State == Unsynchronised || n > 0 && magnitude(now-v.ownReadings[n-1].at) < readOwnEvery {
		return
	}
	v.ownReadings = append(v.ownReadings, ownReading{now, ref.Offset})
	if now-v.ownReadings[0].at > ownReadingsSpan {
		v.ownReadings = v.ownReadings[1:]
	}
}

// offsetBefore returns the offset of our own clock before a time; 0 if it isn't known.
func (v *vote) offsetBefore(at int64) time.Duration {
	for i := len(v.ownReadings) - 1; i >= 0; i-- {
		if v.ownReadings[i].at < at {
			return v.ownReadings[i].offset
		}
	}
	return 0
}

// suspend holds the fleet's vote and appends what is to be told of it.
func (f *Fleet) suspend(found []Finding, now int64, ref Reference) []Finding {
	v := &f.vote
	v.readOwn(now, ref)
	if len(v.away) == 0 && v.standing == nil {
		return found
	}
	f.prune(now)
	if v.standing != nil {
		return f.prolong(found, now, ref)
	}
	return f.impose(found, f.carried(now), now)
}

// impose begins a suspension, if there is one.
func (f *Fleet) impose(found []Finding, s *suspension, now int64) []Finding {
	if s == nil {
		return found
	}
	s.before = f.vote.offsetBefore(s.at)
	f.vote.standing, f.changed = s, true
	f.sweep(now)
	return f.tell(found, now)
}

// tell appends the news of a suspension once it has held for as long as a warning must:
// by then it shows how many moved.
func (f *Fleet) tell(found []Finding, now int64) []Finding {
	s := f.vote.standing
	if s.told || s.over != 0 || magnitude(now-s.began) < int64(f.config.Hold) {
		return found
	}
	s.told, f.changed = true, true
	s.moved, s.voters = max(s.moved, f.movedPeers(now)), max(s.voters, f.vote.poll.voters)
	return append(found, s.finding(Raise, now))
}

// movedPeers returns how many peers with a vote have most of their hosts held.
func (f *Fleet) movedPeers(now int64) (n int) {
	f.ask(now)
	held := map[*census]int32{}
	for _, o := range f.vote.away {
		if o.swept && o.votes(now, &f.config.Params) {
			held[o.ofNetwork]++
		}
	}
	for c, hosts := range held {
		if hosts > c.stand.stays {
			n++
		}
	}
	return n
}

// prolong carries a suspension on and ends it if it is time. When it holds nobody any more
// and nobody can show the move late, it makes room for another.
func (f *Fleet) prolong(found []Finding, now int64, ref Reference) []Finding {
	s := f.vote.standing
	f.sweep(now)
	left := f.relieve(now)
	if s.over == 0 {
		if s.ending = s.ends(f.away(), now, ref); s.ending != lasts {
			s.over, f.changed = now, true
		}
		if s.over != 0 && s.told {
			return append(found, s.finding(Clear, now))
		}
		return f.tell(found, now)
	}
	if left > 0 {
		return found
	}
	if next := f.carried(now); next != nil || magnitude(now-s.over) > moveSpan {
		f.vote.standing, f.changed = nil, true
		return f.impose(found, next, now)
	}
	return found
}

// sweep holds those that moved with the others, after the end too: some speak seldom.
func (f *Fleet) sweep(now int64) {
	s := f.vote.standing
	if s.ending == outlasted {
		return
	}
	for _, o := range f.vote.away {
		if m := o.departure(&f.config.Params); !o.swept && m != nil && s.takes(m) {
			o.swept, m.kept, o.changed = true, true, true
			s.hosts++
			f.changed = true
			f.agenda.put(o, now)
		}
	}
}

// takes reports whether a host's move belongs to the common one: it is of about the same
// size, give or take what congestion makes of it, and the host was on its old level before.
// One that speaks seldom may show it late.
func (s *suspension) takes(m *move) bool {
	low, high := m.size()
	slack := min(magnitude(s.size)/3, second)
	return low-slack <= s.size && s.size <= high+slack && m.before <= s.at+magnitude(s.size)+lateWithin && m.from >= s.at-voteSpan
}

// ends tells whether the suspension ends now, with so many hosts that haven't come back.
func (s *suspension) ends(away int, now int64, ref Reference) ending {
	off := int64(ref.Offset - s.before)
	near := min(magnitude(s.size)/3, second/2)
	switch {
	case ref.State != Unsynchronised && int64(ref.Bound) <= near && magnitude(off-s.size) <= near+int64(ref.Bound):
		return explained
	case 2*away <= s.hosts:
		return returned
	case magnitude(now-s.at) >= suspendFor:
		return outlasted
	}
	return lasts
}

// relieve lets go of those that came back and, once their move is explained or has lasted,
// of those whose estimates have followed; and sometime after the end of all. It returns how
// many are held still.
func (f *Fleet) relieve(now int64) (left int) {
	s := f.vote.standing
	for _, o := range f.vote.away {
		switch {
		case !o.swept:
		case s.frees(o, now, &f.config.Params):
			f.letGo(o, now)
		default:
			left++
		}
	}
	return left
}

// frees reports whether an originator needn't be held any longer.
func (s *suspension) frees(o *originator, now int64, p *Params) bool {
	if o.settledBack(p) || s.ending > returned && o.followed(p) {
		return true
	}
	after := now - s.over
	return s.over != 0 && (after > clearWithin || after < -clearWithin || after > followWithin && o.witness(p).estimate.Known)
}

// away returns how many are held that haven't come back.
func (f *Fleet) away() (n int) {
	for _, o := range f.vote.away {
		if m := o.departure(&f.config.Params); o.swept && m != nil && !m.back {
			n++
		}
	}
	return n
}

// letGo ends the hold of an originator. Steps that were the collector's are forgotten.
func (f *Fleet) letGo(o *originator, now int64) {
	s := f.vote.standing
	o.swept, o.changed = false, true
	for _, sp := range o.speakers {
		sp.move = move{}
	}
	if s.ending != outlasted {
		o.unsaid, o.lastStep = nil, nil
	}
	f.agenda.put(o, now)
}

// settledBack reports whether a held originator is on its old level again, and its
// estimate too.
func (o *originator) settledBack(p *Params) bool {
	m := o.departure(p)
	return m == nil || m.back && o.stands(m.base, m.reach, p)
}

// followed reports whether the estimate of a held originator has followed its move.
func (o *originator) followed(p *Params) bool {
	m := o.departure(p)
	return m == nil || !m.back && o.stands(m.best, m.reach, p)
}

// stands brings a held originator's estimate up to date and reports whether its level
// is clear and lies near another.
func (o *originator) stands(level, near int64, p *Params) bool {
	o.unsaid = append(o.unsaid, o.evaluate(p)...)
	w := o.witness(p)
	at, settled := w.level()
	return settled && w.estimate.Known && magnitude(at-level) <= near
}

// settle judges an originator, and notes which of its steps are to be told now. While the
// vote holds it, or isn't over, nothing is news.
func (f *Fleet) settle(o *originator, now int64, ref Reference) []Step {
	p := &f.config.Params
	steady, steps := o.steady, o.evaluate(p)
	o.judge(now, ref, p)
	if o.judged.verdict == Backlogged && o.departure(p) != nil {
		o.steady = steady // if it was no queue, it says nothing of the clock before
	}
	news := len(steps)+len(o.unsaid) > 0 || o.judged.verdict.decides() && o.judged.verdict != o.warning.raised
	words := ""
	switch {
	case o.swept:
		words = "held: " + f.vote.standing.words() + ", this host with them"
	case news && f.undecided(o, now):
		words = fmt.Sprintf("held for a moment: its clock seems to have moved by %s, and it isn't clear yet whether the others' moved too",
			signed(time.Duration(o.departure(p).best-o.departure(p).base)))
		f.agenda.put(o, now+second)
	default:
		steps, o.unsaid = append(o.unsaid, steps...), nil
		return steps
	}
	if !o.judged.held {
		o.judged, o.steady = judgement{verdict: Insufficient, reason: words, held: true}, steady
	}
	if len(steps) > 0 {
		o.unsaid, o.changed = append(o.unsaid, steps...), true
	}
	return nil
}

// finding tells of the suspension's beginning or its end.
func (s *suspension) finding(kind EventKind, now int64) Finding {
	e := &Event{
		Time: unixUTC(now), Kind: kind, Severity: Warn, Verdict: Insufficient, Previous: InSync, Since: unixUTC(s.at),
		Common: &CommonMove{unixUTC(s.at), time.Duration(s.size), s.moved, s.voters},
	}
	side := "behind"
	if s.size > 0 {
		side = "ahead"
	}
	e.Text = fmt.Sprintf("%s and seem %s by that much; the verdicts of the hosts that moved are held", s.words(), side)
	e.Check = checkCollector
	if kind == Clear {
		e.Check, e.Verdict, e.Previous, e.Text = "", InSync, Insufficient, s.endWords()
	}
	return Finding{Key: fleetKey, Host: CollectorName, Event: e}
}

func (s *suspension) amount() string {
	return fmt.Sprintf("%.1f s", time.Duration(magnitude(s.size)).Seconds())
}

func (s *suspension) words() string {
	return fmt.Sprintf("the collector's clock or its network moved by about %s: %d of %d peers moved together at %s",
		s.amount(), s.moved, s.voters, clockTime(s.at))
}

func (s *suspension) endWords() string {
	what := fmt.Sprintf("the move of %d of %d peers by about %s at %s", s.moved, s.voters, s.amount(), clockTime(s.at))
	switch s.ending {
	case explained:
		return "our own clock was measured to have moved: that explains " + what
	case returned:
		return "most hosts are back where they were before " + what
	}
	return fmt.Sprintf("%s has lasted for %s, and our own clock wasn't measured to have moved: it is taken as the hosts' own",
		what, spelled(time.Duration(suspendFor)))
}
