package analysis

import (
	"fmt"
	"net/netip"
	"time"
)

// A Named is a host that the configuration names outright: by the name it speaks in,
// or by its peer's address.
type Named struct {
	Host string
	Peer netip.Addr // valid without a Host
}

// expect makes room for the hosts that should speak and never have. Such a stand-in
// has no messages. It waits from the time given on.
func (f *Fleet) expect(now int64) {
	for _, n := range f.config.Roster {
		o := newOriginator(n.Host, n.Peer, now)
		if n.Host == "" {
			o.host = n.Peer.String()
		}
		if f.originators[o.key] == nil {
			o.changed = true
			f.admit(o)
			f.agenda.put(o, now)
		}
	}
}

// wakeStandIns has those reviewed that stand for the originator's name or its peer.
func (f *Fleet) wakeStandIns(o *originator) {
	for _, key := range [...]string{o.name() + "\x00", "\x00" + o.source()} {
		if other := f.originators[key]; other != nil && other.standIn() {
			f.agenda.put(other, f.ticked)
		}
	}
}

// standIn reports whether the originator stands for a host that hasn't spoken under
// its key.
func (o *originator) standIn() bool { return o.messages == 0 }

// A quiet is how long nothing has come from a host that should speak.
type quiet struct {
	since    int64         // receive time of its newest message, or since when it is expected
	never    bool          // it has never spoken
	expected time.Duration // the longest silence that is in order; 0 for any
	of       string        // who is expected
}

// quiet returns what is to be said of the originator's silence. Of several that
// speak for one expected host, the one that spoke last stands for it: then one is
// silent, and not each place where the host once was. Messages of lower trust are no
// sign of life.
func (o *originator) quiet() quiet {
	if o.presence == nil {
		return quiet{}
	}
	q := quiet{since: o.heard, never: o.standIn(), expected: o.rule.Expected, of: o.host}
	if o.rule.ExpectPeer {
		q.of = o.peer.String()
	}
	heard := o.presence.lastHeard(o.trust)
	if q.never {
		q.since = o.created
	}
	if q.never && heard > 0 || !q.never && o.heard < heard {
		return quiet{}
	}
	return q
}

// ends returns when the silence becomes too long; 0 for never.
func (q quiet) ends() int64 {
	if q.expected == 0 {
		return 0
	}
	return q.since + int64(q.expected) + 1
}

// silent finds hosts that should speak and don't.
func (h *hearing) silent() (judgement, bool) {
	q := h.quiet
	if q.expected == 0 || h.now < q.ends() || h.held {
		return judgement{}, false
	}
	words := "has said nothing for " + roughly(time.Duration(h.now-q.since))
	if q.never {
		words = "has never spoken, though expected since " + unixUTC(q.since).Format(time.RFC3339)
	}
	return judgement{verdict: Silent, reason: fmt.Sprintf("%s %s, and should speak every %s", q.of, words, roughly(q.expected))}, true
}

// wakeAtSilence enters the originator in the agenda for when its silence becomes too
// long, and while it lasts for the beginning of each roll-up.
func (f *Fleet) wakeAtSilence(o *originator, now int64) {
	at := o.quiet().ends()
	switch {
	case at == 0:
		return
	case o.judged.verdict == Silent:
		at = rollUpStart(now) + int64(RollUpSpan)
	case at <= now: // our own clock is in doubt
		at = now + minute
	}
	f.agenda.put(o, at)
}
