package analysis

import (
	"math"
	"time"
)

// An Estimate is what a State says of a clock at one time, reckoned on the
// collector's clock: Reference.apply turns it into a statement about true time.
type Estimate struct {
	// Known says that there is an interval at all, and Bounds what High rests on.
	Known  bool
	Bounds BoundKind

	// Interval holds the offset. Low is proved, given that one clock wrote the
	// stamps, truncated them, and ran away by no more than Params.MaxSkew since.
	// High rests on the assumption that Bounds names.
	Interval

	Skew      float64 // ppm
	SkewBound float64 // ppm, half-width of the 99 % interval
	Drift     Drift

	Resolution time.Duration
	Messages   uint64
	Span       time.Duration // from the first message to the newest

	FirstSent int64 // the first stamp of all, Unix ns

	Steps   []Step // found by this evaluation, oldest first
	Settled bool   // the level has held still long enough to call messages late
	Stuck   bool   // one stamp repeats, and no doubt about voices goes back to before it did

	Voices Voices // how many clocks seem to speak

	// Rounded says that the sender seems to round its stamps. Offset takes that for
	// certain, Low and High don't.
	Rounded bool

	// Behind is how far the newest messages lie below the envelope at least; 0
	// unless they do.
	Behind time.Duration

	accept accepted
}

// accepted is what Accept carries into the state.
type accepted struct {
	segment, floor, ceiling int64
	moved                   bool // older evidence is void
	many                    bool // several voices were heard
	turns                   bool // late and prompt messages come in turn
	free                    bool // the clock runs free
}

// BoundKind names the assumption that an upper bound rests on, besides Params.LeastDelay.
type BoundKind uint8

// The kinds of upper bounds.
const (
	BoundNone         BoundKind = iota // there is no interval
	BoundAssumedDelay                  // some message of the window was delivered promptly
	BoundPhase                         // and so was one just before the originator's second ticked over
	BoundResolution                    // the stamps' phases are not covered: a whole resolution is added
	BoundRTT                           // the path's share of the delay is at most its smallest round trip
)

var boundKinds = [...]string{"", "assumed-delay", "phase", "resolution", "rtt"}

// A Path is what is known of the way that a speaker's messages take.
type Path struct {
	// MinRTT is the smallest round trip to the host itself, as the kernel measured
	// it; 0 if it isn't known, or is that to a relay or proxy.
	MinRTT time.Duration
}

func (b BoundKind) String() string { return boundKinds[b] }

// Evaluate answers from the state alone, as of a time in Unix nanoseconds of the
// collector's clock. It changes nothing, so the same state, time and parameters
// always give the same answer.
func (s *State) Evaluate(now int64, path Path, p *Params) Estimate {
	e := Estimate{
		Resolution: time.Duration(s.resolution), Messages: s.messages, FirstSent: s.firstSent,
		Span: time.Duration(s.last - s.first), Stuck: s.repeat.stuck(int64(p.StuckSpan)),
	}
	e.accept = accepted{segment: s.segment, floor: s.floor, ceiling: s.ceiling}
	pts := dropUnsupported(s.lattice.points(make([]point, 0, maxPoints), s.segment), s.resolution)
	if len(pts) == 0 {
		return e
	}
	seen := s.phases.coverage(s.resolution)
	level := segment(pts, s.resolution, seen.all, s.silence, p)
	if level.moved {
		seen = noPhases.coverage(s.resolution)
	}
	e.describe(s.resolution, &level, now, p)
	evidence := onEnvelope(level.points)
	if !seen.known {
		seen.all = scatteredPhases(evidence, s.resolution)
	}
	e.bound(evidence, seen, level.climbs, now, s.resolution, p)
	e.hear(pts, &level, now, s, p)
	if e.accept.free = e.Drift.free(p); e.accept.free && s.freeSince != 0 {
		e.Drift.Held = time.Duration(now - s.freeSince)
	}
	e.allowDelay(path, p)
	if level.since-s.first < minute { // a clock that came there by a step was set there
		e.allowRounding(p)
	}
	return e
}

// describe takes over what the scan found.
func (e *Estimate) describe(resolution int64, level *segmentation, now int64, p *Params) {
	e.Steps = level.steps
	e.Settled = level.settled
	if newest := &level.points[len(level.points)-1]; level.late {
		e.Behind = time.Duration(max(0, level.envelope-resolution-newest.max))
	}
	reach := resolution + int64(p.MinStep) + p.aged(now-level.at)
	e.accept = accepted{segment: level.since, floor: noLead, ceiling: level.envelope + reach, moved: level.moved}
	if level.settled {
		e.accept.floor = level.envelope - reach
	}
}

