package server_test

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/skewatch/skewatch/cmd/internal/api"
	"github.com/skewatch/skewatch/cmd/internal/server"
	"github.com/skewatch/skewatch/cmd/internal/server/servertest"
	"github.com/skewatch/skewatch/collector/message"
	"github.com/skewatch/skewatch/collector/parse"
)

func silent() *logrus.Logger {
	log := logrus.New()
	log.SetOutput(io.Discard)
	return log
}

// replayed fills a new directory with two hours of a host that is 30 s ahead, and returns
// it.
func replayed(t *testing.T, begin time.Time) string {
	t.Helper()
	data := filepath.Join(t.TempDir(), "data")
	r, err := server.OpenReplay(servertest.Config(t, data), silent(), begin)
	if err != nil {
		t.Fatal(err)
	}
	for at := begin; at.Before(begin.Add(2 * time.Hour)); at = at.Add(701003 * time.Microsecond) {
		var m message.Message
		parse.Parse(fmt.Appendf(nil, "<14>1 %s fast app - - - x", at.Add(30*time.Second).UTC().Format("2006-01-02T15:04:05.000000Z")), &m)
		m.Received = at.UnixNano()
		if err := r.Put(&m); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	return data
}

// A replay is read as what a server has left, in its own time, and as what it is.
func TestReplay(t *testing.T) {
	t.Parallel()
	begin := time.Now().Add(-26 * time.Hour).Truncate(time.Second)
	data := replayed(t, begin)
	f, err := server.OpenFiles(data, silent())
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := f.Report(t.Context(), api.ReportQuery{})
	if err != nil || len(r.Hosts) != 1 {
		t.Fatalf("the report is %+v, %v, want one row", r, err)
	}
	row := r.Hosts[0]
	if !r.Header.Simulated || row.Verdict != "ahead" || row.Messages != 10271 || !row.First.Equal(begin) || *row.OffsetLow < 29.99 || *row.OffsetHigh > 30.06 {
		t.Errorf("simulated %v, %s in %v to %v since %v, of %d messages; want true, ahead, by 30 s, since %v, of 10271",
			r.Header.Simulated, row.Verdict, *row.OffsetLow, *row.OffsetHigh, row.First, row.Messages, begin)
	}
	if len(r.Header.Reference.Gaps) > 0 {
		t.Errorf("the reference has gaps: %+v", r.Header.Reference.Gaps)
	}
	var events []api.Event
	if err := f.Events(t.Context(), api.Query{}, func(e api.Event) error { events = append(events, e); return nil }); err != nil || len(events) != 1 {
		t.Fatalf("the events are %+v, %v, want one", events, err)
	}
	if after := events[0].Time.Sub(begin); after < 10*time.Second || after > 30*time.Second {
		t.Errorf("warned after %v, want within 10 to 30 s of the replay's own time", after)
	}
	// An hour of it, by the time of receipt.
	part, err := f.Report(t.Context(), api.ReportQuery{Query: api.Query{Since: begin, Until: begin.Add(time.Hour)}})
	if err != nil || part.Hosts[0].Messages < 5100 || part.Hosts[0].Messages > 6100 {
		t.Errorf("an hour has %+v, %v, want some 5136 messages", part.Hosts, err)
	}
}

// Where something is nothing is replayed.
func TestReplayWantsANewDirectory(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	if err := os.WriteFile(filepath.Join(data, "diary"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, place := range []string{data, filepath.Join(data, "diary")} {
		if _, err := server.OpenReplay(servertest.Config(t, place), silent(), time.Now()); err == nil || !strings.HasPrefix(err.Error(), "--replay: ") {
			t.Errorf("%s: %v, want an error of --replay", place, err)
		}
	}
	if left, err := os.ReadDir(data); err != nil || len(left) != 1 {
		t.Errorf("it left %v, %v there", left, err)
	}
}

// A directory holds made-up messages, or real ones.
func TestKindsAreNotMixed(t *testing.T) {
	t.Parallel()
	madeUp := replayed(t, time.Now().Add(-3*time.Hour))
	cfg := servertest.Config(t, madeUp)
	if _, err := server.Open(cfg, silent()); err == nil || !strings.Contains(err.Error(), "data: holds a simulation") {
		t.Errorf("a server on a replay: %v, want that it is refused", err)
	}
	real := t.TempDir()
	if err := servertest.Start(t, real).Stop(); err != nil {
		t.Fatal(err)
	}
	cfg = servertest.Config(t, real)
	cfg.Simulated = true
	if _, err := server.Open(cfg, silent()); err == nil || !strings.Contains(err.Error(), "simulated: the data directory holds real messages") {
		t.Errorf("a simulation on a server's data: %v, want that it is refused", err)
	}
	file := filepath.Join(t.TempDir(), "skewatch.yaml")
	if err := os.WriteFile(file, []byte("simulated: true\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := servertest.Start(t, madeUp, "SKEWATCH_CONFIG="+file)
	if r, err := s.Report(t.Context(), api.ReportQuery{}); err != nil || !r.Header.Simulated || len(r.Hosts) != 1 {
		t.Errorf("told that it is one, a server reports %+v, %v, want the replay's host, marked", r, err)
	}
}
