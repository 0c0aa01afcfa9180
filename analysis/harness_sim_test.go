package analysis_test

import (
	"bytes"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"net/netip"
	"os"
	"runtime"
	"slices"
	"sync"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/skewatch/skewatch/analysis"
	"github.com/skewatch/skewatch/analysis/simulation"
	"github.com/skewatch/skewatch/collector/message"
)

// The experiments run in short with every test, and in full with
// SKEWATCH_ACCURACY=full. One host of one experiment is looked at closely with
//
//	go test ./analysis -run 'TestEvents/step_back' -v -args -seed 5 -verbose
var (
	full    = os.Getenv("SKEWATCH_ACCURACY") == "full"
	seed    = flag.Uint64("seed", simulation.ReportingSeed, "seed of the first simulated host")
	verbose = flag.Bool("verbose", false, "follow one simulated host closely")
)

// shortMargin is by how much the few hosts of the short forms may exceed the targets.
const shortMargin = 1.5

// sized returns how many hosts an experiment has.
func sized(short, long int) int {
	switch {
	case *verbose:
		return 1
	case full:
		return long
	}
	return short
}

// margin returns what targets are multiplied by.
func margin() float64 {
	if full {
		return 1
	}
	return shortMargin
}

// forEach calls f with the seeds of n hosts, on all processors.
func forEach(n int, f func(i int, seed uint64)) {
	var wg sync.WaitGroup
	next := make(chan int)
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for i := range next {
				f(i, *seed+uint64(i))
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	wg.Wait()
}

// gather runs n hosts and returns what each of them gave, in their order.
func gather[T any](n int, f func(i int, seed uint64) T) []T {
	all := make([]T, n)
	forEach(n, func(i int, seed uint64) { all[i] = f(i, seed) })
	return all
}

// random returns the random numbers that a host's properties are drawn from.
func random(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 77)) }

// between draws evenly, logarithmic from a ratio of low to high.
func between(r *rand.Rand, low, high float64) float64 { return low + (high-low)*r.Float64() }

func logarithmic(r *rand.Rand, low, high float64) float64 {
	return low * math.Pow(high/low, r.Float64())
}

func spanOf(seconds float64) time.Duration { return time.Duration(seconds * 1e9) }

// network draws a path to the collector.
type network func(*rand.Rand) *simulation.Path

// plainHost returns a host with a good crystal and no events: one message a second, as
// others are to be seen against. It arrives over TCP or UDP, in RFC 3339 stamps.
func plainHost(seed uint64, r *rand.Rand, span time.Duration, resolution time.Duration, path *simulation.Path) *simulation.Host {
	start := time.Date(2026, 3, 28, 0, 0, 0, 0, time.UTC).Add(spanOf(between(r, 0, 72000)))
	h := &simulation.Host{
		Seed: seed, Start: start, Span: span, Clock: simulation.Crystal(seed, 0.02, 0.3),
		Process: simulation.Poisson(time.Second), InOrder: r.IntN(2) == 0,
		Stamp: simulation.Stamp{Format: message.StampRFC3339, Resolution: resolution},
		Name:  "web1", Source: netip.AddrFrom4([4]byte{192, 0, 2, 1}), Transport: message.TCP, Trust: message.TrustHandshake,
	}
	h.Delay = simulation.Delays{path, congested(seed, 12*time.Hour)}
	return h
}

// congested returns episodes of some minutes that hold messages up by 20 to 820 ms.
func congested(seed uint64, every time.Duration) *simulation.Congestion {
	return simulation.NewCongestion(seed, every, 3*time.Minute, 20*time.Millisecond, 820*time.Millisecond)
}

// coalesced is from which distance of reads on a message proves a lower bound only.
const coalesced = 10 * time.Millisecond

// follow feeds a host's messages to a state and evaluates it each so often. add, which
// may be nil, sees every message; look sees the estimates. Times are since the start.
func follow(h *simulation.Host, every time.Duration, add func(sent, received int64), look func(at time.Duration, e *analysis.Estimate)) {
	p := analysis.DefaultParams()
	s := analysis.NewState()
	start := h.Start.UnixNano()
	next := every
	for m := range h.Messages() {
		for ; m.Received-start >= int64(next) && next <= h.Span; next += every {
			e := s.Evaluate(start+int64(next), analysis.Path{MinRTT: h.MinRTT}, &p)
			s.Accept(&e)
			look(next, &e)
		}
		sent, ok := analysis.Instant(m.Sent, m.Received, time.UTC)
		if !ok {
			continue
		}
		s.Add(analysis.Observation{
			Sent: sent, Received: m.Received,
			Coalesced: m.PreviousRead != 0 && m.Received-m.PreviousRead > int64(coalesced),
		})
		if add != nil {
			add(sent, m.Received)
		}
	}
}

