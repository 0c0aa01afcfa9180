package api

import (
	"slices"
	"testing"
	"time"

	"github.com/skewatch/skewatch/analysis"
)

// TestSift tells of two hosts: one is warned of, becomes critical with another verdict, less
// grave again, and well; the other never becomes critical.
func TestSift(t *testing.T) {
	event := func(host string, at, since int, kind analysis.EventKind, s analysis.Severity, verdict, previous analysis.Verdict) analysis.Finding {
		return analysis.Finding{Host: host, Source: "192.0.2.7", Event: &analysis.Event{
			Time: noon.Add(time.Duration(at) * time.Second), Since: noon.Add(time.Duration(since) * time.Second),
			Kind: kind, Severity: s, Verdict: verdict, Previous: previous}}
	}
	rule := func(host string, first int, kind analysis.EventKind, s analysis.Severity) analysis.Finding {
		return analysis.Finding{Host: host, Rule: &analysis.RuleEvent{Rule: "logins", Subject: "user=bob", Kind: kind, Severity: s, First: noon.Add(time.Duration(first) * time.Second)}}
	}
	findings := []analysis.Finding{
		event("Web1", 0, 0, analysis.Raise, analysis.Warn, analysis.Drifting, analysis.InSync),          // 0
		event("db1", 1, 1, analysis.Raise, analysis.Warn, analysis.Late, analysis.InSync),               // 1
		event("Web1", 2, 0, analysis.Change, analysis.Crit, analysis.Ahead, analysis.Drifting),          // 2
		{Host: "Web1", Step: &analysis.Step{Seconds: 1}},                                                // 3
		event("Web1", 4, 0, analysis.Change, analysis.Warn, analysis.WrongZone, analysis.Ahead),         // 4
		event("db1", 5, 1, analysis.Clear, analysis.Warn, analysis.InSync, analysis.Late),               // 5
		event("Web1", 6, 0, analysis.Clear, analysis.Warn, analysis.InSync, analysis.WrongZone),         // 6
		event("Web1", 7, 7, analysis.Raise, analysis.Warn, analysis.Late, analysis.InSync),              // 7: another warning
		event("Web1", 8, 7, analysis.Change, analysis.Warn, analysis.Drifting, analysis.Late),           // 8
		event("db1", 9, 9, analysis.Raise, analysis.Crit, analysis.InSync, analysis.InSync),             // 9: a remark
		event("collector", 9, 9, analysis.Raise, analysis.Warn, analysis.Insufficient, analysis.InSync), // 10
		rule("web3", 11, analysis.Raise, analysis.Warn),                                                 // 11
		rule("", 12, analysis.Raise, analysis.Crit),                                                     // 12
		rule("", 12, analysis.Clear, analysis.Warn),                                                     // 13
	}
	for _, tt := range []struct {
		name  string
		query Query
		want  []int
	}{
		{"all", Query{}, []int{0, 1, 2, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13}},
		{"by host", Query{Host: "web*"}, []int{0, 2, 4, 6, 7, 8, 11}},
		{"of any severity", Query{MinSeverity: analysis.Warn}, []int{0, 1, 2, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13}},
		{"critical", Query{MinSeverity: analysis.Crit}, []int{2, 4, 6, 9, 12, 13}},
		{"ahead", Query{Verdicts: []analysis.Verdict{analysis.Ahead}}, []int{2, 4, 6}},
		{"late", Query{Verdicts: []analysis.Verdict{analysis.Late}}, []int{1, 5, 7, 8}},
		{"late or wrong-zone, of web", Query{Host: "web1", Verdicts: []analysis.Verdict{analysis.Late, analysis.WrongZone}}, []int{4, 6, 7, 8}},
		{"both", Query{MinSeverity: analysis.Crit, Verdicts: []analysis.Verdict{analysis.Late}}, nil},
		{"in doubt", Query{Verdicts: []analysis.Verdict{analysis.Insufficient}}, []int{10}},
	} {
		var have []int
		s := NewSift(tt.query)
		for i := range findings {
			if s.Takes(&findings[i]) {
				have = append(have, i)
			}
		}
		if !slices.Equal(have, tt.want) {
			t.Errorf("%s: the events %v, want %v", tt.name, have, tt.want)
		}
	}
}
