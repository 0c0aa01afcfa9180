package notify

import (
	"maps"
	"testing"
	"time"

	"github.com/skewatch/skewatch/analysis"
	"github.com/skewatch/skewatch/cmd/internal/api"
)

func TestSubjectLine(t *testing.T) {
	offset := -3.2
	tests := []struct {
		event api.Event
		want  string
	}{
		{api.Event{ID: 1, Host: "db1", Source: "192.0.2.1", Event: raised, Severity: "crit", Verdict: "late", Previous: "in-sync", Offset: &offset}, "crit: db1 (192.0.2.1) is late, -3.200 s"},
		{api.Event{ID: 2, Host: "db1", Source: "192.0.2.1", Event: cleared, Severity: "crit", Verdict: "in-sync", Previous: "late", Offset: &offset}, "ok: db1 (192.0.2.1) is no longer late"},
		{api.Event{ID: 3, Host: "192.0.2.1", Source: "192.0.2.1", Event: raised, Severity: "warn", Verdict: "in-sync", Previous: "in-sync"}, "warn: 192.0.2.1 needs a look, verdict in-sync"},
		{api.Event{ID: 4, Event: raised, Severity: "warn", Verdict: "wrong-zone", Previous: "in-sync"}, "warn: several hosts are wrong-zone"},
		{api.Event{ID: 5, Host: analysis.CollectorName, Event: raised, Severity: "warn", Verdict: "insufficient", Previous: "in-sync"}, "warn: " + analysis.CollectorName + " is in doubt itself, verdicts are held"},
		{api.Event{ID: 6, Event: raised, Severity: "warn", Verdict: api.VerdictRule, Rule: "failed-logins", Subject: "address=192.0.2.7", Count: 5}, "warn: failed-logins of address=192.0.2.7 on several hosts"},
		{api.Event{ID: 7, Host: "web1", Source: "192.0.2.1", Event: cleared, Severity: "warn", Verdict: api.VerdictRule, Previous: api.VerdictRule, Rule: "failed-logins", Subject: "user=root"}, "ok: failed-logins of user=root is over on web1 (192.0.2.1)"},
		{Sample(time.Now()), "test: warn: skewatch-test.invalid (192.0.2.1) is ahead, +40.000 s"},
	}
	for _, tt := range tests {
		if have := subjectLine(tt.event); have != tt.want {
			t.Errorf("%+v reads %q, want %q", tt.event, have, tt.want)
		}
	}
}

// TestRuleAlerts follows what a rule found on several hosts from its beginning to its end,
// beside a warning of a clock and another finding: each is an alert of its own, with the same
// labels throughout.
func TestRuleAlerts(t *testing.T) {
	since := time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)
	found := func(event, subject string) api.Event {
		return api.Event{ID: 1, Time: since.Add(time.Hour), Event: event, Severity: "warn", Verdict: api.VerdictRule, Previous: map[string]string{cleared: api.VerdictRule}[event],
			Rule: "failed-logins", Subject: subject, Count: 7, Since: since}
	}
	am := &alertmanager{output: "pager", server: func() string { return "" }}
	raise, clear := found(raised, "address=192.0.2.7"), found(cleared, "address=192.0.2.7")
	if !lasts(raise) || lasts(clear) || subject(raise) != subject(clear) {
		t.Errorf("a finding lasts %v until it is cleared, %v: %q, %q", lasts(raise), lasts(clear), subject(raise), subject(clear))
	}
	for _, other := range []api.Event{found(raised, "address=192.0.2.8"), {Verdict: "ahead", Event: raised}} {
		if subject(raise) == subject(other) {
			t.Errorf("%+v is about the same as %+v", raise, other)
		}
	}
	began, ended := am.alert(raise, since.Add(time.Hour)), am.alert(clear, since.Add(2*time.Hour))
	want := map[string]string{"alertname": alertRule, "output": "pager", "rule": "failed-logins", "subject": "address=192.0.2.7"}
	if !maps.Equal(began.Labels, want) || !maps.Equal(ended.Labels, want) || !ended.EndsAt.Equal(clear.Time) || began.Annotations["count"] != "7" {
		t.Errorf("the alerts are %+v and %+v, want the labels %v", began, ended, want)
	}
}
