package server

import (
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/skewatch/skewatch/analysis/report"
	"github.com/skewatch/skewatch/cmd/internal/api"
)

// TestEveryone asks for the state now: hosts that said nothing for days have the same clock in
// it as in a report on all history, whether the server has run on, was killed, or they were
// expected to speak.
func TestEveryone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(path, []byte("hosts:\n  - {match: missing, expected: 1h}\n  - {match: never, expected: 1h}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	data, settings := t.TempDir(), "SKEWATCH_CONFIG="+path
	h := openHistory(t, data, settings)
	for i, host := range []string{"gone", "missing", "here"} {
		h.receive(host, noon.Add(time.Duration(i)*5*time.Minute), 120, 40*time.Second)
		h.tick(noon.Add(time.Duration(i)*5*time.Minute + 2*time.Minute))
	}
	for hour := time.Duration(2); hour < 72; hour++ {
		h.tick(noon.Add(hour * time.Hour))
	}
	now := noon.Add(72 * time.Hour)
	h.receive("here", now.Add(-time.Minute), 60, 40*time.Second)
	h.tick(now)
	question := api.ReportQuery{Query: api.Query{Since: now.Add(-24 * time.Hour)}, Everyone: true}
	for _, state := range []string{"running", "killed"} {
		all, present := rows(t, h.desk, api.Query{}), everyone(t, h, question)
		if len(present) != 4 || len(all) != 4 {
			t.Fatalf("%s: %d rows of %d, want 4", state, len(present), len(all))
		}
		for i := range all {
			if a, b := clockOf(all[i]), clockOf(present[i]); !reflect.DeepEqual(a, b) {
				t.Errorf("%s: the clock is\n%s\nwant\n%s", state, show(t, b), show(t, a))
			}
		}
		if here := present[1]; here.Host != "here" || here.Messages != 60 {
			t.Errorf("%s: %s, want the messages of the period", state, show(t, here))
		}
		question.Host = "miss*"
		if some := everyone(t, h, question); len(some) != 1 || !reflect.DeepEqual(some[0], present[2]) {
			t.Errorf("%s: of one host there are %d rows", state, len(some))
		}
		question.Host = ""
		h.close()
		h = openHistory(t, data, settings)
		h.at(now)
	}
}

func everyone(t *testing.T, h *history, q api.ReportQuery) []report.Row {
	t.Helper()
	r, err := h.desk.Report(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	return r.Hosts
}

// clockOf returns what a row says of the clock now, without what sums up a period.
func clockOf(r report.Row) report.Row {
	r.Messages, r.First, r.OffsetP50, r.OffsetP95, r.OffsetMax, r.OutOfTolerance, r.Steps, r.Backlogs = 0, nil, nil, nil, nil, 0, nil, nil
	return r
}
