package ntpcheck

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"

	"github.com/beevik/ntp"
	"github.com/beevik/nts"
)

// A client asks one server. It is used by one goroutine.
type client struct {
	Server
	fixed   bool           // the address is given: one of a pool
	server  netip.AddrPort // where the name led; invalid if it must be resolved
	lookups int
	session *ntsSession // nil without NTS, and before its keys are exchanged
	source  *source     // on whose behalf it asks
}

// forget makes the next query resolve the name, and exchange keys, again.
func (c *client) forget() {
	c.session = nil
	if !c.fixed {
		c.server = netip.AddrPort{}
	}
}

// resolve finds the server's address if it isn't known. Of several it takes
// another each time, so that a dead one is left behind, and none that another source
// asks already.
func (m *Monitor) resolve(ctx context.Context, c *client) error {
	if c.server.IsValid() {
		return nil
	}
	addrs, err := m.lookup(ctx, c.endpoint)
	if err != nil {
		return err
	}
	for range addrs {
		c.lookups++
		if addr := addrs[(c.lookups-1)%len(addrs)]; m.claim(c.source, addr) {
			c.server = addr
			return nil
		}
	}
	return &net.DNSError{Err: "all it leads to are sources already", Name: c.endpoint.host}
}

// claim gives an address to a source, if no other has it: two names of one server
// must not have two votes.
func (m *Monitor) claim(s *source, addr netip.AddrPort) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.claimed(addr, s) {
		return false
	}
	s.server = addr
	return true
}

// claimed says that another source asks at an address.
func (m *Monitor) claimed(addr netip.AddrPort, but *source) bool {
	return slices.ContainsFunc(m.sources, func(s *source) bool { return s != but && s.server == addr })
}

// lookup returns the addresses of a name, at least one.
func (m *Monitor) lookup(ctx context.Context, e endpoint) ([]netip.AddrPort, error) {
	port, err := strconv.ParseUint(e.port, 10, 16)
	if err != nil {
		return nil, fmt.Errorf("reading the port: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, maxTimeout)
	defer cancel()
	addrs, err := m.cfg.Resolve(ctx, e.host)
	if err == nil && len(addrs) == 0 {
		err = &net.DNSError{Err: "no address", Name: e.host, IsNotFound: true}
	}
	servers := make([]netip.AddrPort, len(addrs))
	for i, a := range addrs {
		servers[i] = netip.AddrPortFrom(a.Unmap(), uint16(port))
	}
	return servers, err
}

// resolve asks the system's resolver.
func resolve(ctx context.Context, host string) ([]netip.Addr, error) {
	if addr, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{addr}, nil
	}
	return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
}

// isLookup says that the name led nowhere.
func isLookup(err error) bool {
	var dns *net.DNSError
	return errors.As(err, &dns)
}

// ask makes one exchange with a server. What it returns as sample is valid, and
// authenticated if it was to be; an error is a *refusal if the server itself said
// that it can't be used.
func (m *Monitor) ask(ctx context.Context, c *client) (sample, error) {
	if err := m.resolve(ctx, c); err != nil {
		return sample{}, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	reply, err := m.query(ctx, c)
	if err == nil {
		err = reply.Validate()
	}
	if err != nil {
		return sample{}, refused(reply, err)
	}
	return sampleOf(reply, m.now()), nil
}

// query sends one query and returns the reply to it.
func (m *Monitor) query(ctx context.Context, c *client) (*ntp.Response, error) {
	x := &exchange{now: m.now, kernel: m.systemTime() == nil, nts: c.NTS}
	opts := ntp.QueryOptions{
		Timeout:       m.timeout(),
		GetSystemTime: x.clock,
		Dialer:        func(_, address string) (net.Conn, error) { return x.dial(ctx, address) },
		Auth:          m.keys[c.Key],
	}
	if c.NTS {
		return m.queryNTS(ctx, c, opts)
	}
	return ntp.QueryWithOptions(c.server.String(), opts)
}

// isAuthentication says that an error is about who wrote the reply.
func isAuthentication(err error) bool {
	var no *refusal
	return errors.Is(err, ntp.ErrAuthFailed) || errors.Is(err, ntp.ErrAuthNAK) ||
		errors.Is(err, nts.ErrAuthFailedOnClient) || errors.Is(err, nts.ErrAuthFailedOnServer) ||
		errors.Is(err, nts.ErrUniqueIDMismatch) || errors.As(err, &no) && no.auth
}
