package ntpcheck

import (
	"strings"
	"testing"
	"time"
)

// Three of five begin to lie by the same amount. What they say is neither what they said
// before nor what the kernel says.
func TestMajorityThatLies(t *testing.T) {
	b := newBench(t, 5, KernelOff)
	b.hear(0, 0, 0, 0, 0)
	b.expect("all honest", Synchronised, 0, 5*ms, "a:123")
	lie := 100 * time.Second
	for range 8 { // the filters hold what was said before
		b.wait(time.Second)
		b.hear(lie, lie, lie, 0, 0)
	}
	r := b.Reference()
	if r.State != Unsynchronised || !strings.Contains(r.Reason, "lie in concert") || r.Offset.Abs() > time.Second {
		t.Errorf("with three liars of five: %v %v (%s), want no trust in them", r.State, r.Offset, r.Reason)
	}
	b.expectSources("with three liars", Candidate, Candidate, Candidate, Candidate, Candidate)
	for range 8 {
		b.wait(time.Second)
		b.hear(0, 0, 0, 0, 0)
	}
	if r := b.Reference(); r.State != Synchronised || r.Offset.Abs() > ms {
		t.Errorf("when they are honest again: %v %v (%s)", r.State, r.Offset, r.Reason)
	}
}

// Once nothing is known of before, they are believed: they may have been false then.
func TestMajorityIsBelievedInTheEnd(t *testing.T) {
	b := newBench(t, 3, KernelOff)
	b.hear(0, 0, 0)
	lie := 100 * time.Second
	for range 12 { // holdover is 10 s
		b.wait(time.Second)
		b.hear(lie, lie, lie)
	}
	if r := b.Reference(); r.State != Synchronised || r.Offset != lie {
		t.Errorf("after the holdover: %v %v (%s), want synchronised, 100 s", r.State, r.Offset, r.Reason)
	}
}

// A kernel that calls its clock synchronised can bear a majority out.
func TestKernelBearsMajorityOut(t *testing.T) {
	for _, tt := range []struct {
		name   string
		kernel Kernel
		want   State
	}{
		{"it agrees with what they say now", Kernel{Known: true, Synchronised: true, MaxError: 10 * ms}, Synchronised},
		{"it isn't synchronised", Kernel{Known: true, MaxError: 10 * ms}, Unsynchronised},
	} {
		b := newBench(t, 3, KernelAuto)
		b.kernel = tt.kernel
		b.hear(5*time.Second, 5*time.Second, 5*time.Second)
		for range 8 {
			b.wait(time.Second)
			b.hear(0, 0, 0)
		}
		if r := b.Reference(); r.State != tt.want {
			t.Errorf("%s: %v (%s), want %v", tt.name, r.State, r.Reason, tt.want)
		}
	}
}
