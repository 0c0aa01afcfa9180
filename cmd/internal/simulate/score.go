package simulate

import (
	"math"
	"slices"
	"strings"
	"time"

	"github.com/skewatch/skewatch/analysis/report"
)

// A Score is a report held against the truth.
type Score struct {
	Summary Summary    `json:"summary"`
	Hosts   []HostMark `json:"hosts"`
}

// A Summary adds up what became of the hosts. What none has is null.
type Summary struct {
	Hosts     int      `json:"hosts"`
	Right     int      `json:"verdicts_right"`
	Intervals int      `json:"intervals"`         // that the truth can be held against
	Held      int      `json:"intervals_held"`    // those that hold it
	Median    *float64 `json:"error_p50_seconds"` // of the magnitudes
	Worst     *float64 `json:"error_max_seconds"`
	Skews     int      `json:"skews"`
	SkewsHeld int      `json:"skews_held"`
}

// Passed reports whether every verdict is right and every interval holds the truth.
func (s *Summary) Passed() bool { return s.Right == s.Hosts && s.Held == s.Intervals }

// A HostMark is what a report says of one host, and what is true. What isn't known, or
// can't be compared, is null.
type HostMark struct {
	Host         string   `json:"host"`
	Source       string   `json:"source"`
	Clock        string   `json:"clock"`
	Verdict      string   `json:"verdict"` // "" if the report doesn't know the host
	Right        []string `json:"verdicts_allowed"`
	VerdictRight bool     `json:"verdict_right"`
	Truth        *float64 `json:"truth_seconds"`
	Offset       *float64 `json:"offset_seconds"`
	Low          *float64 `json:"offset_low_seconds"`
	High         *float64 `json:"offset_high_seconds"`
	Error        *float64 `json:"error_seconds"` // the report's offset minus the truth
	Held         *bool    `json:"interval_held"`
	SkewTruth    *float64 `json:"skew_truth_ppm"`
	Skew         *float64 `json:"skew_ppm"`
	SkewBound    *float64 `json:"skew_bound_ppm"`
	Note         string   `json:"note"`
}

// Judge holds a report against the truth.
func Judge(r *report.Report, truth []Truth) *Score {
	s := &Score{Hosts: []HostMark{}}
	for i := range truth {
		m := mark(&truth[i], rowOf(r, &truth[i]), &r.Header)
		s.Hosts = append(s.Hosts, m)
	}
	s.Summary = sum(s.Hosts)
	return s
}

// rowOf returns the row about a host, nil without any. Of several it is that of the host's
// own address, or else the one that rests on most.
func rowOf(r *report.Report, t *Truth) *report.Row {
	var best *report.Row
	for i := range r.Hosts {
		row := &r.Hosts[i]
		switch {
		case !strings.EqualFold(row.Host, t.Host):
		case row.Source == t.Source:
			return row
		case best == nil || row.Messages > best.Messages:
			best = row
		}
	}
	return best
}

// mark holds a row against the truth.
func mark(t *Truth, row *report.Row, h *report.Header) HostMark {
	m := HostMark{Host: t.Host, Source: t.Source, Clock: t.Clock, Right: []string{}}
	if row == nil || row.Last == nil {
		m.Note = "the report doesn't know this host"
		return m
	}
	m.Verdict = row.Verdict
	may := t.right(judging{*row.Last, judgedAt(row, h), h.Profile.Warn})
	slices.Sort(may.verdicts)
	m.Right = slices.Compact(may.verdicts)
	m.VerdictRight = slices.Contains(m.Right, m.Verdict)
	if !m.VerdictRight {
		m.Note = "judged " + row.Verdict + ": " + row.Explanation
	} else if may.early {
		m.Note = "too early to tell what happened last"
	}
	if may.measured {
		m.compare(t, row)
	}
	return m
}

// judgedAt returns when a row was judged: at the report's making, or with the newest
// message where that is long past.
func judgedAt(row *report.Row, h *report.Header) time.Time {
	if h.Generated.Sub(*row.Last) > time.Hour {
		return *row.Last
	}
	return h.Generated
}

// compare sets the figures.
func (m *HostMark) compare(t *Truth, row *report.Row) {
	m.Offset, m.Low, m.High = row.Offset, row.OffsetLow, row.OffsetHigh
	truth, ok := t.OffsetAt(*row.Last)
	if !ok {
		return
	}
	m.Truth = &truth
	if row.Offset == nil {
		return
	}
	const digit = 1e-6 // the last place that stamps have
	off := *row.Offset - truth
	held := truth >= *row.OffsetLow-digit && truth <= *row.OffsetHigh+digit
	m.Error, m.Held = &off, &held
	if row.Skew != nil && t.Skew != nil {
		m.Skew, m.SkewBound, m.SkewTruth = row.Skew, row.SkewBound, t.Skew
	}
}

func sum(hosts []HostMark) Summary {
	s := Summary{Hosts: len(hosts)}
	var errors []float64
	for i := range hosts {
		m := &hosts[i]
		if m.VerdictRight {
			s.Right++
		}
		if m.Held != nil {
			s.Intervals++
			errors = append(errors, math.Abs(*m.Error))
			if *m.Held {
				s.Held++
			}
		}
		if m.Skew != nil {
			s.Skews++
			if math.Abs(*m.Skew-*m.SkewTruth) <= *m.SkewBound {
				s.SkewsHeld++
			}
		}
	}
	if len(errors) > 0 {
		slices.Sort(errors)
		s.Median, s.Worst = &errors[(len(errors)-1)/2], &errors[len(errors)-1]
	}
	return s
}
