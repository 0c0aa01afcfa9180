package analysis

import "time"

// A State is what the messages of one speaker say about its clock: a speaker is one
// originator behind one peer in one stamp format and class of trust. Its size
// doesn't depend on how many messages it has seen.
type State struct {
	lattice    lattice
	head       *bucket          // the finest bucket of the newest message; not stored
	headStart  int64            // where its interval begins
	headPhases *phaseGeneration // and the generation that it falls into
	phases     *phases          // nil where stamps are fine
	resolution int64            // the finest decimal place that the stamps use, ns
	finer      uint32           // stamps with a finer place
	finerPlace int64            // the coarsest of those places, 0 without any
	messages   uint64
	firstSent  int64 // the first stamp
	first      int64 // receive times of the first and the newest message
	last       int64
	cluster    int64 // receive time of the last message that was counted as distinct
	interval   int64 // running mean of the time between messages, ns

	segment   int64 // receive time since when the present level holds
	floor     int64 // leads below it are late; noLead until an evaluation says
	ceiling   int64 // leads above it are news; noNews until an evaluation says
	freeSince int64 // since when the clock has looked free-running, 0 if it doesn't
	manyAt    int64 // when several voices were heard last, 0 if never
	turnsFrom int64 // since when late and prompt messages have come in turn,
	turnsTo   int64 // and when they did last; 0 if they don't
	news      bool  // one has come since the last evaluation

	tide    *tide // nil unless stamps are fine
	silence silence
	repeat  repeat
	late    lateRun
}

// An Observation is one message as the estimator sees it.
type Observation struct {
	Sent     int64 // the stamp, Unix ns, zone and year settled
	Received int64 // the receive stamp, Unix ns of the collector's clock

	// Coalesced says that Received is only an upper bound of the arrival, because
	// other messages came in the same read. Such a message proves a lower bound of
	// the offset and nothing else.
	Coalesced bool
}

// NewState returns a state without evidence.
func NewState() *State {
	return &State{resolution: second, segment: noLead, floor: noLead, ceiling: noNews}
}

// noNews is a ceiling that nothing passes.
const noNews = 1<<63 - 1

// Messages returns how many messages the state rests on.
func (s *State) Messages() uint64 { return s.messages }

// Add takes in one message and reports whether it was late: so far below the
// envelope that it must have been held up.
func (s *State) Add(o Observation) (late bool) {
	lead := o.Sent - o.Received
	if s.messages == 0 {
		s.firstSent = o.Sent
	}
	s.refine(o.Sent)
	prompt := lead >= s.floor
	// A clock may have stopped at any time since the message before, if that was prompt.
	quiet := max(0, o.Received-s.last)
	stopped := prompt || lead+quiet >= s.floor && (s.late.n == 0 || s.late.to < s.last)
	s.count(o.Received)
	s.news = s.news || lead > s.ceiling
	if o.Coalesced && !prompt {
		return false
	}
	b := s.bucket(o.Received)
	if b == nil { // out of order by more than the finest level holds
		s.lattice.push(1, bucket{at: o.Received, max: lead, second: noLead, n: 1}, s.resolution)
		return false
	}
	b.add(lead, o.Received, s.resolution)
	if o.Received-s.cluster >= s.resolution>>3 {
		b.distinct = min(b.distinct, 1<<16-2) + 1
		s.cluster = o.Received
	}
	if s.resolution < coarse {
		if s.tide == nil {
			s.tide = newTide(lead, o.Received)
		}
		s.tide.add(lead, o.Received)
	} else if prompt {
		s.headPhases.add(lead, o.Received, s.resolution)
	}
	if prompt {
		quiet = 0
	}
	s.repeat.add(o.Sent, o.Received, quiet, stopped)
	s.late.add(lead, o.Received, prompt)
	return !prompt
}

// bucket returns the finest bucket for a receive time, which mostly is that of the
// message before.
func (s *State) bucket(received int64) *bucket {
	if uint64(received-s.headStart) < uint64(finestWidth) && s.head != nil {
		return s.head
	}
	s.head, s.headStart = s.lattice.current(received, s.resolution), received-received%finestWidth
	if s.headPhases = nil; s.resolution >= coarse {
		if s.phases == nil {
			s.phases = new(phases)
		}
		s.headPhases = s.phases.generation(received)
	}
	return s.head
}

