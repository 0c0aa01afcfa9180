package main

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/skewatch/skewatch/analysis/report"
	"github.com/skewatch/skewatch/cmd/internal/api"
)

// TestHostsAsksForOneDay wants the state now not to cost a report of all history, and a
// period that was asked for to be just that.
func TestHostsAsksForOneDay(t *testing.T) {
	asked := make(chan api.ReportQuery, 1)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		q, err := api.ParseReportQuery(r.URL.Query())
		if err != nil {
			t.Error(err)
		}
		asked <- q
		w.Header().Set("Content-Type", "application/json")
		if err := new(report.Report).WriteJSON(w); err != nil {
			t.Error(err)
		}
	}))
	defer s.Close()
	for _, tt := range []struct {
		args  string
		since time.Duration // before now, 0 for all history
		all   bool
	}{
		{"hosts", 24 * time.Hour, true},
		{"hosts --host web*", 24 * time.Hour, true},
		{"hosts --since 7d", 7 * 24 * time.Hour, false},
		{"hosts --until 1h", 0, false},
		{"report", 0, false},
	} {
		var stdout, stderr bytes.Buffer
		p := testProgram()
		p.stdout, p.stderr = &stdout, &stderr
		if code := p.run(append(strings.Fields(tt.args), "--server", s.URL)); code != exitFine {
			t.Fatalf("%s: exit code %d, %s", tt.args, code, stderr.String())
		}
		want := time.Time{}
		if tt.since > 0 {
			want = p.now().Add(-tt.since)
		}
		q := <-asked
		if q.Since.Sub(want).Abs() > time.Minute || q.Everyone != tt.all {
			t.Errorf("%s: asked for what has been since %v, of everyone %v; want since %v, %v", tt.args, q.Since, q.Everyone, want, tt.all)
		}
	}
}
