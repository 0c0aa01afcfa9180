package analysis

import (
	"math"
	"time"
)

// A point is one bucket as the scan sees it.
type point struct {
	bucket
	off    bool  // not on the envelope: late, or above it and not yet supported
	before int64 // the level before this point
	roof   int64 // and the highest that it may have been
}

// A scan follows the envelope of the leads from old to new and tells apart what
// lies on it, what is late, and where its level changed.
//
// Between supported points the envelope sinks by MaxSkew, since a slow clock sinks
// too. Above it by more than a step's size, with a second point in support: the
// clock was set forward, as nothing else raises leads. Below it: late. A late
// stretch at the end that holds still is a clock set back (or a constant delay; the
// two can't be told apart), while one that climbs is a queue that drains.
type scan struct {
	p          *Params
	resolution int64
	covered    bool
	points     []point

	first    int     // the first point of the present level
	envelope int64   // the level
	at       int64   // and when it was last supported
	distinct float64 // distinct stamps behind it, fading with phaseMemory
	held     int64   // receive time since when it has held still

	side  side // on which the open group of points lies
	group int  // its first point
	top   int64
	n     uint32

	// roof is the highest that the level may have been lately. After a late stretch or
	// a silence the envelope has sunk, and what comes back may lie below the clock
	// still; coming back up to the roof is no step.
	roof int64
}

// roofMemory is how long the level must hold before the roof has come down to it.
const roofMemory = 1800 * second

// phaseMemory is for how long a stamp helps to place the envelope, which moves on.
const phaseMemory = 512 * second

type side int8

const (
	on    side = 0
	above side = 1
	below side = -1
)

// segmentation is what the scan found.
type segmentation struct {
	points   []point // of the present level, late ones marked
	since    int64   // receive time since when the level holds
	moved    bool    // which is later than before: older evidence is void
	steps    []Step  // oldest first
	late     bool    // the newest messages are late
	settled  bool    // the level has held still for SettleSpan
	climbs   bool    // it has risen since the first message, and not held still since
	envelope int64   // the level at the newest supported point
	at       int64   // and that point's receive time
}

// segment scans points until no further step is found in what remains.
func segment(points []point, resolution int64, covered bool, last silence, p *Params) segmentation {
	var steps []Step
	for {
		s := newScan(points, resolution, covered, p)
		step, from := s.run()
		if step == nil {
			return segmentation{
				points: points[s.first:], since: points[s.first].at, steps: steps,
				moved: len(steps) > 0 || s.first > 0, late: s.side == below, settled: s.settled(), climbs: !s.settled() && (s.first > 0 || s.held > s.points[0].at), envelope: s.envelope, at: s.at,
			}
		}
		step.Kind = kindOf(*step, last, resolution)
		steps = append(steps, *step)
		points = unmark(points[from:])
	}
}

func unmark(points []point) []point {
	for i := range points {
		points[i].off = false
	}
	return points
}

func newScan(points []point, resolution int64, covered bool, p *Params) *scan {
	s := &scan{p: p, resolution: resolution, covered: covered, points: points}
	s.restart(0)
	return s
}

// restart takes a point as the beginning of the level.
func (s *scan) restart(i int) {
	b := s.points[i]
	s.first, s.envelope, s.at, s.held = i, b.max, b.at, b.at
	s.distinct, s.side, s.roof = float64(b.distinct), on, b.max
}

// run goes over all points. It returns the first step and the point from which the
// new level holds, or nil.
func (s *scan) run() (*Step, int) {
	for i := 1; i < len(s.points); i++ {
		b := &s.points[i]
		aged := s.envelope - s.p.aged(b.at-s.at)
		b.before, b.roof = aged, max(s.envelope, s.roof)
		switch {
		case b.max > max(s.envelope, s.roof)+s.upTolerance(b.at):
			if !s.settled() {
				s.restart(i) // what came before was a spool that drained
				continue
			}
			if step := s.forward(i, aged); step != nil {
				return step, s.group
			}
		case b.max < aged-s.downTolerance(uint32(b.distinct)):
			s.open(below, i)
		default:
			s.support(i, aged)
		}
	}
	if step, from := s.fallen(); step != nil {
		return step, from
	}
	return s.shifted()
}

// settled reports whether the level has held still long enough to be relied on.
func (s *scan) settled() bool { return s.at-s.held >= int64(s.p.SettleSpan) }

