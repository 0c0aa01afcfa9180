package analysis

import (
	"fmt"
	"testing"
	"time"
)

// BenchmarkMutes has 100,000 hosts warned of at once while some silences last, one of which
// is of all of them, then lets a second pass, and ends it.
func BenchmarkMutes(b *testing.B) {
	for _, silences := range []int{1, 10, MostSilences} {
		b.Run(fmt.Sprintf("silences=%d", silences), func(b *testing.B) { benchmarkMutes(b, silences) })
	}
}

func benchmarkMutes(b *testing.B, silences int) {
	const hosts = 100_000
	var took [4]time.Duration
	for b.Loop() {
		m, found := newTestMutes(), manyRaises(hosts)
		for i := range silences {
			glob := "*"
			if i > 0 {
				glob = fmt.Sprintf("rack%d-*", i)
			}
			if _, _, err := m.Silence(Mute{Host: glob, Begins: muteNoon, Ends: muteNoon.Add(time.Hour)}, muteNoon); err != nil {
				b.Fatal(err)
			}
		}
		for i, do := range []func(){
			func() { m.Heed(found, muteNoon, false) },
			func() { m.Snapshot() },
			func() { m.Heed(nil, muteNoon.Add(time.Second), false) },
			func() { _, found, _ = m.End(MuteRef{Silence, 1}, "anna", muteNoon.Add(time.Second)) },
		} {
			began := time.Now()
			do()
			took[i] += time.Since(began)
		}
		if len(found) != hosts+1 {
			b.Fatalf("%d are found at the end, want all warnings", len(found))
		}
	}
	for i, what := range []string{"raise", "snapshot", "tick", "end"} {
		b.ReportMetric(float64(took[i])/float64(b.N)/1e6, "ms/"+what)
	}
}

func manyRaises(n int) []Finding {
	found := make([]Finding, n)
	for i := range found {
		name := fmt.Sprintf("web%d", i)
		found[i] = Finding{Key: name, Host: name, Event: &Event{Time: muteNoon, Since: muteNoon, Severity: Warn, Verdict: Late, Previous: InSync, Text: "late"}}
	}
	return found
}
