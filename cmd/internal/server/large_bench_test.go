package server

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"github.com/skewatch/skewatch/analysis"
	"github.com/skewatch/skewatch/cmd/internal/api"
	"github.com/skewatch/skewatch/collector/message"
	"github.com/skewatch/skewatch/storage"
)

// BenchmarkLarge measures what is asked of a day of messages. SKEWATCH_LARGE says of how
// many.
func BenchmarkLarge(b *testing.B) {
	for _, hosts := range []int{1000, 100_000} {
		b.Run(fmt.Sprintf("hosts=%d", hosts), func(b *testing.B) {
			c := &crowd{rand.New(rand.NewPCG(1, 2)), hosts, messagesStored(b)}
			h := openHistory(b, b.TempDir(), "SKEWATCH_MAX_HOSTS=200000") // nobody on probation
			began := time.Now()
			c.live(b, h)
			b.Logf("%d messages of %d hosts stored and judged in %v", c.messages, hosts, time.Since(began).Round(time.Second))
			h = benchmarkStart(b, h)
			benchmarkReports(b, h)
			benchmarkSearches(b, h)
			benchmarkScans(b, h)
			benchmarkStalledReader(b, h)
		})
	}
}

// benchmarkStart stops and starts the server, up to where it would listen.
func benchmarkStart(all *testing.B, h *history) *history {
	all.Run("start", func(b *testing.B) {
		for range b.N {
			b.StopTimer()
			h.close()
			b.StartTimer()
			h = openHistory(all, h.data, "SKEWATCH_MAX_HOSTS=200000")
		}
	})
	h.at(noon)
	h.judge((*analysis.Fleet).Tick) // as each second
	return h
}

func benchmarkReports(b *testing.B, h *history) {
	for name, q := range map[string]api.Query{"report=day": {}, "report=hour": {Since: noon.Add(-time.Hour)}} {
		b.Run(name, func(b *testing.B) {
			for range b.N {
				r, err := h.desk.Report(context.Background(), api.ReportQuery{Query: q})
				if err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(float64(len(r.Hosts)), "rows")
			}
		})
	}
}

// benchmarkSearches looks for one host in an hour, by either clock.
func benchmarkSearches(b *testing.B, h *history) {
	for name, clock := range map[string]api.Clock{"search=hour": api.ClockReceived, "search=hour/sent": api.ClockSent} {
		b.Run(name, func(b *testing.B) {
			found := 0
			q := api.Query{Host: "host000007", Clock: clock, Since: noon.Add(-6 * time.Hour), Until: noon.Add(-5 * time.Hour)}
			for range b.N {
				if err := h.desk.Messages(context.Background(), q, func(api.Message) error { found++; return nil }); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(found)/float64(b.N), "found")
		})
	}
}

// benchmarkScans reads all messages for an expression.
func benchmarkScans(b *testing.B, h *history) {
	for _, s := range []struct{ name, expr string }{
		{"literal", "port 31337 "},
		{"literal/common", "Failed password"},
		{"expression", `[0-9a-f]{32}`},
		{"expression/folded", `(?i)failed password`},
	} {
		b.Run("scan="+s.name, func(b *testing.B) {
			p, err := storage.NewPattern(s.expr)
			if err != nil {
				b.Fatal(err)
			}
			found := 0
			for range b.N {
				err := h.store.Messages(context.Background(), storage.Query{Pattern: p}, func(*message.Message) error { found++; return nil })
				if err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(found)/float64(b.N), "found")
			b.ReportMetric(float64(h.store.Last())*float64(b.N)/b.Elapsed().Seconds(), "messages/s")
		})
	}
}

// benchmarkStalledReader commits for a while with and without a reader that has stopped
// in the middle of its first message, and gives the longest that one took.
func benchmarkStalledReader(b *testing.B, h *history) {
	lasts := time.Second
	if os.Getenv(largeSize) != "" {
		lasts = 10 * time.Second
	}
	for _, stalled := range []bool{false, true} {
		b.Run(fmt.Sprintf("stalled=%v", stalled), func(b *testing.B) {
			for range b.N {
				release := func() {}
				if stalled {
					release = stall(b, h.store)
				}
				b.ReportMetric(float64(longestCommit(b, h, lasts).Microseconds())/1000, "longest-ms")
				release()
			}
		})
	}
}

// stall begins a reading that goes no further until release is called.
func stall(b *testing.B, s *storage.Store) (release func()) {
	begun, goOn, ended := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	first := true
	go func() {
		ended <- s.Messages(context.Background(), storage.Query{}, func(*message.Message) error {
			if first {
				first = false
				close(begun)
				<-goOn
			}
			return nil
		})
	}()
	select {
	case <-begun:
	case err := <-ended:
		b.Fatalf("nothing to read: %v", err)
	}
	return func() {
		close(goOn)
		if err := <-ended; err != nil {
			b.Error(err)
		}
	}
}

// longestCommit commits 1,000 messages every 10 ms for so long.
func longestCommit(b *testing.B, h *history, lasts time.Duration) (longest time.Duration) {
	c := &crowd{rand.New(rand.NewPCG(3, 4)), 1000, 1_000_000}
	batch := make([]message.Message, crowdBatches)
	for i := range batch {
		batch[i] = c.next(i)
	}
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(lasts); time.Now().Before(end); <-tick.C {
		began := time.Now()
		if err := h.store.Append(batch); err != nil {
			b.Fatal(err)
		}
		if err := h.store.Sync(context.Background()); err != nil {
			b.Fatal(err)
		}
		longest = max(longest, time.Since(began))
	}
	return longest
}
