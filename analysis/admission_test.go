package analysis

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/skewatch/skewatch/collector/message"
)

// sayAt has a host say something at each of some times.
func sayAt(f *Fleet, h host, times ...time.Duration) {
	r := newRand(1)
	for _, at := range times {
		m := h.message(r, at)
		f.Observe(&m)
	}
}

// each returns n times from one on, this far apart.
func each(from, apart time.Duration, n int) (times []time.Duration) {
	for i := range n {
		times = append(times, from+time.Duration(i)*apart)
	}
	return times
}

// knows reports whether a host is in the table.
func knows(f *Fleet, h host) bool { return f.originators[h.name+"\x00"+h.peer] != nil }

// numbered returns a host of one peer, or of one of its own.
func numbered(name string, n int, t message.Trust, ownPeer bool) host {
	h := newHost(fmt.Sprintf("%s%d", name, n))
	h.trust = t
	if ownPeer {
		h.peer = fmt.Sprintf("10.%d.%d.%d", n>>16, n>>8&255, n&255)
	}
	return h
}

// fill has n hosts say one thing each.
func fill(f *Fleet, at time.Duration, n int, t message.Trust, ownPeer bool) {
	for i := range n {
		sayAt(f, numbered(fmt.Sprintf("%v-", t), i, t, ownPeer), at)
	}
}

func TestFreePlaces(t *testing.T) {
	for _, tt := range []struct {
		trust   message.Trust
		ownPeer bool
		want    int // of 30,000 in a table for 32,000
	}{
		{message.TrustUDP, false, 1000},
		{message.TrustHandshake, false, 10_000},
		{message.TrustCertificate, false, 16_000}, // its quota
		{message.TrustUDP, true, 24_000},
		{message.TrustHandshake, true, 24_000},
		{message.TrustCertificate, true, 30_000},
	} {
		f := newShelf().fleet(32_000)
		fill(f, 0, 30_000, tt.trust, tt.ownPeer)
		if have := f.Originators(); have != tt.want {
			t.Errorf("%v, each with its own peer %v: %d are taken at their first message, want %d", tt.trust, tt.ownPeer, have, tt.want)
		}
		away := f.TurnedAway()
		if int(away.Total()) != 30_000-tt.want || tt.trust != message.TrustCertificate && away.Probation != away.Total() {
			t.Errorf("%v, each with its own peer %v: turned away %+v, want %d on probation", tt.trust, tt.ownPeer, away, 30_000-tt.want)
		}
	}
}

// TestTrustIsNotCrowdedOut: names of lower trust leave the free places of a higher one alone.
func TestTrustIsNotCrowdedOut(t *testing.T) {
	for _, ownPeer := range []bool{false, true} {
		f := newShelf().fleet(1000)
		fill(f, 0, 2000, message.TrustUDP, ownPeer)
		for i, trust := range []message.Trust{message.TrustHandshake, message.TrustCertificate} {
			h := numbered("web", i, trust, ownPeer)
			if sayAt(f, h, time.Second); !knows(f, h) {
				t.Errorf("each with its own peer %v: over %v it isn't taken at its first message", ownPeer, trust)
			}
		}
	}
}

func TestRisingTrustIsCounted(t *testing.T) {
	f := newShelf().fleet(100)
	h := newHost("web1")
	for _, trust := range []message.Trust{message.TrustUDP, message.TrustHandshake, message.TrustCertificate} {
		h.trust = trust
		sayAt(f, h, 0)
		want := [trusts]int32{}
		want[trust] = 1
		if network := f.networks[networkOf(f.originators["web1\x00192.0.2.1"].peer)]; f.everyone.trusted != want || network.trusted != want {
			t.Errorf("after a message of trust %v all are counted as %v, its network as %v, want %v", trust, f.everyone.trusted, network.trusted, want)
		}
	}
}

func TestIPv6PeersShareTheirNetwork(t *testing.T) {
	f := newShelf().fleet(32_000)
	for i := range 3000 {
		h := numbered("v6-", i, message.TrustUDP, false)
		h.peer = fmt.Sprintf("2001:db8:1:%x::%x", i%2, i)
		sayAt(f, h, 0)
	}
	if have := f.Originators(); have != 2000 {
		t.Errorf("%d of two networks are taken, want 2000", have)
	}
}

func TestProbation(t *testing.T) {
	for _, tt := range []struct {
		name  string
		times []time.Duration
		want  bool
	}{
		{"sixteen over two minutes", each(0, 8*time.Second+100*time.Millisecond, 16), true},
		{"fifteen", each(0, 10*time.Second, 15), false},
		{"sixteen over less", each(0, 7900*time.Millisecond, 16), false},
		{"a burst", each(0, time.Millisecond, 1000), false},
		{"a burst and a late one", append(each(0, time.Millisecond, 15), 3*time.Minute), true},
		{"one a minute", each(0, time.Minute, 16), true},
	} {
		f := newShelf().fleet(400)
		fill(f, 0, 300, message.TrustUDP, true)
		h := newHost("new")
		h.trust, h.delay = message.TrustUDP, func(*rand.Rand, time.Duration) time.Duration { return 0 }
		if sayAt(f, h, tt.times...); knows(f, h) != tt.want {
			t.Errorf("%s: admitted %v, want %v", tt.name, !tt.want, tt.want)
		}
		a := f.Admission()
		if tt.want && (a.OnProbation != 0 || a.TurnedAway.Probation != uint64(len(tt.times)-1)) || !tt.want && a.OnProbation != 1 {
			t.Errorf("%s: %+v, want all messages but the last on probation, and nobody on it once admitted", tt.name, a)
		}
	}
}

