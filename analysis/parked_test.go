package analysis

import (
	"net/netip"
	"reflect"
	"testing"
	"time"

	"github.com/skewatch/skewatch/collector/message"
)

// returning is a host that speaks, is silent for two hours, and speaks again.
func returning() host {
	h := newHost("web1")
	h.mean, h.offset = time.Second, skewed(20*time.Millisecond, 30)
	return h
}

// passFor lets time pass in a fleet while the returning host is silent.
func passFor(f *Fleet, from, to time.Duration) {
	for at := from; at <= to; at += time.Minute {
		f.Tick(epoch+int64(at), synchronised)
	}
}

// TestRecalled evicts a host for another one, and has it return while its state is on its
// way to the disk, or there: all is as if it had never been evicted.
func TestRecalled(t *testing.T) {
	const left, evicted, back = 20 * time.Minute, 2 * time.Hour, 3 * time.Hour
	for _, tt := range []struct {
		name    string
		between func(f *Fleet, s *shelf) // eviction and return
		asked   bool
	}{
		{"before a snapshot", func(*Fleet, *shelf) {}, false},
		{"while the snapshot is written", func(f *Fleet, s *shelf) { n := f.Snapshot(); t.Cleanup(func() { s.put(n) }) }, false},
		{"from the store", func(f *Fleet, s *shelf) { s.store(f); s.store(f) }, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			live := func(f *Fleet, s *shelf, between func()) {
				speak(f, left, 6, returning())
				sayAt(f, numbered("idle", 1, message.TrustHandshake, true), left+time.Minute)
				passFor(f, left, evicted)
				s.store(f)
				h := numbered("other", 1, message.TrustCertificate, true)
				sayAt(f, h, evicted)
				between()
				continued(f, back, back+10*time.Minute, 7, returning())
			}
			s, calm := newShelf(), newShelf()
			never, f := calm.fleet(1000), s.fleet(2)
			live(never, calm, func() {})
			live(f, s, func() {
				if knows(f, returning()) {
					t.Error("the idle host wasn't evicted")
				}
				tt.between(f, s)
			})
			if a := f.Admission(); a.Evicted != 2 || a.Recalled != 1 || a.Parked != 1 || a.TurnedAway.Total() != 0 {
				t.Errorf("%+v, want two evicted, one of them recalled, none turned away", a)
			}
			if s.asked > 0 != tt.asked {
				t.Errorf("the store was asked %d times, want that it is: %v", s.asked, tt.asked)
			}
			delete(never.originators, "idle1\x0010.0.0.1")
			delete(never.originators, "other1\x0010.0.0.1")
			sameHosts(t, f, never)
			sameRollUps(t, f, never)
			key := "web1\x00192.0.2.1"
			if o := f.originators[key]; len(o.neighbours.members) != 1 || f.everyone.trusted != [trusts]int32{0, 1, 1} {
				t.Errorf("%d behind its peer, counted %v by trust, want it and the other one", len(o.neighbours.members), f.everyone.trusted)
			}
			if s.store(f); string(s.states[key]) != string(f.originators[key].encode()) {
				t.Error("the next snapshot hasn't its present state")
			}
		})
	}
}

// sameRollUps checks that two fleets tell the same of the returning host's present hour.
func sameRollUps(t *testing.T, have, want *Fleet) {
	t.Helper()
	of := func(f *Fleet) (all []RollUp) {
		for _, r := range f.RollUps() {
			if r.Key == "web1\x00192.0.2.1" && r.RollUp.Start >= epoch+2*hour {
				all = append(all, r.RollUp)
			}
		}
		return all
	}
	if h, w := of(have), of(want); len(w) == 0 || !reflect.DeepEqual(h, w) {
		t.Errorf("its roll-ups are %+v, want %+v", h, w)
	}
}

// TestEvictedIsInTheSnapshot: the last messages before the eviction are not lost.
func TestEvictedIsInTheSnapshot(t *testing.T) {
	s := newShelf()
	f := s.fleet(1)
	sayAt(f, newHost("web1"), each(0, time.Second, 100)...)
	key := "web1\x00192.0.2.1"
	want := f.originators[key].encode()
	sayAt(f, numbered("other", 1, message.TrustCertificate, true), 2*time.Hour)
	if live := f.RollUps(); len(live) != 2 {
		t.Errorf("%d roll-ups, want those of both", len(live))
	}
	if s.store(f); string(s.states[key]) != string(want) || s.rollUps[key][epoch].Messages != 100 {
		t.Errorf("the snapshot has %d bytes of %d, and a roll-up of %d messages, want it all", len(s.states[key]), len(want), s.rollUps[key][epoch].Messages)
	}
	if n := len(f.Snapshot().Originators); n != 0 {
		t.Errorf("the next snapshot has %d states, want none", n)
	}
}

