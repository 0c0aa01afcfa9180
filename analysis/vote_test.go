package analysis

import (
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"testing"
	"time"
)

// TestAgreed finds the amount that the most ballots admit.
func TestAgreed(t *testing.T) {
	tests := []struct {
		name    string
		ballots []ballot
		size    int64
		n       int
	}{
		{"none", nil, 0, 0},
		{"one", []ballot{{low: 4, high: 6}}, 5, 1},
		{"all", []ballot{{low: 4, high: 6}, {low: 5, high: 9}, {low: 1, high: 7}}, 5, 3},
		{"not all", []ballot{{low: 4, high: 6}, {low: 14, high: 16}, {low: 14, high: 18}, {low: -9, high: -7}}, 15, 2},
		{"behind", []ballot{{low: -6, high: -4}, {low: -5, high: -4}}, -5, 2},
		{"at an edge", []ballot{{low: 1, high: 2}, {low: 2, high: 3}}, 2, 2},
	}
	for _, tt := range tests {
		if size, n := agreed(tt.ballots); size != tt.size || n != tt.n {
			t.Errorf("%s: agreed on %d by %d, want %d by %d", tt.name, size, n, tt.size, tt.n)
		}
	}
}

// TestMiddle gives a peer the median of its hosts.
func TestMiddle(t *testing.T) {
	five, one := ballot{low: 4, high: 6}, ballot{low: 0, high: 2}
	tests := []struct {
		moved []ballot
		stay  int
		want  ballot
		ok    bool
	}{
		{[]ballot{five}, 0, five, true},
		{[]ballot{five}, 1, ballot{}, false},
		{[]ballot{five, five}, 1, five, true},
		{[]ballot{five, one, five}, 0, five, true},
		{[]ballot{five, one, one}, 2, ballot{}, true}, // the smaller of those that moved
		{[]ballot{five, five}, 2, ballot{}, false},
	}
	tests[4].want = one
	for _, tt := range tests {
		if have, ok := middle(slices.Clone(tt.moved), tt.stay); have != tt.want || ok != tt.ok {
			t.Errorf("of %v and %d that stay: %v, %v, want %v, %v", tt.moved, tt.stay, have, ok, tt.want, tt.ok)
		}
	}
}

// TestAtOnce takes the most ballots of a short time.
func TestAtOnce(t *testing.T) {
	at := func(seconds ...int64) (all []ballot) {
		for _, s := range seconds {
			all = append(all, ballot{from: s * second})
		}
		return all
	}
	if have, want := atOnce(at(500, 0, 90, 91, 100, 30)), at(30, 90, 91, 100); !reflect.DeepEqual(have, want) {
		t.Errorf("at once are %v, want %v", have, want)
	}
}

// TestVoteOverRestart goes on from a snapshot while verdicts are held: all of them are
// afterwards, nothing is told twice, and what is written again is the same.
func TestVoteOverRestart(t *testing.T) {
	hosts := make([]host, 8)
	for i := range hosts {
		hosts[i] = newHost(fmt.Sprintf("web%d", i))
		hosts[i].peer = fmt.Sprintf("192.0.2.%d", i+1)
		hosts[i].offset = func(at time.Duration) time.Duration {
			if at < 5*time.Minute {
				return 0
			}
			return 5 * time.Second
		}
	}
	f := newFleet()
	found := events(speak(f, 6*time.Minute, 5, hosts...))
	if len(found) != 1 || found[0].Common == nil || found[0].Common.Moved != len(hosts) {
		t.Fatalf("events %+v, want one about all %d", found, len(hosts))
	}
	again := restored(t, f)
	if have, want := again.encode(), f.encode(); !slices.Equal(have, want) {
		t.Errorf("the fleet's state is %x after a restart, want %x", have, want)
	}
	for key, o := range f.originators {
		if have, want := again.originators[key].encode(), o.encode(); !slices.Equal(have, want) {
			t.Errorf("the state of %s is not the same after a restart", o.host)
		}
	}
	if found := continued(again, 6*time.Minute, 20*time.Minute, 6, hosts...); len(found) > 0 {
		t.Errorf("after a restart: %+v, want nothing", found)
	}
	for _, i := range again.Identities() {
		if i.Verdict != Insufficient || !slices.Contains(i.Claims, "last verdict: in-sync") {
			t.Errorf("%s is %v (%s) %q after a restart, want it held", i.Host, i.Verdict, i.Explanation, i.Claims)
		}
	}
}

// TestRestoreBeforeVotes reads what was stored when there was no vote, and a host that is
// held by a vote of which nothing is stored.
func TestRestoreBeforeVotes(t *testing.T) {
	f := newFleet()
	speak(f, 2*time.Minute, 5, newHost("web1"))
	quiet := f.encode()
	f.vote.standing = &suspension{at: epoch, size: 5 * second, moved: 7, voters: 8, hosts: 7, began: epoch, told: true}
	if len(f.encode()) <= len(quiet) {
		t.Error("a suspension isn't stored")
	}
	f.vote.standing = nil
	for _, o := range f.originators {
		o.swept = true
	}
	again := restored(t, f)
	if err := again.decode(quiet); err != nil || again.vote.standing != nil {
		t.Errorf("%v, %+v, want no suspension", err, again.vote.standing)
	}
	again.Tick(epoch+3*minute, synchronised)
	if i := only(t, again); i.Verdict != InSync {
		t.Errorf("verdict %v (%s), want in-sync", i.Verdict, i.Explanation)
	}
}

// BenchmarkPoll is the cost of asking 100,000 hosts where they stand: once for each tick at
// which one of them seems to have moved.
func BenchmarkPoll(b *testing.B) {
	f, all := newFleet(), crowdMessages(crowd)
	for i := range all {
		all[i].Source = netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})
	}
	for n := range int64(20) {
		oneSecond(f, all, epoch+n*3*second)
	}
	b.ResetTimer()
	for range b.N {
		f.vote.poll.at = 0
		f.ask(epoch + minute)
	}
	if f.vote.poll.voters != crowd {
		b.Fatalf("%d voters, want %d", f.vote.poll.voters, crowd)
	}
}
