package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// A trialSummary is what `rules test` tells of a rule.
type trialSummary struct {
	Rule     string `json:"rule"`
	Messages int    `json:"messages"`
	Findings int    `json:"findings"`
	Event    string `json:"event"`
	Subject  string `json:"subject"`
	Count    int    `json:"count"`
}

// tryRules runs `rules test`, and returns the summary of each rule, and how many messages
// each finding that is over has.
func tryRules(t *testing.T, args ...string) (rules map[string]trialSummary, over map[string]int) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	p := testProgram()
	p.stdout, p.stderr = &stdout, &stderr
	p.now = func() time.Time { return time.Date(2026, time.November, 21, 12, 0, 0, 0, time.UTC) }
	if code := p.run(append([]string{"rules", "test", "--format", "json"}, args...)); code != exitFine {
		t.Fatalf("rules test %q exits with %d: %s", args, code, &stderr)
	}
	rules, over = map[string]trialSummary{}, map[string]int{}
	for lines := bufio.NewScanner(&stdout); lines.Scan(); {
		var s trialSummary
		if err := json.Unmarshal(lines.Bytes(), &s); err != nil {
			t.Fatal(err)
		}
		switch s.Event {
		case "":
			rules[s.Rule] = s
		case "clear":
			over[s.Rule+" "+s.Subject] = s.Count
		}
	}
	return rules, over
}

// An attempt is what an independent look at a line finds: who, and when.
type attempt struct {
	at   time.Time
	from string
}

// attempts greps the lines of a file for an expression whose groups are the BSD stamp and the
// address.
func attempts(t *testing.T, file string, expression string) (all []attempt) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, found := range regexp.MustCompile(`(?m)`+expression).FindAllStringSubmatch(string(text), -1) {
		at, err := time.Parse("2006 Jan _2 15:04:05", "2026 "+found[1])
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, attempt{at, found[2]})
	}
	return all
}

// attackers returns those of whom so many attempts lie within some stretch of half an hour,
// and how many attempts hang together so, none further than half an hour from the next.
func attackers(all []attempt, threshold int) map[string]int {
	found := map[string]int{}
	for i, first := range all {
		n := 0
		for _, a := range all[i:] {
			if a.from == first.from && a.at.Sub(first.at) <= 30*time.Minute {
				n++
			}
		}
		if n < threshold || found[first.from] > 0 {
			continue
		}
		last := first.at
		for _, a := range all[i:] {
			if a.from == first.from && a.at.Sub(last) <= 30*time.Minute {
				last = a.at
				found[first.from]++
			}
		}
	}
	return found
}

// TestRulesFindWhatGrepFinds runs the rules that come along over samples, and counts the same
// with grep and a few lines.
func TestRulesFindWhatGrepFinds(t *testing.T) {
	const auth, access = "testdata/rules/auth.log", "testdata/rules/access.log"
	failed := attempts(t, auth, `^(\w{3} [ \d]\d [\d:]{8}) .*sshd\[\d+\]: Failed password .* from ([\d.]+) port`)
	refused := attempts(t, access, `^<190>(\w{3} [ \d]\d [\d:]{8}) .*: ([\d.]+) - .*" 40[134] `)
	rules, over := tryRules(t, "builtin:logins", "builtin:web", auth, access)

	if n := rules["failed-logins-by-address"].Messages; n < len(failed) || n > len(failed)+40 { // an "Invalid user" before each of 40
		t.Errorf("%d failures count, grep finds %d", n, len(failed))
	}
	if n := rules["refused-requests-by-address"].Messages; n != len(refused) {
		t.Errorf("%d refusals count, grep finds %d", n, len(refused))
	}
	want := map[string]int{}
	for from, n := range attackers(failed, 5) {
		want["failed-logins-by-address address="+from] = n
	}
	for from, n := range attackers(refused, 5) {
		want["refused-requests-by-address address="+from] = n
	}
	got := maps.Clone(over)
	maps.DeleteFunc(got, func(name string, _ int) bool { return !strings.Contains(name, "by-address") })
	if !maps.Equal(got, want) || len(want) != 3 {
		t.Errorf("found are %v, and by grep %v", got, want)
	}
	if n := over["login-after-failures address=203.0.113.12"]; n != 6 {
		t.Errorf("a log-in after %d failures, want 6 of 203.0.113.12: %v", n, over)
	}
}

