package analysis

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"

	"github.com/skewatch/skewatch/collector/message"
)

// idleAfter is after which silence an originator may lose its place to another.
const idleAfter = hour

// The look at the whole table by which leavers are found.
const (
	lookLeast = second // two are this far apart
	lookMost  = minute // after which what was found is out of date
)

// A rank says who leaves first.
type rank uint8

// The ranks, first to last.
const (
	idleUDP rank = iota
	unprovenUDP
	idleHandshake
	staying
)

// rank returns the originator's own. A certificate, an expectation, a warning that
// somebody knows of, and a vote that holds its verdict keep their place.
func (o *originator) rank(now int64) rank {
	idle := now-o.last >= idleAfter
	switch {
	case o.kept():
		return staying
	case o.trust == message.TrustUDP && idle:
		return idleUDP
	case o.trust == message.TrustUDP && !o.proven():
		return unprovenUDP
	case idle:
		return idleHandshake
	}
	return staying
}

// kept reports whether the originator keeps its place whatever comes.
func (o *originator) kept() bool {
	return o.trust == message.TrustCertificate || o.standIn() || o.presence != nil || o.warning.raised != InSync || o.swept
}

// among says whose place is looked for: that of originators of one network, and of a
// class of trust or above it.
type among struct {
	network netip.Prefix
	least   message.Trust
}

// everybody is all originators of the table.
var everybody among

// leavers is who may leave, as the last look found it, the first to leave first.
type leavers struct {
	looked int64 // when that was
	queues map[among][]leaver
}

// A leaver is an originator that may leave.
type leaver struct {
	*originator
	rank  rank
	heard int64 // its newest message, when it was found
}

// leaver returns who is to leave first, nil if nobody is.
func (f *Fleet) leaver(a among, now int64) *originator {
	if f.config.Recall == nil {
		return nil
	}
	since := magnitude(now - f.leavers.looked)
	if since < lookMost {
		if o := f.nextLeaver(a, now); o != nil || since < lookLeast {
			return o
		}
	}
	f.look(now)
	return f.nextLeaver(a, now)
}

// nextLeaver returns the first of a queue that hasn't spoken, and wasn't warned of, since
// it was found.
func (f *Fleet) nextLeaver(a among, now int64) *originator {
	queue := f.leavers.queues[a]
	for len(queue) > 0 {
		if l := queue[0]; f.originators[l.key] == l.originator && l.last == l.heard && l.originator.rank(now) != staying {
			break
		}
		queue = queue[1:]
	}
	f.leavers.queues[a] = queue
	if len(queue) == 0 {
		return nil
	}
	return queue[0].originator
}

// look looks for leavers: among all, and among those of each peer that may have no more.
func (f *Fleet) look(now int64) {
	queues := map[among][]leaver{}
	for _, o := range f.originators {
		l := leaver{o, o.rank(now), o.last}
		if l.rank == staying {
			continue
		}
		queues[everybody] = append(queues[everybody], l)
		for t := range o.trust + 1 {
			if o.peer.IsValid() && int(from(t, &o.ofNetwork.trusted)) >= f.config.MaxPerPeer {
				a := among{networkOf(o.peer), t}
				queues[a] = append(queues[a], l)
			}
		}
	}
	for _, queue := range queues {
		slices.SortFunc(queue, leaver.before)
	}
	f.leavers = leavers{now, queues}
}

func (l leaver) before(other leaver) int {
	return cmp.Or(cmp.Compare(l.rank, other.rank), cmp.Compare(l.heard, other.heard), strings.Compare(l.key, other.key))
}

// trim leaves those of a restored table that is too full on disk that were not heard for
// longest.
func (f *Fleet) trim() {
	over := len(f.originators) - f.config.MaxOriginators
	if over <= 0 {
		return
	}
	all := make([]leaver, 0, len(f.originators))
	for _, o := range f.originators {
		l := leaver{originator: o, heard: o.last}
		if o.kept() {
			l.rank = staying
		}
		all = append(all, l)
	}
	slices.SortFunc(all, leaver.before)
	for _, l := range all[:over] {
		f.drop(l.originator)
	}
}
