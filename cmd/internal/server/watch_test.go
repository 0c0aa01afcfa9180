package server

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/skewatch/skewatch/analysis"
	"github.com/skewatch/skewatch/cmd/internal/api"
	"github.com/skewatch/skewatch/cmd/internal/config"
	"github.com/skewatch/skewatch/collector/message"
	"github.com/skewatch/skewatch/collector/parse"
)

// A written message is one with the true time at which it was.
type written struct {
	at, received time.Time
	host         int
	text         string
}

// attackedHosts is how many hosts an attack is spread over.
const attackedHosts = 10

// offsetOf returns by how much a host's clock is off: up to three hours, both ways.
func offsetOf(host int) time.Duration { return time.Duration(host-5)*37*time.Minute + time.Second }

// spooling reports whether what a host sends at a time is held up, and until when: three of
// them lose the network from 12:10 to 14:00.
func spooling(host int, at time.Duration) (until time.Duration, is bool) {
	return 2 * time.Hour, host >= 7 && at >= 10*time.Minute && at < 2*time.Hour
}

// attack returns what ten hosts log while one address tries the live ones four times and
// the others three times, within half an hour, and another one in that time four times in
// all.
func attack() (all []written) {
	add := func(host int, at time.Duration, text string) {
		received := at + time.Millisecond
		if until, is := spooling(host, at); is {
			received = until + at/1000
		}
		all = append(all, written{noon.Add(at), noon.Add(received), host, text})
	}
	for s := range int(2*time.Hour/time.Second) + 120 {
		if s%10 == 0 {
			for host := range attackedHosts {
				add(host, time.Duration(s)*time.Second, "<30>app: alive")
			}
		}
	}
	for i, host := range []int{0, 7, 2, 8, 4, 9, 5} {
		add(host, 15*time.Minute+time.Duration(i)*4*time.Minute, "<38>sshd[4711]: Failed password for root from 203.0.113.9 port 51182 ssh2")
	}
	for i, host := range []int{1, 7, 3, 8} {
		add(host, 15*time.Minute+time.Duration(i)*4*time.Minute, "<38>sshd[4712]: Failed password for bob from 203.0.113.10 port 51182 ssh2")
	}
	slices.SortStableFunc(all, func(a, b written) int { return cmp.Or(a.received.Compare(b.received), a.at.Compare(b.at)) })
	return all
}

// message returns what arrives of a written message: stamped by the host's own clock.
func (w *written) message() message.Message {
	m := message.Message{
		Received: w.received.UnixNano(), Source: netip.AddrFrom4([4]byte{192, 0, 2, byte(w.host)}), Transport: message.TCP, Trust: message.TrustHandshake,
	}
	priority, rest, _ := strings.Cut(w.text, ">")
	tag, text, _ := strings.Cut(rest, ": ")
	app, proc, _ := strings.Cut(strings.TrimSuffix(tag, "]"), "[")
	parse.Parse(fmt.Appendf(nil, "%s>1 %s host%d %s %s - - %s", priority,
		w.at.Add(offsetOf(w.host)).Format("2006-01-02T15:04:05.000000Z07:00"), w.host, app, cmp.Or(proc, "-"), text), &m)
	return m
}

// live has messages arrive, and the server judge, as time goes on up to a moment. It returns
// those that are left.
func (h *history) live(all []written, until time.Time) []written {
	h.t.Helper()
	for len(all) > 0 && all[0].received.Before(until) {
		n := slices.IndexFunc(all, func(w written) bool { return w.received.Sub(all[0].received) >= time.Second })
		if n < 0 {
			n = len(all)
		}
		var batch []message.Message
		for i := range all[:n] {
			batch = append(batch, all[i].message())
		}
		h.at(all[n-1].received)
		if err := h.Put(batch); err != nil {
			h.t.Fatal(err)
		}
		h.judge((*analysis.Fleet).Tick)
		all = all[n:]
	}
	return all
}

// ruleEvents returns what rules have found so far, in short.
func ruleEvents(t *testing.T, d api.Desk, rule string) (all []api.Event) {
	t.Helper()
	for _, e := range events(t, d, api.Query{}) {
		if e.Rule == rule {
			all = append(all, e)
		}
	}
	return all
}

