package analysis

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/skewatch/skewatch/collector/message"
)

// behind returns n hosts behind one peer, each with its own offset.
func behind(n int, offset func(i int) time.Duration) []host {
	hosts := make([]host, n)
	for i := range hosts {
		hosts[i] = newHost(fmt.Sprintf("web%d", i+1))
		hosts[i].mean, hosts[i].offset = time.Second, constant(offset(i))
	}
	return hosts
}

func same(d time.Duration) func(int) time.Duration { return func(int) time.Duration { return d } }

func TestHostsThatShareAClock(t *testing.T) {
	forged := behind(2, same(3*time.Second))
	forged[0].trust = message.TrustUDP
	elsewhere := behind(2, same(3*time.Second))
	elsewhere[1].peer = "192.0.2.2"
	tests := []struct {
		name  string
		hosts []host
		want  int // warnings
	}{
		{"ahead alike", behind(6, same(3*time.Second)), 1},
		{"behind alike", behind(6, same(-3*time.Second)), 1},
		{"in one zone", behind(6, same(2*time.Hour)), 1},
		{"in order", behind(6, same(0)), 0},
		{"each its own clock", behind(6, func(i int) time.Duration { return time.Duration(2+i) * time.Second }), 6},
		{"two clocks", behind(6, func(i int) time.Duration { return time.Duration(2+i%2) * time.Second }), 2},
		{"one verdict each", behind(3, func(i int) time.Duration {
			return []time.Duration{37 * time.Second, -3 * time.Second, time.Hour}[i]
		}), 3},
		{"another class of trust", forged, 2},
		{"another peer", elsewhere, 2},
	}
	for _, tt := range tests {
		f := newFleet()
		have := told(speak(f, 10*time.Minute, 1, tt.hosts...))
		if len(have) != tt.want {
			t.Errorf("%s: told %q, want %d warnings", tt.name, have, tt.want)
		}
	}
}

func TestOneWarningNamesTheOthersAndOneClears(t *testing.T) {
	hosts := behind(7, same(0))
	for i := range hosts {
		hosts[i].offset = func(at time.Duration) time.Duration {
			if at < 10*time.Minute {
				return 3 * time.Second
			}
			return 0
		}
	}
	f := newFleet()
	found := speak(f, 9*time.Minute, 1, hosts...)
	if len(found) != 1 || !strings.Contains(found[0].Event.Text, "and 6 more behind 192.0.2.1 that share its clock: web") {
		t.Fatalf("found %v, want one event that names the other six", found)
	}
	for _, i := range f.Identities() {
		if i.Verdict != Ahead || !slices.ContainsFunc(i.Claims, func(c string) bool { return strings.HasPrefix(c, "7 hosts behind 192.0.2.1 share one clock") }) {
			t.Errorf("%s: %v, claims %q, want ahead and a claim", i.Host, i.Verdict, i.Claims)
		}
	}
	f = newFleet()
	found = speak(f, 40*time.Minute, 1, hosts...)
	kinds := map[EventKind]int{}
	for _, e := range events(found) {
		kinds[e.Kind]++
	}
	if kinds[Raise] != 1 || kinds[Clear] != 1 {
		t.Errorf("told %q, want one raised and one cleared", told(found))
	}
}

// TestOrphanIsWarnedOf: when the clock of the one that was warned of is set right and
// another's isn't, that other must be told.
func TestOrphanIsWarnedOf(t *testing.T) {
	hosts := behind(2, same(3*time.Second))
	f := newFleet()
	found := speak(f, 5*time.Minute, 1, hosts...)
	if len(events(found)) != 1 {
		t.Fatalf("told %q, want one", told(found))
	}
	leader := found[0].Host
	for i := range hosts {
		if hosts[i].name == leader {
			hosts[i].offset = func(at time.Duration) time.Duration {
				if at < 5*time.Minute {
					return 3 * time.Second
				}
				return 0
			}
		}
	}
	f = newFleet()
	speak(f, 5*time.Minute, 1, hosts...)
	f = restored(t, f)
	have := told(continued(f, 5*time.Minute, 35*time.Minute, 2, hosts...))
	var raised []string
	for _, e := range have {
		if strings.Contains(e, "raise ahead") {
			raised = append(raised, e)
		}
	}
	if len(raised) != 1 || strings.HasPrefix(raised[0], leader) {
		t.Errorf("told %q, want the other of %s raised", have, leader)
	}
}

// TestSeldomFollowerIsNoOrphan: of two hosts that share a clock, one speaks seldom. It learns
// late that the clock is slewed or was set right, and isn't warned of for that.
func TestSeldomFollowerIsNoOrphan(t *testing.T) {
	const right = 3 * time.Hour
	hosts := behind(2, same(0))
	for i := range hosts {
		hosts[i].offset = func(at time.Duration) time.Duration {
			if at >= right {
				return 0
			}
			return 20*time.Second - min(max(0, skewed(0, 500)(at-time.Hour)), 400*time.Millisecond)
		}
	}
	hosts[1].mean = 100 * time.Second
	have := told(speak(newFleet(), 5*time.Hour, 1, hosts...))
	if want := []string{"web1 raise ahead", "web1 clear in-sync"}; !slices.Equal(have, want) {
		t.Errorf("told %q, want %q", have, want)
	}
}

