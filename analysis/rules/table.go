package rules

import (
	"container/heap"
	"container/list"
	"net/netip"

	"github.com/skewatch/skewatch/collector/message"
)

// A table is the windows, and knows which of them to give up when there are too many.
// Whoever sends messages for the most keys gives up his own first, and of these the ones
// that have counted once. Datagrams, whose sender anybody can invent, never take more than
// half of the places that others want.
type table struct {
	most    int
	windows map[windowKey]*window
	peers   map[peerKey]*peer
	pools   [2]pool // of datagrams, and of connections
}

type windowKey struct {
	rule *Rule
	key  string
}

// A peerKey names who sends: an address, or a network of IPv6, and how sure that is.
type peerKey struct {
	network  netip.Prefix
	connects bool
}

// A peer is who sent the first message of some windows.
type peer struct {
	peerKey
	ranks [ranks]list.List // of *window, those first that were used last
	place int              // in the pool
}

// A rank is how much there is to lose with a window.
type rank uint8

const (
	once    rank = iota // it has counted one message
	several             // it has counted more
	told                // it holds an episode
	ranks
)

type element = list.Element

func newTable(most int) *table {
	return &table{most: most, windows: map[windowKey]*window{}, peers: map[peerKey]*peer{}}
}

// keyOf returns the key of the peer that sent a message.
func keyOf(source netip.Addr, t message.Trust) peerKey {
	bits := source.BitLen()
	if source.Is6() {
		bits = 64
	}
	network, _ := source.Prefix(bits) // the zero Prefix for the zero Addr
	return peerKey{network, t > message.TrustUDP}
}

// put enters a window, and returns the one that had to make room for it, nil if none.
func (t *table) put(w *window, by peerKey) (evicted *window) {
	if len(t.windows) >= t.most {
		evicted = t.victim()
		t.remove(evicted)
	}
	p := t.peers[by]
	if p == nil {
		p = &peer{peerKey: by}
		t.peers[by] = p
		heap.Push(t.pool(p), p)
	}
	t.windows[windowKey{w.rule, w.key}] = w
	w.peer, w.rank = p, w.worth()
	w.inRank = p.ranks[w.rank].PushFront(w)
	t.resized(p, 1)
	return evicted
}

func (t *table) pool(p *peer) *pool {
	if p.connects {
		return &t.pools[1]
	}
	return &t.pools[0]
}

// victim returns the window to give up.
func (t *table) victim() *window {
	from := &t.pools[1]
	if 2*from.windows < t.most {
		from = &t.pools[0]
	}
	largest := from.peers[0]
	for r := range largest.ranks {
		if e := largest.ranks[r].Back(); e != nil {
			return e.Value.(*window)
		}
	}
	panic("rules: a peer without windows is in the table")
}

// remove takes a window out.
func (t *table) remove(w *window) {
	delete(t.windows, windowKey{w.rule, w.key})
	w.peer.ranks[w.rank].Remove(w.inRank)
	t.resized(w.peer, -1)
	if w.peer.len() == 0 {
		heap.Remove(t.pool(w.peer), w.peer.place)
		delete(t.peers, w.peer.peerKey)
	}
}

// use notes that a window has counted a message.
func (t *table) use(w *window) {
	if r := w.worth(); r != w.rank {
		w.peer.ranks[w.rank].Remove(w.inRank)
		w.rank = r
		w.inRank = w.peer.ranks[r].PushFront(w)
		return
	}
	w.peer.ranks[w.rank].MoveToFront(w.inRank)
}

// worth returns the rank that a window has earned.
func (w *window) worth() rank {
	switch {
	case w.open() != nil:
		return told
	case len(w.events) > 1:
		return several
	}
	return once
}

func (p *peer) len() (n int) {
	for r := range p.ranks {
		n += p.ranks[r].Len()
	}
	return n
}

func (t *table) resized(p *peer, by int) {
	pool := t.pool(p)
	pool.windows += by
	heap.Fix(pool, p.place)
}

// A pool is peers, the one with the most windows first. It implements heap.Interface.
type pool struct {
	peers   []*peer
	windows int
}

func (p *pool) Len() int           { return len(p.peers) }
func (p *pool) Less(i, j int) bool { return p.peers[i].len() > p.peers[j].len() }
func (p *pool) Push(x any) {
	x.(*peer).place = len(p.peers)
	p.peers = append(p.peers, x.(*peer))
}
func (p *pool) Pop() any {
	last := p.peers[len(p.peers)-1]
	p.peers = p.peers[:len(p.peers)-1]
	return last
}
func (p *pool) Swap(i, j int) {
	p.peers[i], p.peers[j] = p.peers[j], p.peers[i]
	p.peers[i].place, p.peers[j].place = i, j
}
