package analysis

import (
	"math"
	"slices"
)

// Voices is how many clocks seem to write a speaker's stamps.
type Voices uint8

// The findings about voices.
const (
	OneVoice   Voices = iota
	Doubtful          // a second level shows: no verdict until it is clear what it is
	ManyVoices        // two clocks: nothing can be said about either
)

// The evidence that makes voices doubtful, and then several.
const (
	voicesSpan    = 30 * minute // how far back is looked
	voicesNear    = 64 * second // within which the two levels must alternate
	doubtfulLeast = 2           // points that show a lower level
	manyLeast     = 8
	manySpan      = 5 * minute // over which they must be spread
)

// voicesIn tells one clock from two. A maximum belongs to whoever is fastest, so a
// few foreign messages among many would own the estimate. But a second clock leaves a
// lower level that holds still and alternates with the upper one: queues climb, and
// outages don't alternate.
func voicesIn(pts []point, now, resolution int64, p *Params) Voices {
	pts, _ = newest(pts, now-voicesSpan)
	levels, first, last := lowerLevels(pts, resolution)
	if len(levels) < doubtfulLeast {
		return OneVoice
	}
	middle := median(slices.Clone(levels))
	near, still := seconds(resolution+int64(p.MinStep)), 0
	for _, l := range levels {
		if math.Abs(l-middle) <= near {
			still++
		}
	}
	switch {
	case still < doubtfulLeast:
		return OneVoice
	case still >= manyLeast && 5*still >= 3*speaking(pts, first, last) && last-first >= manySpan:
		return ManyVoices
	}
	return Doubtful
}

// The turns between late points and others within alternateSpan that make voices
// doubtful, and then several.
const (
	alternateSpan  = finestSlots * finestWidth
	doubtfulTurns  = 5
	manyTurns      = 8
	alternateHold  = 25 * minute // where the two levels lie near each other: congestion passes
	alternateGap   = 15 * minute // after which that begins anew
	alternateLeast = 3           // messages of a late point: one may have been held up by itself
)

// alternating looks at two clocks that seldom show in one bucket: points are late and
// prompt in turn, as the one or the other has spoken last, and those that are late lie on
// one level. What leaves a queue beside new messages climbs. Deep says that the two lie
// further apart than congestion puts them.
func alternating(pts []point, now, resolution int64, p *Params) (turns int, deep bool) {
	pts, _ = newest(pts, now-alternateSpan)
	late, level, least := false, int64(noLead), int64(noNews)
	lowest, highest := int64(noNews), int64(noLead)
	for _, b := range pts {
		switch {
		case !b.off:
			level, least = max(level, b.max), min(least, b.max)
		case b.n < alternateLeast:
			continue
		default:
			lowest, highest = min(lowest, b.max), max(highest, b.max)
		}
		if b.off != late {
			turns++
			late = b.off
		}
	}
	step := int64(p.MinStep)
	if turns > 1 && (highest-lowest > resolution+2*step || least-highest < step/2-resolution) {
		return 0, false // a queue, or no gap between the levels: one clock whose delays scatter
	}
	return turns, level-highest > resolution+voiceGap
}

// hearTurns judges alternating points: near levels make several voices only after they
// have come in turn for long, and leave doubt for as long as they are looked for.
func (s *State) hearTurns(turns int, deep bool, now int64) Voices {
	recent := s.turnsFrom != 0 && now-s.turnsTo < alternateGap
	switch {
	case turns >= manyTurns && deep, turns >= doubtfulTurns && recent && now-s.turnsFrom >= alternateHold:
		return ManyVoices
	case turns >= doubtfulTurns, recent:
		return Doubtful
	}
	return OneVoice
}

// unsupported reports whether the level is upheld by a few messages only, each among a
// majority that lies far below: then nothing can be said before more has come.
func unsupported(pts []point, level, resolution int64, p *Params) bool {
	near, apart := resolution+int64(p.MinStep), resolution+voiceGap
	few, many := 0, 0
	for _, b := range pts {
		switch {
		case b.off || b.max < level-near:
		case b.n >= 4 && 2*b.lower >= b.n && b.below() > apart+apart/4:
			few++
		case b.n-b.lower >= 2:
			many++
		}
	}
	return few > 0 && many == 0
}

// speaking counts the points of a span that have messages enough to show two levels. A
// host that delays its messages now and then shows a lower level in some of them; two
// clocks do in most.
func speaking(pts []point, first, last int64) int {
	n := 0
	for _, b := range pts {
		if b.n >= 3 && b.at >= first && b.at <= last {
			n++
		}
	}
	return n
}

// lowerLevels returns the leads, in seconds, at which a lower level shows: in a
// bucket most of whose messages lie far below its best, or in a bucket as a whole that
// lies far below others before and after. It also returns when the first and the last
// of them were received.
func lowerLevels(pts []point, resolution int64) (levels []float64, first, last int64) {
	apart := resolution + voiceGap
	for i, b := range pts {
		level := int64(noLead)
		switch {
		case b.n >= 4 && 2*b.lower >= b.n && b.below() > apart+apart/4:
			level = b.max - b.below()
		case b.n >= 3 && higherNear(pts, i, -1, apart) && higherNear(pts, i, 1, apart):
			level = b.max
		default:
			continue
		}
		if levels = append(levels, seconds(level)); len(levels) == 1 {
			first = b.at
		}
		last = b.at
	}
	return levels, first, last
}

// higherNear reports whether a point soon before (-1) or after (1) point i lies far
// above it.
func higherNear(pts []point, i, direction int, apart int64) bool {
	for k := i + direction; k >= 0 && k < len(pts) && magnitude(pts[k].at-pts[i].at) <= voicesNear; k += direction {
		if pts[k].max > pts[i].max+apart {
			return true
		}
	}
	return false
}