// refine lowers the resolution to the finest decimal place that the stamps use. One
// stamp with more digits than the others is no proof: it takes three, and an eighth of
// all.
func (s *State) refine(sent int64) {
	if divides(s.resolution, sent) {
		return
	}
	place := s.resolution
	for !divides(place, sent) {
		place /= 10
	}
	s.finerPlace = max(s.finerPlace, place)
	if s.finer++; s.finer < 3 || uint64(s.finer)*8 < s.messages {
		return
	}
	s.resolution = s.finerPlace
	s.finer, s.finerPlace = 0, 0
	s.phases, s.head = nil, nil
}

// divides reports whether resolution divides sent. Constants divide several times as
// fast.
func divides(resolution, sent int64) bool {
	switch resolution {
	case second:
		return sent%second == 0
	case int64(time.Millisecond):
		return sent%int64(time.Millisecond) == 0
	case int64(time.Microsecond):
		return sent%int64(time.Microsecond) == 0
	case 1:
		return true
	}
	return sent%resolution == 0
}

func (s *State) count(received int64) {
	if s.messages == 0 {
		s.first, s.last = received, received
	}
	s.messages++
	if gap := received - s.last; gap > 0 {
		if gap > silenceLeast && gap > 6*s.interval {
			s.silence.note(silence{end: received, length: gap, usual: s.interval})
		} else {
			s.interval += (gap - s.interval) / 32
		}
		s.last = received
	}
}

// A silence is the longest time in the last while that the speaker said nothing, for
// far longer than is its way.
type silence struct {
	end    int64 // receive time of the message that broke it
	length int64
	usual  int64 // mean interval between messages before
}

// silenceLeast is the shortest silence that is noted, and silenceMemory for how long it
// hides shorter ones.
const (
	silenceLeast  = 45 * second
	silenceMemory = 10 * minute
)

func (q *silence) note(next silence) {
	if next.length >= q.length || next.end-q.end > silenceMemory {
		*q = next
	}
}

// A repeat is the present run of messages that bear one and the same stamp.
type repeat struct {
	sent   int64
	since  int64 // receive time of the first
	last   int64 // receive time of the newest
	slots  uint32
	prompt bool  // the first may have been sent when the clock stopped: it is no flushed spool
	quiet  int64 // for how long nothing had come before a first that wasn't sent just then
}

// repeatSlot divides a run, so that one burst of messages in a second is no proof
// of a clock that stands still.
const repeatSlot = 5 * second

func (r *repeat) add(sent, received, quiet int64, prompt bool) {
	if sent != r.sent {
		*r = repeat{sent: sent, since: received, last: received, quiet: quiet, prompt: prompt}
		return
	}
	if received/repeatSlot != r.last/repeatSlot {
		r.slots++
	}
	r.last = received
}

// stuck reports whether the stamp has repeated for the span given, in several slots.
// What begins after a silence may be a burst that was spooled meanwhile and leaves
// slowly: it must outlast the silence.
func (r *repeat) stuck(span int64) bool {
	return r.prompt && r.slots >= 4 && r.last-r.since > max(span, r.quiet)
}

// prevails reports whether the run is the greater part of what voices are looked for in,
// of a speaker first heard at a receive time: then it is what puts them in doubt.
func (r *repeat) prevails(first int64) bool {
	return r.last-r.since >= min(r.last-first, voicesSpan)/2
}

// A lateRun is the present run of late messages. Prompt messages may stand among
// them: a disk-assisted queue sends old and new ones in turn.
type lateRun struct {
	from, to int64 // receive times of the first and last
	n        uint32
	oldest   int64 // the lowest lead
}

// lateGap is how long no late message must have come for a run to be over.
const lateGap = minute

func (r *lateRun) add(lead, received int64, prompt bool) {
	if prompt {
		return
	}
	if received-r.to > lateGap {
		*r = lateRun{from: received, oldest: lead}
	}
	r.to = received
	r.n++
	r.oldest = min(r.oldest, lead)
}

// TakeBacklog returns the run of late messages that has ended, once, and forgets
// it.
func (s *State) TakeBacklog(now int64) (Backlog, bool) {
	r := s.late
	if r.n == 0 || now-r.to <= lateGap {
		return Backlog{}, false
	}
	s.late = lateRun{}
	return Backlog{From: r.from, To: r.to, Messages: uint64(r.n), Oldest: -r.oldest}, true
}

// A Backlog is a run of messages that were held back and then delivered: a queue
// that was flushed. It says nothing against the clock.
type Backlog struct {
	From, To int64  // receive times, Unix ns
	Messages uint64 // how many were late
	Oldest   int64  // the transit time of the most delayed one, ns
}
