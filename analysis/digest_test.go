package analysis

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/skewatch/skewatch/collector/message"
)

// locals returns n hosts that write local time, each behind its own peer.
func locals(n int, zone func(i int) time.Duration) []host {
	hosts := make([]host, n)
	for i := range hosts {
		h := newHost(fmt.Sprintf("sw%d", i+1)).coarse()
		h.peer, h.mean, h.offset = fmt.Sprintf("192.0.2.%d", i+1), 2*time.Second, constant(zone(i))
		hosts[i] = h
	}
	return hosts
}

// singlesAndDigests tells events about one host from those about many.
func singlesAndDigests(found []Finding) (singles int, digests []Event) {
	for _, f := range found {
		switch {
		case f.Event != nil && f.Host == "":
			digests = append(digests, *f.Event)
		case f.Event != nil:
			singles++
		}
	}
	return singles, digests
}

func TestZonesAreDigestedOnTheFirstDay(t *testing.T) {
	mixed := func(i int) time.Duration {
		if i%4 == 0 {
			return -5 * time.Hour
		}
		return 2 * time.Hour
	}
	f := newFleet()
	singles, digests := singlesAndDigests(speak(f, 10*time.Minute, 1, locals(15, mixed)...))
	if singles != digestSingles || len(digests) != 1 {
		t.Fatalf("%d single warnings and digests %v, want %d and one", singles, digests, digestSingles)
	}
	e := digests[0]
	if e.Kind != Raise || e.Verdict != WrongZone || e.Severity != Crit || !strings.HasPrefix(e.Text, "12 more hosts write local time without a zone") ||
		!strings.Contains(e.Text, " fit +02:00, ") || !strings.Contains(e.Text, " fit -05:00; set --assume-zone") {
		t.Errorf("the digest is %+v", e)
	}
}

func TestZonesAreWarnedOfSingly(t *testing.T) {
	written := locals(6, same(2*time.Hour))
	for i := range written {
		written[i].format, written[i].resolution = message.StampRFC3339, time.Microsecond
	}
	tests := []struct {
		name  string
		hosts []host
		began int64 // before the hosts speak
		want  int
	}{
		{"with written zones", written, 0, 6},
		{"a few", locals(3, same(2*time.Hour)), 0, 3},
		{"after the first day", locals(6, same(2*time.Hour)), digestSpan, 6},
		{"on the first day", locals(6, same(2*time.Hour)), digestSpan - hour, 3},
	}
	for _, tt := range tests {
		f := newFleet()
		f.Tick(epoch-tt.began, synchronised)
		f = restored(t, f)
		if singles, _ := singlesAndDigests(speak(f, 3*time.Minute, 1, tt.hosts...)); singles != tt.want {
			t.Errorf("%s: %d single warnings, want %d", tt.name, singles, tt.want)
		}
	}
}

// TestSilencedHostsAreDigestedByNobody has hosts be silenced that would be told of in a
// digest, before they are warned of or while they are gathered: each is told when the
// silence ends, and none before.
func TestSilencedHostsAreDigestedByNobody(t *testing.T) {
	const all = 8
	tests := []struct {
		name, glob string
		gathered   int // before the silence
		digested   string
		held       int
	}{
		{"from the start", "sw*", 0, "", all},
		{"all that speak, from the start", "*", 0, "", all},
		{"some, from the start", "sw[5-8]", 0, "1 more", 4},
		{"others", "db*", 0, "5 more", 0},
		{"while gathered", "sw*", all - digestSingles, "", all - digestSingles},
		{"all that speak, while gathered", "*", all - digestSingles, "", all - digestSingles},
	}
	for _, tt := range tests {
		m, f := newTestMutes(), newFleet()
		f.config.Untold = m.Untold
		hosts := locals(all, same(2*time.Hour))
		at := time.Duration(0)
		run := func(span time.Duration) []Finding {
			found := continued(f, at, at+span, 1, hosts...)
			at += span
			f = restored(t, f)
			return m.Heed(found, unixUTC(epoch+int64(at)), false)
		}
		for len(f.gathered()) < tt.gathered && at < 5*time.Minute {
			run(5 * time.Second)
		}
		ends := unixUTC(epoch + int64(at+10*time.Minute))
		if _, _, err := m.Silence(Mute{Host: tt.glob, Ends: ends}, unixUTC(epoch+int64(at))); err != nil {
			t.Fatal(err)
		}
		_, digests := singlesAndDigests(run(8 * time.Minute))
		switch {
		case tt.digested == "" && len(digests) > 0, tt.digested != "" && len(digests) != 1:
			t.Errorf("%s: the digests are %v, want %q", tt.name, digests, tt.digested)
		case tt.digested != "" && (!strings.HasPrefix(digests[0].Text, tt.digested) || digests[0].Muted != nil):
			t.Errorf("%s: the digest is %+v, want %q, and that it is told", tt.name, digests[0], tt.digested)
		}
		released := 0
		for _, found := range m.Heed(nil, ends, false) {
			if e := found.Event; e != nil && e.Kind == Raise && e.Severity == Crit && e.Muted == nil {
				released++
			}
		}
		if released != tt.held {
			t.Errorf("%s: %d hosts are told when the silence ends, want %d", tt.name, released, tt.held)
		}
	}
}

func TestLowerTrustUsesUpNoSingles(t *testing.T) {
	hosts := locals(6, same(2*time.Hour))
	for i := range hosts[:5] {
		hosts[i].trust = message.TrustUDP
	}
	hosts[5].speaks = during(2*time.Minute, time.Hour)
	f := newFleet()
	singles, _ := singlesAndDigests(speak(f, 5*time.Minute, 1, hosts...))
	if singles != digestSingles+1 {
		t.Errorf("%d single warnings, want %d over UDP and the one over TCP", singles, digestSingles)
	}
}

func TestDigestsAreAnHourApartAndOutliveRestarts(t *testing.T) {
	hosts := locals(8, same(2*time.Hour))
	for i := range hosts[5:] {
		hosts[5+i].speaks = during(time.Duration(5+10*i)*time.Minute, 2*time.Hour)
	}
	f := newFleet()
	first := speak(f, 40*time.Minute, 1, hosts...)
	f = restored(t, f)
	second := continued(f, 40*time.Minute, 70*time.Minute, 2, hosts...)
	_, a := singlesAndDigests(first)
	singles, b := singlesAndDigests(second)
	if len(a) != 1 || len(b) != 1 || singles != 0 || !strings.HasPrefix(a[0].Text, "2 more") || !strings.HasPrefix(b[0].Text, "3 more") {
		t.Fatalf("digests %v, then %v and %d single warnings; want one of 2 and one of 3", a, b, singles)
	}
	if apart := b[0].Time.Sub(a[0].Time); apart < time.Hour {
		t.Errorf("%v between digests, want an hour", apart)
	}
}
