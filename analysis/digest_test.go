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
