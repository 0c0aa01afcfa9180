package analysis

import (
	"time"

	"github.com/skewatch/skewatch/collector/message"
)

// A speaker is one voice under an originator's name: messages of one stamp format
// and one class of trust. What is written by different programs on a host, or in
// its name by somebody else, is never mixed into one estimate.
type speaker struct {
	trust  message.Trust
	format message.StampFormat
	state  *State
	zone   zone

	roundTrip roundTrip // to the peer
	move      move      // off its level, while it is news
	home      int64     // receive time of the newest message on its level

	estimate  Estimate
	evaluated int64     // receive time of the newest message in estimate
	path      Path      // that it rests on
	corrected Reference // of our own clock at that time, as the estimate was first judged by
	since     since
}

// since is what came after the last estimate.
type since struct {
	messages, late uint32
	prompt         int64 // receive time of the newest message that wasn't late, even before
}

// zone is how the speaker's stamps name theirs.
type zone struct {
	written bool
	east    int32 // seconds, if written
}

// coalescedGap is from which distance between two reads the messages of the later
// one may have arrived notably before its stamp.
const coalescedGap = 10 * time.Millisecond

// add takes in a message whose stamp names the moment sent. It reports whether that was
// late, and whether a new estimate is urgent.
func (s *speaker) add(m *message.Message, sent int64) (late, urgent bool) {
	s.zone = zone{m.Sent.HasZone, m.Sent.ZoneEast}
	s.roundTrip.add(m.MinRTT, m.Received)
	o := Observation{
		Sent:      sent,
		Received:  m.Received,
		Coalesced: m.PreviousRead != 0 && m.Received-m.PreviousRead > int64(coalescedGap),
	}
	late = s.state.Add(o)
	if late || s.move.from != 0 || sent-m.Received > s.state.ceiling {
		s.depart(&o)
	} else {
		s.home = o.Received
	}
	s.since.count(m.Received, late)
	return late, s.state.news || s.since.urgent(m.Received, m.Received-s.evaluated)
}

// depart follows a move with a message that was added to the state.
func (s *speaker) depart(o *Observation) {
	lead := o.Sent - o.Received
	switch {
	case o.Coalesced && lead < s.state.floor: // it may have arrived earlier
	case s.move.from != 0:
		s.move.add(lead, o.Received)
	case s.state.floor != noLead:
		s.move.begin(lead, o.Received, s.home, s.state)
		s.move.sole = s.estimate.Voices == OneVoice
	}
}

// level returns the lead of the present level, false if it isn't settled.
func (s *speaker) level() (int64, bool) {
	floor, ceiling := s.state.floor, s.state.ceiling
	return floor + (ceiling-floor)/2, floor != noLead
}

func (c *since) count(received int64, late bool) {
	c.messages++
	if late {
		c.late++
	} else {
		c.prompt = received
	}
}

// An estimate is looked at again when only late messages have come for lateSpan: the
// clock may have been set back. Or when one in lateShare was late and it is as old as
// that of a clock which isn't in order: two clocks may speak.
const (
	lateSpan  = 5 * second
	lateShare = 4
)

// urgent reports whether the late messages call for a new estimate. The present one is
// of the age given.
func (c *since) urgent(now, age int64) bool {
	return age > lateSpan && now-c.prompt > lateSpan || age > evaluateMost && c.late > c.messages/lateShare
}

// refresh evaluates the state as of its newest message, unless that was done.
// It returns the steps that are new.
func (s *speaker) refresh(path Path, p *Params) []Step {
	if s.evaluated == s.state.last && s.path == path {
		return nil
	}
	s.estimate = s.state.Evaluate(s.state.last, path, p)
	s.state.Accept(&s.estimate)
	s.evaluated, s.path, s.since = s.state.last, path, since{prompt: s.since.prompt}
	return s.estimate.Steps
}

// reference returns what is known of our own clock as of the estimate. What was known then
// is as good as what is now, unless that is more, or shows that it was wrong.
func (s *speaker) reference(now Reference) Reference {
	c, then := &s.corrected, now.as(s.evaluated)
	if c.At != then.At || c.State == Unsynchronised || then.State != Unsynchronised && (then.Bound < c.Bound || then.contradicts(*c)) {
		*c = then
	}
	return *c
}

// activeSpan is for how long after its newest message a speaker can still be the
// one that its originator is judged by.
const activeSpan = 10 * minute

// outranks reports whether s is the better witness of its originator's clock.
// Trust comes first, then evidence at all, then who still speaks, then the finer
// stamps.
func (s *speaker) outranks(o *speaker, p *Params) bool {
	if s.enough(p) != o.enough(p) {
		return s.enough(p)
	}
	if s.trust != o.trust {
		return s.trust > o.trust
	}
	if newer := s.state.last - o.state.last; magnitude(newer) > activeSpan {
		return newer > 0
	}
	if s.state.resolution != o.state.resolution {
		return s.state.resolution < o.state.resolution
	}
	return s.state.messages > o.state.messages
}

func (s *speaker) enough(p *Params) bool {
	return s.state.messages >= p.MinMessages && s.state.last-s.state.first >= int64(p.MinSpan)
}

// contradicts reports whether s proves a clock ahead of what o allows: no delay
// explains that, so two clocks speak under one name.
func (s *speaker) contradicts(o *speaker, p *Params) bool {
	return s.estimate.Known && o.estimate.Known && s.estimate.Low > o.estimate.High+p.MinStep
}