// sample is errors in seconds, or whatever else has quantiles.
type sample []float64

// quantile returns the value that the share p of the sample lies below, NaN of none.
func (s sample) quantile(p float64) float64 {
	if len(s) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(s))
	return sorted[int(p*float64(len(s)-1))]
}

// errors writes median and 95th percentile of errors in seconds.
func (s sample) errors() string {
	return inUnits(s.quantile(0.5)) + " / " + inUnits(s.quantile(0.95))
}

// times writes median and largest of times in seconds.
func (s sample) times() string {
	if len(s) == 0 {
		return "-"
	}
	return fmt.Sprintf("%.0f / %.0f", s.quantile(0.5), s.quantile(1))
}

// plain writes median and 95th percentile as they are.
func (s sample) plain() string {
	if len(s) == 0 {
		return "-"
	}
	return fmt.Sprintf("%.3g / %.3g", s.quantile(0.5), s.quantile(0.95))
}

func inUnits(s float64) string {
	switch {
	case math.IsNaN(s):
		return "-"
	case s < 1:
		return fmt.Sprintf("%.3g ms", s*1e3)
	}
	return fmt.Sprintf("%.3g s", s)
}

// percentHeld writes a count with its share.
func percentHeld(n, of int) string {
	if of == 0 {
		return "-"
	}
	return fmt.Sprintf("%.3f %% of %d", 100*float64(n)/float64(of), of)
}

// A target is what the median and the 95th percentile of a sample may be at the most.
type target struct{ median, p95 float64 }

// check compares a sample with its target; none is checked against the zero target.
func (want target) check(t *testing.T, what string, s sample) {
	t.Helper()
	median, p95 := s.quantile(0.5), s.quantile(0.95)
	if want == (target{}) || *verbose {
		return
	}
	if !(median <= want.median*margin()) || !(p95 <= want.p95*margin()) {
		t.Errorf("%s: median %.4g, 95th percentile %.4g, want at most %.4g and %.4g", what, median, p95, want.median, want.p95)
	}
}

// table collects rows for the log.
type table struct {
	buffer bytes.Buffer
	writer *tabwriter.Writer
}

func newTable(columns ...string) *table {
	t := new(table)
	t.writer = tabwriter.NewWriter(&t.buffer, 0, 2, 2, ' ', 0)
	t.row(toAny(columns)...)
	return t
}

func toAny(words []string) (all []any) {
	for _, w := range words {
		all = append(all, w)
	}
	return all
}

func (t *table) row(cells ...any) {
	for i, c := range cells {
		if i > 0 {
			fmt.Fprint(t.writer, "\t")
		}
		fmt.Fprint(t.writer, c)
	}
	fmt.Fprintln(t.writer)
}

func (t *table) String() string {
	t.writer.Flush()
	return "\n" + t.buffer.String()
}

// say prints what a closely followed host does.
func say(at time.Duration, format string, args ...any) {
	if *verbose {
		fmt.Printf("%9.0f s  %s\n", at.Seconds(), fmt.Sprintf(format, args...))
	}
}

// sayEstimate prints an estimate against the truth.
func sayEstimate(at time.Duration, e *analysis.Estimate, truth time.Duration) {
	say(at, "truth %+.4f s: off by %+.4f s, low %+.4f, high %+.4f (%v), skew %+.2f±%.2f ppm, drift %+.2f to %+.2f over %v steady %v, settled %v stuck %v voices %v behind %v rounded %v",
		truth.Seconds(), (e.Offset - truth).Seconds(), (e.Low - truth).Seconds(), (e.High - truth).Seconds(), e.Bounds,
		e.Skew, e.SkewBound, e.Drift.Low, e.Drift.High, e.Drift.Span.Round(time.Second), e.Drift.Steady,
		e.Settled, e.Stuck, e.Voices, e.Behind, e.Rounded)
}
