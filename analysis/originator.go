package analysis

import (
	"bytes"
	"net/netip"
	"strings"
	"time"

	"github.com/skewatch/skewatch/collector/message"
)

// An originator is a host as the collector knows it: the name in its messages,
// case folded, or else the peer's address; and the peer that sent them.
type originator struct {
	key     string
	host    string // as first sent
	peer    netip.Addr
	rule    HostRule
	created int64 // receive time of the first message, or since when one is expected

	namesakes  *circle // those who speak in its name, itself among them
	neighbours *circle // those behind its peer
	presence   *circle // whichever is expected to speak; nil if nothing is

	speakers []*speaker
	messages uint64
	unusable uint64 // messages whose stamp is no evidence
	last     int64  // receive time of the newest message
	trust    message.Trust
	heard    int64 // receive time of the newest message of that trust
	claim    message.TimeQuality

	place int   // in the agenda, from 1; 0 outside
	wake  int64 // when it is to be reviewed, while in the agenda
	due   int64 // when the next evaluation is worth its while

	judged     judgement
	interval   Interval // against true time, of the speaker judged by
	steady     Verdict  // the last verdict that wasn't Insufficient
	lastStep   *Step
	warning    warning
	impostor   impostor
	falseClaim falseClaim
	open       RollUp

	ofNetwork *census     // in which it counts, with all of its peer's network
	leader    *originator // whose warning stands for this one's too
	alone     int64       // since when there is none, though there was
	suspected bool        // stands among the neighbours' suspects

	astray bool   // one of its speakers may have left its level
	listed bool   // it stands in the vote's list of those
	swept  bool   // the vote holds its verdict
	unsaid []Step // found while it is not clear whose they are

	sayings *sayings // nil for none

	stale   bool // messages have come since the last evaluation
	changed bool // since the last snapshot
}

// newOriginator returns one without messages.
func newOriginator(host string, peer netip.Addr, now int64) *originator {
	return &originator{
		key: string(peer.AppendTo(append(appendFolded(nil, host), 0))), host: host, peer: peer, created: now,
		steady: Insufficient, warning: newWarning(), judged: judgement{verdict: Insufficient},
		open: RollUp{Verdict: Insufficient},
	}
}

// AppendKey appends the key of a message's originator: the host's name, case
// folded, and the peer. It doesn't allocate when there is room.
func AppendKey(key []byte, m *message.Message) []byte {
	return m.Source.AppendTo(append(appendFolded(key, m.Host), 0))
}

// appendFolded appends a name in lower case.
func appendFolded[T string | []byte](key []byte, name T) []byte {
	for i := range len(name) {
		c := name[i]
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		key = append(key, c)
	}
	return key
}

// splitKey returns the two parts of a key.
func splitKey(key string) (name, peer string) {
	at := strings.LastIndexByte(key, 0)
	return key[:max(at, 0)], key[at+1:]
}

// Bearer returns a message with the host and the peer of a key.
func Bearer(key string) *message.Message {
	name, peer := splitKey(key)
	source, _ := netip.ParseAddr(peer) // there may be none
	return &message.Message{Host: []byte(name), Source: source}
}

// displayName returns the host's name for people: as sent, or the peer's address.
func displayName(m *message.Message) string {
	if len(m.Host) == 0 {
		return m.Source.String()
	}
	return strings.ToValidUTF8(string(bytes.Clone(m.Host)), "\uFFFD")
}

// name returns the folded name that the originator goes by: that of its messages, or
// the peer's address.
func (o *originator) name() string {
	name, peer := splitKey(o.key)
	if name == "" {
		return peer
	}
	return name
}

// observe takes in one message and reports whether it was late.
func (o *originator) observe(m *message.Message) (late bool) {
	o.changed = true
	o.messages++
	o.last = max(o.last, m.Received)
	o.hear(m)
	o.open.count(m.Received)
	sent, ok := Instant(m.Sent, m.Received, o.rule.Zone)
	if !ok || m.Sent.LeapSecond { // within a leap second, senders disagree on what time it is
		o.unusable++
		return false
	}
	s := o.speaker(m.Trust, m.Sent.Format)
	late, urgent := s.add(m, sent)
	o.astray = o.astray || s.move.from != 0
	if urgent {
		o.due = min(o.due, m.Received)
	}
	return late
}

// hear notes that the originator has spoken, and what it claims. Lower trust is
// neither a sign of its life nor its own claim.
func (o *originator) hear(m *message.Message) {
	if m.Trust > o.trust {
		o.rise(m.Trust)
	}
	if o.presence != nil {
		o.presence.hear(m.Trust, m.Received)
	}
	if m.Trust < o.trust {
		return
	}
	o.heard = max(o.heard, m.Received)
	if m.TimeQuality != (message.TimeQuality{}) {
		o.claim = m.TimeQuality
	}
}

