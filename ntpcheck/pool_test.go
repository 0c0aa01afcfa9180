package ntpcheck

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// A testPool is a name with addresses 127.0.0.11 and on, all with one port.
type testPool struct {
	entry   string
	first   atomic.Int64 // which address comes first
	servers [6]*scripted
}

// servePool answers as each of six servers is told to by edit.
func servePool(t *testing.T, edit func(i int, reply []byte) []byte) *testPool {
	t.Helper()
	p := &testPool{}
	port := "0"
	for i := range p.servers {
		p.servers[i] = serveNTPAt(t, fmt.Sprintf("127.0.0.%d:%s", 11+i, port), func(_, reply []byte) [][]byte {
			if reply = edit(i, reply); reply != nil {
				return [][]byte{reply}
			}
			return nil
		})
		_, port, _ = net.SplitHostPort(p.servers[i].address)
	}
	p.entry = "pool.example:" + port + " pool"
	return p
}

// resolve returns all six in turns.
func (p *testPool) resolve(context.Context, string) ([]netip.Addr, error) {
	first := p.first.Load()
	var addrs []netip.Addr
	for i := range int64(len(p.servers)) {
		addrs = append(addrs, netip.AddrFrom4([4]byte{127, 0, 0, byte(11 + (first+i)%6)}))
	}
	return addrs, nil
}

func (s Status) addresses() (all []string) {
	for _, source := range s.Sources {
		all = append(all, source.Address)
	}
	return all
}

func TestPool(t *testing.T) {
	t.Parallel()
	var silent, lying, denying atomic.Bool
	pool := servePool(t, func(i int, reply []byte) []byte {
		switch {
		case i == 0 && silent.Load():
			return nil
		case i == 1 && lying.Load():
			return shifted(reply, time.Minute)
		case i == 2 && denying.Load():
			return kiss("DENY")(reply)
		}
		return reply
	})
	m := run(t, Config{Servers: []string{pool.entry}, Poll: 100 * time.Millisecond, Kernel: KernelOff, Resolve: pool.resolve})
	s := await(t, m, 5*time.Second, "four members agree", func(s Status) bool {
		return len(s.Sources) == 4 && s.Reference.State == Synchronised
	})
	var want []string
	for _, server := range pool.servers[:4] {
		want = append(want, server.address)
	}
	if !slices.Equal(s.addresses(), want) {
		t.Errorf("the members are %q, want %q", s.addresses(), want)
	}
	for i, fault := range []*atomic.Bool{&silent, &lying} {
		fault.Store(true)
		await(t, m, 20*time.Second, "the bad one is replaced", func(s Status) bool {
			return len(s.Sources) == 4 && !slices.Contains(s.addresses(), pool.servers[i].address) &&
				slices.Contains(s.addresses(), pool.servers[4+i].address)
		})
	}
	denying.Store(true)
	await(t, m, 5*time.Second, "the denying one is refused, since there is no other", func(s Status) bool {
		i := slices.Index(s.addresses(), pool.servers[2].address)
		return i >= 0 && s.Sources[i].State == Refused && s.Reference.State == Synchronised
	})
	asked := pool.servers[0].queries.Load()
	await(t, m, 5*time.Second, "time goes on", func(Status) bool { return pool.servers[4].queries.Load() > 20 })
	if n := pool.servers[0].queries.Load(); n > asked+1 {
		t.Errorf("the one that was replaced was asked %d times more", n-asked)
	}
}

func TestPoolWithoutMembers(t *testing.T) {
	t.Parallel()
	var known atomic.Bool
	pool := servePool(t, func(_ int, reply []byte) []byte { return reply })
	resolve := func(ctx context.Context, host string) ([]netip.Addr, error) {
		if !known.Load() {
			return nil, &net.DNSError{Err: "no such host", Name: host}
		}
		return pool.resolve(ctx, host)
	}
	m := run(t, Config{Servers: []string{pool.entry}, Poll: 100 * time.Millisecond, Kernel: KernelOff, Resolve: resolve})
	s := await(t, m, 5*time.Second, "a reason", func(s Status) bool {
		return strings.Contains(s.Sources[0].Reason, "can't resolve the name: no such host")
	})
	if len(s.Sources) != 1 || s.Sources[0].State != Unreachable || !strings.HasPrefix(s.Sources[0].Address, "pool.example:") {
		t.Errorf("%+v, want the pool as one source that can't be reached", s.Sources)
	}
	known.Store(true)
	await(t, m, 5*time.Second, "four members", func(s Status) bool { return len(s.Sources) == 4 && s.Reference.State == Synchronised })
}

// A name that leads elsewhere is followed when its address fails.
func TestNameIsResolvedAgain(t *testing.T) {
	t.Parallel()
	var dead atomic.Bool
	pool := servePool(t, func(i int, reply []byte) []byte {
		if i == 0 && dead.Load() {
			return nil
		}
		return reply
	})
	m := run(t, Config{Servers: []string{strings.TrimSuffix(pool.entry, " pool")}, Poll: 100 * time.Millisecond, Kernel: KernelOff,
		Resolve: func(ctx context.Context, host string) ([]netip.Addr, error) {
			addrs, _ := pool.resolve(ctx, host)
			return addrs[:1], nil
		}})
	await(t, m, 5*time.Second, "answers", func(s Status) bool { return s.Sources[0].State == Selected })
	dead.Store(true)
	pool.first.Store(3)
	await(t, m, 10*time.Second, "answers from elsewhere", func(s Status) bool {
		return pool.servers[3].queries.Load() > 0 && s.Sources[0].State == Selected
	})
}

// Two names of one server are one source.
func TestTwoNamesOfOneServer(t *testing.T) {
	t.Parallel()
	server := serveNTP(t, func(r []byte) []byte { return r })
	_, port, _ := net.SplitHostPort(server.address)
	m := run(t, Config{Servers: []string{"a:" + port, "b:" + port}, Poll: 100 * time.Millisecond, Kernel: KernelOff,
		Resolve: func(context.Context, string) ([]netip.Addr, error) {
			return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
		}})
	s := await(t, m, 5*time.Second, "one is asked", func(s Status) bool { return s.Reference.State == Synchronised })
	i := slices.IndexFunc(s.Sources, func(s SourceStatus) bool { return s.State == Unreachable })
	if i < 0 || s.Sources[i].Reason != "can't resolve the name: all it leads to are sources already" {
		t.Errorf("%+v, want one of both names not to be a source", s.Sources)
	}
}
