package rules

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/skewatch/skewatch/analysis"
)

var noon = time.Date(2026, time.November, 21, 12, 0, 0, 0, time.UTC)

// A trial is an engine under test, with a clock of its own.
type trial struct {
	t testing.TB
	*Engine
	now   time.Time
	found []analysis.Finding
}

func try(t testing.TB, text string, l Limits) *trial {
	t.Helper()
	f, err := Parse("test.yaml", strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	s, err := NewSet(f)
	if err != nil {
		t.Fatal(err)
	}
	return &trial{t: t, Engine: NewEngine(s, l), now: noon}
}

// say has a host write a text a while after noon by a true clock, which comes now.
func (r *trial) say(after time.Duration, host, app, text string) {
	r.t.Helper()
	m := parsed(fmt.Sprintf("<86>Nov 21 10:00:00 %s %s: %s", host, app, text))
	r.take(m.Source, after, r.set.Match(nil, m))
}

func (r *trial) take(source netip.Addr, after time.Duration, hits []Hit) {
	for i := range hits {
		hits[i].Source = source
		r.Take(&hits[i], noon.Add(after).UnixNano(), 0, r.now.UnixNano())
	}
}

// at lets time go on to a while after noon and returns what was told since the last call,
// as one line for each event.
func (r *trial) at(after time.Duration) string {
	r.now = noon.Add(after)
	var told []string
	for _, f := range r.Tick(r.now.UnixNano()) {
		r.found = append(r.found, f)
		e := f.Rule
		told = append(told, fmt.Sprintf("%s %s %s %d", e.Kind, e.Rule, e.Subject, e.Count))
	}
	return strings.Join(told, "\n")
}

func (r *trial) want(after time.Duration, want string) {
	r.t.Helper()
	if got := r.at(after); got != want {
		r.t.Errorf("%v after noon %q is told, want %q", after, got, want)
	}
}

const failures = `
rules:
  - name: failures
    match: {app: [sshd, sudo], expression: 'Failed password for (?P<user>\S+) from (?P<address>\S+)'}
    key: address
    threshold: 5
    window: 30m
    text: '{count} failures from {address}'
`

const failed = "Failed password for root from 192.0.2.7"

func TestThreshold(t *testing.T) {
	minutes := func(m ...float64) (all []time.Duration) {
		for _, v := range m {
			all = append(all, time.Duration(v*float64(time.Minute)))
		}
		return all
	}
	tests := []struct {
		name string
		at   []time.Duration // in the order of coming
		want string
	}{
		{"four", minutes(0, 1, 2, 3), ""},
		{"five", minutes(0, 1, 2, 3, 4), "raise failures address=192.0.2.7 5"},
		{"five in 30 minutes and no more", minutes(0, 7.5, 15, 22.5, 30), "raise failures address=192.0.2.7 5"},
		{"five in more than 30 minutes", minutes(0, 7.5, 15, 22.5, 30.1), ""},
		{"slowly", minutes(0, 8, 16, 24, 32, 40, 48, 56), ""},
		{"out of order", minutes(30, 0, 22.5, 15, 7.5), "raise failures address=192.0.2.7 5"},
		{"the middle comes last", minutes(0, 1, 29, 30, 15), "raise failures address=192.0.2.7 5"},
		{"more than one window", minutes(0, 10, 20, 29, 30, 45, 59), "raise failures address=192.0.2.7 7"},
	}
	for _, tt := range tests {
		r := try(t, failures, Limits{})
		r.now = noon.Add(time.Hour)
		for _, at := range tt.at {
			r.say(at, "web1", "sshd[1]", failed)
		}
		if got, _, _ := strings.Cut(r.at(time.Hour+15*time.Second), "\n"); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

// TestOneFindingForOneAttack follows one from its beginning to its end.
func TestOneFindingForOneAttack(t *testing.T) {
	r := try(t, failures, Limits{})
	for i := range 3000 {
		at := time.Duration(i) * time.Second
		r.now = noon.Add(at)
		r.say(at, fmt.Sprintf("web%d", i%7), "sshd[1]", failed)
		r.at(at)
	}
	r.at(50*time.Minute + 29*time.Minute)
	var told []string
	for _, f := range r.found {
		told = append(told, fmt.Sprint(f.Rule.Kind, f.Rule.Count))
	}
	if got, want := strings.Join(told, " "), "raise 5 change 50 change 500"; got != want {
		t.Fatalf("%q is told, want %q", got, want)
	}
	r.want(81*time.Minute, "clear failures address=192.0.2.7 3000")
	last := r.found[len(r.found)-1].Rule
	if !last.First.Equal(noon) || !last.Last.Equal(noon.Add(2999*time.Second)) {
		t.Errorf("it lasted from %v to %v", last.First, last.Last)
	}
	if want := "over: 3000 failures from 192.0.2.7; on web0, web1, web2, web3, web4 and 2 more, 2026-11-21 12:00:00Z to 2026-11-21 12:49:59Z"; last.Text != want {
		t.Errorf("text is %q, want %q", last.Text, want)
	}
	r.want(200*time.Minute, "")
}

// TestLate delivers what a spool held when all seemed over.
func TestLate(t *testing.T) {
	r := try(t, failures, Limits{})
	for i := range 5 {
		r.say(time.Duration(i)*time.Minute, "web1", "sshd[1]", failed)
	}
	r.now = noon.Add(4 * time.Minute)
	r.want(4*time.Minute, "raise failures address=192.0.2.7 5")
	r.want(40*time.Minute, "clear failures address=192.0.2.7 5")
	r.now = noon.Add(5 * time.Hour)
	for i := range 20 { // of the same attack, held up
		r.say(time.Duration(i)*time.Minute, "web2", "sshd[1]", failed)
	}
	r.want(5*time.Hour, "")
	for range 25 {
		r.say(10*time.Minute, "web3", "sshd[1]", failed)
	}
	r.want(5*time.Hour, "clear failures address=192.0.2.7 50")
	for i := range 5 { // an earlier one
		r.say(-2*time.Hour+time.Duration(i)*time.Minute, "web2", "sshd[1]", failed)
	}
	r.want(5*time.Hour, "")
	r.want(5*time.Hour+11*time.Second, "raise failures address=192.0.2.7 5\nclear failures address=192.0.2.7 5")
	r.now = noon.Add(30 * time.Hour)
	for range 5 {
		r.say(5*time.Hour, "web2", "sshd[1]", failed)
	}
	r.want(30*time.Hour, "")
	if n := r.Stats().TooLate; n != 5 {
		t.Errorf("%d came too late, want 5", n)
	}
}

// TestRevived has an attack go on by messages that were held up.
func TestRevived(t *testing.T) {
	r := try(t, failures, Limits{})
	for i := range 5 {
		r.say(time.Duration(i)*time.Minute, "web1", "sshd[1]", failed)
	}
	r.at(4 * time.Minute)
	r.want(35*time.Minute, "clear failures address=192.0.2.7 5")
	r.say(30*time.Minute, "web2", "sshd[1]", failed)
	r.want(36*time.Minute, "raise failures address=192.0.2.7 6")
	r.want(61*time.Minute, "clear failures address=192.0.2.7 6")
}

const echoes = `
patterns:
  - name: failure
    match:
      - {app: sshd, expression: '^Failed for (?P<address>\S+)(?: as (?P<user>\S+))?(?: x(?P<times>\d+))?$'}
      - {app: sshd, echo: true, expression: '^Invalid from (?P<address>\S+)(?: as (?P<user>\S+))?$'}
  - name: login
    match: {app: sshd, expression: '^Accepted for (?P<address>\S+)$'}
rules:
  - {name: failures, match: failure, key: address, threshold: 3, window: 30m, text: '{count}'}
  - {name: spread, match: failure, key: address, distinct: host, threshold: 3, window: 30m, text: '{count}'}
  - {name: success, match: login, after: failure, key: address, threshold: 4, window: 30m, severity: crit, text: '{count}'}
`

func TestEchoes(t *testing.T) {
	tests := []struct {
		name  string
		lines string // "PROC TEXT", divided by semicolons
		want  string
	}{
		{"one attempt in two lines", "1 Invalid from a;1 Failed for a;2 Invalid from a;2 Failed for a", ""},
		{"three in six", "1 Invalid from a;1 Failed for a;2 Failed for a;2 Invalid from a;3 Invalid from a;3 Failed for a", "raise failures address=a 3"},
		{"echoes alone", "1 Invalid from a;2 Invalid from a;3 Invalid from a", "raise failures address=a 3"},
		{"of one process once", "1 Invalid from a;1 Invalid from a;1 Invalid from a", ""},
		{"more than the echo told", "1 Invalid from a;1 Failed for a x3", "raise failures address=a 3"},
		{"of one process and several users", "1 Invalid from a as x;1 Invalid from a as y;1 Failed for a as z", "raise failures address=a 3"},
		{"of one process and one user", "1 Invalid from a as x;1 Invalid from a;1 Failed for a as x;1 Failed for a", ""},
		{"of one process each", "1 Failed for a;1 Failed for a;1 Failed for a", "raise failures address=a 3"},
		{"success after few", "1 Failed for a x3;1 Accepted for a", "raise failures address=a 3"},
		{"success after many", "1 Failed for a x4;1 Accepted for a", "raise failures address=a 4\nraise success address=a 4"},
		{"success of another", "1 Failed for a x4;1 Accepted for b", "raise failures address=a 4"},
		{"success first", "1 Accepted for a;1 Failed for a x4", "raise failures address=a 4"},
	}
	for _, tt := range tests {
		r := try(t, echoes, Limits{})
		r.now = noon.Add(time.Minute)
		for i, line := range strings.Split(tt.lines, ";") {
			proc, text, _ := strings.Cut(line, " ")
			r.say(time.Duration(i)*time.Second, "web1", "sshd["+proc+"]", text)
		}
		if got := r.at(time.Minute); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestDistinct(t *testing.T) {
	r := try(t, echoes, Limits{})
	for host := range 3 {
		for i := range 100 {
			r.say(time.Duration(100*host+i)*time.Second, fmt.Sprintf("web%d", host), "sshd", "Failed for a")
		}
	}
	r.now = noon.Add(5 * time.Minute)
	if got := r.at(5 * time.Minute); !strings.Contains(got, "raise spread address=a 3") {
		t.Errorf("%q is told, want that three hosts were tried", got)
	}
	r.now = noon.Add(20 * time.Minute)
	r.say(20*time.Minute, "web0", "sshd", "Failed for a")
	if got := r.at(36 * time.Minute); strings.Contains(got, "clear spread") {
		t.Errorf("%q is told while it goes on", got)
	}
}

// TestFloodHidesNothing has one peer, and then nobody knows how many, invent addresses
// while an attack goes on.
func TestFloodHidesNothing(t *testing.T) {
	for _, tt := range []struct {
		name   string
		source func(i int) netip.Addr
	}{
		{"by one peer", func(int) netip.Addr { return netip.MustParseAddr("198.51.100.1") }},
		{"by invented senders", func(i int) netip.Addr { return netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}) }},
	} {
		r := try(t, failures, Limits{Keys: 1000})
		flood := 0
		for i := range 5 {
			at := time.Duration(i) * 7 * time.Minute
			r.now = noon.Add(at)
			r.say(at, "web1", "sshd[1]", failed)
			for range 5000 {
				m := parsed(fmt.Sprintf("<86>Nov 21 10:00:00 evil sshd: Failed password for root from %d", flood))
				m.Trust = 0
				r.take(tt.source(flood), at, r.set.Match(nil, m))
				flood++
			}
		}
		got := r.at(28 * time.Minute)
		if !strings.Contains(got, "raise failures address=192.0.2.7 5") || !strings.Contains(got, "raise failures many") {
			t.Errorf("%s: %q is told, want the attack, and that there are too many keys", tt.name, got)
		}
		if s := r.Stats(); s.Keys > 1000 || s.Evicted < 20_000 {
			t.Errorf("%s: %+v, want no more than 1000 keys", tt.name, s)
		}
	}
}

// TestCrowd attacks with more addresses than anybody wants to read of.
func TestCrowd(t *testing.T) {
	r := try(t, failures, Limits{Told: 10})
	for i := range 200 {
		for range 5 {
			r.say(0, "web1", "sshd[1]", fmt.Sprintf("Failed password for root from 10.0.0.%d", i))
		}
	}
	if got := strings.Split(r.at(0), "\n"); len(got) != 11 || got[10] != "raise failures many 190" {
		t.Errorf("told is %q, want ten and one for all others", got)
	}
	if got := strings.Split(r.at(31*time.Minute), "\n"); len(got) != 11 || got[10] != "clear failures many 190" {
		t.Errorf("told is %q, want the end of each", got)
	}
	if len(r.open) != 0 || r.states[r.set.rules[0]].speaking != 0 {
		t.Errorf("%d episodes are open, and %d told of", len(r.open), r.states[r.set.rules[0]].speaking)
	}
}

// TestRestore stops an engine after each message of an attack, and goes on with another.
func TestRestore(t *testing.T) {
	kept := map[string][]byte{}
	var all []string
	for i := range 8 {
		r := try(t, failures, Limits{})
		for key, blob := range kept {
			if err := r.Restore(State{key, blob}); err != nil {
				t.Fatal(err)
			}
		}
		at := time.Duration(i) * time.Minute
		r.now = noon.Add(at)
		r.say(at, "web1", "sshd[1]", failed)
		if i == 7 {
			at = time.Hour
		}
		if told := r.at(at); told != "" {
			all = append(all, told)
		}
		for _, s := range r.Snapshot() {
			kept[s.Key] = s.Blob
		}
		if len(r.Snapshot()) > 0 {
			t.Error("what hasn't changed is in a snapshot")
		}
	}
	if got, want := strings.Join(all, ", "), "raise failures address=192.0.2.7 5, clear failures address=192.0.2.7 8"; got != want {
		t.Errorf("told is %q, want %q", got, want)
	}
}

// TestCrowdIsCleared restarts, with and without the rule, while a crowd is told of.
func TestCrowdIsCleared(t *testing.T) {
	for _, name := range []string{"failures", "others"} {
		r := try(t, failures, Limits{Told: 1})
		for i := range 10 {
			r.say(0, "web1", "sshd[1]", fmt.Sprintf("Failed password for root from 10.0.0.%d", i))
		}
		for i := range 10 {
			for range 4 {
				r.say(0, "web1", "sshd[1]", fmt.Sprintf("Failed password for root from 10.0.0.%d", i))
			}
		}
		if got := r.at(0); !strings.Contains(got, "raise failures many 9") {
			t.Fatalf("told is %q, want nine besides the first", got)
		}
		other := try(t, strings.ReplaceAll(failures, "name: failures", "name: "+name), Limits{Told: 1})
		for _, s := range r.Snapshot() {
			if err := other.Restore(s); err != nil {
				t.Fatal(err)
			}
		}
		if got := other.at(32 * time.Minute); strings.Count(got, "clear failures many 9") != 1 {
			t.Errorf("with the rule %s: told is %q, want the end of the crowd", name, got)
		}
		if got := other.at(64 * time.Minute); got != "" {
			t.Errorf("with the rule %s: told is %q once more", name, got)
		}
	}
}

func TestRestoreWithoutTheRule(t *testing.T) {
	r := try(t, failures, Limits{})
	for range 5 {
		r.say(0, "web1", "sshd[1]", failed)
	}
	r.at(0)
	kept := r.Snapshot()
	other := try(t, strings.ReplaceAll(failures, "name: failures", "name: others"), Limits{})
	for _, s := range kept {
		if err := other.Restore(s); err != nil {
			t.Fatal(err)
		}
		if err := other.Restore(State{s.Key, s.Blob[:len(s.Blob)/2]}); err == nil {
			t.Error("half a state is restored")
		}
	}
	other.want(time.Minute, "clear failures address=192.0.2.7 5")
	if gone := other.Snapshot(); len(gone) != 1 || gone[0].Blob != nil || gone[0].Key != kept[0].Key {
		t.Errorf("the snapshot is %v, want the end of %q", gone, kept[0].Key)
	}
}

func TestSweep(t *testing.T) {
	r := try(t, failures, Limits{})
	for i := range 100 {
		r.say(0, "web1", "sshd[1]", fmt.Sprintf("Failed password for root from 10.0.0.%d", i))
	}
	r.at(Keep + 2*time.Hour)
	if s := r.Stats(); s.Keys != 0 || len(r.table.peers) != 0 || len(r.table.pools[1].peers) != 0 {
		t.Errorf("%+v, %d peers: want nothing left", s, len(r.table.peers))
	}
}

func TestErrors(t *testing.T) {
	const good = "name: a\n    match: {app: x, expression: '(?P<user>x)'}\n    key: user\n    threshold: 5\n    window: 30m\n    text: t"
	rule := func(old, new string) string { return "rules:\n  - " + strings.Replace(good, old, new, 1) + "\n" }
	tests := []struct{ text, want string }{
		{rule("", ""), ""},
		{"", "no rules in this file in f.yaml"},
		{"rules: 5", `rules: not a list at f.yaml:1`},
		{"rule: []", "rule: unknown key at f.yaml:1\nrules: missing at f.yaml:1"},
		{"rules: [}", "not YAML"},
		{"rules: []\n---\nrules: []\n", "a second document begins here"},
		{rule("threshold: 5", "treshold: 5"), "rules[0].treshold: unknown key at f.yaml:5\nrules[0].threshold: missing at f.yaml:2"},
		{rule("threshold: 5", "threshold: 0"), `rules[0].threshold: not a number from 1 to 1000 (got "0") at f.yaml:5`},
		{rule("window: 30m", "window: 30"), `rules[0].window: not a span of time (got "30") at f.yaml:6`},
		{rule("window: 30m", "window: 48h"), `rules[0].window: not between 1s and 24h0m0s (got "48h") at f.yaml:6`},
		{rule("(?P<user>x)", "(?P<user>x"), "rules[0].match.expression: not a regular expression: missing closing ): `(?P<user>x`"},
		{rule("(?P<user>x)", "(?P<host>x)"), `a group can't have this name`},
		{rule("key: user", "key: address"), `rules[0].key: no expression of the rule has a group of this name (got "address") at f.yaml:2`},
		{rule("name: a", "name: A b"), `rules[0].name: not a name (got "A b") at f.yaml:2`},
		{rule("text: t", "text: '{who}'"), `rules[0].text: nothing that the rule knows when it speaks (got "{who}")`},
		{rule("text: t", "text:"), "rules[0].text: has no value at f.yaml:7"},
		{rule("{app: x, expression: '(?P<user>x)'}", "{}"), "rules[0].match: matches every message at f.yaml:3"},
		{rule("app: x", "facility: sshd"), `rules[0].match.facility: not one of kern, user`},
		{rule("app: x", "in: body"), `rules[0].match.in: not one of message, structured-data, raw (got "body")`},
		{rule("{app: x, expression: '(?P<user>x)'}", "login"), `rules[0].match: no pattern has this name (got "login") at f.yaml:3`},
		{rule("text: t", "text: t\n    severity: bad"), `rules[0].severity: neither warn nor crit (got "bad") at f.yaml:8`},
		{rule("text: t", "text: t\n    where: {address: x}"), `rules[0].where.address: no expression of the rule has a group of this name`},
		{rule("key: user", "key: &a user"), `rules[0].key: anchors, aliases and tags are not supported`},
		{strings.Repeat("#", mostBytes+1), "longer than 1 MiB in f.yaml"},
	}
	for _, tt := range tests {
		_, err := Parse("f.yaml", strings.NewReader(tt.text))
		got := ""
		if err != nil {
			got = err.Error()
		}
		if tt.want == "" && got != "" || !strings.Contains(got, tt.want) {
			t.Errorf("%.200q is refused with %q, want %q", tt.text, got, tt.want)
		}
		var wrong *Error
		if err != nil && !errors.As(err, &wrong) {
			t.Errorf("%v isn't an *Error", err)
		}
	}
	f, err := Parse("f.yaml", strings.NewReader(rule("", "")))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := NewSet(f, f); err == nil || !strings.Contains(err.Error(), `name: a rule at f.yaml:2 has this name (got "a") at f.yaml:2`) {
		t.Errorf("two rules of one name: %v", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(failures)
	f.Add(echoes)
	for _, name := range Builtins() {
		text, _ := BuiltinText(name)
		f.Add(string(text))
	}
	f.Fuzz(func(t *testing.T, text string) {
		file, err := Parse("f.yaml", strings.NewReader(text))
		if err != nil {
			return
		}
		if s, err := NewSet(file); err == nil {
			s.Match(nil, parsed(ordinary[0]))
		}
	})
}

func BenchmarkTake(b *testing.B) {
	r := try(b, failures, Limits{})
	var hits []Hit
	for i := range 1024 {
		hits = r.set.Match(hits, parsed(fmt.Sprintf("<86>Nov 21 10:00:00 web1 sshd[%d]: Failed password for root from 10.0.%d.%d", i, i>>8, i&255)))
	}
	for i := 0; b.Loop(); i++ {
		at := noon.Add(time.Duration(i) * time.Millisecond).UnixNano()
		r.Take(&hits[i%len(hits)], at, 0, at)
	}
}
