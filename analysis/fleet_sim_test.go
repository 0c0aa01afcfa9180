package analysis_test

import (
	"iter"
	"net/netip"
	"time"

	"github.com/skewatch/skewatch/analysis"
	"github.com/skewatch/skewatch/collector/message"
)

// sound is a reference that nothing is wrong with.
var sound = analysis.Reference{State: analysis.Synchronised, Bound: 100 * time.Microsecond}

func alwaysSound(time.Duration) analysis.Reference { return sound }

// A fleetWatch feeds messages to a fleet that is ticked as the running program does
// it, and notes what it says of the one host in it.
type fleetWatch struct {
	start     time.Time
	span      time.Duration
	every     time.Duration // from tick to tick
	messages  iter.Seq[*message.Message]
	reference func(at time.Duration) analysis.Reference

	each  func(m *message.Message)                             // sees each message; nil if nobody
	found func(at time.Duration, f analysis.Finding)           // sees each finding; nil if nobody
	look  func(at time.Duration, f *analysis.Fleet, v verdict) // sees each tick; nil if nobody
}

// verdict is what stands of the host.
type verdict struct {
	analysis.Verdict
	why string
}

func newFleet() *analysis.Fleet { return analysis.NewFleet(fleetConfig()) }

func fleetConfig() analysis.Config {
	return analysis.Config{
		Params: analysis.DefaultParams(), Hold: 10 * time.Second,
		Rule: func(string, netip.Addr) analysis.HostRule {
			return analysis.HostRule{Tolerance: analysis.Tolerance{Warn: time.Second, Crit: 5 * time.Second}}
		},
	}
}

func (w *fleetWatch) run() {
	f := newFleet()
	next := w.every
	for m := range w.messages {
		for ; m.Received-w.start.UnixNano() >= int64(next) && next <= w.span; next += w.every {
			w.tick(f, next)
		}
		f.Observe(m)
		if w.each != nil {
			w.each(m)
		}
	}
	for ; next <= w.span; next += w.every {
		w.tick(f, next)
	}
}

func (w *fleetWatch) tick(f *analysis.Fleet, at time.Duration) {
	found := f.Tick(w.start.UnixNano()+int64(at), w.reference(at))
	for i := range found {
		if w.found != nil {
			w.found(at, found[i])
		}
	}
	if w.look != nil {
		w.look(at, f, verdictOf(f))
	}
}

// verdictOf returns what a fleet says of its one host.
func verdictOf(f *analysis.Fleet) verdict {
	for _, i := range f.Identities() {
		return verdict{i.Verdict, i.Explanation}
	}
	return verdict{analysis.Insufficient, "nothing heard"}
}

// intervalOf returns the interval of a fleet's one host against true time.
func intervalOf(f *analysis.Fleet) (analysis.Interval, bool) {
	all := f.RollUps() // the ended ones, then the open one
	if len(all) == 0 {
		return analysis.Interval{}, false
	}
	last := all[len(all)-1].RollUp
	return last.Interval, last.Known
}