// hear finds out whether one clock speaks. While that is in doubt the state stays as
// it is: what looks like steps may be two clocks in turn.
func (e *Estimate) hear(pts []point, level *segmentation, now int64, s *State, p *Params) {
	turns, deep := alternating(level.points, now, s.resolution, p)
	e.Voices = max(voicesIn(pts, now, s.resolution, p), s.hearTurns(turns, deep, now))
	if e.Voices == OneVoice && unsupported(level.points, level.envelope, s.resolution, p) {
		e.Voices = Doubtful
	}
	e.Stuck = e.Stuck && (e.Voices != Doubtful || s.repeat.prevails(s.first))
	if s.tide != nil {
		e.followTide(s.tide, now)
	}
	many := e.Voices == ManyVoices
	if many || s.manyAt != 0 && now-s.manyAt < voicesSpan {
		e.Voices = ManyVoices // two clocks that fall silent in turn are not one
	}
	if e.Voices != OneVoice {
		e.Steps, e.Known = nil, false
		e.accept = accepted{segment: s.segment, floor: s.floor, ceiling: s.ceiling, many: many}
	}
	e.accept.turns = turns >= doubtfulTurns
}

// followTide holds the envelope against what is typical: where it has left that behind
// two clocks speak, and a drift that it doesn't share is none.
func (e *Estimate) followTide(t *tide, now int64) {
	if t.parts(now) {
		e.Voices = ManyVoices
	}
	if slope, ok := t.skew(now); ok && e.Drift.Steady {
		drift := e.Drift.Skew / 1e6
		e.Drift.Steady = slope*drift > 0 && math.Abs(slope) > math.Abs(drift)/2
	}
}

func onEnvelope(pts []point) []point {
	kept := make([]point, 0, len(pts))
	for _, b := range pts {
		if !b.off {
			kept = append(kept, b)
		}
	}
	return kept
}

// bound finds the interval and the skew. While the level climbs, as a queue does that is
// flushed, nothing bounds the clock from above.
func (e *Estimate) bound(evidence []point, seen coverage, climbing bool, now, resolution int64, p *Params) {
	if len(evidence) == 0 || climbing {
		return
	}
	low := int64(noLead)
	for _, b := range evidence {
		low = max(low, b.max-p.aged(now-b.at))
	}
	offset, high := low+resolution/int64(len(evidence)+1), low+resolution
	origin := evidence[len(evidence)-1].max
	e.Known, e.Bounds = true, BoundResolution
	if l, recent, window, ok := longestConsistent(evidence, now, origin, low, resolution, p); ok {
		offset = max(low, origin+nanos(l.offset))
		if between, ok := sparseOffset(window, seen, now, origin, resolution, p); ok {
			offset = max(low, origin+nanos(between))
		}
		high = max(low, origin+nanos(l.bound), offset)
		wide := fitLine(window, now, origin, resolution, p.unbiased())
		e.describeSkew(wide)
		high = max(high, origin+nanos(wide.bound), origin+nanos(recent))
		e.Bounds = BoundAssumedDelay
		high = e.narrow(high, max(low, origin+nanos(l.low))+resolution, offset, seen, p)
	}
	e.Interval = Interval{
		Offset: time.Duration(offset),
		Low:    time.Duration(low),
		High:   time.Duration(max(high, offset)),
	}
	e.Drift = driftOf(evidence, e.Skew, now, origin, resolution, p)
	if math.Abs(e.Skew-e.Drift.Skew) > math.Abs(e.Drift.Skew)/4+e.SkewBound {
		e.Drift.Steady = false // the clock was slewed in between: a straight line is no description
	}
}

// skewWander is what the frequency of a crystal wanders within a window, ppm: the fit
// takes it for constant.
const skewWander = 0.1

// describeSkew takes over the skew of a fit that doesn't expect it to be small.
func (e *Estimate) describeSkew(l line) {
	e.Skew = l.skew * 1e6
	e.SkewBound = max(l.skewHigh-l.skew, l.skew-l.skewLow)*1e6 + skewWander
}

// allowDelay adds to the upper bound what the message that was held up least may
// still have been delayed. Where the round trip to the host is known, the path's
// share is at most that, and half of it in the mean.
func (e *Estimate) allowDelay(path Path, p *Params) {
	if !e.Known {
		return
	}
	least := p.LeastDelay
	if path.MinRTT > 0 && path.MinRTT+p.QueueDelay < least {
		least = path.MinRTT + p.QueueDelay
		if e.Bounds == BoundAssumedDelay {
			e.Bounds = BoundRTT
		}
	}
	e.High += least
	e.Offset = min(e.Offset+path.MinRTT/2, e.High)
}