// TestAttackOverDriftedHosts is a brute-force attack spread over ten hosts whose clocks are
// hours apart, three of them behind a spool that is flushed two hours later: with what the
// others saw it is one attack, and without it none.
func TestAttackOverDriftedHosts(t *testing.T) {
	const byAddress = "failed-logins-by-address"
	data := t.TempDir()
	h := openHistory(t, data, "SKEWATCH_RULES=builtin:logins")
	rest := h.live(attack(), noon.Add(2*time.Hour))
	h.commit()
	if found := ruleEvents(t, h.desk, byAddress); len(found) > 0 {
		t.Fatalf("before the spools are flushed four attempts are known, and told is %+v", found)
	}

	h.live(rest, noon.Add(2*time.Hour+time.Minute))
	h.close() // killed before it has written that
	h = openHistory(t, data, "SKEWATCH_RULES=builtin:logins")
	h.at(noon.Add(2*time.Hour + 2*time.Minute))
	h.judge((*analysis.Fleet).Tick)
	h.commit()
	h.at(noon.Add(3 * time.Hour))
	h.judge((*analysis.Fleet).Tick)
	h.commit()

	found := ruleEvents(t, h.desk, byAddress)
	if len(found) != 2 || found[0].Event != "raise" || found[1].Event != "clear" {
		t.Fatalf("told is %+v, want one attack from its beginning to its end", found)
	}
	for _, e := range found {
		if e.Subject != "address=203.0.113.9" || e.Count != 7 || e.Verdict != api.VerdictRule || e.Host != "" {
			t.Errorf("told is %+v, want seven attempts of 203.0.113.9", e)
		}
		if off := e.Since.Sub(noon.Add(15 * time.Minute)).Abs(); off > 200*time.Millisecond {
			t.Errorf("it began at %v, %v off", e.Since, off)
		}
		if want := "7 failed log-ins from 203.0.113.9; on host0, "; !strings.Contains(e.Text, want) {
			t.Errorf("text is %q, want %q in it", e.Text, want)
		}
	}
}

// TestRulesSurviveARestart counts an attack across a checkpoint and a kill.
func TestRulesSurviveARestart(t *testing.T) {
	data := t.TempDir()
	attempt := func(h *history, i int) {
		at := noon.Add(time.Duration(i) * time.Minute)
		w := written{at, at, 5, "<38>sshd[4711]: Failed password for root from 203.0.113.9 port 51182 ssh2"}
		h.live([]written{w}, at.Add(time.Second))
	}
	for i := range 7 {
		h := openHistory(t, data, "SKEWATCH_RULES=builtin:logins")
		attempt(h, i)
		if i%2 == 0 {
			h.commit()
		}
		h.close()
	}
	h := openHistory(t, data, "SKEWATCH_RULES=builtin:logins")
	h.at(noon.Add(7 * time.Minute))
	h.judge((*analysis.Fleet).Tick)
	h.commit()
	if found := ruleEvents(t, h.desk, "failed-logins-by-address"); len(found) != 1 || found[0].Count != 5 {
		t.Errorf("told is %+v, want five attempts, once", found)
	}
	if found := ruleEvents(t, h.desk, "failed-logins-as-administrator"); len(found) != 1 || found[0].Count != 3 {
		t.Errorf("told is %+v, want three attempts, once", found)
	}
	h.close()
	h = openHistory(t, data) // without the rules
	h.at(noon.Add(8 * time.Minute))
	h.judge((*analysis.Fleet).Tick)
	h.commit()
	found := ruleEvents(t, h.desk, "failed-logins-by-address")
	if len(found) != 2 || found[1].Event != "clear" {
		t.Errorf("told is %+v, want that it is no longer followed", found)
	}
	if rows := rows(t, h.desk, api.Query{}); len(rows) != 1 {
		t.Errorf("the report has %d rows, want the one host's", len(rows))
	}
}

func TestLoadRules(t *testing.T) {
	tests := []struct{ name, want string }{
		{"builtin:login", `config: rules: no file of this name comes with the program (got "builtin:login")`},
		{"/nonexistent.yaml", `rules: can't read the file: no such file or directory (got "/nonexistent.yaml")`},
		{"watch_test.go", `config: not YAML`},
	}
	for _, tt := range tests {
		_, err := LoadRules([]string{"builtin:web", tt.name})
		var wrong *config.Error
		if !errors.As(err, &wrong) || !strings.Contains(err.Error(), strings.TrimPrefix(tt.want, "config: ")) || wrong.Hint == "" {
			t.Errorf("%s: %v, want %s and a remedy", tt.name, err, tt.want)
		}
	}
	if set, err := LoadRules(nil); err != nil || !set.Empty() {
		t.Errorf("no files at all: %v", err)
	}
}
