package ntpcheck

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// A survey is what all sources say together at one moment.
type survey struct {
	views     []view // one for each source, in the order of the configuration
	reachable int    // how many sources have a recent reply

	agreed   bool        // a majority agrees and is believed
	doubted  bool        // a majority agrees and isn't believed
	combined combination // what it says
	reason   string      // why nothing is agreed
}

// A view is one source within a survey.
type view struct {
	*source
	estimate // means something only if the source has ever replied
	state    SourceState
	agrees   bool // with the majority
	reason   string
}

// viewOf returns how a source stands; false if it is none of those surveyed.
func (s survey) viewOf(src *source) (view, bool) {
	for _, v := range s.views {
		if v.source == src {
			return v, true
		}
	}
	return view{}, false
}

// survey asks who of the sources can be believed now. The monitor's mutex must be
// held.
func (m *Monitor) survey(now time.Time) survey {
	s := survey{views: make([]view, len(m.sources))}
	var voters []*view
	for i, src := range m.sources {
		v := &s.views[i]
		*v = m.view(src, now)
		if v.state != Candidate {
			continue
		}
		s.reachable++
		if v.reason == "" {
			voters = append(voters, v)
		}
	}
	var agreeing []*view
	if s.reason = m.absence(s.reachable, len(voters)); s.reason == "" {
		agreeing, s.reason = elect(voters)
	}
	if s.reason == "" {
		s.reason = m.objection(agreeing)
	}
	if s.agreed = s.reason == ""; s.agreed {
		s.combined = m.combine(agreeing, now)
		if s.reason = m.disbelief(s.combined, len(agreeing), now); s.reason != "" {
			s.disbelieve()
		}
	}
	return s
}

// disbelieve takes back what follows from a majority that isn't believed.
func (s *survey) disbelieve() {
	s.agreed, s.doubted = false, true
	for i := range s.views {
		if v := &s.views[i]; v.agrees || v.state == Falseticker {
			v.state, v.reason = Candidate, "the majority isn't believed"
		}
	}
}

// view looks at one source alone: a candidate if it has a recent reply, without a
// reason if that can vote.
func (m *Monitor) view(src *source, now time.Time) view {
	v := view{source: src}
	if len(src.filter) > 0 {
		v.estimate = src.filter.estimate(now)
	}
	if !src.usable(now) {
		v.state, v.reason = src.unusable()
		return v
	}
	v.state = Candidate
	if v.distance > maxDistance {
		v.reason = fmt.Sprintf("root distance over %v", maxDistance)
	}
	return v
}

// absence says why there is nobody to vote; "" if there is somebody.
func (m *Monitor) absence(reachable, voters int) string {
	switch {
	case len(m.sources) == 0:
		return "no NTP source is configured"
	case reachable == 0:
		return fmt.Sprintf("none of %d NTP sources can be used", len(m.sources))
	case voters == 0:
		return fmt.Sprintf("none of %d NTP sources that answer is precise enough", reachable)
	}
	return ""
}

// elect lets the voters decide among themselves, names the falsetickers and
// returns those that agree, or the reason why there is no majority.
func elect(voters []*view) (agreeing []*view, reason string) {
	intervals := make([]interval, len(voters))
	for i, v := range voters {
		intervals[i] = v.interval()
	}
	low, high, ok := majority(intervals)
	if !ok {
		return nil, fmt.Sprintf("no majority: the %d sources that answer contradict each other", len(voters))
	}
	for i, v := range voters {
		if intervals[i].overlaps(low, high) {
			v.agrees = true
			agreeing = append(agreeing, v)
			continue
		}
		v.state = Falseticker
		v.reason = fmt.Sprintf("%.3f s away from the majority", (v.offset - (low+high)/2).Abs().Seconds())
	}
	return agreeing, ""
}

// objection says why a majority of those that answer can't speak for all sources;
// "" if it can. A majority of all always can.
func (m *Monitor) objection(agreeing []*view) string {
	if 2*len(agreeing) > len(m.sources) {
		return ""
	}
	// At the start whoever answers first must not decide alone.
	for _, src := range m.sources {
		if !src.asked {
			return fmt.Sprintf("waiting for the first answer of %s", src.Address())
		}
	}
	// Nor does a liar become honest by outliving those who outvoted it.
	if !slices.ContainsFunc(agreeing, func(v *view) bool { return !v.outvoted }) {
		return fmt.Sprintf("only %s can be asked, which the last majority called false", addresses(agreeing))
	}
	return ""
}

// combine makes one offset of those that agree and lie close together, and chooses
// the system peer: the lowest stratum, then the smallest root distance (RFC 5905,
// section 11.2.2). The present one stays as long as none has a lower stratum.
func (m *Monitor) combine(agreeing []*view, now time.Time) combination {
	survivors := cluster(agreeing)
	estimates := make([]estimate, len(survivors))
	for i, v := range survivors {
		v.state, v.reason = Combined, ""
		estimates[i] = v.estimate
	}
	peer := slices.MinFunc(survivors, func(a, b *view) int {
		return cmp.Or(
			cmp.Compare(a.stratum, b.stratum),
			cmp.Compare(m.rank(a), m.rank(b)),
			cmp.Compare(a.distance, b.distance),
		)
	})
	peer.state = Selected
	c := combine(estimates, now)
	c.source, c.stratum = peer.address(), peer.stratum
	return c
}

// rank puts the present system peer before the others.
func (m *Monitor) rank(v *view) int {
	if v.address() == m.last.source {
		return 0
	}
	return 1
}

func (s *source) address() string { return s.Address() }

func addresses(views []*view) string {
	names := make([]string, len(views))
	for i, v := range views {
		names[i] = v.address()
	}
	return strings.Join(names, " and ")
}
