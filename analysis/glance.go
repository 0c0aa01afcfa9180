package analysis

import (
	"cmp"
	"slices"
	"time"

	"github.com/skewatch/skewatch/collector/message"
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
	Key         string
	Host        string // as sent, or the peer's address
	Source      string // the peer's address; empty if it isn't known
	Via         string // the relay's address; empty if the peer is the host, as far as is known
	Trust       message.Trust
	Verdict     Verdict
	Explanation string   // of the verdict
	Warned      Severity // of the warning that is raised; NoSeverity without one
	Known       bool
	Interval    Interval
	Tolerance   Tolerance // that it is judged by
	Skew        float64   // ppm
	SkewBound   float64   // ppm, half-width; 0 if skew isn't known yet
	Last        time.Time
	StampFormat message.StampFormat
	Zone        string // as written or assumed: "+02:00", or an IANA name
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
			return worse(a.warning.severity, b.warning.severity, a.interval.Offset, b.interval.Offset)
		})
		g.Omitted = len(hosts) - most
		hosts = hosts[:most]
	}
	g.Hosts = make([]Standing, 0, len(hosts))
	for _, o := range hosts {
		g.Hosts = append(g.Hosts, o.standing(&f.config.Params))
	}
	return g
}

// WorstFirst puts those first that are warned of, then those that are off the most.
func WorstFirst(hosts []Standing) {
	slices.SortStableFunc(hosts, func(a, b Standing) int {
		return worse(a.Warned, b.Warned, a.Interval.Offset, b.Interval.Offset)
	})
}

// worse orders by how much clocks call for attention.
func worse(a, b Severity, offsetA, offsetB time.Duration) int {
	return cmp.Or(cmp.Compare(b, a), cmp.Compare(offsetB.Abs(), offsetA.Abs()))
}

func (o *originator) standing(p *Params) Standing {
	s := Standing{
		Key: o.key, Host: o.host, Source: o.source(), Via: o.via(), Trust: o.open.Trust, Verdict: o.judged.verdict,
		Explanation: o.judged.reason, Warned: o.warning.severity, Tolerance: o.rule.Tolerance,
		StampFormat: o.open.StampFormat, Zone: o.zoneName(),
	}
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
