package server

import (
	"fmt"
	"testing"
	"time"

	"github.com/skewatch/skewatch/analysis"
	"github.com/skewatch/skewatch/analysis/report"
	"github.com/skewatch/skewatch/cmd/internal/api"
	"github.com/skewatch/skewatch/collector/message"
	"github.com/skewatch/skewatch/storage"
)

// fill stores roll-ups of many hosts, so many spans of a length from noon on.
func fill(b *testing.B, store *storage.Store, hosts, spans int, length time.Duration) {
	b.Helper()
	for n := range spans {
		start := noon.Add(time.Duration(n) * length).UnixNano()
		r := analysis.RollUp{
			Start: start, Messages: 300, First: start + 1e9, Last: start + 290e9, Known: true, Verdict: analysis.InSync,
			Interval: analysis.Interval{Offset: 12345678, Low: 2345678, High: 52345678}, Extreme: 13345678,
			Skew: 1.5, SkewBound: 0.1, Trust: message.TrustHandshake, StampFormat: message.StampRFC3339, Resolution: time.Microsecond,
		}
		if length == analysis.HourlySpan {
			r = r.Hourly()
		}
		blob, err := r.AppendBinary(nil)
		if err != nil {
			b.Fatal(err)
		}
		all := make([]storage.RollUp, hosts)
		for i := range all {
			all[i] = storage.RollUp{Start: start, Key: fmt.Sprintf("web%06d.example.net\x0010.0.%d.%d", i, i/250, i%250), Blob: blob}
		}
		if err := store.ReplaceRollUps(all); err != nil {
			b.Fatal(err)
		}
	}
}

func benchmarkStore(b *testing.B) *archive {
	b.Helper()
	store, err := storage.Open(b.TempDir(), storage.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = store.Close() })
	return &archive{store: store, log: silent(), now: time.Now, fleet: analysis.NewFleet(analysis.Config{})}
}

// BenchmarkReport makes a report over a day: of five-minute roll-ups, and of hourly
// ones.
func BenchmarkReport(b *testing.B) {
	for _, bb := range []struct {
		hosts, spans int
		length       time.Duration
	}{{10_000, 288, analysis.RollUpSpan}, {100_000, 24, analysis.HourlySpan}} {
		b.Run(fmt.Sprintf("hosts=%d/rollups=%d", bb.hosts, bb.spans), func(b *testing.B) {
			a := benchmarkStore(b)
			fill(b, a.store, bb.hosts, bb.spans, bb.length)
			d := &desk{archive: a, refresh: func() error { return nil }}
			b.ReportAllocs()
			for b.Loop() {
				builder := report.NewBuilder(func(analysis.Identity) time.Duration { return time.Second }, nil)
				if err := d.gather(b.Context(), builder, api.ReportQuery{}, 0, 0); err != nil {
					b.Fatal(err)
				}
				if n := len(builder.Rows(func(string) bool { return true })); n != bb.hosts {
					b.Fatalf("%d rows", n)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*bb.hosts*bb.spans), "ns/roll-up")
		})
	}
}

// BenchmarkThin merges an hour of 100,000 hosts, without its rests between transactions.
func BenchmarkThin(b *testing.B) {
	const hosts, spans = 100_000, 12
	a := benchmarkStore(b)
	b.ReportAllocs()
	longest := time.Duration(0)
	for b.Loop() {
		b.StopTimer()
		fill(b, a.store, hosts, spans, analysis.RollUpSpan)
		b.StartTimer()
		for n := 1; n < spans; n++ {
			t := &thinner{archive: a, ctx: b.Context(), rest: func(took time.Duration) error { longest = max(longest, took); return nil }}
			if err := t.span(noon.Add(time.Duration(n) * analysis.RollUpSpan).UnixNano()); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*hosts*(spans-1)), "ns/roll-up")
	b.ReportMetric(float64(longest.Milliseconds()), "ms/longest-transaction")
}