// TestWeakestTrialIsReplaced: who has spoken in more seconds stays, and who fell silent goes.
func TestWeakestTrialIsReplaced(t *testing.T) {
	p := newProbation(1, [32]byte{}) // one set
	key := func(i int) []byte { return fmt.Appendf(nil, "host%d", i) }
	for i := range ways {
		for s := range 1 + i {
			p.note(key(i), epoch+int64(s)*second)
		}
	}
	for i := range 100 { // a burst of each
		for range 50 {
			p.note(key(1000+i), epoch+10*second)
		}
	}
	for i := 1; i < ways; i++ {
		if _, first := p.note(key(i), epoch+11*second); first {
			t.Errorf("host%d spoke in %d seconds and was replaced by one that spoke in one", i, i+1)
		}
	}
	if n := p.count(epoch + 2*hour); n != 0 {
		t.Errorf("after two silent hours %d are on probation, want none", n)
	}
	for i := range ways {
		p.note(key(2000+i), epoch+2*hour)
	}
	if n := p.count(epoch + 2*hour); n != ways {
		t.Errorf("%d of %d new names found a place, want all: the old ones were silent", n, ways)
	}
}

// proven returns a fleet of n places that hosts have filled, each with enough to pass.
func provenFleet(s *shelf, n int, hosts func(i int) host) *Fleet {
	f := s.fleet(n)
	for i := range n {
		sayAt(f, hosts(i), each(0, 10*time.Second, 100)...)
	}
	f.Refresh(epoch+20*minute, synchronised)
	return f
}

// evicted returns which of n numbered hosts are not in the table.
func evicted(f *Fleet, n int, hosts func(i int) host) (gone []int) {
	for i := range n {
		if !knows(f, hosts(i)) {
			gone = append(gone, i)
		}
	}
	return gone
}

func TestEvictionOrder(t *testing.T) {
	const n = 100
	hosts := func(i int) host {
		trust := message.TrustUDP
		switch {
		case i >= 10 && i < 20:
			trust = message.TrustHandshake
		case i >= 20:
			trust = message.TrustCertificate
		}
		return numbered("host", i, trust, true)
	}
	f := provenFleet(newShelf(), n, hosts)
	if _, wrong := f.originators["host99\x0010.0.0.99"]; !wrong {
		t.Fatal("the table isn't full")
	}
	f.originators["host5\x0010.0.0.5"].warning.raised = Ahead
	f.originators["host6\x0010.0.0.6"].presence = &circle{}
	for i := range 10 { // the later in number, the longer idle
		sayAt(f, hosts(i), time.Hour-time.Duration(i)*time.Second)
		sayAt(f, hosts(10+i), time.Hour-time.Duration(i)*time.Second)
	}
	at := 90 * time.Minute // nobody is idle
	come := func(trust message.Trust) bool {
		at += 10 * time.Second
		h := numbered("new", int(at.Seconds()), trust, true)
		sayAt(f, h, at)
		return knows(f, h)
	}
	if come(message.TrustCertificate) || f.TurnedAway().Full != 1 {
		t.Errorf("a newcomer was taken while nobody was idle; turned away %+v, want one for a full table", f.TurnedAway())
	}
	at = 4 * time.Hour
	var order []int
	for come(message.TrustCertificate) {
		for _, i := range evicted(f, n, hosts) {
			if !slices.Contains(order, i) {
				order = append(order, i)
			}
		}
	}
	want := []int{9, 8, 7, 4, 3, 2, 1, 0, 19, 18, 17, 16, 15, 14, 13, 12, 11, 10}
	if !slices.Equal(order, want) {
		t.Errorf("evicted in the order %v, want %v: UDP first, the longest idle first, neither 5 (warned of) nor 6 (expected)", order, want)
	}
	if a := f.Admission(); a.Evicted != uint64(len(want)) || a.Parked != len(want) || a.Originators != n || a.TurnedAway.Full != 2 {
		t.Errorf("%+v, want %d evicted and parked, two turned away", a, len(want))
	}
}

