package ntpcheck

import (
	"testing"
	"time"
)

func TestCluster(t *testing.T) {
	for _, tt := range []struct {
		name    string
		offsets []time.Duration
		jitter  time.Duration
		out     []int
	}{
		{"three stay, however they scatter", []time.Duration{0, 5 * ms, 90 * ms}, ms, nil},
		{"four close together stay", []time.Duration{0, ms, -ms, 0}, 2 * ms, nil},
		{"the one apart goes", []time.Duration{0, ms, 40 * ms, -ms}, 2 * ms, []int{2}},
		{"down to three", []time.Duration{0, 40 * ms, ms, -30 * ms, 2 * ms, 90 * ms}, ms, []int{1, 3, 5}},
		{"our stamps scatter too", []time.Duration{0, 100 * time.Microsecond, 0, 0}, 0, nil},
	} {
		var views []*view
		for _, offset := range tt.offsets {
			views = append(views, &view{estimate: estimate{offset: offset, jitter: tt.jitter}})
		}
		survivors := cluster(views)
		out := 0
		for i, v := range views {
			if v.reason != "" {
				if out >= len(tt.out) || tt.out[out] != i {
					t.Errorf("%s: %v is cast out: %s", tt.name, tt.offsets[i], v.reason)
				}
				out++
			}
		}
		if out != len(tt.out) || len(survivors)+out != len(views) {
			t.Errorf("%s: %d cast out, %d left; want %d cast out", tt.name, out, len(survivors), len(tt.out))
		}
	}
}

// Who is cast out tells the truth: it is a candidate, and keeps its vote.
func TestOutlierIsACandidate(t *testing.T) {
	b := newBench(t, 4, KernelOff)
	b.hear(0, 0, 4*ms, 0)
	b.expect("one apart", Synchronised, 0, 5*ms, "a:123")
	b.expectSources("one apart", Selected, Combined, Candidate, Combined)
	if reason := b.Status().Sources[2].Reason; reason != "not combined: 4.000 ms from the others" {
		t.Errorf("the reason is %q", reason)
	}
}
