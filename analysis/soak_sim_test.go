package analysis_test

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/skewatch/skewatch/analysis"
	"github.com/skewatch/skewatch/analysis/simulation"
	"github.com/skewatch/skewatch/collector/message"
)

const soakDay = 24 * time.Hour

// healthyHost returns a host whose clock is well kept, on a network and a machine that
// are not: congestion, a long tail of delays, an outage a day and its flush.
func healthyHost(seed uint64) *simulation.Host {
	r := random(seed)
	path := []network{simulation.LAN, simulation.WAN}[r.IntN(2)](r)
	path.Tail.Share = 0.02
	resolution := []time.Duration{time.Second, time.Second, time.Millisecond, time.Microsecond}[r.IntN(4)]
	h := plainHost(seed, r, soakDay, resolution, path)
	h.Delay = simulation.Delays{path, congested(seed, 4*time.Hour)}
	h.Stamp.Format = []message.StampFormat{message.StampRFC5424, message.StampBSD}[r.IntN(2)]
	if r.IntN(2) == 0 {
		h.MinRTT = path.MinRTT()
	}
	h.Clock = keptClock(seed, r)
	mean := []time.Duration{time.Second, time.Second, time.Second, 20 * time.Second}[r.IntN(4)]
	h.Process = usualProcess(r, mean)
	h.Outages = []simulation.Outage{dailyOutage(r, mean)}
	if h.InOrder && r.IntN(2) == 0 {
		h.Reader = &simulation.Reader{Busy: 200 * time.Microsecond, StallEvery: 2 * time.Hour, StallFor: 2 * time.Second}
	}
	return h
}

// keptClock draws a clock that NTP keeps: within 40 ms most of the time, moved and
// slewed back by up to 0.4 s now and then, one in ten over a smeared leap second.
func keptClock(seed uint64, r *rand.Rand) simulation.Clock {
	clock := simulation.Sum{
		simulation.Wander(seed, spanOf(logarithmic(r, 50e-6, 2e-3)), 10*time.Minute),
		simulation.Constant(spanOf(between(r, -0.02, 0.02))),
	}
	slews := []simulation.Slews{{Slowest: 8000, Fastest: simulation.SlewChrony}, {Slowest: simulation.SlewNTPD, Fastest: simulation.SlewNTPD}}[r.IntN(2)]
	servers := simulation.Away{Every: 6 * time.Hour, Least: time.Millisecond, Most: 20 * time.Millisecond, Rate: 30}
	moved := simulation.Away{Every: 12 * time.Hour, Least: 20 * time.Millisecond, Most: 400 * time.Millisecond, Rate: 5e5}
	clock = append(clock,
		simulation.NewDiscipline(seed, soakDay, servers, slews),
		simulation.NewDiscipline(seed+1<<32, soakDay, moved, slews))
	if r.IntN(10) == 0 {
		leap := simulation.LeapSmear{Leap: 12 * time.Hour, Before: 12 * time.Hour, After: 12 * time.Hour}
		clock = append(clock, leap)
	}
	return clock
}

// usualProcess draws when a host speaks.
func usualProcess(r *rand.Rand, mean time.Duration) simulation.Process {
	switch r.IntN(8) {
	case 0, 1:
		return simulation.Bursts{Every: 20 * mean, Size: 20}
	case 2:
		return simulation.Cron{Every: time.Minute, Phase: spanOf(between(r, 0, 60)), Size: 3}
	case 3:
		return simulation.ByDay{Of: simulation.Poisson(mean / 2), Depth: 0.95}
	case 4:
		return simulation.Even{Every: mean, Phase: spanOf(between(r, 0, 1))}
	}
	return simulation.Poisson(mean)
}

// dailyOutage draws ten minutes to two hours and one of the ways to flush what has
// gathered, 1.2 to 400 times as fast as it did.
func dailyOutage(r *rand.Rand, mean time.Duration) simulation.Outage {
	return simulation.Outage{
		At: spanOf(between(r, 3600, 64000)), For: spanOf(logarithmic(r, 600, 7200)),
		Flush: []simulation.Flush{simulation.Queued, simulation.Interleaved, simulation.Queued, simulation.Lost}[r.IntN(4)],
		Rate:  math.Pow(10, between(r, 0.08, 2.6)) / mean.Seconds(),
		Batch: []int{0, 0, 16, 1024}[r.IntN(4)],
	}
}

