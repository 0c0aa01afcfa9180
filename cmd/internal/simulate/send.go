package simulate

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/skewatch/skewatch/cmd/internal/config"
	"github.com/skewatch/skewatch/cmd/internal/retry"
)

// A Sender has hosts send: it says where to, and what is told meanwhile.
type Sender struct {
	Targets []Target
	TLS     *tls.Config  // for targets that want it
	Note    func(string) // called with what goes wrong on the way; by several goroutines at once
	Sent    atomic.Uint64
}

// retryAfter is how long a host waits before it connects again.
const retryAfter = time.Second

// Run has the hosts send, in real time, until their span or the context ends. Each is
// connected before the first speaks; the error says which can't be.
func (s *Sender) Run(ctx context.Context, hosts []*Host) error {
	speakers := make([]*speaker, len(hosts))
	own := s.ownAddresses()
	for i, h := range hosts {
		t, ok := targetOf(s.Targets, h.Transport)
		if !ok {
			return &config.Error{Field: "--target", Problem: fmt.Sprintf("none takes %s, which %s sends over", h.Transport, h.Name),
				Hint: fmt.Sprintf("name one, such as %q", schemeOf(h.Transport)+"://127.0.0.1:5514")}
		}
		speakers[i] = &speaker{Host: h, sender: s, target: t}
		if own && t.IsLoopback() {
			speakers[i].own = h.Source
		}
	}
	if err := connect(ctx, speakers); err != nil {
		return err
	}
	var all sync.WaitGroup
	for _, speaker := range speakers {
		all.Go(func() { speaker.run(ctx) })
	}
	all.Wait()
	return nil
}

// ownAddresses reports whether hosts can have addresses of their own: where all of
// 127.0.0.0/8 is loopback, as on Linux and Windows.
func (s *Sender) ownAddresses() bool {
	probe, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 1, 0, 1}), 0)))
	if err != nil {
		s.Note("this system has no addresses beside 127.0.0.1: all hosts send from that one")
		return false
	}
	probe.Close()
	return true
}

// connect opens the wires of all, or none.
func connect(ctx context.Context, speakers []*speaker) error {
	for _, s := range speakers {
		if err := s.connect(ctx); err != nil {
			for _, opened := range speakers {
				if opened.wire != nil {
					err = errors.Join(err, opened.wire.close())
				}
			}
			return err
		}
	}
	return nil
}

// A speaker is a host that sends.
type speaker struct {
	*Host
	sender  *Sender
	target  Target
	own     netip.Addr // that it sends from; the zero Addr for any
	wire    wire       // nil while it has none
	failing bool
	number  uint64
}

func (s *speaker) connect(ctx context.Context) (err error) {
	own := s.own
	if host, _, err := net.SplitHostPort(s.target.Address); err == nil && own.IsValid() {
		if addr, err := netip.ParseAddr(host); err == nil && addr.Is6() {
			own = netip.Addr{} // which has one loopback address only
		}
	}
	secure := s.sender.TLS
	if secure == nil {
		secure = &tls.Config{}
	}
	w, err := dial(ctx, s.target, s.Transport, own, secure)
	if err != nil {
		return fmt.Errorf("%s: connect to %v: %w", s.Name, s.target, err)
	}
	s.wire = w
	return nil
}

// run sends the host's messages, each at its time.
func (s *speaker) run(ctx context.Context) {
	for m := range s.Sendings() {
		if !wait(ctx, s.Start.Add(m.Received)) {
			break
		}
		s.number++
		raw := s.Raw(m, s.number)
		for !s.deliver(ctx, raw) {
			if !wait(ctx, time.Now().Add(retryAfter)) {
				return
			}
		}
		s.sender.Sent.Add(1)
	}
	if s.wire == nil {
		return
	}
	if err := s.wire.close(); err != nil && s.Transport != config.FleetUDP {
		s.sender.Note(s.Name + ": " + err.Error())
	}
}

// deliver sends one message, and reports whether that can't be bettered by trying again:
// what a datagram met stays unknown.
func (s *speaker) deliver(ctx context.Context, raw []byte) bool {
	if s.wire == nil {
		if err := s.connect(ctx); err != nil {
			s.fail(err)
			return false
		}
	}
	err := s.wire.send(raw)
	if err != nil {
		err = fmt.Errorf("%s: %w", s.Name, err)
	}
	s.fail(err)
	if err == nil || s.Transport == config.FleetUDP {
		return true
	}
	_ = s.wire.close() // it is broken
	s.wire = nil
	return false
}

// fail tells when the sending begins to fail, and when it goes on.
func (s *speaker) fail(err error) {
	switch {
	case err != nil && !s.failing:
		s.sender.Note(err.Error() + ": it goes on trying")
	case err == nil && s.failing:
		s.sender.Note(s.Name + ": sends again")
	}
	s.failing = err != nil
}

// wait waits until a time, and reports whether the context lasted as long.
func wait(ctx context.Context, until time.Time) bool {
	retry.Wait(ctx, time.Until(until))
	return ctx.Err() == nil
}
