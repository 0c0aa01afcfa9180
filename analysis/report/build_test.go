package report

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/skewatch/skewatch/analysis"
	"github.com/skewatch/skewatch/collector/message"
)

const key = "web1\x00192.0.2.7"

// web1 is the identity of the tests' host, with the reason of its newest verdict.
func web1(explanation string) analysis.Identity {
	return analysis.Identity{Key: key, Host: "Web1", Source: "192.0.2.7", Zone: "UTC", Explanation: explanation}
}

// rollUp returns one of the tests' host whose interval lies around the offset, in
// the n-th span of the period.
func rollUp(n int, offset time.Duration) analysis.KeyedRollUp {
	start := at(12, 0, 0).Add(time.Duration(n) * analysis.RollUpSpan).UnixNano()
	r := analysis.RollUp{
		Start: start, Messages: 10, First: start + int64(time.Second), Last: start + int64(time.Minute), Known: true,
		Interval: analysis.Interval{Offset: offset, Low: offset - 10*time.Millisecond, High: offset + 60*time.Millisecond},
		Extreme:  offset, Verdict: analysis.InSync, Trust: message.TrustHandshake, StampFormat: message.StampBSD,
	}
	return analysis.KeyedRollUp{Key: key, RollUp: r}
}

func everybody(string) bool { return true }

// judgedBy returns a judge who gives everybody the same tolerance.
func judgedBy(tolerance time.Duration) func(analysis.Identity) time.Duration {
	return func(analysis.Identity) time.Duration { return tolerance }
}

// onlyRow returns the single row that a builder makes.
func onlyRow(t *testing.T, b *Builder) Row {
	t.Helper()
	rows := b.Rows(everybody)
	if len(rows) != 1 {
		t.Fatalf("%d rows, want 1: %+v", len(rows), rows)
	}
	return rows[0]
}

func TestRowOverAPeriod(t *testing.T) {
	b := NewBuilder(judgedBy(time.Second), nil)
	b.Identify(web1("now"))
	for i, offset := range []int{1, -7, 3, 2, 5} {
		b.Add(rollUp(i, time.Duration(offset)*100*time.Millisecond))
	}
	b.Note(analysis.Finding{Key: key, Step: &analysis.Step{At: at(12, 10, 0).UnixNano(), Seconds: 1.25}})
	b.Note(analysis.Finding{Key: key, Event: &analysis.Event{}})
	b.Note(analysis.Finding{Key: key, Backlog: &analysis.Backlog{
		From: at(12, 1, 0).UnixNano(), To: at(12, 2, 0).UnixNano(), Messages: 9, Oldest: int64(90 * time.Second)}})
	r := onlyRow(t, b)
	checks := []struct {
		name       string
		have, want any
	}{
		{"host", r.Host, "Web1"},
		{"messages", r.Messages, uint64(50)},
		{"first", *r.First, *at(12, 0, 1)},
		{"last", *r.Last, *at(12, 21, 0)},
		{"offset", *r.Offset, 0.5},
		{"p50", *r.OffsetP50, 0.2},
		{"p95", *r.OffsetP95, 0.7},
		{"max", *r.OffsetMax, -0.7},
		{"explanation", r.Explanation, "now"},
		{"steps", fmt.Sprint(r.Steps), fmt.Sprint([]Step{{At: *at(12, 10, 0), Seconds: 1.25}})},
		{"backlogs", fmt.Sprint(r.Backlogs), fmt.Sprint([]Backlog{{*at(12, 1, 0), *at(12, 2, 0), 9, 90}})},
		{"skew", r.Skew, (*float64)(nil)},
		{"compliance", r.Compliance, "pass"},
	}
	for _, c := range checks {
		if c.have != c.want {
			t.Errorf("%s is %v, want %v", c.name, c.have, c.want)
		}
	}
}

