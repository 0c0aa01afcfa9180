package analysis

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// A voice is how people learn of a warning.
type voice uint8

const (
	ownVoice      voice = iota // by an event of its own
	sharedVoice                // by that of another host behind the same peer, which shares its clock
	digestVoice                // by one event for many hosts
	gatheredVoice              // by such a one that is yet to be told
	voices                     // how many there are
)

// Hosts behind one peer that are off alike have one clock: a relay stamps their
// messages anew, or they are containers of one host. Then one of them is warned of,
// their leader, and its event counts the others.

// wrongAlike are the verdicts that hosts which share a clock have in common.
var wrongAlike = []Verdict{Ahead, Late, WrongZone, WrongDate, DeadRTC}

// suspect enters the originator among those of its peer that may share a clock.
func (o *originator) suspect() {
	if !o.suspected && o.mayShare() {
		o.suspected = true
		o.neighbours.suspected = append(o.neighbours.suspected, o)
	}
}

func (o *originator) mayShare() bool {
	return slices.Contains(wrongAlike, o.judged.verdict) || slices.Contains(wrongAlike, o.warning.raised)
}

// suspects returns the members that may share a clock.
func (c *circle) suspects() []*originator {
	c.suspected = slices.DeleteFunc(c.suspected, func(o *originator) bool {
		o.suspected = o.mayShare()
		return !o.suspected
	})
	return c.suspected
}

// sharesClock reports whether two originators behind one peer may have one clock:
// known by evidence of the same class, their offsets and skews agree within their
// bounds.
func (o *originator) sharesClock(other *originator, p *Params) bool {
	if o == other || o.trust != other.trust {
		return false
	}
	a, b := &o.open, &other.open
	if o.apart(other, p) > 0 {
		return false
	}
	return a.SkewBound == 0 || b.SkewBound == 0 || math.Abs(a.Skew-b.Skew) <= a.SkewBound+b.SkewBound
}

// apart returns how far two clocks are apart at least, in the time between their newest
// messages included; negative if they may be one.
func (o *originator) apart(other *originator, p *Params) time.Duration {
	between := max(o.interval.Low-other.interval.High, other.interval.Low-o.interval.High)
	return between - time.Duration(p.aged(magnitude(o.last-other.last)))
}

// leads reports whether people know of the originator's warning, and it stands for
// the other's. It goes on to do so while the two are off by the same within the
// tolerance: of one clock that is slewed, two hosts that speak seldom and often show
// different traces.
func (o *originator) leads(other *originator, now int64, p *Params) bool {
	if o.warning.voice != ownVoice || o.warning.raised != other.warning.raised || now-o.last >= day {
		return false
	}
	return o.sharesClock(other, p) || other.leader == o && o.apart(other, p) <= o.rule.Tolerance.Warn
}

// speaksFor reports whether the originator leads the other, and who is to be told of that
// one's warning knows of this one's.
func (f *Fleet) speaksFor(o, other *originator, now int64) bool {
	return o.leads(other, now, &f.config.Params) && f.reaches(o, other) && (!f.untold(o) || f.untold(other))
}

// reaches reports whether all who are to be told of the other are told of the originator.
func (f *Fleet) reaches(o, other *originator) bool {
	return f.config.Reaches == nil || f.config.Reaches(o.host, other.host)
}

// untold reports whether people don't know of the originator's warning, or won't once it is
// raised.
func (f *Fleet) untold(o *originator) bool {
	return f.config.Untold != nil && f.config.Untold(o.key, o.host, o.warning.raised)
}

// follow finds the originator's leader and reports whether there is one.
func (f *Fleet) follow(o *originator, now int64) bool {
	if o.leader != nil && f.speaksFor(o.leader, o, now) {
		return true
	}
	o.leader = nil
	if !slices.Contains(wrongAlike, o.warning.raised) {
		return false
	}
	for _, other := range o.neighbours.suspects() {
		if f.speaksFor(other, o, now) {
			o.leader = other
			return true
		}
	}
	return false
}

// orphanedAfter is for how long a host whose warning another's stood for must have spoken
// on, as wrong as before, until it is told itself: the others learn later that their clock
// was set right.
const orphanedAfter = 5 * minute

// orphaned reports whether nobody tells of the originator's warning any more, though it
// lasts.
func (f *Fleet) orphaned(o *originator, now int64) bool {
	if o.warning.voice != sharedVoice || f.follow(o, now) {
		o.alone = 0
		return false
	}
	if o.alone == 0 {
		o.alone = now
	}
	w := o.witness(&f.config.Params)
	return w != nil && w.home-o.alone >= orphanedAfter && o.judged.verdict == o.warning.raised
}

// companyNames is how many of those who share a clock are named.
const companyNames = 5

// company says who shares the originator's clock; "" if nobody does.
func (o *originator) company(p *Params) string {
	var names []string
	for _, other := range o.neighbours.suspects() {
		if other.judged.verdict == o.judged.verdict && other.sharesClock(o, p) {
			names = append(names, other.host)
		}
	}
	if len(names) == 0 {
		return ""
	}
	slices.Sort(names)
	more := ""
	if len(names) > companyNames {
		more = " …"
	}
	return fmt.Sprintf("; and %d more behind %s that share its clock: %s%s",
		len(names), o.peer, strings.Join(names[:min(len(names), companyNames)], ", "), more)
}

// followers counts the originators that each leader's warning stands for.
func (f *Fleet) followers() map[*originator]int {
	counts := map[*originator]int{}
	for _, o := range f.originators {
		if o.leader != nil && o.warning.voice == sharedVoice {
			counts[o.leader]++
		}
	}
	return counts
}

// sharedWords says that the originator's clock is that of others too.
func (o *originator) sharedWords(followers map[*originator]int) string {
	n := followers[o]
	if o.leader != nil && o.warning.voice == sharedVoice {
		n = followers[o.leader]
	}
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("%d hosts behind %s share one clock: the relay writes stamps anew, or they are containers of one host", n+1, o.peer)
}
