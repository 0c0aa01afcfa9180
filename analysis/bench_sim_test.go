package analysis_test

import (
	"testing"
	"time"

	"github.com/skewatch/skewatch/analysis"
	"github.com/skewatch/skewatch/analysis/simulation"
)

// benchedHost returns a host on a LAN that sends one message in the time given.
func benchedHost(mean, span, resolution time.Duration) *simulation.Host {
	r := random(simulation.TuningSeed)
	h := plainHost(simulation.TuningSeed, r, span, resolution, simulation.LAN(r))
	h.Process = simulation.Poisson(mean)
	return h
}

// observed returns what a host's messages tell the estimator.
func observed(h *simulation.Host) (all []analysis.Observation) {
	for m := range h.Messages() {
		if sent, ok := analysis.Instant(m.Sent, m.Received, time.UTC); ok {
			all = append(all, analysis.Observation{Sent: sent, Received: m.Received})
		}
	}
	return all
}

var benched = map[string]time.Duration{"1s": time.Second, "1ms": time.Millisecond, "1us": time.Microsecond}

// One host at ten messages a second, as fast as they can be taken in.
func BenchmarkAddOneHost(b *testing.B) {
	for name, resolution := range benched {
		b.Run(name, func(b *testing.B) {
			const span = time.Hour
			all := observed(benchedHost(100*time.Millisecond, span, resolution))
			s := analysis.NewState()
			i, ahead := 0, int64(0)
			for b.Loop() {
				o := all[i]
				o.Sent, o.Received = o.Sent+ahead, o.Received+ahead
				s.Add(o)
				if i++; i == len(all) {
					i, ahead = 0, ahead+int64(span)
				}
			}
		})
	}
}

// Ten thousand hosts in turn, a million messages a second together: no state is in the
// processor's cache when its message comes.
func BenchmarkAddManyHosts(b *testing.B) {
	const hosts, stride = 10_000, 7919
	states := make([]*analysis.State, hosts)
	for i := range states {
		states[i] = analysis.NewState()
	}
	received := time.Date(2026, 3, 28, 0, 0, 0, 0, time.UTC).UnixNano()
	i := 0
	for b.Loop() {
		received += int64(time.Microsecond)
		sent := received - int64(3*time.Millisecond)
		states[i].Add(analysis.Observation{Sent: sent - sent%int64(time.Second), Received: received})
		i = (i + stride) % hosts
	}
}

func BenchmarkEvaluateAfterDay(b *testing.B) {
	for name, resolution := range benched {
		b.Run(name, func(b *testing.B) {
			p := analysis.DefaultParams()
			s := analysis.NewState()
			now := int64(0)
			for _, o := range observed(benchedHost(time.Second, 24*time.Hour, resolution)) {
				s.Add(o)
				now = o.Received
			}
			b.ReportAllocs()
			for b.Loop() {
				s.Evaluate(now, analysis.Path{}, &p)
			}
		})
	}
}

// What two collectors know of a host after a day, folded into one state.
func BenchmarkFoldTwoCollectors(b *testing.B) {
	states := [2]*analysis.State{analysis.NewState(), analysis.NewState()}
	for i, o := range observed(benchedHost(time.Second, 24*time.Hour, time.Second)) {
		states[i%2].Add(o)
	}
	evidence := analysis.Evidence{"a": {Version: 1, State: states[0]}, "b": {Version: 1, State: states[1]}}
	b.ReportAllocs()
	for b.Loop() {
		evidence.Fold()
	}
}
