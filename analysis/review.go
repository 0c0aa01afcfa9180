package analysis

import "slices"

// Evaluations of one originator, while messages come, are a tenth of its age apart,
// within these limits: the shorter most is for clocks that aren't in order. What is
// urgent comes sooner.
const (
	evaluateLeast  = 2 * second
	evaluateMost   = minute
	evaluateSteady = 4 * minute // one at least in each roll-up
)

// Tick evaluates and judges the originators that are due, as of now, and returns
// what is to be told.
func (f *Fleet) Tick(now int64, ref Reference) []Finding {
	f.wake(now, ref)
	return f.review(now, ref)
}

// Refresh brings every estimate up to its newest message, for a report.
func (f *Fleet) Refresh(now int64, ref Reference) []Finding {
	f.wake(now, ref)
	for _, o := range f.originators {
		if o.outdated(ref) {
			f.agenda.put(o, now)
		}
	}
	return f.review(now, ref)
}

// wake enters every originator in the agenda for now, if what they are judged by has
// changed.
func (f *Fleet) wake(now int64, ref Reference) {
	if f.ticked == 0 {
		f.expect(now)
	}
	if ref.State != f.reference || now < f.ticked {
		for _, o := range f.originators {
			f.agenda.put(o, now)
		}
	}
}

// timely are the verdicts that change by themselves, or tell how late it is.
var timely = []Verdict{Stepped, Silent, WrongZone, WrongDate, DeadRTC}

// outdated reports whether a review may find something new: most originators have sent
// nothing since their last one.
func (o *originator) outdated(ref Reference) bool {
	return o.stale || o.judged.held != o.held(ref) || slices.Contains(timely, o.judged.verdict)
}

// review reviews the originators whose time has come.
func (f *Fleet) review(now int64, ref Reference) []Finding {
	f.begin(now)
	f.ticked, f.reference = now, ref.State
	found := f.suspend(nil, now, ref)
	for o := f.agenda.next(now); o != nil; o = f.agenda.next(now) {
		found = f.reviewOne(found, o, now, ref)
		f.plan(o, now)
	}
	return f.tellDigest(found, now)
}

// plan enters an originator that was reviewed in the agenda for what may come of it
// without a message, and notes when the next one is worth an evaluation.
func (f *Fleet) plan(o *originator, now int64) {
	most := evaluateSteady
	if o.judged.verdict != InSync {
		most = evaluateMost
	}
	o.due = now + min(max((now-o.created)/10, evaluateLeast), most)
	if o.warning.pending {
		f.agenda.put(o, max(o.warning.from+int64(f.config.Hold), now+1))
	}
	f.wakeAtSilence(o, now)
}

// reviewOne evaluates and judges one originator and appends what is to be told.
func (f *Fleet) reviewOne(found []Finding, o *originator, now int64, ref Reference) []Finding {
	p := &f.config.Params
	o.stale = false
	for _, step := range f.settle(o, now, ref) {
		if f.config.Hears {
			step.Said = o.said(&step)
			if last := o.lastStep; last != nil && last.At == step.At {
				last.Said = step.Said
			}
		}
		found = append(found, o.finding(Finding{Step: &step}))
	}
	for _, r := range f.remarks(o, now) {
		found = append(found, o.finding(Finding{Event: r}))
	}
	if o.outspoken() {
		o.judged = judgement{verdict: Insufficient, reason: "the name belongs to a sender of higher trust: this one's evidence raises no verdict"}
	}
	if o.judged.verdict == Silent {
		f.turn(o, now)
	}
	o.rollUp(o.witness(p), ref, p)
	if b, ok := o.takeBacklog(now, p); ok {
		found = append(found, o.finding(Finding{Backlog: &b}))
	}
	if e := f.advance(o, now); e != nil {
		found = append(found, o.finding(Finding{Event: e}))
	}
	return found
}

// remarks returns what is newly noticed beside the verdict.
func (f *Fleet) remarks(o *originator, now int64) []*Event {
	var all []*Event
	if o.findImpostor(&f.config.Params) {
		all = append(all, o.remark(o.impostor.words, checkImpostor, now))
	}
	if o.checkClaim(now) {
		all = append(all, o.remark(o.contradiction(), o.checkContradiction(), now))
	}
	o.changed = o.changed || len(all) > 0
	return all
}

// takeBacklog returns a backlog of the witness that has ended and whose oldest
// message was late by more than the tolerance.
func (o *originator) takeBacklog(now int64, p *Params) (Backlog, bool) {
	w := o.witness(p)
	if w == nil {
		return Backlog{}, false
	}
	b, ok := w.state.TakeBacklog(now)
	return b, ok && b.Oldest > int64(o.rule.Tolerance.Warn)
}

// advance carries the originator's warning on to the present verdict, and returns what
// people have to be told; nil for nothing.
func (f *Fleet) advance(o *originator, now int64) *Event {
	p := &f.config.Params
	o.suspect()
	grade := severity(o.judged.verdict, o.interval, o.rule.Tolerance)
	t, ok := o.warning.advance(o.judged, grade, now, f.config.Hold)
	switch {
	case ok:
		o.changed = true
		return f.announce(o, t, now)
	case f.orphaned(o, now):
		o.changed = true
		return o.raise(o.warning.anew(), now, p)
	}
	return nil
}

// announce returns the event of a transition, unless people learn of it otherwise. Who
// was once warned of by an event of its own has all others too. A digest tells of nobody who
// is muted: nothing would be told when the mute ends.
func (f *Fleet) announce(o *originator, t transition, now int64) *Event {
	p := &f.config.Params
	switch {
	case t.kind != Raise && t.voice == ownVoice:
		return o.event(t, now)
	case t.kind == Clear, t.voice == sharedVoice, (t.voice == digestVoice || t.voice == gatheredVoice) && t.verdict == WrongZone:
		return nil
	case f.follow(o, now):
		o.warning.voice = sharedVoice
		return nil
	case !f.untold(o) && f.digest.takes(o, f.began, now):
		f.changed = true
		o.warning.voice = gatheredVoice
		return nil
	}
	return o.raise(t, now, p)
}

// raise returns the event that the originator is warned of by itself from now on.
func (o *originator) raise(t transition, now int64, p *Params) *Event {
	t.kind, o.warning.voice = Raise, ownVoice
	e := o.event(t, now)
	if words := o.company(p); words != "" {
		e.Text += words
		e.Check = o.checkShared()
	}
	return e
}