// allowRounding recognises senders that round their stamps instead of truncating
// them. Their leads reach half a resolution above the clock, so the estimate of a
// clock that is right stands at just that half, and stays there, as a clock that is
// wrong by chance would not. Even so the interval is made to hold both.
func (e *Estimate) allowRounding(p *Params) {
	half := e.Resolution / 2
	if int64(e.Resolution) < coarse || e.Bounds == BoundResolution || (e.Offset-half).Abs() > p.RoundingSlack ||
		e.Drift.Span < p.RoundingSpan || max(math.Abs(e.Drift.Low), math.Abs(e.Drift.High)) > p.RoundingSkew {
		return
	}
	e.Rounded = true
	e.Offset -= half
	e.Low -= half
}

// narrow chooses the upper bound: where it isn't known that stamps came at all phases
// the whole resolution is added, and where it is the phase bracket may be nearer. A
// bracket below the fit's own estimate comes from a bin without a prompt message.
func (e *Estimate) narrow(high, whole, offset int64, seen coverage, p *Params) int64 {
	fine := int64(e.Resolution) < coarse
	if whole > high && (fine || !seen.all) {
		e.Bounds = BoundResolution
		return whole
	}
	if fine || !seen.all || seen.high == math.MaxInt64 {
		return high
	}
	bracket := seen.high + int64(math.Abs(e.Skew)*1e-6*2*float64(phaseSpan))
	if bracket < high && bracket > offset {
		e.Bounds = BoundPhase
		return bracket
	}
	return high
}

// longestConsistent fits windows that double in length and returns the longest one
// that agrees with all shorter ones (Lepski's method), with its points: it averages as much as the
// clock's own wander allows. Recent is the upper limit by a quarter of that window: the
// clock may have changed its rate since.
func longestConsistent(pts []point, now, origin, low, resolution int64, p *Params) (chosen line, recent float64, window []point, ok bool) {
	least, most := math.Inf(-1), math.Inf(1)
	slowest, fastest := least, most
	var limits [2]float64 // by the two windows before
	for w := 64 * second; ; w *= 2 {
		pts, full := newest(pts, now-w)
		if len(pts) >= 3 {
			l := fitLine(pts, now, origin, resolution, p)
			switch {
			case !full && (len(pts) < 6 || len(pts) < 12 && l.high-l.low > 3e-3):
				continue // too little to veto longer windows
			case !full && origin+nanos(l.high) < low:
				continue // contradicts what is proved: all of this window was late
			case ok && (l.low > most || l.high < least || l.skewLow > fastest || l.skewHigh < slowest):
				return chosen, recent, window, ok
			}
			margin := (l.high - l.low) / 2
			least, most = max(least, l.low-margin), min(most, l.high+margin)
			margin = (l.skewHigh - l.skewLow) / 2
			slowest, fastest = max(slowest, l.skewLow-margin), min(fastest, l.skewHigh+margin)
			if !ok {
				limits = [2]float64{l.high, l.high}
			}
			recent, limits = limits[0], [2]float64{limits[1], l.high}
			chosen, window, ok = l, pts, true
		}
		if full {
			return chosen, recent, window, ok
		}
	}
}

// newest returns the points since a time, and whether that is all of them.
func newest(pts []point, since int64) ([]point, bool) {
	i := 0
	for i < len(pts) && pts[i].at < since {
		i++
	}
	return pts[i:], i == 0
}

// scatteredPhases reports whether a slow sender's stamps fall on all phases of the
// second: the leads of buckets with one or two messages must scatter over it.
func scatteredPhases(pts []point, resolution int64) bool {
	const parts = 8
	level := top(pts)
	var hit [parts]bool
	n, in := 0, 0
	for _, b := range pts {
		below := level - b.max
		if b.distinct > 2 || below >= resolution {
			continue
		}
		n++
		if part := below * parts / resolution; !hit[part] {
			hit[part] = true
			in++
		}
	}
	return n >= 12 && in >= parts-2
}

// Accept carries the findings of an evaluation into the state: since when the
// present level holds and which leads are late. Evaluations after it start from
// there.
func (s *State) Accept(e *Estimate) {
	if e.accept.moved {
		s.phases, s.tide, s.head = nil, nil, nil
	}
	if len(e.Steps) > 0 {
		s.late = lateRun{} // what looked late was the new level
	}
	switch {
	case !e.accept.free:
		s.freeSince = 0
	case s.freeSince == 0:
		s.freeSince = s.last
	}
	if e.accept.many {
		s.manyAt = s.last
	}
	if e.accept.turns {
		if s.turnsFrom == 0 || s.last-s.turnsTo >= alternateGap {
			s.turnsFrom = s.last
		}
		s.turnsTo = s.last
	}
	s.segment, s.floor, s.ceiling = e.accept.segment, e.accept.floor, e.accept.ceiling
	s.news = false
}

func nanos(seconds float64) int64 { return int64(seconds * 1e9) }
