package ntpcheck

import (
	"context"
	"net/netip"
	"slices"
	"sync"
	"time"
)

const (
	// poolSize is how many servers of a pool are asked.
	poolSize = 4

	// patience is after how many queries in a row without an answer, or with a false
	// one, another server of the pool is asked instead.
	patience = 8

	// shunFor is how long a server that was replaced isn't taken again.
	shunFor = time.Hour
)

// An entry is a server of the configuration and the sources it became: one, or for a
// pool as many as there are members. A pool without members stands as one source that
// can't be reached.
type entry struct {
	Server
	sources []*source
	shunned map[netip.AddrPort]time.Time // since when
}

func newEntry(s Server, cfg *Config) *entry {
	return &entry{Server: s, sources: []*source{newSource(s, cfg)}, shunned: make(map[netip.AddrPort]time.Time)}
}

// list brings the monitor's sources up to date.
func (m *Monitor) list() {
	m.sources = nil
	for _, e := range m.entries {
		m.sources = append(m.sources, e.sources...)
	}
}

// attend has an entry's sources asked until the context ends.
func (m *Monitor) attend(ctx context.Context, e *entry) {
	if !e.Pool {
		m.follow(ctx, e.sources[0])
		return
	}
	var group sync.WaitGroup
	defer group.Wait()
	for {
		wait := m.cfg.Poll
		if m.lacks(e) {
			addrs, err := m.lookup(ctx, e.endpoint)
			for _, s := range m.join(e, addrs, err) {
				memberCtx, end := context.WithCancel(ctx)
				m.begin(s, end)
				group.Go(func() { m.follow(memberCtx, s) })
			}
			wait = max(wait, min(lookupSpacing, patience*m.cfg.Poll))
		}
		if !sleep(ctx, wait, nil) {
			return
		}
	}
}

func (m *Monitor) begin(s *source, end context.CancelFunc) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s.end = end
}

// lacks says that a pool has fewer members than it may have, or one to be replaced.
func (m *Monitor) lacks(e *entry) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(e.members()) < poolSize || slices.ContainsFunc(e.sources, (*source).failed)
}

// members are the sources that have an address.
func (e *entry) members() []*source {
	if len(e.sources) == 1 && e.sources[0].fixed == nil {
		return nil
	}
	return e.sources
}

// failed says that a member of a pool should be replaced.
func (s *source) failed() bool {
	return s.denied || s.queries >= patience && s.reach == 0 || s.denial >= patience
}

// deny counts the surveys in a row that called the source false when it had just
// answered.
func (s *source) deny(survey survey) {
	v, found := survey.viewOf(s)
	switch {
	case !found || !survey.agreed || s.problem != "":
	case v.state == Falseticker:
		s.denial++
	default:
		s.denial = 0
	}
}

// join takes new members from the addresses that a pool's name has now, in free
// places first and then in those of members that failed, and returns them. A failed
// member keeps its place as long as nobody else wants it.
func (m *Monitor) join(e *entry, addrs []netip.AddrPort, err error) (joined []*source) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err != nil && len(e.members()) == 0 {
		m.fail(e, err)
		return nil
	}
	for _, addr := range addrs {
		if !m.isNew(e, addr) || !m.makeRoom(e) {
			continue
		}
		s := e.member(addr, &m.cfg)
		e.sources, joined = append(e.members(), s), append(joined, s)
	}
	m.list()
	return joined
}

// fail says of a pool without members why it has none.
func (m *Monitor) fail(e *entry, err error) {
	s := e.sources[0]
	s.asked, s.problem = true, describe(err, m.timeout())
}

// makeRoom removes a member that failed if there is no free place, and says whether
// there is one now.
func (m *Monitor) makeRoom(e *entry) bool {
	if len(e.members()) < poolSize {
		return true
	}
	i := slices.IndexFunc(e.sources, (*source).failed)
	if i < 0 {
		return false
	}
	failed := e.sources[i]
	failed.end()
	e.shunned[failed.fixed.server] = m.now()
	m.log.WithField("ntp_server", failed.address()).Warn("NTP source is replaced by another of its pool")
	e.sources = slices.Delete(e.sources, i, i+1)
	return true
}

// isNew says that no source has the address, and that it wasn't given up lately.
func (m *Monitor) isNew(e *entry, addr netip.AddrPort) bool {
	if since, shunned := e.shunned[addr]; shunned && m.now().Sub(since) < shunFor {
		return false
	}
	return !m.claimed(addr, nil) && !slices.ContainsFunc(e.sources, func(s *source) bool { return s.server == addr })
}

// member makes a source of one of the pool's addresses. It is shown by that, and
// proves itself, with NTS, by the pool's name.
func (e *entry) member(addr netip.AddrPort, cfg *Config) *source {
	own := e.Server
	own.endpoint = splitServer(addr.String(), "")
	s := newSource(own, cfg)
	s.server = addr
	s.fixed = &client{Server: e.Server, fixed: true, server: addr}
	return s
}