// TestWhoSpeaksStays: what the last look at the table found may be out of date.
func TestWhoSpeaksStays(t *testing.T) {
	hosts := func(i int) host { return numbered("host", i, message.TrustUDP, true) }
	f := newShelf().fleet(10)
	for i := range 10 {
		sayAt(f, hosts(i), time.Duration(i)*time.Second)
		f.config.Recall = nil // the first ten are taken at their word
	}
	f.config.Recall = newShelf().recall
	come := func(i int) { sayAt(f, numbered("new", i, message.TrustCertificate, true), 2*time.Hour) }
	come(0)
	first := f.leaver(everybody, epoch+2*hour)
	for i := range 10 {
		if h := hosts(i); f.originators[h.name+"\x00"+h.peer] == first {
			sayAt(f, h, 2*time.Hour)
		}
	}
	come(1)
	if f.originators[first.key] != first || f.admission.Evicted != 2 {
		t.Errorf("%s has spoken since it was found idle; it is in the table: %v, and %d are evicted, want two others",
			first.key, f.originators[first.key] == first, f.admission.Evicted)
	}
}

// TestLooksAreRare: where nobody leaves, newcomers have the table looked at once a second.
func TestLooksAreRare(t *testing.T) {
	hosts := func(i int) host { return numbered("host", i, message.TrustCertificate, true) }
	f := provenFleet(newShelf(), 10, hosts)
	looks := map[int64]bool{}
	for i := range 1000 {
		sayAt(f, numbered("new", i, message.TrustCertificate, true), time.Hour+time.Duration(i)*10*time.Millisecond)
		looks[f.leavers.looked] = true
	}
	if n := len(looks); n < 9 || n > 11 {
		t.Errorf("%d looks in ten seconds, want one a second", n)
	}
}

// TestUnprovenLeave: in a table full of names that were sent once, one that stands its
// probation gets a place at once.
func TestUnprovenLeave(t *testing.T) {
	f := newShelf().fleet(400)
	fill(f, 0, 300, message.TrustUDP, true)
	for i := range 110 {
		h := numbered("steady", i, message.TrustUDP, true)
		h.peer = "172.16.0." + fmt.Sprint(i)
		if sayAt(f, h, each(time.Second, 10*time.Second, 20)...); !knows(f, h) {
			t.Fatalf("%s stood its probation and isn't in the table: %+v", h.name, f.Admission())
		}
	}
	if a := f.Admission(); a.Originators != 400 || a.Evicted != 10 {
		t.Errorf("%+v, want 400 originators and ten evicted", a)
	}
	if first := numbered("udp-", 0, message.TrustUDP, true); knows(f, first) {
		t.Error("the one that was silent for longest is still there")
	}
}

func TestCertificatesStay(t *testing.T) {
	const n = 100
	hosts := func(i int) host { return numbered("host", i, message.TrustCertificate, true) }
	f := provenFleet(newShelf(), n, hosts)
	for i := range 50 {
		sayAt(f, numbered("new", i, message.Trust(i%3), true), each(1000*time.Hour, 10*time.Second, 20)...)
	}
	if gone := evicted(f, n, hosts); gone != nil {
		t.Errorf("%v were evicted", gone)
	}
}

func TestQuota(t *testing.T) {
	s := newShelf()
	f := s.fleet(100)
	f.config.MaxPerPeer = 10
	say := func(i int, at time.Duration) bool {
		h := numbered("relayed", i, message.TrustUDP, false)
		sayAt(f, h, each(at, 10*time.Second, 20)...)
		return knows(f, h)
	}
	for i := range 10 {
		if !say(i, 0) {
			t.Fatalf("number %d has no place", i)
		}
	}
	if say(10, 10*time.Minute) || f.TurnedAway().Quota == 0 {
		t.Errorf("an eleventh of the peer was admitted; turned away %+v", f.TurnedAway())
	}
	if other := numbered("other", 1, message.TrustUDP, true); !(sayTo(f, other, 20*time.Minute) && knows(f, other)) {
		t.Error("another peer's host wasn't admitted")
	}
	for i := 1; i < 10; i++ {
		say(i, 80*time.Minute)
	}
	sayAt(f, numbered("relayed", 11, message.TrustUDP, false), 81*time.Minute)
	if a := f.Admission(); a.Evicted != 0 || a.OnProbation != 1 {
		t.Errorf("%+v, want the new one on probation first", a)
	}
	if !say(11, 81*time.Minute) || knows(f, numbered("relayed", 0, message.TrustUDP, false)) {
		t.Error("the idle one of the peer didn't leave its place to a new one")
	}
	if a := f.Admission(); a.Originators != 11 || a.Evicted != 1 {
		t.Errorf("%+v, want ten of the peer and the other, and one evicted", a)
	}
}

// TestFileIsTakenAtItsWord: without a store to park originators in, names are taken until
// the table is full, and nobody leaves.
func TestFileIsTakenAtItsWord(t *testing.T) {
	f := newShelf().fleet(3000)
	f.config.Recall = nil
	fill(f, 0, 3001, message.TrustUDP, false)
	fill(f, 100*time.Hour, 3001, message.TrustCertificate, true)
	if a := f.Admission(); a.Originators != 3000 || a.Evicted != 0 || a.TurnedAway != (TurnedAway{Full: 3002}) {
		t.Errorf("%+v, want the first 3000, and all others turned away", a)
	}
}

func sayTo(f *Fleet, h host, at time.Duration) bool {
	sayAt(f, h, at)
	return true
}