// soaked is what a host-day gave.
type soaked struct {
	host     string // in short
	messages int
	warnings []string          // false ones
	steps    []string          // found though the clock had not moved
	told     int               // true steps
	queued   int               // warnings of messages that truly come late: a spool that can't keep up
	waits    [30]time.Duration // the shortest way that a message took in each of the last minutes
	rivals   [3]int            // warnings by the last value, mean and median
	errors   sample
	judged   int                      // times looked at, one a minute
	verdicts map[analysis.Verdict]int // minutes
}

func TestSoak(t *testing.T) {
	analysis.Long(t)
	days := gather(sized(16, 1500), func(_ int, seed uint64) soaked { return soak(seed, healthyHost(seed)) })
	sum := soaked{verdicts: map[analysis.Verdict]int{}}
	for i, d := range days {
		sum.messages += d.messages
		sum.judged += d.judged
		sum.told += d.told
		sum.queued += d.queued
		sum.errors = append(sum.errors, d.errors...)
		sum.warnings = append(sum.warnings, d.warnings...)
		sum.steps = append(sum.steps, d.steps...)
		for k := range sum.rivals {
			sum.rivals[k] += d.rivals[k]
		}
		for v, n := range d.verdicts {
			sum.verdicts[v] += n
		}
		if len(d.warnings)+len(d.steps) > 0 {
			t.Logf("seed %d (%s): false warnings: %s; false steps: %s", *seed+uint64(i), d.host, strings.Join(d.warnings, ", "), strings.Join(d.steps, ", "))
		}
	}
	tab := newTable("host-days", "messages", "false warnings", "truly late", "false steps", "true steps", "error", "last value", "mean, 10 min", "median, 10 min")
	tab.row(len(days), sum.messages, len(sum.warnings), sum.queued, len(sum.steps), sum.told, sum.errors.errors(),
		sum.rivals[0], sum.rivals[1], sum.rivals[2])
	t.Log(tab)
	for _, v := range slices.Sorted(maps.Keys(sum.verdicts)) {
		t.Logf("verdict %v: %.2f %% of the time", v, 100*float64(sum.verdicts[v])/float64(sum.judged))
	}
	if len(sum.warnings) > 0 && !*verbose {
		t.Errorf("%d false warnings in %d host-days", len(sum.warnings), len(days))
	}
}

// soak runs a healthy host for a day and counts what is said of it.
func soak(seed uint64, h *simulation.Host) soaked {
	s := soaked{host: inShort(h), verdicts: map[analysis.Verdict]int{}}
	n := newNaive(h)
	say(0, "seed %d: stamps %+v, process %+v, outages %+v, clock %+v", seed, h.Stamp, h.Process, h.Outages, h.Clock)
	var last analysis.Verdict
	w := fleetWatch{
		start: h.Start, span: h.Span, every: 5 * time.Second, messages: h.Messages(), reference: alwaysSound,
		each: func(m *message.Message) { s.messages++; s.wait(h, m); n.add(m) },
		found: func(at time.Duration, f analysis.Finding) {
			if f.Step != nil {
				s.step(h, at, *f.Step)
			}
			if f.Event != nil {
				say(at, "%v %v, was %v: %s (truth %v)", f.Event.Kind, f.Event.Verdict, f.Event.Previous, f.Event.Text, h.Clock.Offset(at))
				s.warning(h, at, f.Event)
			}
		},
		look: func(at time.Duration, f *analysis.Fleet, v verdict) {
			if v.Verdict != last {
				say(at, "verdict %v: %s", v.Verdict, v.why)
				last = v.Verdict
			}
			if at%time.Minute == 0 {
				s.waits[int(at/time.Minute)%len(s.waits)] = 1 << 62
				s.look(h, at, f, v.Verdict)
				s.rivals = n.look(at)
			}
		},
	}
	w.run()
	return s
}

