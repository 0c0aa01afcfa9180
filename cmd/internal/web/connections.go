package web

import (
	"bytes"
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"

	"github.com/sirupsen/logrus"

	"github.com/skewatch/skewatch/cmd/internal/access"
)

// How many connections are open at once.
const (
	maxConnections = 512
	maxPerPeer     = 128 // of one address, or an IPv6 /64
)

// connections are those that are open.
type connections struct {
	count func(Refusal)

	mu      sync.Mutex
	open    map[net.Conn]*connection
	perPeer map[netip.Prefix]int
}

// A connection is one of them.
type connection struct {
	peer  netip.Prefix
	local bool // through the socket in the data directory

	mu      sync.Mutex
	waiting int // requests that have begun to arrive and that the gate hasn't seen
	active  bool
}

type connectionKey struct{}

// connectionOf returns the connection of a request, nil in tests without one.
func connectionOf(r *http.Request) *connection {
	c, _ := r.Context().Value(connectionKey{}).(*connection)
	return c
}

func (c *connection) isLocal() bool { return c != nil && c.local }

// handled notes that the gate has seen a request.
func (c *connection) handled() {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waiting = 0
}

// began notes that a request has begun to arrive.
func (c *connection) began() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waiting, c.active = 1, true
}

// add is the server's ConnContext.
func (all *connections) add(ctx context.Context, conn net.Conn) context.Context {
	c := new(connection)
	if _, c.local = conn.LocalAddr().(*net.UnixAddr); !c.local {
		from, _ := netip.ParseAddrPort(conn.RemoteAddr().String())
		c.peer = access.Peer(from.Addr())
	}
	all.mu.Lock()
	defer all.mu.Unlock()
	all.open[conn] = c
	all.perPeer[c.peer]++
	return context.WithValue(ctx, connectionKey{}, c)
}

// changed is the server's ConnState.
func (all *connections) changed(conn net.Conn, to http.ConnState) {
	switch to {
	case http.StateNew:
		if all.tooMany(conn) {
			all.count(RefusedConnections)
			_ = conn.Close() // the server finds out when it reads
		}
	case http.StateActive:
		if c := all.of(conn); c != nil {
			c.began()
		}
	case http.StateClosed, http.StateHijacked:
		all.remove(conn)
	}
}

func (all *connections) of(conn net.Conn) *connection {
	all.mu.Lock()
	defer all.mu.Unlock()
	return all.open[conn]
}

// tooMany reports whether a new connection is one too many. What was refused counts as
// none, and those of this machine's own commands come through.
func (all *connections) tooMany(conn net.Conn) bool {
	all.mu.Lock()
	defer all.mu.Unlock()
	c := all.open[conn]
	if c == nil || c.local || len(all.open) <= maxConnections && all.perPeer[c.peer] <= maxPerPeer {
		return false
	}
	all.forget(conn, c)
	return true
}

func (all *connections) forget(conn net.Conn, c *connection) {
	delete(all.open, conn)
	if all.perPeer[c.peer]--; all.perPeer[c.peer] == 0 {
		delete(all.perPeer, c.peer)
	}
}

// remove forgets a connection that has ended, and counts it if it was no use.
func (all *connections) remove(conn net.Conn) {
	all.mu.Lock()
	c := all.open[conn]
	if c == nil { // it was refused
		all.mu.Unlock()
		return
	}
	all.forget(conn, c)
	all.mu.Unlock()

	c.mu.Lock()
	defer c.mu.Unlock()
	secure, isTLS := conn.(*tls.Conn)
	switch {
	case c.waiting > 0:
		all.count(RefusedMalformed)
	case isTLS && !c.active && !secure.ConnectionState().HandshakeComplete:
		all.count(RefusedHandshake)
	}
}

// complaints passes on to the log what net/http says of connections that go wrong, of which
// anybody can make as many as he likes.
type complaints struct {
	log logrus.FieldLogger
}

func (c *complaints) Write(text []byte) (int, error) {
	say := c.log.Debug
	if bytes.HasPrefix(text, []byte("http: panic")) {
		say = c.log.Error
	}
	say(strings.TrimSpace(string(text)))
	return len(text), nil
}
