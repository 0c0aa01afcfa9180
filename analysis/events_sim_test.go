package analysis_test

import (
	"fmt"
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
	setClock(h, simulation.Skew(logarithmic(r, 10, 50)*float64(2*r.IntN(2)-1)))
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

// outcome is what was found out about one host.
type outcome struct {
	changes  int
	found    sample // seconds from each change that was found to the state's finding it
	told     sample // and to the fleet's
	named    int    // changes found that bear their right name
	spurious []string
	during   bool          // the verdict in between was right
	shown    time.Duration // from the event to the first time that it was; -1 if never
	final    analysis.Verdict
	wrong    []string // warnings that shouldn't be
	residual float64  // error of the offset in the end, s
}

func TestEvents(t *testing.T) {
	tab := newTable("what happens", "stamps", "one in", "found", "after (state)", "after (fleet)", "named", "during", "shown after",
		"in the end", "false steps", "false warnings", "error in the end")
	for _, what := range happenings {
		t.Run(what.name, func(t *testing.T) {
			for i, s := range settings {
				n := sized(1, 30)
				if i == 1 && !full && !*verbose {
					continue
				}
				t.Run(fmt.Sprintf("%v stamps, one in %v", s.resolution, s.mean), func(t *testing.T) {
					what.report(t, tab, s, gather(n, func(_ int, seed uint64) outcome { return what.watch(seed, s) }))
				})
			}
		})
	}
	t.Log(tab)
}

// watch runs one host through an experiment.
func (what *happening) watch(seed uint64, s setting) outcome {
	s.span += what.longer
	h, r := eventHost(seed, s)
	changes := what.make(h, r, s.from)
	o := outcome{changes: len(changes), shown: -1}
	what.watchState(h, &o, changes, s)
	h, r = eventHost(seed, s)
	what.make(h, r, s.from)
	what.watchFleet(h, &o, changes, s)
	return o
}

// watchState notes which steps the bare estimator finds, asked each 16 s.
func (what *happening) watchState(h *simulation.Host, o *outcome, changes []change, s setting) {
	found := make([]bool, len(changes))
	follow(h, 16*time.Second, nil, func(at time.Duration, e *analysis.Estimate) {
		truth := h.Clock.Offset(at)
		o.residual = (e.Offset - truth).Abs().Seconds()
		if at%(5*time.Minute) < 16*time.Second {
			sayEstimate(at, e, truth)
		}
		for _, step := range e.Steps {
			i := slices.IndexFunc(changes, func(c change) bool { return c.fits(step, s.resolution) })
			say(at, "state: step %+.3f s, kind %v, since %v", step.Seconds, step.Kind, time.Duration(step.At-h.Start.UnixNano()))
			if i < 0 && moved(h.Clock, step, h.Start, at) {
				continue
			}
			if i < 0 || found[i] || at < changes[i].at {
				o.spurious = append(o.spurious, fmt.Sprintf("%+.2f s at %v", step.Seconds, at))
				continue
			}
			found[i] = true
			o.found = append(o.found, (at - changes[i].at).Seconds())
			if changes[i].free || step.Kind == changes[i].kind {
				o.named++
			}
		}
	})
}

// moved reports whether a clock truly moved by about a step within the half hour
// before it was found: a fast slew can't be told from a step.
func moved(c simulation.Clock, s analysis.Step, start time.Time, at time.Duration) bool {
	const back, grain = 30 * time.Minute, 10 * time.Second
	from := max(0, min(at, time.Duration(s.At-start.UnixNano()))-back)
	low, high := c.Offset(from), c.Offset(from)
	for t := from; t <= at; t += grain {
		low, high = min(low, c.Offset(t)), max(high, c.Offset(t))
	}
	return (high - low).Seconds() >= math.Abs(s.Seconds)/2
}

// watchFleet notes what people would be told.
func (what *happening) watchFleet(h *simulation.Host, o *outcome, changes []change, s setting) {
	told := make([]bool, len(changes))
	last := analysis.Silent
	w := fleetWatch{
		start: h.Start, span: h.Span, every: 4 * time.Second, messages: h.Messages(), reference: alwaysSound,
		found: func(at time.Duration, f analysis.Finding) {
			switch {
			case f.Step != nil:
				i := slices.IndexFunc(changes, func(c change) bool { return c.fits(*f.Step, s.resolution) })
				if i >= 0 && !told[i] && at >= changes[i].at {
					told[i] = true
					o.told = append(o.told, (at - changes[i].at).Seconds())
				}
				say(at, "fleet: step %+.3f s, kind %v", f.Step.Seconds, f.Step.Kind)
			case f.Event != nil:
				say(at, "fleet: %v %v, was %v: %s", f.Event.Kind, f.Event.Verdict, f.Event.Previous, f.Event.Text)
				if !what.allows(f.Event.Verdict, len(changes) > 0) {
					o.wrong = append(o.wrong, fmt.Sprintf("%v at %v", f.Event.Verdict, at))
				}
			}
		},
		look: func(at time.Duration, _ *analysis.Fleet, v verdict) {
			if v.Verdict != last {
				say(at, "fleet: verdict %v: %s", v.Verdict, v.why)
				last = v.Verdict
			}
			what.judge(o, at, s, v.Verdict)
			o.final = v.Verdict
		},
	}
	w.run()
}

// judge notes whether the verdict in between is right, and since when.
func (what *happening) judge(o *outcome, at time.Duration, s setting, v analysis.Verdict) {
	from, to := s.from, s.from+what.lasts
	if what.lasts == 0 {
		from, to = 0, s.from
	}
	if what.during == 0 || at < from || at > to {
		return
	}
	right := v == what.during
	if right && o.shown < 0 {
		o.shown = at - from
	}
	o.during = right || o.during && at > to-10*time.Second
}

// allows reports whether a warning with a verdict is right.
func (what *happening) allows(v analysis.Verdict, changes bool) bool {
	return v == analysis.InSync || v == what.final || what.during != 0 && v == what.during ||
		v == analysis.Stepped && changes || slices.Contains(what.allowed, v)
}

// report adds a row of all hosts and checks it.
func (what *happening) report(t *testing.T, tab *table, s setting, all []outcome) {
	t.Helper()
	var sum outcome
	var shown, residual sample
	during, final := 0, 0
	for i, o := range all {
		sum.changes += o.changes
		sum.found, sum.told = append(sum.found, o.found...), append(sum.told, o.told...)
		sum.named += o.named
		sum.spurious, sum.wrong = append(sum.spurious, o.spurious...), append(sum.wrong, o.wrong...)
		residual = append(residual, o.residual)
		if o.during {
			during++
		}
		if o.shown >= 0 {
			shown = append(shown, o.shown.Seconds())
		}
		if o.final == what.final {
			final++
		}
		if trouble := append(o.spurious, o.wrong...); len(trouble) > 0 || o.final != what.final || len(o.found) < o.changes || o.named < o.changes || what.during != 0 && !o.during {
			t.Logf("seed %d: found %d of %d, named %d, right in between %v, in the end %v; false: %s",
				*seed+uint64(i), len(o.found), o.changes, o.named, o.during, o.final, strings.Join(trouble, ", "))
		}
	}
	n := len(all)
	tab.row(what.name, s.resolution, s.mean, ratio(len(sum.found), sum.changes), sum.found.times(), sum.told.times(),
		ratio(sum.named, sum.changes), ratioIf(what.during != 0, during, n), shown.times(), ratio(final, n)+" "+what.final.String(),
		len(sum.spurious), len(sum.wrong), residual.errors())
	if *verbose {
		return
	}
	what.check(t, s, &sum, shown, during, final, n)
}

// check compares what was found with what must be.
func (what *happening) check(t *testing.T, s setting, sum *outcome, shown sample, during, final, n int) {
	t.Helper()
	if what.within > 0 && (len(sum.found) < sum.changes || sum.named < sum.changes) {
		t.Errorf("%d changes, found %d, named rightly %d", sum.changes, len(sum.found), sum.named)
	}
	if s.mean == time.Second && what.within > 0 && len(sum.found) > 0 && sum.found.quantile(1) > what.within.Seconds() {
		t.Errorf("slowest found after %.0f s, want %v", sum.found.quantile(1), what.within)
	}
	if what.during != 0 && during < n {
		t.Errorf("verdict %v in between for %d of %d", what.during, during, n)
	}
	if s.mean == time.Second && what.shown > 0 && shown.quantile(1) > what.shown.Seconds() {
		t.Errorf("%v shown after %.0f s, want %v", what.during, shown.quantile(1), what.shown)
	}
	if final < n {
		t.Errorf("verdict %v in the end for %d of %d", what.final, final, n)
	}
	if len(sum.spurious)+len(sum.wrong) > 0 {
		t.Errorf("false steps %v, false warnings %v", sum.spurious, sum.wrong)
	}
}

func ratio(n, of int) string {
	if of == 0 {
		return "-"
	}
	return fmt.Sprintf("%d/%d", n, of)
}

func ratioIf(is bool, n, of int) string {
	if !is {
		return "-"
	}
	return ratio(n, of)
}
