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

// A warning is known by whom it is about and when it was raised, or by its rule and what it
// was found of.
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
	switch {
	case f.Event == nil && f.Rule == nil || !MatchHost(s.query.Host, f.Host):
		return false
	case !s.Remembers():
		return true
	case f.Rule != nil: // which has no verdict on a clock
		r := f.Rule
		return s.follow(warning{r.Rule, r.Subject, r.First.UnixNano()}, r.Kind, r.Severity >= s.query.MinSeverity && len(s.query.Verdicts) == 0)
	}
	e := f.Event
	return s.follow(warning{f.Host, f.Source, e.Since.UnixNano()}, e.Kind, e.Severity >= s.query.MinSeverity && s.tellsOf(e))
}

// follow reports whether an event of a warning is taken: it is asked for, or the warning is
// followed already.
func (s *Sift) follow(w warning, kind analysis.EventKind, asked bool) bool {
	taken := s.followed[w] || asked
	if taken && kind != analysis.Clear {
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