// TestRulesOnCorpus does the same with logs that aren't part of the project, in the directory
// that SKEWATCH_CORPUS names: crowdsec's, for one, in a folder crowdsec-hub.
func TestRulesOnCorpus(t *testing.T) {
	corpus := os.Getenv("SKEWATCH_CORPUS")
	if corpus == "" {
		t.Skip("SKEWATCH_CORPUS names no directory of logs")
	}
	for _, tt := range []struct{ file, rules, rule, line string }{
		{"ssh-bf.log", "builtin:logins", "failed-logins-by-address", `^(\w{3} [ \d]\d [\d:]{8}) .*sshd.*Invalid user \S+ from ([\d.]+) port`},
		{"ssh-time-based-bf.log", "builtin:logins", "failed-logins-by-address", `^(\w{3} [ \d]\d [\d:]{8}) .*sshd.*(?:Invalid user|Failed password).* from ([\d.]+) port`},
		{"sshd-invalid-bf.log", "builtin:logins", "failed-logins-by-address", `^(\w{3} [ \d]\d [\d:]{8}) .*sshd.*Disconnected from authenticating user \S+ ([\d.]+) port`},
		{"dovecot-time-based-bf.log", "builtin:logins", "failed-logins-by-address", `^(\w{3} [ \d]\d [\d:]{8}) .*auth failed, 1 attempts.* rip=([\d.]+),`},
		{"postfix-sasl-bf.log", "builtin:logins", "failed-logins-by-address", `^(\w{3} [ \d]\d [\d:]{8}) .*\[([\d.]+)\]: SASL \S+ authentication failed`},
		{"http-wordpress_wpconfig.log", "builtin:web", "refused-requests-by-address", `^(\w{3} [ \d]\d [\d:]{8}) .*nginx\[\d+\]: ([\d.]+) .*" 40[134] `},
	} {
		file := filepath.Join(corpus, "crowdsec-hub", tt.file)
		all := attempts(t, file, tt.line)
		slices.SortStableFunc(all, func(a, b attempt) int { return a.at.Compare(b.at) })
		rules, over := tryRules(t, tt.rules, file)
		if got := rules[tt.rule]; got.Messages != len(all) || len(all) == 0 {
			t.Errorf("%s: %d messages count, grep finds %d", tt.file, got.Messages, len(all))
		}
		want := map[string]int{}
		for from, n := range attackers(all, 5) {
			want[tt.rule+" address="+from] = n
		}
		maps.DeleteFunc(over, func(name string, _ int) bool { return !strings.HasPrefix(name, tt.rule) })
		if !maps.Equal(over, want) {
			t.Errorf("%s: found are %v, and by grep %v", tt.file, over, want)
		}
		t.Logf("%s: %d messages, %v", tt.file, len(all), want)
	}
}

// TestExampleRules runs the rules that users copy over lines that they are meant for.
func TestExampleRules(t *testing.T) {
	log := filepath.Join(t.TempDir(), "log")
	var lines strings.Builder
	line := func(second int, priority, host, text string) {
		at := time.Date(2026, time.March, 1, 12, 0, second, 0, time.UTC)
		lines.WriteString("<" + priority + ">" + at.Format(time.Stamp) + " " + host + " " + text + "\n")
	}
	for i := range 25 {
		line(i, "4", "fw1", "kernel: [DROP] IN=eth0 SRC=203.0.113.9 DST=192.0.2.1 PROTO=TCP SPT=4711 DPT="+string(rune('1'+i/9))+string(rune('0'+i%9)))
	}
	for i := range 3 {
		line(i, "3", "db1", "kernel: blk_update_request: I/O error, dev sda, sector 4711")
		line(i, "29", "db1", "systemd[1]: api.service: Failed with result 'exit-code'.")
	}
	line(9, "30", "db1", "systemd[1]: Started api.service - The API.")
	for i := range 5 {
		line(i, "189", "sw"+string(rune('1'+i)), "31: sw: Mar  1 12:00:00.000: %SYS-5-CONFIG_I: Configured from console by mallory on vty0 (10.0.0.5)")
	}
	if err := os.WriteFile(log, []byte(lines.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	rules, _ := tryRules(t, "../../examples/rules/rules.yaml", log)
	for _, name := range []string{"port-scan", "disk-errors", "restarted-after-crashes", "devices-reconfigured"} {
		if rules[name].Findings != 1 {
			t.Errorf("%s has %d findings, want one: %+v", name, rules[name].Findings, rules[name])
		}
	}
}