// upTolerance is how far above the envelope, or the roof, a point may lie and still
// belong to it.
func (s *scan) upTolerance(at int64) int64 {
	gap := truncationGap(s.resolution, uint32(s.distinct), s.covered && s.settled())
	return gap + int64(s.p.MinStep) + s.p.aged(at-s.at)
}

// downTolerance is how far below the aged envelope a point with so many distinct
// stamps may lie and still belong to it.
func (s *scan) downTolerance(distinct uint32) int64 {
	return truncationGap(s.resolution, distinct, s.covered) + int64(s.p.MinStep)
}

// open takes a point into the group of those off the envelope on one side.
func (s *scan) open(to side, i int) {
	b := &s.points[i]
	if s.side != to {
		s.side, s.group, s.top, s.n = to, i, b.max, 0
	}
	s.top = max(s.top, b.max)
	s.n += b.n - b.lower
	b.off = true
}

// support takes a point as evidence of the level.
func (s *scan) support(i int, aged int64) {
	b := &s.points[i]
	s.fade(i)
	s.side = on
	level := max(aged, b.max)
	if level-s.envelope > s.resolution+int64(s.p.MinStep) {
		s.held = b.at // it climbs: not a level yet
	}
	s.lowerRoof(i, level)
	s.envelope, s.at = level, b.at
	s.distinct += float64(b.distinct)
}

// fade lets what is known of the level pass with time.
func (s *scan) fade(i int) {
	if s.side == below {
		s.distinct = 0
	}
	s.distinct *= math.Exp(-seconds(s.points[i].at-s.points[i-1].at) / seconds(phaseMemory))
}

// lowerRoof brings the roof nearer to the level that point i supports, for the time
// that it was held. While nothing supported the level, for far longer than usual, it
// may have risen.
func (s *scan) lowerRoof(i int, level int64) {
	passed := s.points[i].at - s.at
	usual := 4 * finestWidth
	if i >= 2 {
		usual = max(usual, 4*(s.points[i-1].at-s.points[i-2].at))
	}
	held := min(passed, usual)
	roof := max(level, s.roof+s.p.aged(passed-held))
	s.roof = level + int64(float64(roof-level)*math.Exp(-seconds(held)/seconds(roofMemory)))
}

// forward opens or extends a group above the envelope. Two points with three messages up
// there, or three messages of one point close together that aren't the lesser part of it,
// support each other and make a step; a single message there is a garbage stamp.
func (s *scan) forward(i int, aged int64) *Step {
	near := s.resolution + int64(s.p.MinStep)
	b := &s.points[i]
	if s.side == above && magnitude(b.max-s.top) > near {
		s.side = on // it doesn't support the one before
	}
	again := s.side == above
	s.open(above, i)
	if again && s.n >= 3 || b.n >= 3 && 2*b.lower < b.n && b.second != noLead && b.max-b.second <= near {
		return &Step{At: s.points[s.group].at, Seconds: seconds(s.top - aged)}
	}
	return nil
}

// How many points, and messages in them, show a level that has fallen: a queue that
// drains may seem to hold still for a few.
const (
	fallenPoints   = 6
	fallenMessages = 12
)

// fallen looks at the late stretch at the end, if there is one: a level that holds
// still there is a step back.
func (s *scan) fallen() (*Step, int) {
	if s.side != below {
		return nil, 0
	}
	last := len(s.points) - 1
	for j := last; j >= s.group; j-- {
		tail := s.points[j:]
		span := s.points[last].at - tail[0].at
		if span < int64(s.p.HoldShift) || tail[0].max < s.bottom(tail) {
			continue // it doesn't hold for long enough, or not since then
		}
		if points, messages := s.level(tail); points < fallenPoints || messages < fallenMessages {
			continue
		}
		if !s.still(tail) {
			break
		}
		if span < int64(s.p.HoldSpread) && s.delayed(tail) {
			continue
		}
		from := j
		if s.still(s.points[s.group:]) {
			from = s.group
		}
		aged := s.envelope - s.p.aged(s.points[from].at-s.at)
		return &Step{At: s.points[from].at, Seconds: seconds(top(tail) - aged)}, from
	}
	return nil, 0
}

