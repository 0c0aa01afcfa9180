package analysis

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/skewatch/skewatch/collector/message"
)

// Config is what a Fleet is told about its hosts.
type Config struct {
	Params Params

	// Rule returns what applies to a host, by its name and its peer. It is asked
	// once for each new originator.
	Rule func(host string, peer netip.Addr) HostRule

	// Hold is how long a change of verdict must last before anybody is told.
	Hold time.Duration

	// MaxOriginators bounds the table; 0 means 100,000.
	MaxOriginators int
}

// A HostRule is what is configured for a host.
type HostRule struct {
	Tolerance Tolerance
	Zone      *time.Location // of stamps that name none; nil means UTC
}

// A Fleet is the clocks of all originators. It is not safe for concurrent use.
type Fleet struct {
	config      Config
	originators map[string]*originator
	names       map[string][]*originator // by folded host name
	scratch     []byte
	turnedAway  uint64
	closed      []KeyedRollUp // roll-ups that have ended since the last snapshot
	reference   ReferenceState
}

// NewFleet returns a fleet without hosts.
func NewFleet(c Config) *Fleet {
	if c.MaxOriginators == 0 {
		c.MaxOriginators = 100_000
	}
	return &Fleet{config: c, originators: map[string]*originator{}, names: map[string][]*originator{}}
}

// RollUps returns those that may differ from what the last snapshot had: the ended
// ones since, and the open ones.
func (f *Fleet) RollUps() []KeyedRollUp {
	all := slices.Clone(f.closed)
	for key, o := range f.originators {
		if o.open.Messages > 0 {
			all = append(all, KeyedRollUp{key, o.open})
		}
	}
	return all
}

// Ended returns the roll-ups that have ended since the last call and forgets them. It
// is for a fleet of which no snapshots are taken: they return them too.
func (f *Fleet) Ended() []KeyedRollUp {
	ended := f.closed
	f.closed = nil
	return ended
}

// TurnedAway returns how many messages were not taken as evidence because the table
// of originators was full. They are stored like all others.
func (f *Fleet) TurnedAway() uint64 { return f.turnedAway }

// Originators returns how many the fleet knows.
func (f *Fleet) Originators() int { return len(f.originators) }

// Observe takes a message as evidence of its originator's clock. It keeps nothing
// of the message.
func (f *Fleet) Observe(m *message.Message) {
	o := f.originator(m)
	if o == nil {
		f.turnedAway++
		return
	}
	if start := rollUpStart(m.Received); start > o.open.Start {
		f.closeRollUp(o)
		o.open = o.open.next(start)
	}
	o.observe(m)
}

// originator finds or makes the originator of a message; nil when the table is full.
func (f *Fleet) originator(m *message.Message) *originator {
	f.scratch = appendKey(f.scratch[:0], m)
	if o := f.originators[string(f.scratch)]; o != nil {
		return o
	}
	if len(f.originators) >= f.config.MaxOriginators {
		return nil
	}
	o := &originator{
		key: string(f.scratch), host: displayName(m), peer: m.Source, created: m.Received,
		steady: Insufficient, warning: newWarning(), judged: judgement{verdict: Insufficient},
		open: RollUp{Verdict: Insufficient},
	}
	f.admit(o)
	return o
}

func (f *Fleet) admit(o *originator) {
	o.rule = f.config.Rule(o.host, o.peer)
	if o.rule.Zone == nil {
		o.rule.Zone = time.UTC
	}
	f.originators[o.key] = o
	f.names[o.name()] = append(f.names[o.name()], o)
}

// name returns the folded host name: the key without the peer.
func (o *originator) name() string { return o.key[:strings.LastIndexByte(o.key, 0)] }

func (f *Fleet) closeRollUp(o *originator) {
	if o.open.Messages > 0 {
		o.open.end(o.rule.Tolerance.Warn)
		f.closed = append(f.closed, KeyedRollUp{o.key, o.open})
	}
}

// Evaluations of one originator are at least evaluateLeast apart and, while
// messages come, evaluateMost at the most; in between a tenth of its age.
const (
	evaluateLeast = 2 * second
	evaluateMost  = minute
)

// Tick evaluates and judges the originators that are due, as of now, and returns
// what is to be told.
func (f *Fleet) Tick(now int64, ref Reference) []Finding {
	rejudge := ref.State != f.reference
	f.reference = ref.State
	var found []Finding
	for _, o := range f.originators {
		due := o.stale && now >= o.due
		if due || rejudge || o.warning.pending {
			found = f.review(found, o, now, ref)
		}
		if due {
			o.due = now + min(max((now-o.created)/10, evaluateLeast), evaluateMost)
		}
	}
	return found
}

// Refresh brings every estimate up to its newest message, for a report.
func (f *Fleet) Refresh(now int64, ref Reference) []Finding {
	var found []Finding
	for _, o := range f.originators {
		found = f.review(found, o, now, ref)
	}
	return found
}

// review evaluates and judges one originator and appends what is to be told.
func (f *Fleet) review(found []Finding, o *originator, now int64, ref Reference) []Finding {
	p := &f.config.Params
	o.stale = false
	for _, step := range o.evaluate(p) {
		found = append(found, o.finding(Finding{Step: &step}))
	}
	o.judge(now, ref, p)
	namesakes := f.names[o.name()]
	if o.findImpostor(namesakes, p) {
		found = append(found, o.finding(Finding{Event: o.impostorEvent(now)}))
	}
	if o.outspoken(namesakes) {
		o.judged = judgement{Insufficient, "the name belongs to a sender of higher trust: this one's evidence raises no verdict"}
		o.open.Verdict = Insufficient
	}
	if b, ok := o.takeBacklog(now, p); ok {
		found = append(found, o.finding(Finding{Backlog: &b}))
	}
	grade := severity(o.judged.verdict, o.interval, o.rule.Tolerance)
	if t, ok := o.warning.advance(o.judged.verdict, grade, now, f.config.Hold); ok {
		o.changed = true
		found = append(found, o.finding(Finding{Event: o.event(t, now)}))
	}
	return found
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
