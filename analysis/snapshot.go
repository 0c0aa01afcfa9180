package analysis

import (
	"fmt"
	"maps"
	"net/netip"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/skewatch/skewatch/collector/message"
)

// A Snapshot is what has changed in a fleet since the one before.
type Snapshot struct {
	Originators []Blob
	RollUps     []KeyedRollUp // ended ones, and the open ones of changed originators
}

// A Blob is an encoded originator with its key, or what is kept of the whole fleet
// under a key that no originator has.
type Blob struct {
	Key  string
	Blob []byte
}

// A KeyedRollUp is a roll-up with the key of its originator.
type KeyedRollUp struct {
	Key    string
	RollUp RollUp
}

// Snapshot returns what has changed since the last call. That call's snapshot must be
// stored by now.
func (f *Fleet) Snapshot() Snapshot {
	s := Snapshot{RollUps: f.closed}
	f.closed = nil
	if f.changed {
		f.changed = false
		s.Originators = append(s.Originators, Blob{fleetKey, f.encode()})
	}
	for key, o := range f.originators {
		if !o.changed {
			continue
		}
		o.changed = false
		s.Originators = append(s.Originators, Blob{key, o.encode()})
		if o.open.worth() {
			s.RollUps = append(s.RollUps, KeyedRollUp{key, o.open})
		}
	}
	f.parked.snapshot(&s)
	return s
}

// Restore puts originators, and what is kept of the whole fleet, back as a snapshot had
// them. It calls failed with why one is left out. Of more than the table holds, those are
// restored that were heard last, and the others stay in the store.
func (f *Fleet) Restore(blobs []Blob, failed func(error)) {
	decoded, problems := make([]*originator, len(blobs)), make([]error, len(blobs))
	inParallel(len(blobs), func(i int) {
		if blobs[i].Key != fleetKey {
			decoded[i], problems[i] = decodeOriginator(blobs[i])
		}
	})
	for i, b := range blobs {
		err := problems[i]
		switch {
		case b.Key == fleetKey:
			err = f.decode(b.Blob)
		case err == nil:
			f.restore(decoded[i])
		}
		if err != nil {
			failed(fmt.Errorf("restore the state of %s: %w", b.name(), err))
		}
	}
	f.trim()
}

// name returns what people call the one whose blob it is.
func (b *Blob) name() string {
	if b.Key == fleetKey {
		return "the fleet"
	}
	return strconv.Quote(b.Key)
}

// inParallel calls fn with each number below n: each core has a stretch of them.
func inParallel(n int, fn func(i int)) {
	cores := runtime.GOMAXPROCS(0)
	var all sync.WaitGroup
	for core := range cores {
		all.Go(func() {
			for i := n * core / cores; i < n*(core+1)/cores; i++ {
				fn(i)
			}
		})
	}
	all.Wait()
}

// restore puts an originator that was decoded in its place.
func (f *Fleet) restore(o *originator) {
	f.admit(o)
	if !o.standIn() {
		f.join(o)
		if o.presence != nil {
			o.presence.hear(o.trust, o.heard)
		}
	}
	if o.astray || o.swept {
		f.vote.list(o)
	}
	f.agenda.put(o, o.last)
}

// fleetKey is the key of what is kept of the whole fleet: neither name nor peer.
const fleetKey = "\x00"

func (f *Fleet) encode() []byte {
	e := &encoder{}
	e.byte(stateVersion)
	e.int(f.began)
	e.digest(&f.digest)
	e.suspension(f.vote.standing)
	return e.b
}

func (f *Fleet) decode(blob []byte) error {
	d := &decoder{b: blob}
	d.version()
	began, gathered, standing := d.int(), d.digest(), d.suspension()
	if d.err == nil {
		f.began, f.digest, f.vote.standing = began, gathered, standing
	}
	return d.err
}

func (e *encoder) digest(g *digest) {
	for _, n := range g.singles {
		e.byte(n)
	}
	e.byte(uint8(g.severity))
	e.int(g.since)
	e.int(g.told)
	e.uint(uint64(len(g.zones)))
	for _, z := range slices.Sorted(maps.Keys(g.zones)) {
		e.int(int64(z))
		e.uint(uint64(g.zones[z]))
	}
}

func (d *decoder) digest() digest {
	g := digest{}
	for i := range g.singles {
		g.singles[i] = d.byte()
	}
	g.severity = Severity(d.enum(len(severities)))
	g.since, g.told = d.int(), d.int()
	for n := d.uint(); n > 0 && d.err == nil; n-- {
		if g.zones == nil {
			g.zones = map[int32]int{}
		}
		z := int32(d.int())
		g.zones[z] = int(d.uint())
	}
	return g
}

