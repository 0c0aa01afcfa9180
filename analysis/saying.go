package analysis

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/skewatch/skewatch/collector/message"
)

// A Saying is what a host's own time service, or whoever set its clock, wrote about it. It
// explains what was measured and decides nothing: anybody can write a line.
type Saying struct {
	At      time.Time // when it was received
	Service string    // "chronyd"
	Kind    SayingKind
	Text    string // the message, shortened

	// Seconds is by how much the clock was moved or is to be, positive forward; 0 if it isn't
	// said.
	Seconds float64 `json:",omitempty"`
}

// SayingKind is what a saying is about.
type SayingKind string

// The kinds of sayings.
const (
	SaidMoved    SayingKind = "moved"    // the clock was stepped
	SaidWrong    SayingKind = "wrong"    // the clock is off
	SaidSet      SayingKind = "set"      // somebody set the clock, or is about to
	SaidSelected SayingKind = "selected" // a source was chosen: the clock is disciplined
	SaidLost     SayingKind = "lost"     // there is no source any more, or none can be chosen
	SaidLeap     SayingKind = "leap"     // a leap second
)

// explains reports whether a saying can be the reason of a step.
func (s *Saying) explains() bool {
	return s.Kind == SaidMoved || s.Kind == SaidWrong || s.Kind == SaidSet
}

// A saying may come some time before its step is measured, or behind it: chronyd asks its
// sources up to 17 minutes apart.
const (
	saidBefore = 3 * time.Minute
	saidAfter  = 20 * time.Minute
)

// NoWord stands where a host that sends its messages says nothing of a step.
const NoWord = "no word of it from the host itself"

// saysTheSame stands before the words of one who names the size that was measured.
const saysTheSame = " says the same: "

// Explain returns what is said of a step, once this saying is known besides what was said
// before: one who names the size that was measured says most, and else who came first.
func (s *Saying) Explain(before string, at time.Time, seconds float64) string {
	words := s.about(at, seconds)
	if words != "" && (before == "" || before == NoWord || strings.Contains(words, saysTheSame) && !strings.Contains(before, saysTheSame)) {
		return words
	}
	return before
}

// about returns what a saying says of a step, "" if it is about something else. A line
// that tells by how much the clock was moved must fit.
func (s *Saying) about(at time.Time, seconds float64) string {
	if after := s.At.Sub(at); !s.explains() || after < -saidBefore || after > saidAfter {
		return ""
	}
	same := s.Seconds != 0 && math.Abs(math.Abs(s.Seconds)-math.Abs(seconds)) <= max(0.5, 0.2*math.Abs(seconds))
	switch {
	case s.Kind == SaidMoved && s.Seconds != 0 && (!same || s.Seconds > 0 != (seconds > 0)):
		return ""
	case same:
		return s.Service + saysTheSame + strconv.Quote(s.Text)
	}
	return fmt.Sprintf("%s says: %q", s.Service, s.Text)
}

// mostSayings is how many a host's last sayings are remembered.
const mostSayings = 4

// Of one host's sayings so many an hour are kept as findings.
const (
	keptSayings = 20
	keptSpan    = hour
)

// sayings are a host's last ones.
type sayings struct {
	last  []Saying
	since int64 // when the hour began in which kept were kept
	kept  int
}

// Hear takes in what a message's originator says of its clock. Lower trust doesn't speak
// for it. The finding that it returns is to be kept; nil for none.
func (f *Fleet) Hear(m *message.Message, s Saying) *Finding {
	f.scratch = AppendKey(f.scratch[:0], m)
	o := f.originators[string(f.scratch)]
	if o == nil || m.Trust < o.trust {
		return nil
	}
	s.At = unixUTC(m.Received)
	if o.sayings == nil {
		o.sayings = &sayings{}
	}
	h := o.sayings
	if len(h.last) == mostSayings {
		h.last = append(h.last[:0], h.last[1:]...)
	}
	h.last = append(h.last, s)
	if step := o.lastStep; step != nil {
		step.Said = s.Explain(step.Said, unixUTC(step.At), step.Seconds)
	}
	if m.Received-h.since > keptSpan {
		h.since, h.kept = m.Received, 0
	}
	if h.kept++; h.kept > keptSayings {
		return nil
	}
	kept := o.finding(Finding{Said: &s})
	return &kept
}

// said returns what the host says of a step of its clock.
func (o *originator) said(s *Step) string {
	words := NoWord
	if o.sayings != nil {
		for i := range o.sayings.last {
			words = o.sayings.last[i].Explain(words, unixUTC(s.At), s.Seconds)
		}
	}
	return words
}
