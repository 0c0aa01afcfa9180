package analysis_test

import (
	"math"
	"math/rand/v2"
	"time"

	"github.com/skewatch/skewatch/analysis"
	"github.com/skewatch/skewatch/analysis/simulation"
	"github.com/skewatch/skewatch/collector/message"
)

// A change is something that truly happens to a host's clock.
type change struct {
	at   time.Duration
	by   time.Duration
	kind analysis.StepKind
	free bool // of any kind
}

// fits reports whether a step is the change: by the same, give or take a resolution.
func (c *change) fits(s analysis.Step, resolution time.Duration) bool {
	near := 1.3*resolution.Seconds() + 0.1 + 0.01*c.by.Abs().Seconds()
	return math.Abs(s.Seconds-c.by.Seconds()) < near
}

// A happening is an experiment in which something happens to a clock, or seems to.
type happening struct {
	name string

	// make gives a plain host what happens to it from a time on, and returns the
	// changes of its clock.
	make func(h *simulation.Host, r *rand.Rand, from time.Duration) []change

	// within is the time in which a change is found at one message a second; 0 if
	// changes may go unnoticed.
	within time.Duration

	// during is the verdict in between, NoClock for none: at the end of the span lasts
	// after the event, or where that is 0 before the event. It must show within the
	// time shown after the event, unless that is 0.
	during analysis.Verdict
	lasts  time.Duration
	shown  time.Duration

	final   analysis.Verdict
	allowed []analysis.Verdict // of warnings, besides these two
	longer  time.Duration      // than the setting's span, until it is over
}

func setClock(h *simulation.Host, more ...simulation.Clock) {
	h.Clock = append(simulation.Sum{h.Clock}, more...)
}

// stepping returns what sets a clock by one of a range, once.
func stepping(low, high, sign float64) func(*simulation.Host, *rand.Rand, time.Duration) []change {
	return func(h *simulation.Host, r *rand.Rand, from time.Duration) []change {
		by := spanOf(sign * logarithmic(r, low, high))
		setClock(h, simulation.Step{At: from, By: by})
		return []change{{at: from, by: by, kind: analysis.StepSet}}
	}
}

func daylight(sign time.Duration) func(*simulation.Host, *rand.Rand, time.Duration) []change {
	return func(h *simulation.Host, _ *rand.Rand, from time.Duration) []change {
		setClock(h, simulation.Step{At: from, By: sign * time.Hour})
		return []change{{at: from, by: sign * time.Hour, kind: analysis.StepZone}}
	}
}

func wrongZone(h *simulation.Host, r *rand.Rand, _ time.Duration) []change {
	quarters := r.IntN(104) - 48
	if quarters == 0 {
		quarters = 4
	}
	setClock(h, simulation.Constant(time.Duration(quarters)*15*time.Minute))
	return nil
}

func paused(h *simulation.Host, _ *rand.Rand, from time.Duration) []change {
	const pause, repaired = 5 * time.Minute, 35 * time.Minute
	h.Process = simulation.Silent{Of: h.Process, At: from, For: pause}
	h.Clock = simulation.Sum{
		simulation.Halt{Of: h.Clock, At: from, For: pause},
		simulation.Step{At: from + repaired, By: pause},
	}
	return []change{
		{at: from + pause, by: -pause, kind: analysis.StepPause},
		{at: from + repaired, by: pause, free: true},
	}
}

// deadRTC returns what starts a clock from one of its epochs and corrects it.
func deadRTC(format message.StampFormat, years ...int) func(*simulation.Host, *rand.Rand, time.Duration) []change {
	return func(h *simulation.Host, r *rand.Rand, from time.Duration) []change {
		h.Stamp.Format = format
		epoch := time.Date(years[r.IntN(len(years))], 1, 1, 0, 0, r.IntN(60), 0, time.UTC)
		behind := epoch.Sub(h.Start)
		setClock(h, simulation.DeadRTC(h.Start, epoch, from))
		if format == message.StampBSD { // read in the year that lands nearest
			epoch = time.Date(h.Start.Year(), 1, 1, 0, 0, epoch.Second(), 0, time.UTC)
			behind = epoch.Sub(h.Start)
		}
		return []change{{at: from, by: -behind, kind: analysis.StepDate}}
	}
}

func stuck(h *simulation.Host, _ *rand.Rand, from time.Duration) []change {
	const lasts = 20 * time.Minute
	h.Clock = simulation.Halt{Of: h.Clock, At: from, For: lasts}
	return []change{{at: from + lasts, by: -lasts, free: true}}
}

// out returns what cuts a host off for an hour. faster is how much faster than the
// host speaks its spool is flushed; 0 stands for 1,000 a second.
func out(flush simulation.Flush, faster float64, batch int) func(*simulation.Host, *rand.Rand, time.Duration) []change {
	return func(h *simulation.Host, _ *rand.Rand, from time.Duration) []change {
		rate := 1000.0
		if faster > 0 {
			rate = faster / time.Duration(h.Process.(simulation.Poisson)).Seconds()
		}
		h.Outages = []simulation.Outage{{At: from, For: time.Hour, Flush: flush, Rate: rate, Batch: batch}}
		return nil
	}
}

func firstSeenInFlush(h *simulation.Host, r *rand.Rand, _ time.Duration) []change {
	return out(simulation.Queued, 20, 0)(h, r, 0)
}