func (o *originator) encode() []byte {
	e := &encoder{}
	e.byte(stateVersion)
	e.string(o.host)
	e.string(o.source())
	for _, v := range [...]int64{o.created, o.last, o.heard} {
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
	e.bool(o.falseClaim.told)
	e.rollUp(&o.open)
	e.uint(uint64(len(o.speakers)))
	for _, s := range o.speakers {
		e.speaker(s)
	}
	e.moves(o)
	return e.b
}

// maxSpeakers is more than one originator can have: three classes of trust, five
// stamp formats and room for more.
const maxSpeakers = 64

func decodeOriginator(b Blob) (*originator, error) {
	d := &decoder{b: b.Blob}
	d.version()
	o := &originator{key: b.Key, host: d.string()}
	o.peer = d.peer(b.Key)
	o.created, o.last, o.heard = d.int(), d.int(), d.int()
	o.messages, o.unusable = d.uint(), d.uint()
	o.trust = message.Trust(d.enum(3))
	o.claim = d.claim()
	o.steady = Verdict(d.enum(len(verdicts)))
	o.lastStep = d.lastStep()
	o.warning = d.warning()
	o.impostor = impostor{d.bool(), d.string()}
	o.falseClaim.told = d.bool()
	d.rollUp(&o.open)
	for n := min(d.uint(), maxSpeakers); n > 0; n-- {
		o.speakers = append(o.speakers, d.speaker())
	}
	d.moves(o)
	return o, d.err
}

// peer reads the address in which a key must end. There may be none: a host can be
// expected from anywhere.
func (d *decoder) peer(key string) netip.Addr {
	text := d.string()
	if d.err == nil && !strings.HasSuffix(key, "\x00"+text) {
		d.err = fmt.Errorf("analysis: key %q doesn't end in its peer %q", key, text)
	}
	if text == "" || d.err != nil {
		return netip.Addr{}
	}
	peer, err := netip.ParseAddr(text)
	if err != nil {
		d.err = err
	}
	return peer
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

// What is true of a warning.
const (
	warningPending = 1 << iota
	warningFree
	warningFlags // how many combinations there are
)

func (e *encoder) warning(w *warning) {
	flags := uint8(0)
	if w.pending {
		flags |= warningPending
	}
	if w.free {
		flags |= warningFree
	}
	e.byte(uint8(w.raised))
	e.byte(uint8(w.severity))
	e.int(w.since)
	e.byte(flags)
	e.int(w.from)
	e.byte(uint8(w.voice))
}

func (d *decoder) warning() warning {
	w := warning{raised: Verdict(d.enum(len(verdicts))), severity: Severity(d.enum(len(severities))), since: d.int()}
	flags := d.enum(warningFlags)
	w.pending, w.free = flags&warningPending != 0, flags&warningFree != 0
	w.from, w.voice = d.int(), voice(d.enum(int(voices)))
	return w
}

func (e *encoder) speaker(s *speaker) {
	e.byte(uint8(s.trust))
	e.byte(uint8(s.format))
	e.bool(s.zone.written)
	e.int(int64(s.zone.east))
	e.int(s.roundTrip.began)
	e.int(int64(s.roundTrip.present))
	e.int(int64(s.roundTrip.before))
	e.state(s.state)
}

func (d *decoder) speaker() *speaker {
	return &speaker{
		trust:  message.Trust(d.enum(3)),
		format: message.StampFormat(d.byte()),
		zone:   zone{written: d.bool(), east: int32(d.int())},
		roundTrip: roundTrip{
			began: d.int(), present: time.Duration(d.int()), before: time.Duration(d.int()),
		},
		state: d.state(),
	}
}

// AppendBinary appends the encoded roll-up. It never fails.
func (r *RollUp) AppendBinary(b []byte) ([]byte, error) {
	e := &encoder{b: b}
	e.byte(stateVersion)
	e.rollUp(r)
	if r.merged { // last, where five-minute ones have nothing
		e.uint(r.offsets)
	}
	return e.b, nil
}

// UnmarshalBinary reads an encoded roll-up.
func (r *RollUp) UnmarshalBinary(b []byte) error {
	d := &decoder{b: b}
	d.version()
	d.rollUp(r)
	if d.left() > 0 {
		r.merged, r.offsets = true, d.uint()
	}
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

// rollUp reads into r, whatever was there before.
func (d *decoder) rollUp(r *RollUp) {
	r.merged, r.offsets = false, 0
	r.Start, r.Messages, r.Unusable = d.int(), d.uint(), d.uint()
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
}
