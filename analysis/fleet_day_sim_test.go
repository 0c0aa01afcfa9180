package analysis_test

import (
	"flag"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/skewatch/skewatch/analysis"
	"github.com/skewatch/skewatch/analysis/simulation"
)

// followed is the host of a fleet's day that is looked at closely with -verbose.
var followed = flag.String("follow", "", "with -verbose: name of the host to follow in TestFleetDay")

// patience is how often a host must have spoken, besides the time that a fault needs.
const patience = 20

// cutHosts is how many hosts the outage cuts off: a third of them.
const cutHosts = 17

// A fleetDay is fifty hosts over 24 hours, and what people are told of them.
type fleetDay struct {
	hosts []*guest
	told  map[string][]told // by host
	last  string            // what was said last of the host that is followed
}

// newFleetDay simulates a day.
func newFleetDay(seed uint64) *fleetDay {
	d := &fleetDay{hosts: newGuests(seed), told: map[string][]told{}}
	cutOff(seed, d.hosts, cutHosts)
	d.run()
	return d
}

// run feeds all messages to a fleet that is ticked each second.
func (d *fleetDay) run() {
	var all []*simulation.Host
	config := fleetConfig()
	rules := map[string]analysis.HostRule{}
	for _, g := range d.hosts {
		all = append(all, g.Host)
		if g.double != nil {
			all = append(all, g.double)
		}
		rules[g.Name] = g.rule
		if g.rule.Expected > 0 {
			config.Roster = append(config.Roster, analysis.Named{Host: g.Name})
		}
	}
	config.Rule = func(host string, _ netip.Addr) analysis.HostRule { return rules[host] }
	f := analysis.NewFleet(config)
	next := time.Duration(0)
	for m := range simulation.Together(all...) {
		for ; m.Received-dayStart.UnixNano() >= int64(next) && next <= soakDay; next += time.Second {
			d.tick(f, next)
		}
		f.Observe(m)
	}
	for ; next <= soakDay; next += time.Second {
		d.tick(f, next)
	}
}

func (d *fleetDay) tick(f *analysis.Fleet, at time.Duration) {
	for _, found := range f.Tick(dayStart.UnixNano()+int64(at), sound) {
		if found.Event != nil {
			d.told[found.Host] = append(d.told[found.Host], told{at, found})
		}
	}
	if *verbose {
		d.look(f, at)
	}
}

// look says what stands of the host that is followed, when that is news.
func (d *fleetDay) look(f *analysis.Fleet, at time.Duration) {
	for _, i := range f.Identities() {
		if i.Host == *followed && i.Explanation != d.last {
			d.last = i.Explanation
			say(at, "%v: %s", i.Verdict, i.Explanation)
		}
	}
}

// An account is what was told of one fault, or of a healthy host.
type account struct {
	raises, clears, changes int
	verdict                 analysis.Verdict // that was raised first
	raised, cleared         time.Duration    // the first of each; 0 for never
	helpless                bool             // something was raised and nothing said of what to check
	words                   []string
}

func (a *account) add(all []told) {
	for _, t := range all {
		e := t.Event
		a.words = append(a.words, fmt.Sprintf("%v %s %v %v: %s", t.at, t.Host, e.Kind, e.Verdict, e.Text))
		a.helpless = a.helpless || (e.Check == "") != (e.Kind == analysis.Clear)
		switch e.Kind {
		case analysis.Raise:
			if a.raises++; a.raises == 1 {
				a.verdict, a.raised = e.Verdict, t.at
			}
		case analysis.Clear:
			a.clears++
			a.cleared = t.at
		default:
			a.changes++
		}
	}
}

// flaw says what is wrong with what was told of a host, or of those that its fault befell;
// "" if nothing is. How long it may take to see a fault depends on how often a host speaks.
func (g *guest) flaw(a *account) string {
	f := g.fault
	switch {
	case f == nil || len(f.raises) == 0:
		if len(a.words) > 0 {
			return "want no warning"
		}
		return ""
	case a.raises != 1 || a.clears != 1 || a.changes > f.changes:
		return fmt.Sprintf("%d raised, %d cleared, %d changed; want one, one and at most %d", a.raises, a.clears, a.changes, f.changes)
	case a.helpless:
		return "want each event but the clear to say what to check"
	case !slices.Contains(f.raises, a.verdict):
		return fmt.Sprintf("raised as %v, want %v", a.verdict, f.raises)
	case a.raised < g.from || a.raised > g.from+f.raised+patience*g.pace:
		return fmt.Sprintf("raised after %v, want within %v", a.raised-g.from, f.raised+patience*g.pace)
	case a.cleared < g.to || a.cleared > g.to+f.cleared+patience*g.pace:
		return fmt.Sprintf("cleared after %v, want within %v", a.cleared-g.to, f.cleared+patience*g.pace)
	}
	return ""
}

