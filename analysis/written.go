package analysis

import (
	"slices"

	"github.com/skewatch/skewatch/collector/message"
)

// Written returns when a message was written, in Unix nanoseconds of the collector's clock,
// and how far from that it may have been, by what is known of its originator's clock now.
// Without a usable stamp, or a clock that was judged, that is when it was received, and the
// bound 0: of its delay nothing is known.
func (f *Fleet) Written(m *message.Message) (at, bound int64) {
	f.scratch = AppendKey(f.scratch[:0], m)
	o := f.originators[string(f.scratch)]
	if o == nil {
		return m.Received, 0
	}
	e := o.clockOf(m, &f.config.Params)
	sent, ok := Instant(m.Sent, m.Received, o.rule.Zone)
	if e == nil || !ok {
		return m.Received, 0
	}
	at = sent - int64(e.Offset)
	if s := o.lastStep; s != nil && at < s.At {
		at += int64(s.Seconds * float64(second)) // the clock was set since
	}
	return min(at, m.Received), int64(max(e.High-e.Offset, e.Offset-e.Low) + e.Resolution)
}

// clockOf returns what is known of the clock that stamped a message, nil unless enough is.
func (o *originator) clockOf(m *message.Message, p *Params) *Estimate {
	i := slices.IndexFunc(o.speakers, func(s *speaker) bool { return s.trust == m.Trust && s.format == m.Sent.Format })
	if i < 0 {
		return nil
	}
	s := o.speakers[i]
	if s.evaluated == 0 && s.estimate.Messages == 0 { // restored, and not reviewed yet
		s.estimate = s.state.Evaluate(s.state.last, o.path(s), p)
	}
	if e := &s.estimate; e.Known && !e.Stuck && e.Voices == OneVoice && e.Messages >= p.MinMessages && e.Span >= p.MinSpan {
		return e
	}
	return nil
}
