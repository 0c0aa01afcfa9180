package analysis_test

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/skewatch/skewatch/analysis"
	"github.com/skewatch/skewatch/analysis/simulation"
)

// mixedWithin is how long it may take until several clocks under one key are called so;
// one host in twenty, whose network is congested meanwhile, may take longer.
const mixedWithin = 30 * time.Minute

// A forgery is an experiment with foreign stamps under a host's key: over the same
// peer, in the same format and with the same trust, two a minute beside one honest
// message a second.
type forgery struct {
	name       string
	resolution time.Duration
	honest     simulation.Clock
	foreign    simulation.Clock
	speaks     simulation.Process // the foreigner; nil for two a minute at random

	// never are verdicts that are false of the honest clock.
	never []analysis.Verdict

	// within is how long it may take instead of mixedWithin. Two clocks must first be
	// as far apart as the stamps' truncation allows to tell.
	within time.Duration

	// atFirst is for how long a false verdict may stand before the second voice is
	// heard often enough to be doubted.
	atFirst time.Duration
}

var forgeries = []forgery{
	{
		name: "host at -30 s", resolution: time.Second, honest: simulation.Constant(-30 * time.Second), foreign: simulation.Constant(0),
		never: []analysis.Verdict{analysis.InSync, analysis.Ahead, analysis.Drifting},
	},
	{
		name: "good host, stamps 40 s ahead", resolution: time.Second, honest: simulation.Constant(0), foreign: simulation.Constant(40 * time.Second),
		never: []analysis.Verdict{analysis.Ahead, analysis.Late, analysis.Drifting},
	},
	{
		name: "good host, fine stamps 40 s ahead", resolution: time.Microsecond, honest: simulation.Constant(0), foreign: simulation.Constant(40 * time.Second),
		never: []analysis.Verdict{analysis.Ahead, analysis.Late, analysis.Drifting},
	},
	{
		name: "host at -100 ppm", resolution: time.Second, honest: simulation.Skew(-100), foreign: simulation.Constant(0),
		never:  []analysis.Verdict{analysis.Ahead},
		within: 3 * time.Hour, // 0.9 s apart after 2.5 h
	},
	{
		name: "host at -100 ppm, fine stamps", resolution: time.Microsecond, honest: simulation.Skew(-100), foreign: simulation.Constant(0),
		never: []analysis.Verdict{analysis.Ahead},
	},
	{
		name: "ramp of +50 ppm each 16 s", resolution: time.Microsecond, honest: simulation.Constant(0),
		foreign: simulation.Sum{simulation.Constant(5 * time.Millisecond), simulation.Skew(50)},
		speaks:  simulation.Even{Every: 16 * time.Second, Phase: 3 * time.Second},
		never:   []analysis.Verdict{analysis.Ahead, analysis.Late, analysis.Drifting},
	},
	{
		name: "stamps 3 s ahead, in bursts", resolution: time.Second, honest: simulation.Constant(0), foreign: simulation.Constant(3 * time.Second),
		speaks:  simulation.Bursts{Every: 2 * time.Minute, Size: 4},
		never:   []analysis.Verdict{analysis.Ahead, analysis.Late, analysis.Drifting},
		atFirst: 10 * time.Minute, within: 90 * time.Minute, // few points show both
	},
}

const forgerySpan = 4 * time.Hour

// hosts returns the honest host and who speaks in its name.
func (f *forgery) hosts(seed uint64) (honest, foreign *simulation.Host) {
	r := random(seed)
	host := func(seed uint64, path *simulation.Path, c simulation.Clock) *simulation.Host {
		h := plainHost(seed, rand.New(rand.NewPCG(1, 1)), forgerySpan, f.resolution, path)
		h.Clock = simulation.Sum{c, simulation.Wander(seed, 300*time.Microsecond, 10*time.Minute)}
		return h
	}
	honest = host(seed, simulation.LAN(r), f.honest)
	foreign = host(seed+1<<32, simulation.LAN(r), f.foreign)
	foreign.Process = simulation.Poisson(30 * time.Second)
	if f.speaks != nil {
		foreign.Process = f.speaks
	}
	return honest, foreign
}

// unmasking is what was said of one host.
type unmasking struct {
	mixed time.Duration // since the start; -1 if never
	final analysis.Verdict
	lies  map[analysis.Verdict]time.Duration // how long each false verdict stood
}

// lied returns for how long false verdicts stood.
func (u *unmasking) lied() (all time.Duration) {
	for _, d := range u.lies {
		all += d
	}
	return all
}

const forgeryTick = 5 * time.Second

func (f *forgery) run(seed uint64) unmasking {
	honest, foreign := f.hosts(seed)
	u := unmasking{mixed: -1, lies: map[analysis.Verdict]time.Duration{}}
	last := analysis.Silent
	w := fleetWatch{
		start: honest.Start, span: honest.Span, every: forgeryTick, messages: simulation.Together(honest, foreign), reference: alwaysSound,
		found: func(at time.Duration, f analysis.Finding) {
			if f.Event != nil {
				say(at, "%v %v: %s", f.Event.Kind, f.Event.Verdict, f.Event.Text)
			}
		},
		look: func(at time.Duration, fleet *analysis.Fleet, v verdict) {
			if v.Verdict != last {
				say(at, "verdict %v: %s", v.Verdict, v.why)
				last = v.Verdict
			}
			u.final = v.Verdict
			if v.Verdict == analysis.Mixed && u.mixed < 0 {
				u.mixed = at
			}
			if slices.Contains(f.lies(honest, at), v.Verdict) {
				u.lies[v.Verdict] += forgeryTick
			}
		},
	}
	w.run()
	return u
}

// lies returns the verdicts that are false of the honest clock at a time.
func (f *forgery) lies(honest *simulation.Host, at time.Duration) []analysis.Verdict {
	if honest.Clock.Offset(at).Abs() > 1100*time.Millisecond {
		return append(slices.Clone(f.never), analysis.InSync)
	}
	return f.never
}

func TestForeignStamps(t *testing.T) {
	analysis.Long(t)
	tab := newTable("host", "mixed after", "never", "mixed in the end", "false verdicts")
	for _, f := range forgeries {
		t.Run(f.name, func(t *testing.T) {
			var mixed sample
			final, lying, slow := 0, 0, 0
			all := gather(sized(4, 30), func(_ int, seed uint64) unmasking { return f.run(seed) })
			for i, u := range all {
				if u.mixed >= 0 {
					mixed = append(mixed, u.mixed.Seconds())
				}
				if u.final == analysis.Mixed {
					final++
				}
				if len(u.lies) > 0 {
					lying++
				}
				if u.lied() > f.atFirst {
					t.Errorf("seed %d: false verdicts %v", *seed+uint64(i), u.lies)
				}
				if within := cmp.Or(f.within, mixedWithin); u.mixed < 0 || u.mixed > within {
					slow++
					t.Logf("seed %d: mixed after %v, want within %v", *seed+uint64(i), u.mixed, within)
				}
			}
			if slow > max(1, len(all)/20) {
				t.Errorf("%d of %d hosts not mixed in time", slow, len(all))
			}
			tab.row(f.name, mixed.times()+" s", len(all)-len(mixed), ratio(final, len(all)), ratio(lying, len(all)))
		})
	}
	t.Log(strings.TrimRight(tab.String(), "\n"))
}
