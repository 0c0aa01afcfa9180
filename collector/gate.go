package collector

import (
	"net/netip"
	"sync"
)

// A gate decides who is let in: it knows the networks that are allowed and counts the
// connections that are open.
type gate struct {
	allow               []netip.Prefix
	most, mostOfOnePeer int

	mu    sync.Mutex
	open  int
	peers map[netip.Prefix]int // open connections of each, none of 0
}

func newGate(cfg *Config) gate {
	return gate{allow: cfg.Allow, most: cfg.MaxConnections, mostOfOnePeer: cfg.MaxPerPeer, peers: map[netip.Prefix]int{}}
}

// allows reports whether a peer's messages are taken.
func (g *gate) allows(peer netip.Addr) bool {
	if len(g.allow) == 0 {
		return true
	}
	peer = peer.WithZone("")
	for _, network := range g.allow {
		if network.Contains(peer) {
			return true
		}
	}
	return false
}

// enter lets a connection in, or says why it isn't. Who was let in must leave.
func (g *gate) enter(peer netip.Addr) (why Closure, ok bool) {
	if !g.allows(peer) {
		return PeerNotAllowed, false
	}
	network := networkOf(peer)
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case g.open >= g.most:
		return ConnectionLimit, false
	case g.peers[network] >= g.mostOfOnePeer:
		return PeerLimit, false
	}
	g.open++
	g.peers[network]++
	return 0, true
}

func (g *gate) leave(peer netip.Addr) {
	network := networkOf(peer)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.open--
	if g.peers[network]--; g.peers[network] == 0 {
		delete(g.peers, network)
	}
}

// networkOf returns the addresses that one machine may take at will: of IPv6 the /64.
func networkOf(peer netip.Addr) netip.Prefix {
	bits := peer.BitLen()
	if peer.Is6() {
		bits = 64
	}
	network, _ := peer.Prefix(bits) // which cuts a zone off
	return network
}