func TestRecallWaitsForTheStore(t *testing.T) {
	s := newShelf()
	f := s.fleet(1)
	sayAt(f, newHost("web1"), each(0, 10*time.Second, 20)...)
	s.store(f)
	other := numbered("other", 1, message.TrustHandshake, true)
	sayAt(f, other, each(2*time.Hour, 10*time.Second, 20)...)
	if !knows(f, other) {
		t.Fatal("the other one has no place")
	}
	s.store(f)
	s.store(f)
	s.busy = true
	sayAt(f, newHost("web1"), each(4*time.Hour, 10*time.Second, 20)...)
	if a := f.Admission(); knows(f, newHost("web1")) || a.TurnedAway.Unread == 0 || !knows(f, other) {
		t.Errorf("%+v, want it turned away while the store can't tell, and nobody evicted for it", a)
	}
	s.busy = false
	sayAt(f, newHost("web1"), 4*time.Hour+5*time.Minute)
	if o := f.originators["web1\x00192.0.2.1"]; o == nil || o.messages != 21 {
		t.Errorf("it is %+v, want it back with the messages it had", o)
	}
}

// TestStoreIsSeldomAsked: a flood doesn't reach the disk.
func TestStoreIsSeldomAsked(t *testing.T) {
	s := newShelf()
	f := s.fleet(100)
	f.parked.count = 1
	x := flood{perSecond: 10_000, peers: true}
	for i := range 10 {
		x.second(f, time.Duration(i)*time.Second)
	}
	if least, most := 100, 75+10*asksPerSecond; s.asked < least || s.asked > most {
		t.Errorf("the store was asked %d times in ten seconds, want %d to %d", s.asked, least, most)
	}
}

func TestDamagedStateBeginsAnew(t *testing.T) {
	s := newShelf()
	f := s.fleet(2)
	s.states["web1\x00192.0.2.1"] = []byte("nonsense")
	f.parked.count = 1
	sayAt(f, newHost("web1"), 0)
	if a := f.Admission(); !knows(f, newHost("web1")) || a.Damaged != 1 || a.Recalled != 0 || a.Parked != 0 {
		t.Errorf("%+v, want it in the table, one damaged and none on disk", a)
	}
}

// TestRestoreOfTooMany: of more states than the table holds those come back that were
// heard last, and those that are kept in any case.
func TestRestoreOfTooMany(t *testing.T) {
	s := newShelf()
	f := s.fleet(1000)
	for i := range 300 {
		trust := message.TrustHandshake
		if i == 3 {
			trust = message.TrustCertificate
		}
		sayAt(f, numbered("host", i, trust, true), time.Duration(i)*time.Minute)
	}
	s.store(f)
	small := s.fleet(100)
	blobs := s.blobs()
	for len(blobs) > 0 {
		n := min(64, len(blobs))
		small.Restore(blobs[:n], func(err error) { t.Fatal(err) })
		blobs = blobs[n:]
	}
	if a := small.Admission(); a.Originators != 100 || a.Parked != 200 {
		t.Errorf("%+v, want 100 in the table and 200 parked", a)
	}
	for i := range 300 {
		if want := i == 3 || i > 200; knows(small, numbered("host", i, message.TrustHandshake, true)) != want {
			t.Errorf("number %d is in the table: %v, want %v", i, !want, want)
		}
	}
	sayAt(small, numbered("host", 7, message.TrustHandshake, true), each(10*time.Hour, 10*time.Second, 20)...)
	if o := small.originators["host7\x0010.0.0.7"]; o == nil || o.created != epoch+7*minute+o.created%minute {
		t.Errorf("number 7 came back as %+v, want with its state", o)
	}
}

// TestEvictedLeavesNothing: what was kept for an evicted originator's peer and name is
// freed with it, and not before others that need it are.
func TestEvictedLeavesNothing(t *testing.T) {
	f := newShelf().fleet(3)
	f.config.MaxPerPeer = 3
	f.config.Rule = func(host string, _ netip.Addr) HostRule {
		r := HostRule{Tolerance: Tolerance{Warn: time.Second}}
		if host == "db1" {
			r.Expected = time.Hour
		}
		return r
	}
	f.config.Roster = []Named{{Host: "db1"}}
	f.Tick(epoch, synchronised)
	sayAt(f, newHost("web1"), 0)
	sayAt(f, newHost("web2"), time.Second)
	sayAt(f, numbered("other", 0, message.TrustCertificate, true), 2*time.Hour)
	if c := f.peers[netip.MustParseAddr("192.0.2.1")]; len(c.members) != 1 || c.trusted != [trusts]int32{0, 1, 0} {
		t.Errorf("behind the peer of two, one evicted, are %d, counted %v by trust, want one", len(c.members), c.trusted)
	}
	sayAt(f, numbered("other", 1, message.TrustCertificate, true), 2*time.Hour)
	if len(f.names) != 3 || len(f.peers) != 2 || len(f.networks) != 3 || len(f.agenda) > 3 {
		t.Errorf("%d names, %d peers, %d networks, %d in the agenda for two hosts and one that is expected",
			len(f.names), len(f.peers), len(f.networks), len(f.agenda))
	}
	if f.everyone.trusted != [trusts]int32{0, 0, 2} {
		t.Errorf("counted by trust: %v, want two certificates", f.everyone.trusted)
	}
}
