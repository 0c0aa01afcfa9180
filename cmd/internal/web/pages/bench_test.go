package pages

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/skewatch/skewatch/cmd/internal/api"
	"github.com/skewatch/skewatch/ntpcheck"
)

// A fleetDesk says something of so many clocks, some of which change from look to look.
type fleetDesk struct {
	api.Desk // answers nothing else
	clocks   api.Clocks
}

func newFleetDesk(hosts int) *fleetDesk {
	r := rand.New(rand.NewPCG(1, 2))
	number := func(v float64) *float64 { return &v }
	d := &fleetDesk{}
	d.clocks.Verdicts = map[string]int{}
	for i := range hosts {
		offset, last := r.NormFloat64()*3e-3, time.Now()
		c := api.HostClock{
			ID: fmt.Sprintf("%012x", i), Host: fmt.Sprintf("host%04d.dc%d.example.net", i, i%9), Source: fmt.Sprintf("10.%d.%d.%d", i%7, i/250, i%250),
			Verdict: "in-sync", Explanation: "within -0.001 s and +0.050 s", Offset: number(offset), OffsetLow: number(offset - 1e-3), OffsetHigh: number(offset + 50e-3),
			Skew: number(r.NormFloat64() * 20), SkewBound: number(1), Tolerance: 1, Last: &last,
		}
		if i%20 == 0 {
			c.Verdict, c.Severity, c.Explanation = "ahead", "crit", "ahead by 12.398 s at least, proved: messages arrived before the time they were stamped with"
		}
		for range api.TrendPoints {
			c.Trend = append(c.Trend, number(offset+r.NormFloat64()*1e-3))
		}
		d.clocks.Hosts = append(d.clocks.Hosts, c)
	}
	return d
}

func (d *fleetDesk) Clocks(context.Context, api.ClocksQuery) (*api.Clocks, error) {
	c := d.clocks
	c.At = time.Now()
	return &c, nil
}

func (d *fleetDesk) Sources(context.Context) (ntpcheck.Status, error) { return ntpcheck.Status{}, nil }

func (d *fleetDesk) Warnings(context.Context, api.Query) ([]api.Warning, error) { return nil, nil }

func quiet() logrus.FieldLogger {
	log := logrus.New()
	log.SetOutput(io.Discard)
	return log
}

// BenchmarkFleetPage makes the page of 2,000 hosts whose rows were made before, and
// BenchmarkFirstFleetPage one whose rows weren't.
func BenchmarkFleetPage(b *testing.B) {
	p := New(b.Context(), newFleetDesk(2000), quiet(), func(int) {})
	benchmarkPage(b, func() http.Handler { return p.Handler() })
}

func BenchmarkFirstFleetPage(b *testing.B) {
	desk := newFleetDesk(2000)
	benchmarkPage(b, func() http.Handler { return New(b.Context(), desk, quiet(), func(int) {}).Handler() })
}

func benchmarkPage(b *testing.B, handler func() http.Handler) {
	size := 0
	for b.Loop() {
		w := httptest.NewRecorder()
		handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
		if size = w.Body.Len(); w.Code != http.StatusOK {
			b.Fatalf("status %d", w.Code)
		}
	}
	b.ReportMetric(float64(size)/(1<<20), "MiB")
}

// BenchmarkLook is what it takes each two seconds to find out what has changed on a page of
// 2,000 hosts that nobody leaves.
func BenchmarkLook(b *testing.B) {
	desk := newFleetDesk(2000)
	board := newBoard(b.Context(), desk, "")
	if _, err := board.look(b.Context()); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		for i := range 100 {
			*desk.clocks.Hosts[i].Offset += 1e-2
		}
		board.at = time.Time{}
		if _, err := board.look(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}
