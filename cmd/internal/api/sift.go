package api

import (
	"slices"

	"github.com/skewatch/skewatch/analysis"
)

// A Sift takes those findings that are events of a query, in the order in which they
// happened: to follow a warning to its end it remembers which it has begun to follow.
type Sift struct {
	query    Query
	followed map[warning]bool
}

// A warning is known by whom it is about and when it was raised.
type warning struct {
	host, source string
	since        int64 // Unix ns
}

// NewSift returns a Sift for a query.
func NewSift(q Query) *Sift { return &Sift{query: q, followed: map[warning]bool{}} }

// Remembers reports whether what it takes depends on events before: then it must be given
// those too that were answered already.
func (s *Sift) Remembers() bool {
	return s.query.MinSeverity != analysis.NoSeverity || len(s.query.Verdicts) > 0
}

// Takes reports whether a finding is an event that was asked for.
func (s *Sift) Takes(f *analysis.Finding) bool {
	e := f.Event
	if e == nil || !MatchHost(s.query.Host, f.Host) {
		return false
	}
	if !s.Remembers() {
		return true
	}
	w := warning{f.Host, f.Source, e.Since.UnixNano()}
	taken := s.followed[w] || e.Severity >= s.query.MinSeverity && s.tellsOf(e)
	if taken && e.Kind != analysis.Clear {
		s.followed[w] = true
	} else {
		delete(s.followed, w)
	}
	return taken
}

// tellsOf reports whether an event is about one of the verdicts: it begins or ends.
func (s *Sift) tellsOf(e *analysis.Event) bool {
	return len(s.query.Verdicts) == 0 || slices.Contains(s.query.Verdicts, e.Verdict) ||
		e.Kind != analysis.Raise && slices.Contains(s.query.Verdicts, e.Previous)
}
