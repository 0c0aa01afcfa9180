package analysis

import (
	"bytes"
	"fmt"
	"net/netip"
	"slices"
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
	created int64 // receive time of the first message

	speakers []*speaker
	messages uint64
	unusable uint64 // messages whose stamp is no evidence
	last     int64  // receive time of the newest message
	trust    message.Trust
	claim    message.TimeQuality

	due      int64 // when the next evaluation is worth its while
	judged   judgement
	interval Interval // against true time, of the speaker judged by
	steady   Verdict  // the last verdict that wasn't Insufficient
	lastStep *Step
	warning  warning
	impostor impostor
	open     RollUp
	stale    bool // messages have come since the last evaluation
	changed  bool // since the last snapshot
}

// An impostor is somebody else who speaks in the originator's name.
type impostor struct {
	found bool
	words string
}

// appendKey appends the key of a message's originator: the host's name, case
// folded, and the peer. It doesn't allocate when there is room.
func appendKey(key []byte, m *message.Message) []byte {
	for _, c := range m.Host {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		key = append(key, c)
	}
	key = append(key, 0)
	return m.Source.AppendTo(key)
}

// displayName returns the host's name for people: as sent, or the peer's address.
func displayName(m *message.Message) string {
	if len(m.Host) == 0 {
		return m.Source.String()
	}
	return strings.ToValidUTF8(string(bytes.Clone(m.Host)), "\uFFFD")
}

// observe takes in one message.
func (o *originator) observe(m *message.Message) {
	o.changed, o.stale = true, true
	o.messages++
	o.last = max(o.last, m.Received)
	o.trust = max(o.trust, m.Trust)
	if m.TimeQuality != (message.TimeQuality{}) {
		o.claim = m.TimeQuality
	}
	o.open.count(m.Received)
	sent, ok := Instant(m.Sent, m.Received, o.rule.Zone)
	if !ok || m.Sent.LeapSecond { // within a leap second, senders disagree on what time it is
		o.unusable++
		return
	}
	s := o.speaker(m.Trust, m.Sent.Format)
	s.add(m, sent)
	if s.state.news {
		o.due = min(o.due, m.Received)
	}
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
	for _, s := range o.speakers {
		if steps := s.refresh(p); len(steps) > 0 && s == o.witness(p) {
			o.lastStep = &steps[len(steps)-1]
			return steps
		}
	}
	return nil
}

// judge gives the verdict of the present estimates, as of now.
func (o *originator) judge(now int64, ref Reference, p *Params) {
	w := o.witness(p)
	h := hearing{
		now: now, estimate: &Estimate{}, reference: ref, held: o.held(ref), tolerance: o.tolerance(),
		unusable: o.unusable, lastStep: o.lastStep, params: p,
	}
	if w != nil {
		h.estimate = &w.estimate
		h.interval = ref.apply(w.estimate.Interval)
	}
	o.judged = h.judge()
	o.interval = h.interval
	if o.judged.verdict != Insufficient {
		o.steady = o.judged.verdict
	}
	o.rollUp(w, ref)
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
func (o *originator) rollUp(w *speaker, ref Reference) {
	r := &o.open
	r.Verdict, r.Trust, r.Unusable = o.judged.verdict, o.trust, o.unusable
	r.Held = o.held(ref)
	if w == nil || !w.estimate.Known {
		return
	}
	r.StampFormat, r.Trust, r.Resolution = w.format, w.trust, w.estimate.Resolution
	r.ZoneWritten, r.ZoneEast = w.zone.written, w.zone.east
	r.Bounds, r.Skew, r.SkewBound = w.estimate.Bounds, w.estimate.Skew, w.estimate.SkewBound
	r.note(o.interval, o.last, o.rule.Tolerance.Warn, o.judged.verdict != Insufficient)
}

// findImpostor looks for a voice of lower trust in the originator's name: one from
// the same peer whose stamps contradict the witness's, or any from another peer. It
// reports whether that is news.
func (o *originator) findImpostor(namesakes []*originator, p *Params) bool {
	if o.judged.verdict == Insufficient {
		return false // it must be known itself first
	}
	words := o.otherVoice(p)
	for _, other := range namesakes {
		if words == "" && other != o && other.trust < o.trust {
			words = fmt.Sprintf("somebody else speaks as %s, over %s from %s", o.host, other.trust, other.peer)
		}
	}
	news := words != "" && !o.impostor.found
	o.impostor = impostor{found: words != "" || o.impostor.found, words: words}
	return news
}

func (o *originator) otherVoice(p *Params) string {
	w := o.witness(p)
	for _, s := range o.speakers {
		if s != w && s.trust < w.trust && s.contradicts(w, p) {
			return fmt.Sprintf("somebody else speaks as %s, over %s from %s: stamps %s ahead of what its clock allows",
				o.host, s.trust, o.peer, rounded(s.estimate.Low-w.estimate.High))
		}
	}
	return ""
}

// outspoken reports whether the name belongs to an originator of higher trust:
// then this one's evidence may raise a question and never a verdict.
func (o *originator) outspoken(namesakes []*originator) bool {
	return slices.ContainsFunc(namesakes, func(other *originator) bool { return other.trust > o.trust })
}

// claims lists what the host says of itself, and what was noticed beside its
// verdict.
func (o *originator) claims() []string {
	claims := []string{}
	if o.judged.verdict == Insufficient && o.steady != Insufficient && o.steady != NoClock {
		claims = append(claims, "last verdict: "+o.steady.String())
	}
	if c := timeQualityWords(o.claim); c != "" {
		claims = append(claims, c)
	}
	if o.impostor.words != "" {
		claims = append(claims, o.impostor.words)
	}
	return claims
}

// timeQualityWords writes a claim as it stood in the message.
func timeQualityWords(q message.TimeQuality) string {
	var words []string
	flag := func(name string, c message.Claim) {
		if c != message.NotClaimed {
			words = append(words, fmt.Sprintf("%s=%d", name, c-message.ClaimedFalse))
		}
	}
	flag("tzKnown", q.TZKnown)
	flag("isSynced", q.IsSynced)
	if q.SyncAccuracy > 0 {
		words = append(words, fmt.Sprintf("syncAccuracy=%d us", q.SyncAccuracy.Microseconds()))
	}
	if len(words) == 0 {
		return ""
	}
	return "timeQuality: " + strings.Join(words, " ")
}
