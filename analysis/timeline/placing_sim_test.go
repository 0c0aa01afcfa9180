package timeline_test

import (
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
	"time"

	"github.com/skewatch/skewatch/analysis"
	"github.com/skewatch/skewatch/analysis/simulation"
	"github.com/skewatch/skewatch/analysis/timeline"
	"github.com/skewatch/skewatch/collector/message"
)

// The experiments run in short with every test, and in full with SKEWATCH_ACCURACY=full.
var (
	full = os.Getenv("SKEWATCH_ACCURACY") == "full"
	seed = flag.Uint64("seed", simulation.ReportingSeed, "seed of the first simulated host")
)

// A course is an experiment on whether a message was written when its placing says.
type course struct {
	name string
	make func(h *simulation.Host, r *rand.Rand)

	// misses is the share of messages that may have been written at another time. A step
	// back by about a second of a clock whose stamps are whole seconds isn't told from a
	// delay, and a lower bound lags behind where a clock is slewed faster than
	// analysis.Params.MaxSkew.
	misses   float64
	unbacked float64 // the share that may be placed by their receipt alone
}

const span = 5 * time.Hour

func between(r *rand.Rand, low, high float64) float64 { return low + (high-low)*r.Float64() }

func spanOf(seconds float64) time.Duration { return time.Duration(seconds * 1e9) }

func add(h *simulation.Host, more ...simulation.Clock) {
	h.Clock = append(simulation.Sum{h.Clock}, more...)
}

// sets moves a clock each hour or so, by between two magnitudes in seconds.
func sets(low, high, sign float64) func(*simulation.Host, *rand.Rand) {
	return func(h *simulation.Host, r *rand.Rand) {
		for at := 40 * time.Minute; at < span; at += spanOf(between(r, 2400, 5400)) {
			by := sign * low * math.Pow(high/low, r.Float64())
			add(h, simulation.Step{At: at, By: spanOf(by)})
		}
	}
}

// cut puts outages into a host's way, after which its spool is flushed.
func cut(h *simulation.Host, r *rand.Rand) {
	for at := 40 * time.Minute; at < span-time.Hour; at += 80 * time.Minute {
		h.Outages = append(h.Outages, simulation.Outage{
			At: at, For: spanOf(between(r, 60, 2400)), Rate: between(r, 20, 200),
			Flush: []simulation.Flush{simulation.Queued, simulation.Interleaved}[r.IntN(2)],
		})
	}
}

var courses = []course{
	{"kept by NTP", func(h *simulation.Host, r *rand.Rand) {
		h.Clock = simulation.Wander(h.Seed, spanOf(between(r, 50e-6, 2e-3)), 10*time.Minute)
	}, 1e-3, 0.01},
	{"skew up to 150 ppm", func(h *simulation.Host, r *rand.Rand) {
		add(h, simulation.Skew(between(r, -150, 150)))
	}, 1e-3, 0.01},
	{"minutes off", func(h *simulation.Host, r *rand.Rand) {
		add(h, simulation.Constant(spanOf(between(r, -600, 600))))
	}, 1e-3, 0.01},
	{"wrong zone", func(h *simulation.Host, r *rand.Rand) { add(h, simulation.Constant(-2*time.Hour)) }, 1e-3, 0.01},
	{"outages and flushes", cut, 1e-3, 0.01},
	{"off, skewed, and outages", func(h *simulation.Host, r *rand.Rand) {
		add(h, simulation.Constant(spanOf(between(r, -300, 300))), simulation.Skew(between(r, -100, 100)))
		cut(h, r)
	}, 1e-3, 0.01},
	{"steps forward, 1 s to 1 h", sets(1, 3600, 1), 0.005, 0.05},
	{"steps back, 3 s to 1 h", sets(3, 3600, -1), 0.01, 0.05},
	{"steps back, 1 to 3 s", sets(1, 3, -1), 0.3, 0.05},
	{"steps back and outages", func(h *simulation.Host, r *rand.Rand) { sets(3, 600, -1)(h, r); cut(h, r) }, 0.05, 0.2},
	{"DST missed, then set", func(h *simulation.Host, r *rand.Rand) {
		add(h, simulation.Step{At: 2 * time.Hour, By: -time.Hour}, simulation.Step{At: 3 * time.Hour, By: time.Hour})
	}, 0.005, 0.05},
	{"long tail, congestion", func(h *simulation.Host, r *rand.Rand) {
		tail := simulation.Tail{Share: 0.1, Least: 100 * time.Millisecond, Shape: 0.9, Most: 5 * time.Minute}
		h.Delay = simulation.Delays{h.Delay, tail}
	}, 1e-3, 0.01},
	{"slews by ntpd", func(h *simulation.Host, r *rand.Rand) {
		away := simulation.Away{Every: time.Hour, Least: 5 * time.Millisecond, Most: time.Second, Rate: 100}
		add(h, simulation.NewDiscipline(h.Seed, span, away, simulation.Slews{Slowest: simulation.SlewNTPD, Fastest: simulation.SlewNTPD}))
	}, 0.05, 0.01},
	{"stuck for 10 min", func(h *simulation.Host, r *rand.Rand) {
		h.Clock = simulation.Halt{Of: h.Clock, At: 2 * time.Hour, For: 10 * time.Minute}
	}, 0.01, 0.1},
	{"dead RTC, then set", func(h *simulation.Host, r *rand.Rand) {
		add(h, simulation.DeadRTC(h.Start, time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC), 2*time.Hour))
	}, 0.005, 0.05},
	{"rounded stamps", func(h *simulation.Host, r *rand.Rand) { h.Stamp.Rounded = true }, 0.01, 0.01},
	{"one in 100 s", func(h *simulation.Host, r *rand.Rand) {
		add(h, simulation.Skew(between(r, -100, 100)))
		h.Process = simulation.Poisson(100 * time.Second)
	}, 0.005, 0.01},
}

