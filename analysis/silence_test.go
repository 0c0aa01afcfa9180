package analysis

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/skewatch/skewatch/collector/message"
)

// told lists events as "host kind verdict".
func told(found []Finding) []string {
	var all []string
	for _, f := range found {
		if f.Event != nil {
			all = append(all, fmt.Sprintf("%s %v %v", f.Host, f.Event.Kind, f.Event.Verdict))
		}
	}
	return all
}

func TestSilentHosts(t *testing.T) {
	web, moved, other := newHost("web1"), newHost("web1"), newHost("web2")
	web.speaks = during(0, 2*time.Minute)
	moved.peer, moved.speaks = "192.0.2.9", during(3*time.Minute, time.Hour)
	forged := moved
	forged.trust = message.TrustUDP
	returns := newHost("web1")
	returns.speaks = func(at time.Duration) bool { return at < 2*time.Minute || at > 20*time.Minute }
	byName := HostRule{Expected: 5 * time.Minute}
	byPeer := HostRule{Expected: 5 * time.Minute, ExpectPeer: true}
	tests := []struct {
		name   string
		rule   HostRule
		roster []Named
		hosts  []host
		want   []string
	}{
		{"nothing expected", HostRule{}, nil, []host{web}, nil},
		{"falls silent", byName, nil, []host{web}, []string{"web1 raise silent"}},
		{"speaks again", byName, nil, []host{returns}, []string{"web1 raise silent", "web1 clear in-sync"}},
		{"speaks from elsewhere", byName, nil, []host{web, moved}, nil},
		{"speaks from elsewhere, but this peer should", byPeer, nil, []host{web, moved}, []string{"web1 raise silent"}},
		{"another name from the same peer", byPeer, nil, []host{web, other}, nil},
		{"another name is no sign of this one", byName, nil, []host{web, other}, []string{"web1 raise silent"}},
		{"whom nobody knows", byName, []Named{{Host: "db1"}}, []host{moved}, []string{"db1 raise silent"}},
		{"an address that nobody knows", byPeer, []Named{{Peer: netip.MustParseAddr("192.0.2.77")}}, []host{moved}, []string{"192.0.2.77 raise silent"}},
		{"on the roster, and speaks", byName, []Named{{Host: "WEB1"}}, []host{moved}, nil},
	}
	for _, tt := range tests {
		f := fleetOf(tt.rule, tt.roster...)
		if have := told(speak(f, 25*time.Minute, 1, tt.hosts...)); !slices.Equal(have, tt.want) {
			t.Errorf("%s: told %q, want %q", tt.name, have, tt.want)
		}
	}
	f := fleetOf(byName)
	have := told(speak(f, 25*time.Minute, 1, web, forged))
	if !slices.Contains(have, "web1 raise silent") {
		t.Errorf("told %q, want web1 silent: datagrams in its name are no sign of its life", have)
	}
}

func TestStandInClearsWhenItsHostSpeaks(t *testing.T) {
	for _, trust := range []message.Trust{message.TrustUDP, message.TrustHandshake} {
		late := newHost("db1")
		late.trust, late.speaks = trust, during(10*time.Minute, time.Hour)
		f := fleetOf(HostRule{Expected: 5 * time.Minute}, Named{Host: "db1"})
		found := speak(f, 15*time.Minute, 1, late)
		if have, want := told(found), []string{"db1 raise silent", "db1 clear insufficient"}; !slices.Equal(have, want) {
			t.Errorf("%v: told %q, want %q", trust, have, want)
		}
		if i := only(t, f); i.Verdict != InSync || i.Absent {
			t.Errorf("%v: %+v, want the host alone, in sync", trust, i)
		}
	}
}

// TestOnlyTheLastPlaceIsSilent: a host that has moved is silent once, even if the
// program was restarted since.
func TestOnlyTheLastPlaceIsSilent(t *testing.T) {
	web, moved := newHost("web1"), newHost("web1")
	moved.peer = "192.0.2.9"
	web.speaks, moved.speaks = during(0, 2*time.Minute), during(2*time.Minute, 4*time.Minute)
	f := fleetOf(HostRule{Expected: 5 * time.Minute})
	speak(f, 4*time.Minute, 1, web, moved)
	f = restored(t, f)
	f.Tick(epoch+30*minute, synchronised)
	found := f.Tick(epoch+31*minute, synchronised)
	if len(found) != 1 || found[0].Source != "192.0.2.9" || found[0].Event.Verdict != Silent {
		t.Errorf("found %+v, want one silence, at 192.0.2.9", found)
	}
}

func TestSilenceOutlivesRestarts(t *testing.T) {
	f := fleetOf(HostRule{Expected: 5 * time.Minute}, Named{Host: "db1"})
	f.Tick(epoch, synchronised)
	f = restored(t, f)
	f.Tick(epoch+4*minute, synchronised)
	f.Tick(epoch+6*minute, synchronised) // six minutes since the first start, two since the last
	if have := told(f.Tick(epoch+7*minute, synchronised)); !slices.Equal(have, []string{"db1 raise silent"}) {
		t.Errorf("told %q, want db1 raised", have)
	}
	f = restored(t, f)
	f.Tick(epoch+8*minute, synchronised)
	if have := told(f.Tick(epoch+9*minute, synchronised)); have != nil {
		t.Errorf("told %q after a restart, want nothing: it was told before", have)
	}
}

func TestSilenceIsHeldWhileOurClockIsInDoubt(t *testing.T) {
	f := fleetOf(HostRule{Expected: 5 * time.Minute}, Named{Host: "db1"})
	f.Tick(epoch, Reference{})
	if have := told(append(f.Tick(epoch+10*minute, Reference{}), f.Tick(epoch+11*minute, Reference{})...)); have != nil {
		t.Errorf("told %q, want nothing without a reference", have)
	}
	f.Tick(epoch+12*minute, synchronised)
	if have := told(f.Tick(epoch+13*minute, synchronised)); !slices.Equal(have, []string{"db1 raise silent"}) {
		t.Errorf("told %q, want db1 raised", have)
	}
	f.Tick(epoch+14*minute, Reference{})
	if have := told(f.Tick(epoch+15*minute, Reference{})); have != nil {
		t.Errorf("told %q, want nothing: doubt doesn't clear", have)
	}
}

// TestSilenceStandsInRollUps: a report on any period must find the silence, and one on
// an earlier period must not.
func TestSilenceStandsInRollUps(t *testing.T) {
	web := newHost("web1")
	web.speaks = during(0, 2*time.Minute)
	f := fleetOf(HostRule{Expected: 5 * time.Minute})
	speak(f, 21*time.Minute, 1, web)
	verdicts := map[int64]Verdict{}
	for _, r := range f.RollUps() {
		verdicts[(r.RollUp.Start-epoch)/minute] = r.RollUp.Verdict
	}
	for at, want := range map[int64]Verdict{0: InSync, 5: Silent, 10: Silent, 15: Silent, 20: Silent} {
		if verdicts[at] != want {
			t.Errorf("at minute %d: %v, want %v", at, verdicts[at], want)
		}
	}
	if i := only(t, f); !strings.Contains(i.Explanation, "web1 has said nothing for 19 min, and should speak every 5 min") {
		t.Errorf("explanation %q", i.Explanation)
	}
}