// TestGuessesAreNoMaximum has offsets that were judged count alone, and where none was the
// guesses.
func TestGuessesAreNoMaximum(t *testing.T) {
	guess := func(n int, offset time.Duration) analysis.KeyedRollUp {
		r := rollUp(n, offset)
		r.RollUp.Verdict, r.RollUp.Extreme = analysis.Insufficient, 0
		return r
	}
	tests := []struct {
		name    string
		rollUps []analysis.KeyedRollUp
		want    float64
	}{
		{"judged later", []analysis.KeyedRollUp{guess(0, time.Second), rollUp(1, time.Millisecond)}, 0.001},
		{"never judged", []analysis.KeyedRollUp{guess(0, -time.Second), guess(1, time.Millisecond)}, -1},
		{"never judged and ahead", []analysis.KeyedRollUp{guess(0, -time.Millisecond), guess(1, time.Second)}, 1},
	}
	for _, tt := range tests {
		b := NewBuilder(judgedBy(time.Second), nil)
		b.Identify(web1("now"))
		for _, r := range tt.rollUps {
			b.Add(r)
		}
		if have := *onlyRow(t, b).OffsetMax; have != tt.want {
			t.Errorf("%s: the maximum is %v, want %v", tt.name, have, tt.want)
		}
	}
}

// TestPastVerdict proves that a verdict of the past isn't explained by what is known
// now.
func TestPastVerdict(t *testing.T) {
	b := NewBuilder(judgedBy(time.Second), nil)
	b.Identify(web1(""))
	b.Add(rollUp(0, 0))
	const want = "judged so at 2026-03-01T12:01:00Z; only the newest verdict's reason is kept"
	if r := onlyRow(t, b); r.Explanation != want || r.Claims == nil {
		t.Errorf("explanation %q, claims %v, want %q and none", r.Explanation, r.Claims, want)
	}
}

func TestCompliance(t *testing.T) {
	strict := &Profile{Name: "finra", Warn: 0.05, Crit: 0.05}
	lax := &Profile{Name: "custom", Warn: 2, Crit: 10}
	tests := []struct {
		name   string
		offset time.Duration
		change func(*analysis.RollUp)
		asked  *Profile
		want   string
		out    float64
	}{
		{name: "inside", want: "pass"},
		{name: "across the tolerance", offset: 990 * time.Millisecond, want: "insufficient"},
		{name: "outside", offset: 3 * time.Second, want: "fail", out: 5},
		{name: "outside, held", offset: 3 * time.Second, change: func(r *analysis.RollUp) { r.Held = true }, want: "insufficient", out: 5},
		{name: "too few messages", change: func(r *analysis.RollUp) { r.Verdict = analysis.Insufficient }, want: "insufficient"},
		{name: "no interval", change: func(r *analysis.RollUp) { r.Known, r.Verdict = false, analysis.NoClock }, want: "insufficient"},
		{name: "inside a stricter profile's", asked: strict, want: "insufficient"},
		{name: "outside of a stricter profile's", offset: 200 * time.Millisecond, asked: strict, want: "fail", out: 59},
		{name: "too wide for the server, inside a laxer profile's", offset: 990 * time.Millisecond, asked: lax, want: "pass",
			change: func(r *analysis.RollUp) { r.Verdict = analysis.Insufficient }},
		{name: "outside, inside a laxer profile's", offset: 1500 * time.Millisecond, asked: lax, want: "pass"},
	}
	for _, tt := range tests {
		b := NewBuilder(judgedBy(time.Second), tt.asked)
		r := rollUp(0, tt.offset)
		if r.RollUp.Interval.Outside(time.Second) {
			r.RollUp.Out = 5 * time.Second
		}
		if tt.change != nil {
			tt.change(&r.RollUp)
		}
		b.Add(r)
		tolerance := 1.0
		if tt.asked != nil {
			tolerance = tt.asked.Warn
		}
		if row := onlyRow(t, b); row.Compliance != tt.want || row.OutOfTolerance != tt.out || row.Tolerance != tolerance {
			t.Errorf("%s: %s, %v s out of tolerance of %v s, want %s, %v s of %v s", tt.name, row.Compliance, row.OutOfTolerance, row.Tolerance, tt.want, tt.out, tolerance)
		}
	}
}

// TestOwnTolerance gives one host an exception.
func TestOwnTolerance(t *testing.T) {
	b := NewBuilder(func(i analysis.Identity) time.Duration {
		if i.Host == "Web1" {
			return 5 * time.Second
		}
		return time.Second
	}, nil)
	b.Identify(web1(""))
	b.Add(rollUp(0, 3*time.Second))
	if r := onlyRow(t, b); r.Compliance != "pass" || r.Tolerance != 5 {
		t.Errorf("compliance %s of a host that may be 5 s off and is 3 s off, by a tolerance of %v s, want pass by 5 s", r.Compliance, r.Tolerance)
	}
}

