package analysis

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/skewatch/skewatch/collector/message"
)

// A Snapshot is what has changed in a fleet since the one before.
type Snapshot struct {
	Originators []Blob
	RollUps     []KeyedRollUp // ended ones, and the open ones of changed originators
}

// A Blob is an encoded originator with its key.
type Blob struct {
	Key  string
	Blob []byte
}

// A KeyedRollUp is a roll-up with the key of its originator.
type KeyedRollUp struct {
	Key    string
	RollUp RollUp
}

// Snapshot returns what has changed since the last call.
func (f *Fleet) Snapshot() Snapshot {
	s := Snapshot{RollUps: f.closed}
	f.closed = nil
	for key, o := range f.originators {
		if !o.changed {
			continue
		}
		o.changed = false
		s.Originators = append(s.Originators, Blob{key, o.encode()})
		if o.open.Messages > 0 {
			s.RollUps = append(s.RollUps, KeyedRollUp{key, o.open})
		}
	}
	return s
}

// Restore puts an originator back as a snapshot had it.
func (f *Fleet) Restore(b Blob) error {
	o, err := decodeOriginator(b)
	if err != nil {
		return fmt.Errorf("restore the state of %q: %w", b.Key, err)
	}
	o.stale = true
	f.admit(o)
	return nil
}

func (o *originator) encode() []byte {
	e := &encoder{}
	e.byte(stateVersion)
	e.string(o.host)
	e.string(o.peer.String())
	for _, v := range [...]int64{o.created, o.last} {
		e.int(v)
	}
	e.uint(o.messages)
	e.uint(o.unusable)
	e.byte(uint8(o.trust))
	e.claim(o.claim)
	e.byte(uint8(o.steady))
	e.lastStep(o.lastStep)
	e.warning(&o.warning)
	e.bool(o.impostor.found)
	e.string(o.impostor.words)
	e.rollUp(&o.open)
	e.uint(uint64(len(o.speakers)))
	for _, s := range o.speakers {
		e.speaker(s)
	}
	return e.b
}

// maxSpeakers is more than one originator can have: three classes of trust, five
// stamp formats and room for more.
const maxSpeakers = 64

func decodeOriginator(b Blob) (*originator, error) {
	d := &decoder{b: b.Blob}
	d.version()
	o := &originator{key: b.Key, host: d.string()}
	peer, err := netip.ParseAddr(d.string())
	if err != nil && d.err == nil {
		d.err = err
	}
	o.peer = peer
	o.created, o.last = d.int(), d.int()
	o.messages, o.unusable = d.uint(), d.uint()
	o.trust = message.Trust(d.enum(3))
	o.claim = d.claim()
	o.steady = Verdict(d.enum(len(verdicts)))
	o.lastStep = d.lastStep()
	o.warning = d.warning()
	o.impostor = impostor{d.bool(), d.string()}
	o.open = d.rollUp()
	for n := min(d.uint(), maxSpeakers); n > 0; n-- {
		o.speakers = append(o.speakers, d.speaker())
	}
	if d.err == nil && len(b.Key) <= len(o.peer.String()) {
		d.err = fmt.Errorf("analysis: key %q doesn't end in its peer", b.Key)
	}
	return o, d.err
}

func (e *encoder) claim(q message.TimeQuality) {
	e.byte(uint8(q.TZKnown))
	e.byte(uint8(q.IsSynced))
	e.int(int64(q.SyncAccuracy))
}

func (d *decoder) claim() message.TimeQuality {
	return message.TimeQuality{
		TZKnown:      message.Claim(d.enum(3)),
		IsSynced:     message.Claim(d.enum(3)),
		SyncAccuracy: time.Duration(d.int()),
	}
}

func (e *encoder) lastStep(s *Step) {
	e.bool(s != nil)
	if s != nil {
		e.int(s.At)
		e.float(s.Seconds)
		e.byte(uint8(s.Kind))
	}
}

func (d *decoder) lastStep() *Step {
	if !d.bool() {
		return nil
	}
	return &Step{At: d.int(), Seconds: d.float(), Kind: StepKind(d.enum(len(stepKinds)))}
}

func (e *encoder) warning(w *warning) {
	e.byte(uint8(w.raised))
	e.byte(uint8(w.severity))
	e.int(w.since)
	e.bool(w.pending)
	e.int(w.from)
}

func (d *decoder) warning() warning {
	return warning{
		raised:   Verdict(d.enum(len(verdicts))),
		severity: Severity(d.enum(len(severities))),
		since:    d.int(),
		pending:  d.bool(),
		from:     d.int(),
	}
}

func (e *encoder) speaker(s *speaker) {
	e.byte(uint8(s.trust))
	e.byte(uint8(s.format))
	e.bool(s.zone.written)
	e.int(int64(s.zone.east))
	e.state(s.state)
}

func (d *decoder) speaker() *speaker {
	return &speaker{
		trust:  message.Trust(d.enum(3)),
		format: message.StampFormat(d.byte()),
		zone:   zone{written: d.bool(), east: int32(d.int())},
		state:  d.state(),
	}
}

// AppendBinary appends the encoded roll-up. It never fails.
func (r *RollUp) AppendBinary(b []byte) ([]byte, error) {
	e := &encoder{b: b}
	e.byte(stateVersion)
	e.rollUp(r)
	return e.b, nil
}

// UnmarshalBinary reads an encoded roll-up.
func (r *RollUp) UnmarshalBinary(b []byte) error {
	d := &decoder{b: b}
	d.version()
	*r = d.rollUp()
	return d.err
}

func (e *encoder) rollUp(r *RollUp) {
	e.int(r.Start)
	e.uint(r.Messages)
	e.uint(r.Unusable)
	for _, v := range [...]int64{
		r.First, r.Last, r.noted, int64(r.Interval.Offset), int64(r.Interval.Low), int64(r.Interval.High),
		int64(r.Extreme), int64(r.Out), int64(r.Resolution), int64(r.ZoneEast),
	} {
		e.int(v)
	}
	e.float(r.Skew)
	e.float(r.SkewBound)
	e.bool(r.Known)
	e.bool(r.Held)
	e.bool(r.ZoneWritten)
	for _, v := range [...]uint8{uint8(r.Verdict), uint8(r.Bounds), uint8(r.Trust), uint8(r.StampFormat)} {
		e.byte(v)
	}
}

func (d *decoder) rollUp() RollUp {
	r := RollUp{Start: d.int(), Messages: d.uint(), Unusable: d.uint()}
	r.First, r.Last, r.noted = d.int(), d.int(), d.int()
	r.Interval = Interval{time.Duration(d.int()), time.Duration(d.int()), time.Duration(d.int())}
	r.Extreme, r.Out, r.Resolution = time.Duration(d.int()), time.Duration(d.int()), time.Duration(d.int())
	r.ZoneEast = int32(d.int())
	r.Skew, r.SkewBound = d.float(), d.float()
	r.Known, r.Held, r.ZoneWritten = d.bool(), d.bool(), d.bool()
	r.Verdict = Verdict(d.enum(len(verdicts)))
	r.Bounds = BoundKind(d.enum(len(boundKinds)))
	r.Trust = message.Trust(d.enum(3))
	r.StampFormat = message.StampFormat(d.byte())
	return r
}
