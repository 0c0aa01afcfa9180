package analysis

import (
	"net/netip"
	"time"

	"github.com/skewatch/skewatch/collector/message"
)

// Config is what a Fleet is told about its hosts.
type Config struct {
	Params Params

	// Rule returns what applies to a host, by its name and its peer. It is asked
	// once for each new originator.
	Rule func(host string, peer netip.Addr) HostRule

	// Roster names hosts that should speak, even if they never have. What is
	// expected of each, Rule says.
	Roster []Named

	// Untold reports whether people aren't told of an originator's warning, because of a
	// mute: then it doesn't stand for those of others. Nil if people are told of all.
	Untold func(key, host string, v Verdict) bool

	// Reaches reports whether all who are told of the warnings of a host are told of those
	// of a leader too, of which it has one clock: only then that one's stands for its. Nil if
	// people are told of all hosts.
	Reaches func(leader, host string) bool

	// Hold is how long a change of verdict must last before anybody is told.
	Hold time.Duration

	// MaxOriginators bounds the table; 0 means 100,000. MaxPerPeer bounds the share of
	// one peer; 0 means half of the table. An IPv6 peer shares it with all of its /64.
	MaxOriginators, MaxPerPeer int

	// Recall returns what the store has under an originator's key, nil if that is
	// nothing; it reports false if the store can't tell at the moment. Without it, as
	// where messages are read from a file, the table takes every name until it is full,
	// and nobody has to leave.
	Recall func(key string) (blob []byte, ok bool)

	// Hears says that the fleet is told what hosts say of their clocks: a step without a word
	// is worth a word then.
	Hears bool

	// Seed keeps those who invent names from knowing which of them get into each
	// other's way.
	Seed [32]byte
}

// A HostRule is what is configured for a host.
type HostRule struct {
	Tolerance Tolerance
	Zone      *time.Location // of stamps that name none; nil means UTC
	Relay     bool           // the peer passes on what others wrote

	// Expected is the longest silence that is in order; 0 for any. With ExpectPeer
	// it is the peer that should speak, under whatever name, else the name, from
	// wherever.
	Expected   time.Duration
	ExpectPeer bool
}

// A Fleet is the clocks of all originators. It is not safe for concurrent use.
type Fleet struct {
	config      Config
	originators map[string]*originator
	names       map[string]*circle // by folded host name
	peers       map[netip.Addr]*circle
	agenda      agenda
	scratch     []byte
	late        uint64        // messages
	closed      []KeyedRollUp // roll-ups that have ended since the last snapshot
	reference   ReferenceState
	ticked      int64 // the time of the last Tick; 0 before the first
	began       int64 // when the fleet was first used
	digest      digest
	vote        vote
	changed     bool // began, digest or vote, since the last snapshot

	everyone  census                   // all that have spoken
	networks  map[netip.Prefix]*census // the same by networkOf
	probation probation
	leavers   leavers
	parked    parked
	newest    int64 // receive time of the last message that found no originator in the table
	admission Admission
}

// NewFleet returns a fleet without hosts.
func NewFleet(c Config) *Fleet {
	if c.MaxOriginators == 0 {
		c.MaxOriginators = 100_000
	}
	if c.MaxPerPeer == 0 {
		c.MaxPerPeer = max(1, c.MaxOriginators/2)
	}
	return &Fleet{
		config: c, originators: map[string]*originator{}, names: map[string]*circle{}, peers: map[netip.Addr]*circle{},
		networks: map[netip.Prefix]*census{}, probation: newProbation(c.MaxOriginators, c.Seed),
	}
}

// RollUps returns those that may differ from what the last snapshot had: the ended
// ones since, and the open ones.
func (f *Fleet) RollUps() []KeyedRollUp {
	all := append(make([]KeyedRollUp, 0, len(f.closed)+len(f.originators)), f.closed...)
	for key, o := range f.originators {
		if o.open.worth() {
			all = append(all, KeyedRollUp{key, o.open})
		}
	}
	return f.parked.rollUps(all)
}

// Ended returns the roll-ups that have ended since the last call and forgets them. It
// is for a fleet of which no snapshots are taken: they return them too.
func (f *Fleet) Ended() []KeyedRollUp {
	ended := f.closed
	f.closed = nil
	return ended
}

// Late returns how many messages had been held up before they arrived: so long that their
// stamps tell more of a queue than of a clock.
func (f *Fleet) Late() uint64 { return f.late }

// Originators returns how many the fleet knows.
func (f *Fleet) Originators() int { return len(f.originators) }

// Observe takes a message as evidence of its originator's clock. It keeps nothing
// of the message.
func (f *Fleet) Observe(m *message.Message) {
	f.begin(m.Received)
	o := f.originator(m)
	if o == nil {
		return
	}
	f.turn(o, m.Received)
	due := o.due
	if o.observe(m) {
		f.late++
	}
	if o.astray && !o.listed {
		f.vote.list(o)
	}
	if !o.stale || o.due < due {
		o.stale = true
		f.agenda.put(o, o.due)
	}
}

// originator finds or makes the originator of a message; nil when it has no place in the
// table.
func (f *Fleet) originator(m *message.Message) *originator {
	f.scratch = AppendKey(f.scratch[:0], m)
	o := f.originators[string(f.scratch)]
	if o == nil {
		if o = f.newcomer(m); o == nil {
			return nil
		}
	}
	if o.standIn() {
		o.trust = m.Trust
		f.join(o)
	}
	return o
}

// admit gives an originator its rule and its place in the table.
func (f *Fleet) admit(o *originator) {
	o.rule = f.config.Rule(o.host, o.peer)
	if o.rule.Zone == nil {
		o.rule.Zone = time.UTC
	}
	o.namesakes, o.neighbours = circleOf(f.names, o.name()), &circle{}
	if o.peer.IsValid() {
		o.neighbours = circleOf(f.peers, o.peer)
	}
	o.ofNetwork = f.hold(o.peer)
	if o.rule.Expected > 0 {
		o.presence = o.namesakes
		if o.rule.ExpectPeer {
			o.presence = o.neighbours
		}
	}
	f.originators[o.key] = o
}

// join makes an originator that speaks known to the others of its name and peer. If
// one was alone behind the peer, what is known of its path is void; and if one of them
// was expected, it has spoken.
func (f *Fleet) join(o *originator) {
	if c := o.neighbours; len(c.members) == 1 {
		f.agenda.put(c.members[0], f.ticked)
	}
	f.wakeStandIns(o)
	o.namesakes.join(o)
	o.neighbours.join(o)
	o.tally(+1)
}

// begin notes when the fleet is first used.
func (f *Fleet) begin(now int64) {
	if f.began == 0 {
		f.began, f.changed = now, true
	}
}

// turn opens the roll-up for a time, if that is later than the open one.
func (f *Fleet) turn(o *originator, at int64) {
	start := rollUpStart(at)
	if start <= o.open.Start {
		return
	}
	if o.open.worth() {
		o.open.end(o.rule.Tolerance.Warn)
		f.closed = append(f.closed, KeyedRollUp{o.key, o.open})
	}
	o.open = o.open.next(start)
	o.changed = true
}
