package ntpcheck

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"syscall"
	"time"

	"github.com/beevik/ntp"
)

const (
	// maxTimeout is how long an answer is waited for at most, and a name's
	// resolution too.
	maxTimeout = 2 * time.Second

	// maxPrecision is the coarsest precision a server is granted. The field can hold
	// absurd values.
	maxPrecision = time.Second
)

// A refusal is an answer that is certainly the server's (it repeats what only our
// query said) and by which it must not be used.
type refusal struct {
	kiss   string // the kiss code (RFC 5905, section 7.4), or ""
	reason string
}

func (r *refusal) Error() string { return r.reason }

// limited says that the server asks for fewer queries, and nothing else.
func (r *refusal) limited() bool { return r.kiss == "RATE" }

// denied says that the server doesn't want to be asked again.
func (r *refusal) denied() bool { return r.kiss == "DENY" || r.kiss == "RSTR" }

// ask makes one exchange with a server. What it returns as sample is valid; an
// error is a *refusal if the server itself said that it can't be used.
func (m *Monitor) ask(ctx context.Context, server netip.AddrPort) (sample, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	dial := func(_, address string) (net.Conn, error) { return dialUntil(ctx, address) }
	reply, err := ntp.QueryWithOptions(server.String(), ntp.QueryOptions{
		Timeout:       m.timeout(),
		GetSystemTime: m.cfg.Now,
		Dialer:        dial,
	})
	if err != nil {
		return sample{}, err
	}
	if err := reply.Validate(); err != nil {
		return sample{}, refused(reply, err)
	}
	return sampleOf(reply, m.now()), nil
}

// dialUntil returns a socket that closes when the context ends, since the library's
// query can't be interrupted otherwise.
func dialUntil(ctx context.Context, address string) (net.Conn, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "udp", address)
	if err == nil {
		context.AfterFunc(ctx, func() { conn.Close() })
	}
	return conn, err
}

func (m *Monitor) timeout() time.Duration { return min(m.cfg.Poll, maxTimeout) }

func refused(reply *ntp.Response, err error) *refusal {
	if reply.IsKissOfDeath() {
		return &refusal{reply.KissCode, fmt.Sprintf("kiss-o'-death %q", reply.KissCode)}
	}
	return &refusal{reason: err.Error()}
}

// sampleOf is the one place where the library's reply becomes ours. Its
// ClockOffset is server minus local, which is our sign.
func sampleOf(r *ntp.Response, now time.Time) sample {
	return sample{
		at:             now,
		offset:         r.ClockOffset,
		delay:          r.RTT,
		dispersion:     min(max(r.Precision, 0), maxPrecision) + dispersion(r.RTT),
		stratum:        r.Stratum,
		rootDelay:      r.RootDelay,
		rootDispersion: r.RootDispersion,
	}
}

// A client asks one server. It is used by one goroutine.
type client struct {
	endpoint endpoint
	server   netip.AddrPort // where the endpoint's name led; invalid if it must be resolved
	lookups  int
}

// forget makes the next query resolve the name again.
func (c *client) forget() { c.server = netip.AddrPort{} }

// resolve finds the server's address if it isn't known. Of several it takes
// another each time, so that a dead one is left behind.
func (c *client) resolve(ctx context.Context) error {
	if c.server.IsValid() {
		return nil
	}
	port, err := strconv.ParseUint(c.endpoint.port, 10, 16)
	if err != nil {
		return fmt.Errorf("reading the port: %w", err)
	}
	addrs, err := lookup(ctx, c.endpoint.host)
	if err != nil {
		return err
	}
	c.server = netip.AddrPortFrom(addrs[c.lookups%len(addrs)].Unmap(), uint16(port))
	c.lookups++
	return nil
}

func lookup(ctx context.Context, host string) ([]netip.Addr, error) {
	if addr, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{addr}, nil
	}
	ctx, cancel := context.WithTimeout(ctx, maxTimeout)
	defer cancel()
	return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
}

func isLookup(err error) bool {
	var dns *net.DNSError
	return errors.As(err, &dns)
}

// describe says in a few words, without ports and addresses that change from
// query to query, why there is no sample.
func describe(err error, timeout time.Duration) string {
	var dns *net.DNSError
	var netErr net.Error
	var op *net.OpError
	switch {
	case errors.As(err, &dns):
		return fmt.Sprintf("can't resolve the name: %s", dns.Err)
	case errors.As(err, &netErr) && netErr.Timeout():
		return fmt.Sprintf("no answer within %v", timeout)
	case errors.Is(err, syscall.ECONNREFUSED):
		return "nothing listens there (connection refused)"
	case errors.As(err, &op):
		return op.Err.Error()
	}
	return err.Error()
}
