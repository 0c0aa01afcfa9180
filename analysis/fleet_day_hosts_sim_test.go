package analysis_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"net/netip"
	"slices"
	"time"

	"github.com/skewatch/skewatch/analysis"
	"github.com/skewatch/skewatch/analysis/simulation"
	"github.com/skewatch/skewatch/collector/message"
)

// A fault is what goes wrong with a host of the fleet some hours into the day, until
// somebody puts it right.
type fault struct {
	name string

	// make does it to a host, from one time to another.
	make func(g *guest, r *rand.Rand, from, to time.Duration)

	// raises are the verdicts that it may be warned of with; none where nobody is to be
	// warned, for the reason that why gives.
	raises []analysis.Verdict
	why    string

	// changes is how many changes of the warning are right at the most: a clock that runs
	// free passes its tolerance sometime, or congestion carries it there; and the first
	// messages of a second clock look as if the one had been set.
	changes int

	// raised and cleared are how long it may take until the warning is raised, and until it
	// is cleared once the fault is put right, for a host that speaks without pauses.
	raised, cleared time.Duration

	format message.StampFormat // of the stamps; StampNone for any
	hosts  int                 // that it befalls together; 0 means one
}

// A guest is one host of the fleet's day.
type guest struct {
	*simulation.Host
	double *simulation.Host // another that speaks in its name; nil if nobody
	rule   analysis.HostRule
	fault  *fault // nil if nothing is wrong with it
	from   time.Duration
	to     time.Duration
	pace   time.Duration // between two times that it speaks
	out    bool          // it is cut off by the outage
}

// dayStart lies seven hours before Europe goes over to summer time.
var (
	dayStart  = time.Date(2026, 3, 28, 18, 0, 0, 0, time.UTC)
	daylights = 7 * time.Hour
	berlin    = mustZone("Europe/Berlin")
)

func mustZone(name string) *time.Location {
	zone, err := time.LoadLocation(name)
	if err != nil {
		panic(err)
	}
	return zone
}

// off returns what puts a clock off by one of a range of seconds.
func off(low, high, sign float64) func(*guest, *rand.Rand, time.Duration, time.Duration) {
	return func(g *guest, r *rand.Rand, from, to time.Duration) {
		g.shift(from, to, spanOf(sign*logarithmic(r, low, high)))
	}
}

func exactly(by time.Duration) func(*guest, *rand.Rand, time.Duration, time.Duration) {
	return func(g *guest, _ *rand.Rand, from, to time.Duration) { g.shift(from, to, by) }
}

// shift sets the clock by an amount, and back.
func (g *guest) shift(from, to, by time.Duration) {
	setClock(g.Host, simulation.Step{At: from, By: by}, simulation.Step{At: to, By: -by})
}

// runsFree leaves the clock to its crystal for some hours, which carries it away by so many
// ppm until it is set right. Stamps of whole seconds show that only where they come at all
// phases of the second. No leap second is smeared meanwhile: that looks the same.
func runsFree(hours, low, high float64) func(*guest, *rand.Rand, time.Duration, time.Duration) {
	return func(g *guest, r *rand.Rand, from, _ time.Duration) {
		g.to = from + spanOf(hours*3600)
		g.speak(simulation.Poisson(5 * time.Second))
		g.Clock = slices.DeleteFunc(g.Clock.(simulation.Sum), func(c simulation.Clock) bool {
			_, smeared := c.(simulation.LeapSmear)
			return smeared
		})
		skew := logarithmic(r, low, high) * float64(2*r.IntN(2)-1)
		g.Clock = simulation.Free{Of: g.Clock, At: from, For: g.to - from, Skew: skew}
	}
}

func delayed(g *guest, r *rand.Rand, from, to time.Duration) {
	by := simulation.Fixed(spanOf(between(r, 8, 60)))
	g.Delay = simulation.Delays{g.Delay, simulation.Until{At: to, Delay: simulation.From{At: from, Delay: by}}}
}

// localTime makes the host write local time without a zone, which is read rightly until
// its zone is set to another.
func localTime(g *guest, _ *rand.Rand, from, to time.Duration) {
	g.shift(from, to, 5*time.Hour+30*time.Minute)
}