// still reports whether points hold a level as a clock does: the best of both
// halves agree, and three quarters lie within reach of the best.
func (s *scan) still(pts []point) bool {
	half := len(pts) / 2
	a, b := pts[:half], pts[half:]
	move := slewed(pts)
	near := truncationGap(s.resolution, min(distinct(a), distinct(b)), s.covered) + int64(s.p.MinStep) + move
	if !s.covered {
		near = s.resolution/2 + int64(s.p.MinStep) + move
	}
	if magnitude(top(b)-top(a)) > near {
		return false
	}
	in, _ := s.level(pts)
	return 4*in >= 3*len(pts)
}

// level counts the points that lie within reach of the best, and their messages.
func (s *scan) level(pts []point) (points int, messages uint32) {
	floor := s.bottom(pts)
	for _, b := range pts {
		if b.max >= floor {
			points++
			messages += b.n
		}
	}
	return points, messages
}

// bottom returns how low points may lie that belong to the level of the best of them.
func (s *scan) bottom(pts []point) int64 {
	return top(pts) - s.resolution - int64(s.p.MinStep) - slewed(pts)
}

// slewed returns how far a clock may have been slewed over the span of points.
func slewed(pts []point) int64 { return int64(500e-6 * float64(pts[len(pts)-1].at-pts[0].at)) }

func top(pts []point) int64 {
	best := int64(noLead)
	for _, b := range pts {
		best = max(best, b.max)
	}
	return best
}

func distinct(pts []point) uint32 {
	n := uint32(0)
	for _, b := range pts {
		n += uint32(b.distinct)
	}
	return n
}

// scatterHides is the resolution beyond which truncation hides how delays scatter.
const scatterHides = int64(10 * time.Millisecond)

// delayed reports whether the late points at the end look like a delay: their leads
// scatter far more than those before. A clock that is set takes its scatter along, while
// congestion brings its own. Where truncation hides the scatter, or there are too few
// points to say, a small fall is taken for a delay.
func (s *scan) delayed(tail []point) bool {
	before, after := spread(s.points[s.first:s.group]), spread(tail)
	if before == 0 || after == 0 || s.resolution > scatterHides {
		return s.envelope-top(tail) < int64(s.p.SmallStep)
	}
	return after > 6*before
}

// spread is the median over the newest 32 points of the distance between the two
// best leads, times the number of messages, which is about constant for one kind of
// delay. It never falls below 320 us, the scatter of an idle network, and is 0 where
// there are too few points to say.
func spread(pts []point) float64 {
	var gaps []float64
	for i := len(pts) - 1; i >= 0 && len(gaps) < 32; i-- {
		if b := &pts[i]; b.n >= 4 && b.second != noLead {
			gaps = append(gaps, seconds(b.max-b.second)*float64(b.n))
		}
	}
	if len(gaps) < 3 {
		return 0
	}
	return max(median(gaps), 320e-6)
}

// dropUnsupported replaces maxima that stand alone: far above the bucket's second
// lead and above every neighbour. They are garbage stamps.
func dropUnsupported(pts []point, resolution int64) []point {
	reach := garbageReach(resolution)
	kept := make([]point, 0, len(pts))
	for i := range pts {
		if b, ok := withoutGarbage(pts, i, reach); ok {
			kept = append(kept, b)
		}
	}
	return kept
}

// withoutGarbage returns point i without its largest leads if they stand alone, and
// false if what is left does too. Three messages near each other support themselves;
// fewer, far above the rest of their bucket, don't.
func withoutGarbage(pts []point, i int, reach int64) (point, bool) {
	b := pts[i]
	for range 2 {
		within := b.second != noLead && b.max-b.second <= reach && (b.lower == 0 || b.n-b.lower >= 3)
		if within || len(pts) <= 2 && !outnumbered(pts, i, &b) || supported(pts, i, b.max, reach) {
			return b, true
		}
		switch {
		case b.lower > 0:
			b.sinkTo(b.max - b.below())
		case b.second == noLead:
			return b, false
		default:
			b.drop()
		}
	}
	return b, false
}

// outnumbered reports whether the best lead of one of the first two points stands against
// three messages: of its own point, or alone against the other.
func outnumbered(pts []point, i int, b *point) bool {
	return b.lower >= 3 || b.n == 1 && len(pts) == 2 && pts[1-i].n >= 3
}

// supported reports whether a neighbour of point i lies within reach of a level.
func supported(pts []point, i int, level, reach int64) bool {
	for k := max(0, i-2); k <= min(len(pts)-1, i+2); k++ {
		if k != i && magnitude(pts[k].max-level) <= reach {
			return true
		}
	}
	return false
}

func seconds(ns int64) float64 { return float64(ns) / 1e9 }
