package analysis

import (
	"testing"
	"time"
)

func TestGlance(t *testing.T) {
	good, fast, faster := newHost("good"), newHost("fast"), newHost("faster")
	fast.offset, faster.offset = constant(10*time.Second), constant(40*time.Second)
	f := newFleet()
	speak(f, 5*time.Minute, 1, good, fast, faster)
	g := f.Glance(10)
	if g.Verdicts[InSync] != 1 || g.Verdicts[Ahead] != 2 || len(g.Hosts) != 3 || g.Omitted != 0 {
		t.Errorf("Glance = %+v, want one in-sync and two ahead", g)
	}
	g = f.Glance(1)
	if len(g.Hosts) != 1 || g.Omitted != 2 {
		t.Fatalf("Glance(1) has %d hosts and omits %d, want 1 and 2", len(g.Hosts), g.Omitted)
	}
	h := g.Hosts[0]
	if h.Host != "faster" || h.Warned != Crit || !h.Known || h.Interval.Low > 40*time.Second || h.Interval.High < 40*time.Second || h.Last.IsZero() {
		t.Errorf("looked closer at %+v, want faster, which is off the most", h)
	}
}