// missesDST is not told that summer time has begun.
func missesDST(g *guest, _ *rand.Rand, _, to time.Duration) {
	g.rule.Zone, g.Stamp.ZoneEast = berlin, time.Hour
	g.from = daylights + time.Hour // before, it shows an hour that no right clock does, and is read as it is meant
	g.to = max(to, g.from+2*time.Hour)
	setClock(g.Host, simulation.Step{At: g.to, By: time.Hour})
}

// wrongYear is a clock that was set by hand.
func wrongYear(g *guest, r *rand.Rand, from, to time.Duration) {
	g.shift(from, to, -time.Duration(365+r.IntN(3)*365)*soakDay)
}

// powerLost is a reboot without a battery: the clock starts from its epoch.
func powerLost(g *guest, r *rand.Rand, from, to time.Duration) {
	year := []int{1970, 1980, 2000}[r.IntN(3)]
	if g.Stamp.Format == message.StampBSD {
		year = dayStart.Year()
	}
	const boot = 90 * time.Second
	epoch := time.Date(year, 1, 1, 0, 0, r.IntN(60), 0, time.UTC)
	g.Process = simulation.Silent{Of: g.Process, At: from, For: boot}
	g.shift(from, to, epoch.Sub(dayStart.Add(from+boot)))
}

// standsStill is a device that repeats one stamp.
func standsStill(g *guest, _ *rand.Rand, from, to time.Duration) {
	g.speak(simulation.Poisson(2 * time.Second)) // an alarm of its own clock never comes
	g.Clock = simulation.Halt{Of: g.Clock, At: from, For: to - from}
	setClock(g.Host, simulation.Step{At: to, By: to - from})
}

// machinePaused is a virtual machine that was paused for some minutes.
func machinePaused(g *guest, r *rand.Rand, from, to time.Duration) {
	pause := spanOf(between(r, 120, 900))
	g.Process = simulation.Silent{Of: g.Process, At: from, For: pause}
	g.Clock = simulation.Halt{Of: g.Clock, At: from, For: pause}
	setClock(g.Host, simulation.Step{At: to, By: pause})
}

// twoClocks is a second machine behind the same peer and name, whose clock is off by one of
// a range of seconds, and which speaks once in so long.
func twoClocks(low, high float64, signs []float64, mean time.Duration) func(*guest, *rand.Rand, time.Duration, time.Duration) {
	return func(g *guest, r *rand.Rand, from, to time.Duration) {
		by := spanOf(logarithmic(r, low, high) * signs[r.IntN(len(signs))])
		g.speak(simulation.Poisson(2 * time.Second))
		g.double = g.another()
		g.double.Clock = simulation.Sum{g.Clock, simulation.Constant(by)}
		g.double.Process = simulation.Between{Of: simulation.Poisson(mean), From: from, To: to}
	}
}

// speak sets when the host speaks.
func (g *guest) speak(p simulation.Process) { g.Process, g.pace = p, paceOf(p) }

// another returns a host that is like the guest, and says other things.
func (g *guest) another() *simulation.Host {
	other := *g.Host
	other.Seed += 1 << 40
	return &other
}

func fallsSilent(g *guest, _ *rand.Rand, from, to time.Duration) {
	g.rule.Expected = 15*time.Minute + 12*g.pace
	g.Process = simulation.Silent{Of: g.Process, At: from, For: to - from}
}

// comesLate is a host that was expected from the beginning.
func comesLate(g *guest, _ *rand.Rand, _, to time.Duration) {
	g.rule.Expected = 15*time.Minute + 12*g.pace
	g.from = 0
	g.Process = simulation.Silent{Of: g.Process, At: 0, For: to}
}

func writesNone(g *guest, _ *rand.Rand, from, to time.Duration) {
	g.double = g.another()
	g.double.Stamp.Format = message.StampNone
	g.double.Process = simulation.Between{Of: g.Process, From: from, To: to}
	g.Process = simulation.Silent{Of: g.Process, At: from, For: to - from}
}

func writesGarbage(g *guest, _ *rand.Rand, _, _ time.Duration) { g.Stamp.Garbage = 1e-3 }

const (
	ahead, late, zone = analysis.Ahead, analysis.Late, analysis.WrongZone
	soon, quiet       = 15 * time.Minute, 90 * time.Minute
)

type verdictsOf = []analysis.Verdict

