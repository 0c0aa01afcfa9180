package notify

import (
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
		{Sample(time.Now()), "test: warn: skewatch-test.invalid (192.0.2.1) is ahead, +40.000 s"},
	}
	for _, tt := range tests {
		if have := subjectLine(tt.event); have != tt.want {
			t.Errorf("%+v reads %q, want %q", tt.event, have, tt.want)
		}
	}
}
