package server

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/skewatch/skewatch/cmd/internal/api"
)

// BenchmarkTimeline measures a timeline of an hour of a day of 50 hosts, and how long its first
// line takes. SKEWATCH_LARGE says of how many messages.
func BenchmarkTimeline(b *testing.B) {
	c := &crowd{rand.New(rand.NewPCG(1, 2)), 50, messagesStored(b)}
	h := openHistory(b, b.TempDir())
	c.live(b, h)
	period := api.Query{Since: noon.Add(-12 * time.Hour), Until: noon.Add(-11 * time.Hour)}
	for name, q := range map[string]api.Query{"hour": period, "day": {}, "hour/host": {Since: period.Since, Until: period.Until, Host: "host000007"}} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			lines, first := 0, time.Duration(0)
			var line []byte
			for range b.N {
				began, before := time.Now(), lines
				err := h.desk.Timeline(context.Background(), api.TimelineQuery{Query: q}, func(e api.Entry) error {
					if lines == before {
						first += time.Since(began)
					}
					lines++
					line = e.AppendJSON(line[:0])
					return nil
				})
				if err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(lines)/b.Elapsed().Seconds(), "lines/s")
			b.ReportMetric(float64(first.Milliseconds())/float64(b.N), "first-ms")
			if lines == 0 {
				b.Fatal(fmt.Errorf("no lines"))
			}
		})
	}
}
