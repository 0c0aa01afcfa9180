package analysis

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"github.com/skewatch/skewatch/collector/message"
)

// A shelf is a store for snapshots.
type shelf struct {
	states  map[string][]byte
	rollUps map[string]map[int64]RollUp // by key and start
	busy    bool
	asked   int
}

func newShelf() *shelf {
	return &shelf{states: map[string][]byte{}, rollUps: map[string]map[int64]RollUp{}}
}

func (s *shelf) recall(key string) ([]byte, bool) {
	s.asked++
	if s.busy {
		return nil, false
	}
	return s.states[key], true
}

// store takes a snapshot.
func (s *shelf) store(f *Fleet) { s.put(f.Snapshot()) }

func (s *shelf) put(n Snapshot) {
	for _, b := range n.Originators {
		s.states[b.Key] = b.Blob
	}
	for _, r := range n.RollUps {
		if s.rollUps[r.Key] == nil {
			s.rollUps[r.Key] = map[int64]RollUp{}
		}
		s.rollUps[r.Key][r.RollUp.Start] = r.RollUp
	}
}

// blobs returns all states.
func (s *shelf) blobs() (all []Blob) {
	for key, blob := range s.states {
		all = append(all, Blob{key, blob})
	}
	return all
}

// fleet returns one with a table of n places that parks originators on the shelf.
func (s *shelf) fleet(n int) *Fleet {
	c := newFleet().config
	c.MaxOriginators, c.MaxPerPeer, c.Recall, c.Seed = n, 0, s.recall, [32]byte{1}
	return NewFleet(c)
}

// A flood invents names.
type flood struct {
	perSecond int
	peers     bool // and addresses
	sent      int
}

// floodPeer is the address of a flood that doesn't forge any.
const floodPeer = "203.0.113.66"

// second sends a second's worth into the fleet.
func (x *flood) second(f *Fleet, at time.Duration) {
	m := message.Message{
		Source: netip.MustParseAddr(floodPeer), Trust: message.TrustUDP, Host: []byte("invented-00000000"),
		Sent: message.Stamp{Format: message.StampRFC5424, Digits: 6, HasYear: true, HasZone: true},
	}
	for i := range x.perSecond {
		x.sent++
		m.Host = fmt.Appendf(m.Host[:0], "invented-%08x", x.sent)
		if x.peers {
			m.Source = netip.AddrFrom4([4]byte(binary.BigEndian.AppendUint32(nil, 11<<24+uint32(x.sent))))
		}
		m.Received = epoch + int64(at) + int64(i)*second/int64(x.perSecond)
		m.Sent.Civil = m.Received - 1000
		f.Observe(&m)
	}
}

// realHosts returns n hosts with addresses of their own: one in three over UDP, and one in
// five with a clock that is off.
func realHosts(n int) []host {
	hosts := make([]host, n)
	for i := range hosts {
		h := newHost(fmt.Sprintf("real%d", i))
		h.peer, h.mean = fmt.Sprintf("192.0.2.%d", i+1), time.Second
		if i%3 == 0 {
			h.trust = message.TrustUDP
		}
		if i%5 == 0 {
			h.offset = constant(time.Duration(i) * time.Second)
		}
		hosts[i] = h
	}
	return hosts
}

// TestFlood sends a million names and more that nobody has. Those who were there before
// are judged as without it, and those who come meanwhile are let in.
func TestFlood(t *testing.T) {
	Long(t)
	const before, come, span = 3 * time.Minute, 3*time.Minute + 10*time.Second, 6 * time.Minute
	calm := newShelf().fleet(100_000)
	speakWatched(calm, span, 4, func(time.Duration) {}, realHosts(50)...)
	for _, tt := range []struct {
		name        string
		flood       flood
		originators int // at most
		bytes       uint64
	}{
		{"from one peer", flood{perSecond: 10_000}, 50 + 1000 + 2, 40 << 20},
		{"from forged peers", flood{perSecond: 10_000, peers: true}, 75_000 + 2, 400 << 20},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f, x := newShelf().fleet(100_000), tt.flood
			empty := liveBytes()
			admitted := map[string]time.Duration{}
			news := []host{newHost("new-udp"), newHost("new-tcp")}
			news[0].peer, news[0].trust = floodPeer, message.TrustUDP
			news[1].peer = floodPeer
			r := newRand(8)
			flooded(f, span, 4, func(at time.Duration) {
				if at < before || x.sent > 1_400_000 {
					return
				}
				x.second(f, at)
				for i := range news {
					if at < come {
						break
					}
					h := &news[i]
					m := h.message(r, at)
					f.Observe(&m)
					if _, ok := admitted[h.name]; !ok && f.originators[h.name+"\x00"+h.peer] != nil {
						admitted[h.name] = at - come
					}
				}
			}, realHosts(50)...)
			a, grown := f.Admission(), liveBytes()-empty
			t.Logf("%d names: %+v, %d MiB; admitted after %v", x.sent, a, grown>>20, admitted)
			if a.Originators > tt.originators || grown > tt.bytes {
				t.Errorf("%d originators in %d bytes, want at most %d in %d", a.Originators, grown, tt.originators, tt.bytes)
			}
			if at, ok := admitted["new-udp"]; !ok || at > 4*time.Minute {
				t.Errorf("the new host over UDP was admitted: %v, after %v, want within four minutes", ok, at)
			}
			if at, ok := admitted["new-tcp"]; !ok || at > 0 {
				t.Errorf("the new host over TCP was admitted: %v, after %v, want at once", ok, at)
			}
			if have := a.TurnedAway.Total(); have < uint64(x.sent-tt.originators) {
				t.Errorf("%d messages of %d turned away, want all but %d", have, x.sent, tt.originators)
			}
			sameHosts(t, f, calm)
		})
	}
}

// flooded is speak, and calls beside before each second.
func flooded(f *Fleet, span time.Duration, seed uint64, beside func(at time.Duration), hosts ...host) {
	r := newRand(seed)
	next := make([]time.Duration, len(hosts))
	for at := time.Duration(0); at < span; at += time.Second {
		beside(at)
		hearUntil(f, at+time.Second, next, r, hosts)
		f.Tick(epoch+int64(at+time.Second), synchronised)
	}
	f.Refresh(epoch+int64(span), synchronised)
}

// hearUntil has the hosts speak, each from its next time on.
func hearUntil(f *Fleet, until time.Duration, next []time.Duration, r *rand.Rand, hosts []host) {
	for i := range hosts {
		for ; next[i] < until; next[i] += time.Duration(r.ExpFloat64() * float64(hosts[i].mean)) {
			m := hosts[i].message(r, next[i])
			f.Observe(&m)
		}
	}
}

// sameHosts checks that all originators of one fleet stand in another one, bit by bit.
func sameHosts(t *testing.T, have, want *Fleet) {
	t.Helper()
	for key, w := range want.originators {
		switch h := have.originators[key]; {
		case h == nil:
			t.Errorf("%q isn't in the table", key)
		case !bytes.Equal(h.encode(), w.encode()):
			t.Errorf("%q: its state differs", key)
		case h.judged != w.judged || h.interval != w.interval:
			t.Errorf("%q: judged %+v %+v, want %+v %+v", key, h.judged, h.interval, w.judged, w.interval)
		}
	}
}
