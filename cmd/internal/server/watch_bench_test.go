package server

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/skewatch/skewatch/collector/message"
	"github.com/skewatch/skewatch/collector/parse"
)

// watched are the kinds of days that are measured.
var watched = []struct {
	name, rules string
	failures    bool
}{{"without rules", "", false}, {"with rules", "builtin:logins,builtin:web", false}, {"with rules and failures", "builtin:logins,builtin:web", true}}

// dayOf returns a batch from a hundred hosts, in which every hundredth message may be a failed
// log-in.
func dayOf(failures bool) []message.Message {
	batch := make([]message.Message, 1000)
	for i := range batch {
		text := fmt.Sprintf("<134>1 2026-03-01T12:00:00.%06dZ web%d app %d - - order %d was paid in 23 ms by card, 3 items", i, i%100, i, i)
		if failures && i%100 == 0 {
			text = fmt.Sprintf("<38>1 2026-03-01T12:00:00.%06dZ web%d sshd %d - - Failed password for root from 203.0.113.%d port 51182 ssh2", i, i%7, i, i%250)
		}
		batch[i] = message.Message{Received: noon.UnixNano() + int64(i), Source: netip.AddrFrom4([4]byte{192, 0, 2, byte(i % 100)}), Transport: message.TCP, Trust: message.TrustHandshake}
		parse.Parse([]byte(text), &batch[i])
	}
	return batch
}

// BenchmarkWatch measures what rules alone cost.
func BenchmarkWatch(b *testing.B) {
	for _, tt := range watched {
		b.Run(tt.name, func(b *testing.B) {
			h := openHistory(b, b.TempDir(), "SKEWATCH_RULES="+tt.rules)
			batch, n := dayOf(tt.failures), 0
			h.at(noon)
			for b.Loop() {
				meanings := h.watch.listen(batch)
				h.mu.Lock()
				h.tally(batch, meanings)
				h.mu.Unlock()
				n += len(batch)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n), "ns/message")
		})
	}
}

// BenchmarkPut stores and judges as well.
func BenchmarkPut(b *testing.B) {
	for _, tt := range watched {
		b.Run(tt.name, func(b *testing.B) {
			h := openHistory(b, b.TempDir(), "SKEWATCH_RULES="+tt.rules)
			batch, n := dayOf(tt.failures), 0
			h.at(noon)
			for b.Loop() {
				for i := range batch {
					batch[i].Received += 4_000_000 // as at 250,000 a second
				}
				if err := h.Put(batch); err != nil {
					b.Fatal(err)
				}
				n += len(batch)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n), "ns/message")
		})
	}
}