// faults are all that is to be warned of, and what looks like it and isn't.
var faults = []fault{
	{name: "ahead", make: off(6, 600, 1), raises: verdictsOf{ahead}, raised: soon, cleared: soon},
	{name: "ahead by little", make: off(1.5, 4, 1), raises: verdictsOf{ahead}, raised: soon, cleared: quiet},
	{name: "behind", make: off(6, 600, -1), raises: verdictsOf{late}, raised: soon, cleared: soon},
	{name: "behind by little", make: off(2.5, 4, -1), raises: verdictsOf{late}, raised: 40 * time.Minute, cleared: quiet},
	{name: "delayed by a relay", make: delayed, raises: verdictsOf{late}, raised: soon, cleared: soon},
	{name: "runs free", make: runsFree(8, 22, 26), raises: verdictsOf{analysis.Drifting}, changes: 1, raised: 6 * time.Hour, cleared: 3 * time.Hour},
	{name: "runs away", make: runsFree(13, 30, 60), raises: verdictsOf{analysis.Drifting}, changes: 1, raised: 4 * time.Hour, cleared: quiet},
	{name: "runs free at 11.6 ppm", make: runsFree(12, 10, 13), why: "a smeared leap second looks the same for a day"},
	{name: "zone one hour east", make: exactly(time.Hour), raises: verdictsOf{zone}, raised: soon, cleared: soon, format: message.StampRFC5424},
	{name: "zone five hours west", make: exactly(-5 * time.Hour), raises: verdictsOf{zone}, raised: soon, cleared: soon, format: message.StampRFC3339},
	{name: "local time, no zone", make: localTime, raises: verdictsOf{zone}, raised: soon, cleared: soon, format: message.StampBSD},
	{name: "summer time missed", make: missesDST, raises: verdictsOf{zone}, raised: soon, cleared: soon, format: message.StampBSD},
	{name: "wrong year", make: wrongYear, raises: verdictsOf{analysis.WrongDate}, raised: soon, cleared: soon, format: message.StampRFC5424},
	{name: "wrong date, no year", make: exactly(40 * soakDay), raises: verdictsOf{analysis.WrongDate}, raised: soon, cleared: soon, format: message.StampBSD},
	{name: "dead RTC", make: powerLost, raises: verdictsOf{analysis.DeadRTC}, raised: soon, cleared: soon, format: message.StampRFC5424},
	{name: "dead RTC, no year", make: powerLost, raises: verdictsOf{analysis.DeadRTC}, raised: soon, cleared: soon, format: message.StampBSD},
	{name: "stuck", make: standsStill, raises: verdictsOf{analysis.Stuck}, raised: soon, cleared: soon},
	{name: "machine paused", make: machinePaused, raises: verdictsOf{late}, raised: 25 * time.Minute, cleared: soon},
	{name: "two clocks", make: twoClocks(5, 3000, []float64{1, -1}, 2*time.Second), raises: verdictsOf{analysis.Mixed, ahead}, changes: 1, raised: quiet, cleared: 90 * time.Minute},
	{name: "two clocks, one seldom", make: twoClocks(5, 3000, []float64{1}, 30*time.Second), raises: verdictsOf{analysis.Mixed, ahead}, changes: 1, raised: quiet, cleared: 90 * time.Minute},
	{name: "the seldom one behind", make: twoClocks(5, 3000, []float64{-1}, 30*time.Second), why: "few late messages among many are no clock: they may have waited"},
	{name: "relay stamps anew", make: off(6, 600, 1), raises: verdictsOf{ahead}, raised: soon, cleared: soon, hosts: 3},
	{name: "falls silent", make: fallsSilent, raises: verdictsOf{analysis.Silent}, raised: quiet, cleared: soon},
	{name: "comes late", make: comesLate, raises: verdictsOf{analysis.Silent}, raised: quiet, cleared: soon},
	{name: "set within the tolerance", make: off(0.3, 0.6, 1), why: "it is within the tolerance before and after"},
	{name: "writes no stamps", make: writesNone, why: "nothing is known of its clock then: the report says so"},
	{name: "garbage stamps", make: writesGarbage, why: "one stamp in a thousand is no clock"},
}

// fleetSize is the number of hosts, those of the faults among them.
const fleetSize = 50

