package analysis_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/skewatch/skewatch/analysis"
	"github.com/skewatch/skewatch/analysis/simulation"
)

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
	analysis.Long(t)
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
	what.watchFleet(h, &o, changes, s)
	return o
}

// watchState notes which steps the bare estimator finds, asked each 16 s.
func (what *happening) watchState(h *simulation.Host, o *outcome, changes []change, s setting) {
	open := slices.Clone(changes)
	follow(h, 16*time.Second, nil, func(at time.Duration, e *analysis.Estimate) {
		truth := h.Clock.Offset(at)
		o.residual = (e.Offset - truth).Abs().Seconds()
		if at%(5*time.Minute) < 16*time.Second {
			sayEstimate(at, e, truth)
		}
		for _, step := range e.Steps {
			say(at, "state: step %+.3f s, kind %v, since %v", step.Seconds, step.Kind, time.Duration(step.At-h.Start.UnixNano()))
			if c, ok := take(&open, step, at, s.resolution); ok {
				o.found = append(o.found, (at - c.at).Seconds())
				if c.free || step.Kind == c.kind {
					o.named++
				}
			} else if !moved(h.Clock, step, h.Start, at) {
				o.spurious = append(o.spurious, fmt.Sprintf("%+.2f s at %v", step.Seconds, at))
			}
		}
	})
}

// take finds the change that a step found at a time is, and takes it out of those that
// are open.
func take(open *[]change, s analysis.Step, at time.Duration, resolution time.Duration) (change, bool) {
	i := slices.IndexFunc(*open, func(c change) bool { return at >= c.at && c.fits(s, resolution) })
	if i < 0 {
		return change{}, false
	}
	c := (*open)[i]
	*open = slices.Delete(*open, i, i+1)
	return c, true
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
	open := slices.Clone(changes)
	last := analysis.Silent
	w := fleetWatch{
		start: h.Start, span: h.Span, every: 4 * time.Second, messages: h.Messages(), reference: alwaysSound,
		found: func(at time.Duration, f analysis.Finding) {
			switch {
			case f.Step != nil:
				say(at, "fleet: step %+.3f s, kind %v", f.Step.Seconds, f.Step.Kind)
				if c, ok := take(&open, *f.Step, at, s.resolution); ok {
					o.told = append(o.told, (at - c.at).Seconds())
				}
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

// tallied is what was found out about all hosts of an experiment.
type tallied struct {
	outcome
	hosts, during, final int
	shown, residual      sample
}

func (n *tallied) add(what *happening, o *outcome) {
	n.hosts++
	n.changes += o.changes
	n.named += o.named
	n.found, n.told = append(n.found, o.found...), append(n.told, o.told...)
	n.spurious, n.wrong = append(n.spurious, o.spurious...), append(n.wrong, o.wrong...)
	n.residual = append(n.residual, o.residual)
	if o.during {
		n.during++
	}
	if o.shown >= 0 {
		n.shown = append(n.shown, o.shown.Seconds())
	}
	if o.final == what.final || what.final == analysis.InSync && o.final == analysis.Insufficient {
		n.final++
	}
}

// fine reports whether nothing is wrong with what was found out about one host.
func (what *happening) fine(o *outcome) bool {
	return len(o.spurious)+len(o.wrong) == 0 && o.final == what.final && len(o.found) == o.changes &&
		o.named == o.changes && (what.during == 0 || o.during)
}

// report adds a row of all hosts and checks it.
func (what *happening) report(t *testing.T, tab *table, s setting, all []outcome) {
	t.Helper()
	var n tallied
	for i := range all {
		o := &all[i]
		n.add(what, o)
		if !what.fine(o) {
			t.Logf("seed %d: found %d of %d, named %d, right in between %v, in the end %v; false: %s",
				*seed+uint64(i), len(o.found), o.changes, o.named, o.during, o.final, strings.Join(append(o.spurious, o.wrong...), ", "))
		}
	}
	tab.row(what.name, s.resolution, s.mean, ratio(len(n.found), n.changes), n.found.times(), n.told.times(),
		ratio(n.named, n.changes), ratioIf(what.during != 0, n.during, n.hosts), n.shown.times(),
		ratio(n.final, n.hosts)+" "+what.final.String(), len(n.spurious), len(n.wrong), n.residual.errors())
	if !*verbose {
		what.check(t, s.mean == time.Second, &n)
	}
}

// check compares what was found with what must be. Times are promised for hosts that
// speak often.
func (what *happening) check(t *testing.T, often bool, n *tallied) {
	t.Helper()
	if what.within > 0 && (len(n.found) < n.changes || n.named < n.changes) {
		t.Errorf("%d changes, found %d, named rightly %d", n.changes, len(n.found), n.named)
	}
	if often && what.within > 0 && n.found.quantile(1) > what.within.Seconds() {
		t.Errorf("slowest found after %.0f s, want %v", n.found.quantile(1), what.within)
	}
	if what.during != 0 && n.during < n.hosts {
		t.Errorf("verdict %v in between for %d of %d", what.during, n.during, n.hosts)
	}
	if often && what.shown > 0 && n.shown.quantile(1) > what.shown.Seconds() {
		t.Errorf("%v shown after %.0f s, want %v", what.during, n.shown.quantile(1), what.shown)
	}
	if missing := n.hosts - n.final; missing > 0 && (what.final != analysis.Drifting || missing > n.hosts/20) {
		t.Errorf("verdict %v in the end for %d of %d", what.final, n.final, n.hosts)
	}
	if len(n.wrong) > 0 {
		t.Errorf("false warnings %v", n.wrong)
	}
	if len(n.spurious)*5 > n.hosts {
		t.Errorf("false steps %v", n.spurious)
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