// TestRowsInOrder also shows that who sent nothing in the period has no row, and that
// a key is enough to name a host.
func TestRowsInOrder(t *testing.T) {
	b := NewBuilder(judgedBy(time.Second), nil)
	for _, who := range []struct {
		key   string
		trust message.Trust
	}{
		{"web2\x00192.0.2.1", message.TrustUDP},
		{"web1\x00192.0.2.9", message.TrustUDP},
		{"web1\x00192.0.2.8", message.TrustUDP},
		{"web1\x00192.0.2.99", message.TrustCertificate},
		{"\x00192.0.2.5", message.TrustHandshake},
	} {
		r := rollUp(0, 0)
		r.Key, r.RollUp.Trust = who.key, who.trust
		b.Add(r)
	}
	b.Identify(analysis.Identity{Key: "silent\x00192.0.2.4", Host: "silent"})
	have := func(accept func(string) bool) (names []string) {
		for _, r := range b.Rows(accept) {
			names = append(names, r.Host+" "+r.Source)
		}
		return names
	}
	want := []string{"192.0.2.5 192.0.2.5", "web1 192.0.2.99", "web1 192.0.2.8", "web1 192.0.2.9", "web2 192.0.2.1"}
	if all := have(everybody); !slices.Equal(all, want) {
		t.Errorf("rows %v, want %v", all, want)
	}
	if some := have(func(host string) bool { return strings.HasSuffix(host, "2") }); !slices.Equal(some, want[4:]) {
		t.Errorf("filtered rows %v, want %v", some, want[4:])
	}
}

// TestSilentRows: a host that should speak and doesn't has a row, with what it said in
// the period and no figures of its clock if that was nothing.
func TestSilentRows(t *testing.T) {
	silent := func(n int) analysis.KeyedRollUp {
		r := rollUp(n, 300*time.Millisecond)
		r.RollUp.Messages, r.RollUp.First, r.RollUp.Last, r.RollUp.Verdict = 0, 0, 0, analysis.Silent
		return r
	}
	b := NewBuilder(judgedBy(time.Second), nil)
	b.Identify(web1("has said nothing for 9 min"))
	b.Add(rollUp(0, 100*time.Millisecond))
	b.Add(silent(1))
	b.Add(silent(2))
	if r := onlyRow(t, b); r.Verdict != "silent" || r.Messages != 10 || *r.Last != *at(12, 1, 0) || *r.OffsetP50 != 0.1 || r.Compliance != "insufficient" {
		t.Errorf("fell silent: %+v", r)
	}
	b = NewBuilder(judgedBy(time.Second), nil)
	never := web1("")
	never.Absent, never.Source = true, ""
	b.Identify(never)
	b.Add(silent(1))
	if r := onlyRow(t, b); r.Verdict != "silent" || r.Messages != 0 || r.First != nil || r.Last != nil || r.Offset != nil || r.Trust != "" ||
		!strings.Contains(r.Explanation, "12:05:00") {
		t.Errorf("never spoke: %+v", r)
	}
}

// TestMoves tells of what the fleet's vote found: once each, with its end if it has one.
func TestMoves(t *testing.T) {
	b := NewBuilder(func(analysis.Identity) time.Duration { return time.Second }, nil)
	first, second := *at(12, 10, 0), *at(12, 30, 0)
	for _, e := range []analysis.Event{
		{Time: *at(12, 10, 20), Kind: analysis.Raise, Text: "first", Common: &analysis.CommonMove{At: first, Size: 5 * time.Second, Moved: 27, Voters: 30}},
		{Time: *at(12, 15, 0), Kind: analysis.Clear, Text: "first is over", Common: &analysis.CommonMove{At: first, Size: 5 * time.Second, Moved: 27, Voters: 30}},
		{Time: *at(12, 30, 20), Kind: analysis.Raise, Text: "second", Common: &analysis.CommonMove{At: second, Size: -2 * time.Second, Moved: 6, Voters: 7}},
	} {
		b.Note(analysis.Finding{Key: "\x00", Host: analysis.CollectorName, Event: &e})
	}
	want := []Move{
		{At: first, Until: at(12, 15, 0), Seconds: 5, Moved: 27, Voters: 30, Text: "first is over"},
		{At: second, Seconds: -2, Moved: 6, Voters: 7, Text: "second"},
	}
	if have := b.Moves(); !reflect.DeepEqual(have, want) {
		t.Errorf("moves %+v, want %+v", have, want)
	}
	if rows := b.Rows(func(string) bool { return true }); len(rows) != 0 {
		t.Errorf("the collector has the rows %+v, want none", rows)
	}
}