// host returns a host whose path, stamps and offset are drawn.
func (c *course) host(seed uint64) *simulation.Host {
	r := rand.New(rand.NewPCG(seed, 78))
	path := []func(*rand.Rand) *simulation.Path{simulation.LAN, simulation.WAN}[r.IntN(2)](r)
	h := &simulation.Host{
		Seed: seed, Start: time.Date(2026, 3, 28, 10, 0, 0, 0, time.UTC), Span: span, Clock: simulation.Crystal(seed, 0.02, 0.3),
		Process: simulation.Poisson(time.Second), InOrder: r.IntN(2) == 0, Delay: path,
		Stamp: simulation.Stamp{Format: message.StampRFC5424, Resolution: []time.Duration{time.Second, time.Millisecond, time.Microsecond}[r.IntN(3)]},
		Name:  "web1", Source: netip.AddrFrom4([4]byte{192, 0, 2, 1}), Transport: message.TCP, Trust: message.TrustHandshake,
	}
	if r.IntN(2) == 0 {
		h.MinRTT = path.MinRTT()
	}
	add(h, simulation.Constant(spanOf(between(r, -2, 2))))
	c.make(h, r)
	return h
}

// A tally counts placings.
type tally struct {
	messages, missed, byReceipt int
	bounds                      []float64 // of those placed by their stamps
}

func (t *tally) add(o tally) {
	t.messages, t.missed, t.byReceipt = t.messages+o.messages, t.missed+o.missed, t.byReceipt+o.byReceipt
	t.bounds = append(t.bounds, o.bounds...)
}

// written is a message with the true time at which it was.
type written struct {
	timeline.Stamped
	at int64
}

// run has a fleet judge a host, and places its messages by what it said.
func (c *course) run(seed uint64) (n tally) {
	h := c.host(seed)
	known, all := judged(h)
	for i := range all {
		m := &all[i]
		p := known.Place(&m.Stamped)
		n.messages++
		if m.at < p.Low || m.at > p.High {
			n.missed++
		}
		if bound, ok := p.Bound(); ok {
			n.bounds = append(n.bounds, float64(bound)/1e9)
		} else {
			n.byReceipt++
		}
	}
	return n
}

// judged returns the course of a host's clock as a fleet came to know it, and its messages.
func judged(h *simulation.Host) (*timeline.Course, []written) {
	sound := analysis.Reference{State: analysis.Synchronised, Bound: 100 * time.Microsecond}
	f := analysis.NewFleet(analysis.Config{
		Params: analysis.DefaultParams(), Hold: 10 * time.Second,
		Rule: func(string, netip.Addr) analysis.HostRule {
			return analysis.HostRule{Tolerance: analysis.Tolerance{Warn: time.Second, Crit: 5 * time.Second}}
		},
	})
	known := new(timeline.Course)
	tick := func(now int64) {
		for _, found := range f.Tick(now, sound) {
			if found.Step != nil {
				known.Move(found.Step.At, now)
			}
		}
		for _, r := range f.Ended() {
			known.Add(&r.RollUp, r.RollUp.Noted(), sound.Bound)
		}
	}
	var all []written
	start := h.Start.UnixNano()
	next := start + int64(time.Second)
	for m, at := range h.Written() {
		for ; m.Received >= next; next += int64(time.Second) {
			tick(next)
		}
		f.Observe(m)
		sent, _ := analysis.Instant(m.Sent, m.Received, time.UTC)
		all = append(all, written{timeline.Stamped{Sent: sent, Stamp: m.Sent, Received: m.Received}, start + int64(at)})
	}
	f.Refresh(next, sound)
	for _, r := range f.RollUps() {
		known.Add(&r.RollUp, r.RollUp.Noted(), sound.Bound)
	}
	known.Settle()
	return known, all
}

// TestPlacings holds the bounds of hosts' messages against the truth.
func TestPlacings(t *testing.T) {
	hosts := 3
	if full {
		hosts = 40
	}
	for _, c := range courses {
		t.Run(c.name, func(t *testing.T) {
			n := c.gather(hosts)
			missed, unbacked := float64(n.missed)/float64(n.messages), float64(n.byReceipt)/float64(n.messages)
			slices.Sort(n.bounds)
			t.Logf("%d messages: %.4f %% outside, %.2f %% by receipt, bound %s (median), %s (95 %%)", n.messages, 100*missed, 100*unbacked,
				quantile(n.bounds, 0.5), quantile(n.bounds, 0.95))
			if missed > c.misses || unbacked > c.unbacked {
				t.Errorf("%.4f %% were written at another time, %.2f %% are placed by their receipt, want at most %.4f %% and %.2f %%",
					100*missed, 100*unbacked, 100*c.misses, 100*c.unbacked)
			}
		})
	}
}

func quantile(sorted []float64, p float64) string {
	if len(sorted) == 0 {
		return "-"
	}
	return fmt.Sprintf("%.4g s", sorted[int(p*float64(len(sorted)-1))])
}

// gather runs hosts on all processors.
func (c *course) gather(hosts int) (sum tally) {
	var all sync.WaitGroup
	results := make([]tally, hosts)
	slots := make(chan struct{}, runtime.GOMAXPROCS(0))
	for i := range hosts {
		all.Go(func() {
			slots <- struct{}{}
			results[i] = c.run(*seed + uint64(i))
			<-slots
		})
	}
	all.Wait()
	for _, r := range results {
		sum.add(r)
	}
	return sum
}