func relayAppears(h *simulation.Host, _ *rand.Rand, from time.Duration) []change {
	h.Delay = simulation.Delays{h.Delay, simulation.From{At: from, Delay: simulation.Fixed(2 * time.Second)}}
	return []change{{at: from, by: -2 * time.Second, kind: analysis.StepSet}}
}

func garbage(h *simulation.Host, _ *rand.Rand, _ time.Duration) []change {
	h.Stamp.Garbage = 1e-3
	return nil
}

func slewed(by time.Duration, rate float64) func(*simulation.Host, *rand.Rand, time.Duration) []change {
	return func(h *simulation.Host, r *rand.Rand, from time.Duration) []change {
		by := by * time.Duration(2*r.IntN(2)-1)
		setClock(h, simulation.Constant(-by), simulation.Slew{At: from, By: by, Rate: rate})
		return nil
	}
}

func freeRunning(h *simulation.Host, r *rand.Rand, _ time.Duration) []change {
	setClock(h, simulation.Skew(logarithmic(r, 22, 30)*float64(2*r.IntN(2)-1)))
	return nil
}

func nothing(h *simulation.Host, r *rand.Rand, _ time.Duration) []change {
	h.Delay = simulation.Delays{h.Delay, congested(h.Seed, 6*time.Hour)}
	return nil
}

const (
	forwardWithin  = 30 * time.Second
	backwardWithin = 160 * time.Second
	stuckWithin    = 60 * time.Second
)

var happenings = []happening{
	{name: "step forward", make: stepping(2, 60, 1), within: forwardWithin, final: analysis.Ahead},
	{name: "step back", make: stepping(2, 60, -1), within: backwardWithin, final: analysis.Late},
	{name: "half a second forward", make: stepping(0.5, 0.51, 1), final: analysis.InSync},
	{name: "half a second back", make: stepping(0.5, 0.51, -1), final: analysis.InSync},
	{name: "wrong zone", make: wrongZone, final: analysis.WrongZone, allowed: []analysis.Verdict{analysis.Ahead, analysis.Late}},
	{name: "an hour forward", make: daylight(1), within: forwardWithin, final: analysis.WrongZone},
	{name: "an hour back", make: daylight(-1), within: backwardWithin, final: analysis.WrongZone},
	{name: "paused 5 minutes", make: paused, within: backwardWithin, during: analysis.Late, lasts: 35 * time.Minute, final: analysis.InSync},
	{name: "dead RTC", make: deadRTC(message.StampRFC3339, 1970, 1980, 2000), within: forwardWithin, during: analysis.DeadRTC, final: analysis.InSync},
	{name: "dead RTC without year", make: deadRTC(message.StampBSD, 1970, 1980, 2000), within: forwardWithin, during: analysis.DeadRTC, final: analysis.InSync},
	{name: "stuck 20 minutes", make: stuck, within: backwardWithin, during: analysis.Stuck, lasts: 20 * time.Minute, shown: stuckWithin, final: analysis.Late},
	{name: "out 1 h, flushed at once", make: out(simulation.Queued, 0, 0), final: analysis.InSync},
	{name: "out 1 h, flushed slowly", make: out(simulation.Queued, 1.5, 0), final: analysis.InSync, longer: 2 * time.Hour},
	{name: "out 1 h, flushed in batches", make: out(simulation.Queued, 3, 32), final: analysis.InSync},
	{name: "out 1 h, interleaved", make: out(simulation.Interleaved, 2, 0), final: analysis.InSync},
	{name: "out 1 h, lost", make: out(simulation.Lost, 1, 0), final: analysis.InSync},
	{name: "first seen in a flush", make: firstSeenInFlush, final: analysis.InSync},
	{name: "relay of 2 s appears", make: relayAppears, within: backwardWithin, final: analysis.Late},
	{name: "garbage stamps", make: garbage, final: analysis.InSync},
	{name: "slewed 0.4 s by chronyd", make: slewed(400*time.Millisecond, simulation.SlewChrony), final: analysis.InSync, allowed: []analysis.Verdict{analysis.Stepped}},
	{name: "slewed 0.4 s by ntpd", make: slewed(400*time.Millisecond, simulation.SlewNTPD), final: analysis.InSync},
	{name: "free-running", make: freeRunning, final: analysis.Drifting},
	{name: "nothing", make: nothing, final: analysis.InSync},
}

// A setting is how the hosts of TestEvents speak.
type setting struct {
	resolution time.Duration
	mean       time.Duration // between messages
	from, span time.Duration
}

var settings = []setting{
	{time.Second, time.Second, 4000 * time.Second, 3 * time.Hour},
	{time.Millisecond, time.Second, 4000 * time.Second, 3 * time.Hour},
	{time.Second, 20 * time.Second, 4 * time.Hour, 8 * time.Hour},
}

// eventHost returns a host that NTP keeps right, and on which only one thing happens.
func eventHost(seed uint64, s setting) (*simulation.Host, *rand.Rand) {
	r := random(seed)
	path := []network{simulation.LAN, simulation.WAN}[r.IntN(2)](r)
	h := plainHost(seed, r, s.span, s.resolution, path)
	h.Delay, h.Process = path, simulation.Poisson(s.mean)
	h.Clock = simulation.Sum{
		simulation.Constant(spanOf(between(r, -0.01, 0.01))),
		simulation.Wander(seed, spanOf(logarithmic(r, 100e-6, 1e-3)), 10*time.Minute),
	}
	return h, r
}
