package analysis

import (
	"slices"
	"testing"
	"time"
)

func TestWarningHoldsAndTellsEachChangeOnce(t *testing.T) {
	type reading struct {
		at       int // seconds
		verdict  Verdict
		severity Severity
	}
	tests := []struct {
		name     string
		readings []reading
		want     []string
	}{
		{"in sync", []reading{{0, InSync, 0}, {60, InSync, 0}}, nil},
		{"held", []reading{{0, Ahead, Warn}, {9, Ahead, Warn}, {10, Ahead, Warn}, {20, Ahead, Warn}}, []string{"raise ahead"}},
		{"gone before the hold", []reading{{0, Ahead, Warn}, {9, InSync, 0}, {10, Ahead, Warn}, {19, InSync, 0}}, nil},
		{"settles within the hold", []reading{{0, Ahead, Crit}, {5, WrongZone, Crit}, {10, WrongZone, Crit}, {30, WrongZone, Crit}}, []string{"raise wrong-zone"}},
		{"changes", []reading{{0, Ahead, Warn}, {10, Ahead, Warn}, {20, Late, Warn}, {30, Late, Warn}}, []string{"raise ahead", "change late"}},
		{"becomes critical", []reading{{0, Ahead, Warn}, {10, Ahead, Warn}, {20, Ahead, Crit}, {30, Ahead, Crit}}, []string{"raise ahead", "change ahead"}},
		{"becomes less critical", []reading{{0, Ahead, Crit}, {10, Ahead, Crit}, {20, Ahead, Warn}, {40, Ahead, Warn}}, []string{"raise ahead"}},
		{"clears", []reading{{0, Late, Warn}, {10, Late, Warn}, {20, InSync, 0}, {29, InSync, 0}, {30, InSync, 0}}, []string{"raise late", "clear in-sync"}},
		{"put right by a step", []reading{{0, Ahead, Crit}, {10, Ahead, Crit}, {20, Stepped, Warn}, {30, Stepped, Warn}, {700, InSync, 0}}, []string{"raise ahead", "clear in-sync"}},
		{"a step within the tolerance", []reading{{0, Stepped, Warn}, {60, Stepped, Warn}}, nil},
		{"doubt neither raises nor clears", []reading{{0, Late, Warn}, {10, Late, Warn}, {20, Insufficient, 0}, {60, Insufficient, 0}, {70, Late, Warn}, {90, Late, Warn}}, []string{"raise late"}},
		{"a backlog is no warning", []reading{{0, Backlogged, 0}, {60, Backlogged, 0}}, nil},
	}
	for _, tt := range tests {
		w := newWarning()
		var have []string
		for _, r := range tt.readings {
			if tr, ok := w.advance(judgement{verdict: r.verdict}, r.severity, int64(r.at)*second, 10*time.Second); ok {
				have = append(have, tr.kind.String()+" "+tr.verdict.String())
			}
		}
		if !slices.Equal(have, tt.want) {
			t.Errorf("%s: events %q, want %q", tt.name, have, tt.want)
		}
	}
}

func TestWarningRemembersSince(t *testing.T) {
	w := newWarning()
	w.advance(judgement{verdict: Ahead}, Warn, 5*second, 10*time.Second)
	raised, _ := w.advance(judgement{verdict: Ahead}, Warn, 15*second, 10*time.Second)
	w.advance(judgement{verdict: InSync}, NoSeverity, 100*second, 10*time.Second)
	cleared, _ := w.advance(judgement{verdict: InSync}, NoSeverity, 110*second, 10*time.Second)
	if raised.since != 5*second || cleared.since != 5*second || cleared.previous != Ahead || cleared.severity != Warn {
		t.Errorf("raised since %d, cleared %+v, want both since 5 s, and what was cleared", raised.since, cleared)
	}
}

func TestReferenceInDoubtHoldsVerdicts(t *testing.T) {
	h := newHost("web1")
	h.offset = constant(37 * time.Second)
	f := newFleet()
	speak(f, time.Minute, 1, h)
	now := epoch + minute
	for name, ref := range map[string]Reference{
		"unsynchronised":           {State: Unsynchronised},
		"holdover with wide bound": {State: Holdover, Bound: 600 * time.Millisecond},
	} {
		now += second
		if found := events(f.Tick(now, ref)); len(found) > 0 {
			t.Errorf("%s: events %v, want none", name, found)
		}
		i := only(t, f)
		if i.Verdict != Insufficient || !slices.Contains(i.Claims, "last verdict: ahead") {
			t.Errorf("%s: verdict %v, claims %q, want insufficient and the last verdict", name, i.Verdict, i.Claims)
		}
		now += second
		f.Tick(now, synchronised)
		if v := only(t, f).Verdict; v != Ahead {
			t.Errorf("after %s: verdict %v, want ahead", name, v)
		}
	}
}

func TestReferenceCorrects(t *testing.T) {
	i := Interval{Offset: time.Second, Low: 900 * time.Millisecond, High: 1100 * time.Millisecond}
	tests := []struct {
		name string
		ref  Reference
		want Interval
	}{
		{"our clock is behind by 2 s: hosts look 2 s too far ahead", Reference{Offset: 2 * time.Second, Bound: time.Millisecond},
			Interval{-time.Second, -1101 * time.Millisecond, -899 * time.Millisecond}},
		{"inside its bound the offset is no correction", Reference{Offset: time.Millisecond, Bound: 2 * time.Millisecond},
			Interval{time.Second, 898 * time.Millisecond, 1102 * time.Millisecond}},
	}
	for _, tt := range tests {
		if have := tt.ref.apply(i); have != tt.want {
			t.Errorf("%s: %+v, want %+v", tt.name, have, tt.want)
		}
	}
}
