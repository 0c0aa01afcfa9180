package analysis

// The evidence for a small step, which shows in many points together and in none
// alone.
const (
	shiftBefore = 8                 // points from which the old level is known
	shiftAfter  = 4                 // points of the new one
	shiftReach  = 2 * 3600 * second // how far back it may have begun
)

// shifted looks for a step smaller than the truncation of one point's stamps: the
// newest points together lie below, or above, what those before them foretell. The
// fit of the points before tells how sure that is.
func (s *scan) shifted() (*Step, int) {
	if s.side != on || s.resolution < coarse || !s.covered || !s.settled() {
		return nil, 0
	}
	if step, from := s.risen(); step != nil {
		return step, from
	}
	return s.sunk()
}

// sunk looks for a small step back.
func (s *scan) sunk() (*Step, int) {
	last := len(s.points) - 1
	best, n := int64(noLead), uint32(0)
	for j := last; j >= s.first+shiftBefore; j-- {
		b := &s.points[j]
		span := s.points[last].at - b.at
		if span > shiftReach {
			break
		}
		best = max(best, b.max)
		n += uint32(b.distinct)
		if last-j+1 < shiftAfter || span < int64(s.p.HoldSpread) {
			continue
		}
		gap := truncationGap(s.resolution, n, true) + int64(s.p.MinStep)
		if best < b.before-gap && s.still(s.points[j:]) {
			if step := s.confirm(j, best, gap); step != nil {
				return step, j
			}
		}
	}
	return nil, 0
}

// confirm holds the best lead of the points from j on against the level that those
// before foretell.
func (s *scan) confirm(j int, best, gap int64) *Step {
	l, origin, ok := s.foretell(j)
	if !ok || best >= origin+nanos(l.low)-gap {
		return nil
	}
	return &Step{At: s.points[j].at, Seconds: seconds(best-origin) - l.offset}
}

// foretell returns where the points before j put the level at j, relative to origin.
func (s *scan) foretell(j int) (l line, origin int64, ok bool) {
	before := onEnvelope(s.points[s.first:j])
	if len(before) < shiftBefore {
		return line{}, 0, false
	}
	origin = before[len(before)-1].max
	return fitLine(before, s.points[j].at, origin, s.resolution, s.p), origin, true
}

// risen looks for a small step forward: two points, the first of which is j, above
// what those before j foretell. Nothing but a clock that was set raises leads.
func (s *scan) risen() (*Step, int) {
	j := s.firstRisen()
	if j < 0 {
		return nil, 0
	}
	l, origin, ok := s.foretell(j)
	if !ok {
		return nil, 0
	}
	above, best := 0, int64(noLead)
	for _, b := range s.points[j:] {
		moved := s.p.aged(b.at - s.points[j].at)
		if b.max > origin+nanos(l.high)+int64(s.p.MinStep)+moved {
			above++
			best = max(best, b.max)
		}
	}
	if above < 2 {
		return nil, 0
	}
	return &Step{At: s.points[j].at, Seconds: seconds(best-origin) - l.offset}, j
}

// firstRisen returns the first point within reach that lies above the level before it
// by more than a step, or -1.
func (s *scan) firstRisen() int {
	last := len(s.points) - 1
	for j := s.first + shiftBefore; j <= last; j++ {
		b := &s.points[j]
		if !b.off && s.points[last].at-b.at <= shiftReach && b.max > b.roof+int64(s.p.MinStep)+s.p.aged(b.at-s.points[j-1].at) {
			return j
		}
	}
	return -1
}
