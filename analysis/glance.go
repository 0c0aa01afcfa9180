package analysis

import (
	"cmp"
	"slices"
	"time"
)

// A Glance is what is said of the fleet's clocks now, in numbers.
type Glance struct {
	Verdicts [len(verdicts)]int // originators, by Verdict
	Hosts    []Standing
	Omitted  int // hosts that are not among Hosts
}

// A Standing is what is said of one originator's clock. Its interval and skew mean nothing
// unless they are Known.
type Standing struct {
	Host      string // as sent, or the peer's address
	Source    string // the peer's address; empty if it isn't known
	Verdict   Verdict
	Warned    Severity // of the warning that is raised; NoSeverity without one
	Known     bool
	Interval  Interval
	Skew      float64 // ppm
	SkewBound float64 // ppm, half-width; 0 if skew isn't known yet
	Last      time.Time
}

// Glance looks over the fleet, and closer at the given number of hosts: those first that
// are warned of, then those that are off the most.
func (f *Fleet) Glance(most int) Glance {
	var g Glance
	hosts := make([]*originator, 0, len(f.originators))
	for _, o := range f.originators {
		if o.standIn() && o.judged.verdict != Silent {
			continue
		}
		g.Verdicts[o.judged.verdict]++
		hosts = append(hosts, o)
	}
	if len(hosts) > most {
		slices.SortFunc(hosts, func(a, b *originator) int {
			return cmp.Or(cmp.Compare(b.warning.severity, a.warning.severity), cmp.Compare(b.interval.Offset.Abs(), a.interval.Offset.Abs()))
		})
		g.Omitted = len(hosts) - most
		hosts = hosts[:most]
	}
	for _, o := range hosts {
		g.Hosts = append(g.Hosts, o.standing(&f.config.Params))
	}
	return g
}

func (o *originator) standing(p *Params) Standing {
	s := Standing{Host: o.host, Source: o.source(), Verdict: o.judged.verdict, Warned: o.warning.severity}
	if o.last > 0 {
		s.Last = unixUTC(o.last)
	}
	if w := o.witness(p); w != nil && w.estimate.Known {
		s.Known, s.Interval = true, o.interval
		s.Skew, s.SkewBound = w.estimate.Skew, w.estimate.SkewBound
	}
	return s
}

// Verdicts returns all verdicts.
func Verdicts() []Verdict {
	all := make([]Verdict, len(verdicts))
	for i := range all {
		all[i] = Verdict(i)
	}
	return all
}