// A tallyOfDays is what was told over several days of one kind of fault, or of the healthy.
type tallyOfDays struct {
	days, right, changes int
	raised, cleared      sample // s after it began and was put right
}

func (n *tallyOfDays) add(g *guest, a *account, right bool) {
	n.days++
	n.changes += a.changes
	if right {
		n.right++
	}
	if a.raises > 0 {
		n.raised = append(n.raised, (a.raised - g.from).Seconds())
	}
	if a.clears > 0 {
		n.cleared = append(n.cleared, (a.cleared - g.to).Seconds())
	}
}

// A verdictOnDays gathers what was told over several days.
type verdictOnDays struct {
	t               *testing.T
	faults          []tallyOfDays // as in faults
	healthy, cutOff tallyOfDays
}

// add takes in a day. Hosts that one fault befalls together count as one.
func (v *verdictOnDays) add(seed uint64, d *fleetDay) {
	for i := 0; i < len(d.hosts); i++ {
		g := d.hosts[i]
		var a account
		a.add(d.told[g.Name])
		if g.fault != nil {
			for range g.fault.hosts - 1 {
				i++
				a.add(d.told[d.hosts[i].Name])
			}
		}
		flaw := g.flaw(&a)
		v.of(g).add(g, &a, flaw == "")
		if flaw != "" {
			v.t.Errorf("seed %d: %s, %s: %s\n  %s", seed, g.Name, g.short(), flaw, strings.Join(a.words, "\n  "))
		}
	}
	for _, many := range [...]string{"", analysis.CollectorName} {
		for _, e := range d.told[many] {
			v.t.Errorf("seed %d: an event about host %q: %s", seed, many, e.Event.Text)
		}
	}
}

// of returns the tally that a host belongs to.
func (v *verdictOnDays) of(g *guest) *tallyOfDays {
	switch {
	case g.fault != nil:
		return &v.faults[slices.IndexFunc(faults, func(f fault) bool { return f.name == g.fault.name })]
	case g.out:
		return &v.cutOff
	}
	return &v.healthy
}

func (v *verdictOnDays) String() string {
	tab := newTable("fault", "days", "as promised", "changes", "raised after s", "cleared after s", "")
	row := func(name string, n *tallyOfDays, why string) {
		tab.row(name, n.days, ratio(n.right, n.days), n.changes, n.raised.times(), n.cleared.times(), why)
	}
	for i := range faults {
		why := ""
		if f := &faults[i]; len(f.raises) == 0 {
			why = "none: " + f.why
		}
		row(faults[i].name, &v.faults[i], why)
	}
	row("healthy", &v.healthy, "none")
	row("healthy, cut off and flushed", &v.cutOff, "none")
	return tab.String()
}

// TestFleetDay holds the fleet to its promise: of each fault one warning and one clear, of
// the healthy none, and none of an outage and its flush.
func TestFleetDay(t *testing.T) {
	analysis.Long(t)
	days := gather(sized(1, 20), func(_ int, seed uint64) *fleetDay { return newFleetDay(seed) })
	v := verdictOnDays{t: t, faults: make([]tallyOfDays, len(faults))}
	for i, d := range days {
		v.add(*seed+uint64(i), d)
	}
	t.Log(&v)
}

// short says what happens to a host and how it speaks.
func (g *guest) short() string {
	what := "healthy"
	switch {
	case g.out:
		what = "cut off"
	case g.fault != nil:
		what = fmt.Sprintf("%s from %v to %v", g.fault.name, g.from.Round(time.Second), g.to.Round(time.Second))
	}
	process := strings.TrimPrefix(fmt.Sprintf("%T", g.Process), "simulation.")
	return fmt.Sprintf("%s (%v stamps of %v, %s, one in %v, over %v)", what, g.Stamp.Format, g.Stamp.Resolution, process, g.pace, g.Transport)
}
