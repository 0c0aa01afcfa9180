package analysis

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/skewatch/skewatch/collector/message"
)

func TestPathAndRelay(t *testing.T) {
	const rtt = 800 * time.Microsecond
	named := func(names ...string) []host {
		var all []host
		for _, name := range names {
			h := newHost(name)
			h.minRTT = rtt
			all = append(all, h)
		}
		return all
	}
	forged := func(hosts []host) []host {
		for i := range hosts[1:] {
			hosts[i+1].trust, hosts[i+1].minRTT = message.TrustUDP, 0
		}
		return hosts
	}
	tests := []struct {
		name    string
		relay   bool
		hosts   []host
		bounds  BoundKind
		via     string
		claimed string
	}{
		{"one name", false, named("web1"), BoundRTT, "", ""},
		{"configured as a relay", true, named("web1"), BoundAssumedDelay, "192.0.2.1", "behind relay 192.0.2.1"},
		{"two names", false, named("web1", "web2"), BoundAssumedDelay, "", ""},
		{"three names", false, named("web1", "web2", "web3"), BoundAssumedDelay, "192.0.2.1", "behind relay 192.0.2.1, which speaks for 3 names"},
		{"forged names of lower trust", false, forged(named("web1", "web2", "web3")), BoundRTT, "", ""},
	}
	for _, tt := range tests {
		f := fleetOf(HostRule{Relay: tt.relay})
		speak(f, 3*time.Minute, 1, tt.hosts...)
		i := identityOf(f, "web1")
		o := f.originators[i.Key]
		if o.open.Bounds != tt.bounds {
			t.Errorf("%s: bounds by %v, want %v", tt.name, o.open.Bounds, tt.bounds)
		}
		if i.Via != tt.via || tt.claimed != "" && !slices.Contains(i.Claims, tt.claimed) {
			t.Errorf("%s: via %q, claims %q, want %q and %q", tt.name, i.Via, i.Claims, tt.via, tt.claimed)
		}
	}
}

// TestPathIsVoidAtOnce: when a second name shows up behind a peer, the bound of the
// first that rested on the round trip is void, even if it says nothing any more.
func TestPathIsVoidAtOnce(t *testing.T) {
	first, other := newHost("web1"), newHost("web2")
	first.minRTT, other.minRTT = time.Millisecond, time.Millisecond
	f := newFleet()
	speak(f, 2*time.Minute, 1, first)
	if have := f.originators["web1\x00192.0.2.1"].open.Bounds; have != BoundRTT {
		t.Fatalf("bounds by %v, want %v", have, BoundRTT)
	}
	f = restored(t, f)
	f.Refresh(epoch+2*minute, synchronised)
	if have := f.originators["web1\x00192.0.2.1"].open.Bounds; have != BoundRTT {
		t.Fatalf("bounds by %v after a restart, want %v", have, BoundRTT)
	}
	m := other.message(newRand(1), 3*time.Minute)
	f.Tick(m.Received, synchronised)
	f.Observe(&m)
	f.Tick(m.Received+second, synchronised)
	if have := f.originators["web1\x00192.0.2.1"].open.Bounds; have == BoundRTT {
		t.Errorf("bounds by %v, though the peer speaks for two names", have)
	}
}

func TestRoundTripForgets(t *testing.T) {
	var r roundTrip
	for _, x := range []struct {
		at   int64
		rtt  time.Duration
		want time.Duration
	}{
		{0, 0, 0},
		{hour, 5 * time.Millisecond, 5 * time.Millisecond},
		{2 * hour, 3 * time.Millisecond, 3 * time.Millisecond},
		{3 * hour, 9 * time.Millisecond, 3 * time.Millisecond},
		{26 * hour, 9 * time.Millisecond, 3 * time.Millisecond},
		{51 * hour, 8 * time.Millisecond, 8 * time.Millisecond},
	} {
		r.add(x.rtt, epoch+x.at)
		if have := r.least(); have != x.want {
			t.Errorf("%v after %v: %v, want %v", x.rtt, time.Duration(x.at), have, x.want)
		}
	}
}

// TestNamelessPeersAreNotNamesakes: messages without a host name make no claim to
// each other's name.
func TestNamelessPeersAreNotNamesakes(t *testing.T) {
	a, b := newHost(""), newHost("")
	b.peer, b.trust = "192.0.2.2", message.TrustUDP
	f := newFleet()
	if have := told(speak(f, 3*time.Minute, 1, a, b)); have != nil {
		t.Errorf("told %q, want nothing", have)
	}
	for _, i := range f.Identities() {
		if i.Verdict != InSync || !netip.MustParseAddr(i.Host).IsValid() || strings.Contains(strings.Join(i.Claims, ""), "somebody else") {
			t.Errorf("%+v, want it in sync under its address", i)
		}
	}
}