// newGuests returns the hosts of one day: those with faults, and healthy ones.
func newGuests(seed uint64) []*guest {
	var all []*guest
	r := random(seed)
	for i := range faults {
		f := &faults[i]
		from := spanOf(between(r, 3, 8) * 3600)
		to := from + spanOf(between(r, 2, 6)*3600)
		draw := r.Uint64()
		for n := range max(f.hosts, 1) {
			g := newGuest(seed, len(all), f.format)
			g.fault, g.from, g.to = f, from, to
			if n > 0 {
				g.behind(all[len(all)-1])
			}
			all = append(all, g)
		}
		for _, g := range all[len(all)-max(f.hosts, 1):] {
			f.make(g, rand.New(rand.NewPCG(draw, 1)), from, to)
		}
	}
	for len(all) < fleetSize {
		all = append(all, newGuest(seed, len(all), message.StampNone))
	}
	return all
}

// behind puts a host behind the same relay as another, which stamps the messages of both
// with its own clock.
func (g *guest) behind(other *guest) {
	name, process, seed := g.Name, g.Process, g.Seed
	*g.Host = *other.Host
	g.Name, g.Process, g.Seed = name, process, seed
}

// newGuest returns a healthy host; StampNone stands for any format.
func newGuest(seed uint64, i int, format message.StampFormat) *guest {
	own := seed*fleetSize + uint64(i)
	r := random(own)
	path := []network{simulation.LAN, simulation.WAN}[r.IntN(2)](r)
	resolution := []time.Duration{time.Second, time.Second, time.Millisecond, time.Microsecond}[r.IntN(4)]
	h := plainHost(own, r, soakDay, resolution, path)
	h.Start = dayStart
	h.Name, h.Source = fmt.Sprintf("host%d", i), netip.AddrFrom4([4]byte{192, 0, 2, byte(i + 1)})
	h.Delay = simulation.Delays{path, congested(own, 4*time.Hour)}
	h.Clock = keptClock(own, r)
	if !h.InOrder {
		h.Transport, h.Trust = message.UDP, message.TrustUDP
	} else if r.IntN(2) == 0 {
		h.MinRTT = path.MinRTT()
	}
	if format == message.StampNone {
		format = []message.StampFormat{message.StampRFC5424, message.StampRFC3339, message.StampBSD}[r.IntN(3)]
	}
	if h.Stamp.Format = format; format == message.StampBSD {
		h.Stamp.Resolution = time.Second
	}
	mean := []time.Duration{time.Second, 5 * time.Second, 20 * time.Second}[r.IntN(3)]
	h.Process = usualProcess(r, mean)
	g := &guest{Host: h, pace: paceOf(h.Process)}
	g.rule.Tolerance = analysis.Tolerance{Warn: time.Second, Crit: 5 * time.Second}
	return g
}

// cutOff puts an outage in the way of the last of the healthy hosts: half of them behind
// one relay, which keeps their messages in its queue, half by themselves.
func cutOff(seed uint64, hosts []*guest, n int) {
	r := random(seed + 1<<48)
	at, lasts := spanOf(between(r, 9, 13)*3600), spanOf(logarithmic(r, 1200, 7200))
	relay := hosts[len(hosts)-1].Source
	for i, g := range hosts[len(hosts)-n:] {
		faster := math.Pow(10, between(r, 0.5, 2.6))
		g.out = true
		g.Outages = []simulation.Outage{{
			At: at, For: lasts, Rate: faster / 2, Flush: []simulation.Flush{simulation.Queued, simulation.Interleaved}[i%2],
			Batch: []int{0, 16}[r.IntN(2)],
		}}
		if i%4 < 2 {
			g.Source, g.MinRTT = relay, 0
		}
	}
}

// paceOf returns how long a host is silent between the times that it speaks.
func paceOf(p simulation.Process) time.Duration {
	switch p := p.(type) {
	case simulation.Poisson:
		return time.Duration(p)
	case simulation.Bursts:
		return p.Every
	case simulation.Cron:
		return p.Every
	case simulation.Even:
		return p.Every
	case simulation.ByDay: // at night
		return time.Duration(float64(paceOf(p.Of)) / (1 - p.Depth))
	}
	panic(fmt.Sprintf("the pace of %T isn't known", p))
}