func TestSharesClock(t *testing.T) {
	const s, ms = time.Second, time.Millisecond
	p := DefaultParams()
	of := func(low, high time.Duration, skew, bound float64) *originator {
		return &originator{interval: Interval{Low: low, High: high}, last: epoch, open: RollUp{Skew: skew, SkewBound: bound}}
	}
	later := of(3020*ms, 3040*ms, 0, 0)
	later.last += 2 * minute
	trusted := of(3*s, 3010*ms, 0, 0)
	trusted.trust = message.TrustCertificate
	tests := []struct {
		name string
		a, b *originator
		want bool
	}{
		{"alike", of(3*s, 3010*ms, 1, 2), of(3005*ms, 3060*ms, 4, 2), true},
		{"apart", of(3*s, 3010*ms, 1, 2), of(3020*ms, 3060*ms, 1, 2), false},
		{"apart, but by what a clock may run in the time between", of(3*s, 3010*ms, 0, 0), later, true},
		{"other skews", of(3*s, 3010*ms, 1, 2), of(3*s, 3010*ms, 6, 2), false},
		{"skews unknown", of(3*s, 3010*ms, 1, 0), of(3*s, 3010*ms, 6, 2), true},
		{"another class of trust", of(3*s, 3010*ms, 0, 0), trusted, false},
	}
	for _, tt := range tests {
		if tt.a.sharesClock(tt.b, &p) != tt.want || tt.b.sharesClock(tt.a, &p) != tt.want {
			t.Errorf("%s: want %v, both ways", tt.name, tt.want)
		}
	}
}

// TestLeaderThatIsGoneLeadsNobody: the warning of a host that says nothing any more
// stands for no other.
func TestLeaderThatIsGoneLeadsNobody(t *testing.T) {
	hosts := behind(2, same(3*time.Second))
	hosts[0].speaks, hosts[1].speaks = during(0, 5*time.Minute), during(5*time.Minute, 40*time.Hour)
	for i := range hosts {
		hosts[i].mean = 20 * time.Second
	}
	f := newFleet()
	if have := told(speak(f, 20*time.Hour, 1, hosts...)); !slices.Equal(have, []string{"web1 raise ahead"}) {
		t.Fatalf("told %q, want web1 alone", have)
	}
	if have := told(continued(f, 20*time.Hour, 26*time.Hour, 2, hosts...)); !slices.Equal(have, []string{"web2 raise ahead"}) {
		t.Errorf("told %q, want web2 a day after web1 was last heard", have)
	}
}

// TestSilencedLeader wants a host of whose warning nobody is told not to stand for others
// that share its clock, unless nobody is to be told of these either.
func TestSilencedLeader(t *testing.T) {
	run := func(globs ...string) (raised []string, known int) {
		m := newTestMutes()
		for _, glob := range globs {
			if _, _, err := m.Silence(Mute{Host: glob, Ends: unixUTC(epoch).Add(24 * time.Hour)}, unixUTC(epoch)); err != nil {
				t.Fatal(err)
			}
		}
		f := newFleet()
		f.config.Untold = m.Untold
		found := speak(f, 10*time.Minute, 1, behind(6, same(3*time.Second))...)
		m.Heed(found, unixUTC(epoch).Add(time.Hour), false)
		for _, w := range m.Open() {
			raised = append(raised, w.Host)
			if w.Told != nil {
				known++
			}
		}
		return raised, known
	}
	leads, known := run()
	if len(leads) != 1 || known != 1 {
		t.Fatalf("without silences raised are %q, of which %d are told, want one", leads, known)
	}
	for _, tt := range []struct {
		globs         []string
		raised, known int
	}{
		{leads, 2, 1},
		{[]string{"db*"}, 1, 1},
		{[]string{"web*"}, 1, 0},
		{append(leads, "web*"), 1, 0},
	} {
		if raised, known := run(tt.globs...); len(raised) != tt.raised || known != tt.known {
			t.Errorf("%q silenced: raised are %q, of which %d are told, want %d and %d", tt.globs, raised, known, tt.raised, tt.known)
		}
	}
}

// TestLeaderReachesAll wants a warning to stand for those of others only where all who are to
// be told of these are told of it.
func TestLeaderReachesAll(t *testing.T) {
	hosts := behind(6, same(3*time.Second))
	for i := range hosts[3:] {
		hosts[3+i].name = fmt.Sprintf("db%d", i+1)
	}
	for _, tt := range []struct {
		apart string // of these hosts somebody is told who isn't told of others
		want  int
	}{
		{"", 1}, {"db", 2}, {"db2", 2}, {"web", 2}, {"none", 1},
	} {
		f := newFleet()
		f.config.Reaches = func(leader, host string) bool {
			return !strings.HasPrefix(host, tt.apart) || strings.HasPrefix(leader, tt.apart)
		}
		apart, have := 0, told(speak(f, 10*time.Minute, 1, hosts...))
		for _, e := range have {
			if strings.HasPrefix(e, tt.apart) {
				apart++
			}
		}
		if len(have) > tt.want || apart != 1 && tt.apart != "none" {
			t.Errorf("%q: told %q, want %d at the most, and one of those", tt.apart, have, tt.want)
		}
	}
}
