package metrics

import (
	"flag"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/skewatch/skewatch/analysis"
	"github.com/skewatch/skewatch/analysis/rules"
	"github.com/skewatch/skewatch/collector"
	"github.com/skewatch/skewatch/collector/message"
	"github.com/skewatch/skewatch/ntpcheck"
)

var update = flag.Bool("update", false, "write the golden file")

// scrape returns our own metrics as Prometheus gets them.
func scrape(t *testing.T, s Sample) string {
	t.Helper()
	server := httptest.NewServer(Handler(func() Sample { return s }, Build{"v1.2.3", "go1.26"}))
	defer server.Close()
	answer, err := http.Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("%s, %v: %s", answer.Status, err, text)
	}
	var ours strings.Builder
	for line := range strings.Lines(string(text)) {
		if strings.Contains(line, "skewatch_") {
			ours.WriteString(line)
		}
	}
	return ours.String()
}

func TestMetrics(t *testing.T) {
	s := Sample{Late: 7, Admission: analysis.Admission{
		Originators: 12, OnProbation: 8, Parked: 4, Evicted: 5, Recalled: 1, Damaged: 3,
		TurnedAway: analysis.TurnedAway{Probation: 100, Quota: 200, Full: 300, Unread: 400},
	}, Rules: rules.Stats{Counted: 21, TooLate: 22, Evicted: 23, Keys: 24}, Outputs: []Output{{"ops", 40, 3, 1, 2}, {"siem", 50, 0, 0, 0}},
		Reports: []Report{{"weekly", "file", time.Unix(1772366400, 25e7), false, 0, 2}, {"weekly", "mail", time.Unix(1772366401, 0), true, 3, 0}, {Name: "new", Delivery: "file"}},
		HTTP:    HTTP{Refused: []Count{{"nobody", 21}, {"token", 22}}, Logins: 23, Sessions: 24}}
	s.Mutes = analysis.MuteCount{Lasting: [2]int{3, 4}, Muted: [2]uint64{70, 80}}
	s.Forwards = []Forward{{"siem", 1000, 20, 3, 4, 1}}
	s.Fleet = analysis.Glance{Omitted: 9, Hosts: []analysis.Standing{
		{Host: "fast", Source: "192.0.2.1", Verdict: analysis.Ahead, Warned: analysis.Crit, Known: true, Skew: -12.5, SkewBound: 0.5,
			Interval: analysis.Interval{Offset: 40 * time.Second, Low: 39 * time.Second, High: 41 * time.Second}, Last: time.Unix(1772366400, 5e8)},
		{Host: "fast", Source: "192.0.2.1", Last: time.Unix(1, 0)}, // shown alike
		{Host: "new \"one\"", Source: "192.0.2.2"},
	}}
	s.Fleet.Verdicts[analysis.Ahead], s.Fleet.Verdicts[analysis.InSync] = 1, 11
	seconds := func(v float64) *float64 { return &v }
	s.Sources = ntpcheck.Status{
		Reference: ntpcheck.ReferenceStatus{State: ntpcheck.Synchronised, OffsetSeconds: seconds(-0.001), BoundSeconds: seconds(0.003)},
		Sources:   []ntpcheck.SourceStatus{{Address: "192.0.2.3:123", State: ntpcheck.Falseticker, OffsetSeconds: seconds(100), RootDistanceSeconds: seconds(0.01)}},
	}
	next := uint64(0)
	number := func() uint64 { next++; return next }
	for i := range s.Received {
		of := &s.Received[i]
		*of = collector.TransportStats{
			Received: number(), Stored: number(), Pending: number(), DroppedByKernel: number(), Octets: number(),
			Truncated: number(), UserStamped: number(), Connections: number(), Open: number(),
		}
		for r := range of.Rejected {
			of.Rejected[r] = number()
		}
		for c := range of.Closed {
			of.Closed[c] = number()
		}
	}
	const golden = "testdata/metrics.txt"
	got := scrape(t, s)
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("the metrics are not those of %s:\n%s", golden, got)
	}
}

// What a transport can't be rejected or closed for isn't shown for it, and all that was
// counted is.
func TestEveryReasonIsShown(t *testing.T) {
	text := scrape(t, Sample{})
	for why := range collector.Rejections() {
		for transport := range message.Transport(message.Transports) {
			series := `skewatch_rejected_messages_total{reason="` + why.String() + `",transport="` + transport.String() + `"}`
			if shown := strings.Contains(text, series); shown != why.Concerns(transport) {
				t.Errorf("%s is shown: %v, want %v", series, shown, why.Concerns(transport))
			}
		}
	}
	for why := range collector.Closures() {
		for transport := range message.Transport(message.Transports) {
			series := `skewatch_closed_connections_total{reason="` + why.String() + `",transport="` + transport.String() + `"}`
			if shown := strings.Contains(text, series); shown != why.Concerns(transport) {
				t.Errorf("%s is shown: %v, want %v", series, shown, why.Concerns(transport))
			}
		}
	}
}