// rise puts the originator into a higher class of trust.
func (o *originator) rise(t message.Trust) {
	for _, c := range [...]*circle{o.namesakes, o.neighbours} {
		c.count(o, -1)
	}
	o.tally(-1)
	o.trust, o.heard, o.claim = t, 0, message.TimeQuality{}
	for _, c := range [...]*circle{o.namesakes, o.neighbours} {
		c.count(o, +1)
	}
	o.tally(+1)
}

// tally adds n times the originator to the counts of the table.
func (o *originator) tally(n int32) {
	o.ofNetwork.trusted[o.trust] += n
	o.ofNetwork.all.trusted[o.trust] += n
}

func (o *originator) speaker(t message.Trust, f message.StampFormat) *speaker {
	for _, s := range o.speakers {
		if s.trust == t && s.format == f {
			return s
		}
	}
	s := &speaker{trust: t, format: f, state: NewState()}
	o.speakers = append(o.speakers, s)
	return s
}

// witness returns the speaker that the originator is judged by, nil without any.
func (o *originator) witness(p *Params) *speaker {
	var best *speaker
	for _, s := range o.speakers {
		if best == nil || s.outranks(best, p) {
			best = s
		}
	}
	return best
}

// evaluate brings all estimates up to the newest message and notes new steps of
// the witness. It returns the steps.
func (o *originator) evaluate(p *Params) []Step {
	var found []Step
	for _, s := range o.speakers {
		if steps := s.refresh(o.path(s), p); len(steps) > 0 && s == o.witness(p) {
			o.lastStep = &steps[len(steps)-1]
			found = steps
		}
	}
	return found
}

// judge gives the verdict of the present estimates, as of now.
func (o *originator) judge(now int64, ref Reference, p *Params) {
	h := o.hearing(now, ref, p)
	o.judged = h.judge()
	o.judged.held = h.held
	o.interval = h.interval
	if o.judged.verdict != Insufficient {
		o.steady = o.judged.verdict
	}
}

// hearing gathers the evidence that the originator is judged on.
func (o *originator) hearing(now int64, ref Reference, p *Params) *hearing {
	h := &hearing{
		now: now, estimate: &Estimate{}, assumed: o.rule.Zone, quiet: o.quiet(), reference: ref, held: o.held(ref),
		rule: o.rule.Tolerance.Warn, tolerance: o.tolerance(), warned: o.warning, unusable: o.unusable, lastStep: o.lastStep, params: p,
	}
	if w := o.witness(p); w != nil {
		then := w.reference(ref)
		e := then.correct(w.estimate, p)
		h.estimate, h.interval = &e, then.apply(e.Interval)
		h.first, h.zone, h.yearless = w.state.first, w.zone, w.format == message.StampBSD
	}
	return h
}

// held reports whether the reference is not good enough to judge the originator by,
// warned of or not.
func (o *originator) held(ref Reference) bool { return !ref.judges(o.rule.Tolerance.Warn) }

// clearShare is which share of the tolerance a clock that was warned of must be
// within before it is cleared.
const clearShare = 0.9

// tolerance returns the one that the next verdict is given by.
func (o *originator) tolerance() time.Duration {
	t := o.rule.Tolerance.Warn
	if o.warning.raised == Ahead || o.warning.raised == Late {
		return time.Duration(clearShare * float64(t))
	}
	return t
}

// rollUp notes the present figures in the open roll-up.
func (o *originator) rollUp(w *speaker, ref Reference, p *Params) {
	r := &o.open
	r.Verdict, r.Trust, r.Unusable = o.judged.verdict, o.trust, o.unusable
	r.Held = o.held(ref) || o.swept
	if w == nil || !w.estimate.Known {
		return
	}
	r.StampFormat, r.Trust, r.Resolution = w.format, w.trust, w.estimate.Resolution
	r.ZoneWritten, r.ZoneEast = w.zone.written, w.zone.east
	e := w.reference(ref).correct(w.estimate, p)
	r.Bounds, r.Skew, r.SkewBound = e.Bounds, e.Skew, e.SkewBound
	r.note(o.interval, o.last, o.rule.Tolerance.Warn)
}

// claims lists what the host says of itself, and what was noticed beside its
// verdict: shared says whose clock it has.
func (o *originator) claims(shared string) []string {
	claims := []string{}
	if o.judged.verdict == Insufficient && o.steady != Insufficient && o.steady != NoClock {
		claims = append(claims, "last verdict: "+o.steady.String())
	}
	contradiction := ""
	if o.falseClaim.told {
		contradiction = o.contradiction()
	}
	for _, words := range [...]string{
		timeQualityWords(o.claim), contradiction, o.impostor.words, o.relayWords(), shared,
	} {
		if words != "" {
			claims = append(claims, words)
		}
	}
	return claims
}