func (s *soaked) step(h *simulation.Host, at time.Duration, step analysis.Step) {
	truly := moved(h.Clock, step, h.Start, at)
	say(at, "step %+.3f s, kind %v, true %v", step.Seconds, step.Kind, truly)
	if truly {
		s.told++
		return
	}
	s.steps = append(s.steps, fmt.Sprintf("%+.3f s at %v", step.Seconds, at))
}

// warning counts an event if it isn't true. That a clock was set within the tolerance
// is true if it was moved by as much.
func (s *soaked) warning(h *simulation.Host, at time.Duration, e *analysis.Event) {
	least := analysis.Step{At: h.Start.UnixNano() + int64(at-10*time.Minute), Seconds: 0.2}
	if e.Kind == analysis.Clear || e.Verdict == analysis.Stepped && moved(h.Clock, least, h.Start, at) {
		return
	}
	if e.Verdict == analysis.Late && slices.Min(s.waits[:]) > time.Second {
		s.queued++
		return
	}
	rate := trueSkew(h.Clock, at, min(at, time.Hour))
	s.warnings = append(s.warnings, fmt.Sprintf("%v %v at %v (%+.1f ppm in the last hour)", e.Kind, e.Verdict, at, rate))
}

// wait notes how long a message was on its way.
func (s *soaked) wait(h *simulation.Host, m *message.Message) {
	sent, ok := analysis.Instant(m.Sent, m.Received, time.UTC)
	if !ok {
		return
	}
	at := time.Duration(m.Received - h.Start.UnixNano())
	least := &s.waits[int(at/time.Minute)%len(s.waits)]
	*least = min(*least, time.Duration(m.Received-sent)+h.Clock.Offset(at))
}

// inShort says what is peculiar about a host.
func inShort(h *simulation.Host) string {
	smeared := ""
	for _, c := range h.Clock.(simulation.Sum) {
		if _, ok := c.(simulation.LeapSmear); ok {
			smeared = ", leap smear"
		}
	}
	process := strings.TrimPrefix(fmt.Sprintf("%T", h.Process), "simulation.")
	o := h.Outages[0]
	return fmt.Sprintf("%v stamps, %s, out at %v for %v, flush %d at %.3g/s%s",
		h.Stamp.Resolution, process, o.At.Round(time.Minute), o.For.Round(time.Minute), o.Flush, o.Rate, smeared)
}

func (s *soaked) look(h *simulation.Host, at time.Duration, f *analysis.Fleet, v analysis.Verdict) {
	s.verdicts[v]++
	s.judged++
	i, ok := intervalOf(f)
	if !ok {
		return
	}
	s.errors = append(s.errors, (i.Offset - h.Clock.Offset(at)).Abs().Seconds())
}

// naive counts the warnings of simpler methods at the same tolerance.
type naive struct {
	h        *simulation.Host
	rivals   *rivals
	warned   [3]bool
	warnings [3]int
}

func newNaive(h *simulation.Host) *naive {
	return &naive{h: h, rivals: newRivals(h.Stamp.Resolution)}
}

func (n *naive) add(m *message.Message) {
	sent, ok := analysis.Instant(m.Sent, m.Received, time.UTC)
	if !ok {
		return
	}
	n.rivals.add(sent, m.Received)
	n.warn(0, n.rivals.recent.last()+n.rivals.half)
}

// look asks the mean and the median, and returns all warnings so far.
func (n *naive) look(at time.Duration) [3]int {
	if n.rivals.origin != 0 {
		mean, median := n.rivals.recent.middle(float64(n.h.Start.UnixNano()+int64(at)-n.rivals.origin) / 1e9)
		n.warn(1, mean+n.rivals.half)
		n.warn(2, median+n.rivals.half)
	}
	return n.warnings
}

// warn counts a method's warning when it begins.
func (n *naive) warn(method int, offset float64) {
	off := math.Abs(offset) > 1
	if off && !n.warned[method] {
		n.warnings[method]++
	}
	n.warned[method] = off
}
