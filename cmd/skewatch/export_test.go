package main_test

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"

	"github.com/skewatch/skewatch/cmd/internal/testbed"
)

type exported struct {
	Sequence  uint64     `json:"sequence" parquet:"sequence"`
	Received  time.Time  `json:"received" parquet:"received,timestamp(nanosecond)"`
	Sent      *time.Time `json:"sent" parquet:"sent,optional,timestamp(nanosecond)"`
	Corrected *time.Time `json:"corrected" parquet:"corrected,optional,timestamp(nanosecond)"`
	Bound     *float64   `json:"bound_seconds" parquet:"bound_seconds,optional"`
	Host      string     `json:"host" parquet:"host"`
	Verdict   string     `json:"verdict" parquet:"verdict"`
}

// TestExport exports in every format from a running server and from its files: once a host is
// known to be ahead, its messages' corrected times are those at which they were sent.
func TestExport(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	data := filepath.Join(dir, "data")
	s := trusting(t, data)
	stop := speak(t, s.TCP, "fast", 40*time.Second)
	var rows []exported
	eventually(t, 30*time.Second, func() error {
		rows = nil
		for line := range strings.Lines(run(t, s, "export")) {
			var r exported
			decode(t, line, &r)
			rows = append(rows, r)
		}
		if n := len(rows); n < 300 || rows[n-1].Verdict != "ahead" || rows[n-1].Corrected == nil {
			return fmt.Errorf("%d messages are exported, and the last isn't known to be ahead", n)
		}
		return nil
	})
	stop()
	last := rows[len(rows)-1]
	truly := last.Sent.Add(-40 * time.Second) // was it stamped
	if off := last.Corrected.Sub(truly).Abs(); off.Seconds() > *last.Bound || off > 50*time.Millisecond {
		t.Errorf("a message that was sent at %v is said to be of %v ± %v s", truly, last.Corrected, *last.Bound)
	}
	file := filepath.Join(dir, "export.ndjson")
	run(t, s, "export", "--output", file)
	// What is exported can be judged again, by whoever has the file only.
	var judged reportAnswer
	analysis, err := exec.Command(testbed.Binary(t), "analyze", file, "--format", "json").Output()
	if err != nil {
		t.Fatal(err)
	}
	decode(t, string(analysis), &judged)
	if len(judged.Hosts) != 1 || judged.Hosts[0].Verdict != "ahead" || judged.Hosts[0].Messages < len(rows) {
		t.Errorf("what was exported is judged as %+v", judged.Hosts)
	}

	// checkFormats compares the formats with each other.
	checkFormats := func(when string) {
		t.Helper()
		lines := strings.Split(strings.TrimSpace(run(t, s, "export", "--host", "FAST")), "\n")
		if n := strings.Count(run(t, s, "export", "--format", "csv"), "\n"); n != 1+len(lines) {
			t.Errorf("%s: CSV has %d lines, want the names and %d", when, n, len(lines))
		}
		bulk := strings.Split(strings.TrimSpace(run(t, s, "export", "--format", "ecs-bulk", "--index", "i")), "\n")
		for i, line := range bulk {
			if action := strings.HasPrefix(line, `{"create":{"_index":"i","_id":"`); !json.Valid([]byte(line)) || action != (i%2 == 0) {
				t.Fatalf("%s: line %d of the bulk is %s", when, i, line)
			}
		}
		path := filepath.Join(dir, when+".parquet")
		run(t, s, "export", "--format", "parquet", "--output", path)
		columns, err := parquet.ReadFile[exported](path)
		if err != nil || len(columns) != len(lines) || len(bulk) != 2*len(lines) {
			t.Fatalf("%s: of %d messages %d are in Parquet and %d lines in the bulk: %v", when, len(lines), len(columns), len(bulk), err)
		}
		for i, line := range lines {
			var want exported
			decode(t, line, &want)
			got := columns[i]
			if got.Sequence != want.Sequence || !got.Received.Equal(want.Received) || got.Verdict != want.Verdict ||
				(got.Corrected == nil) != (want.Corrected == nil) || got.Corrected != nil && !got.Corrected.Equal(*want.Corrected) {
				t.Fatalf("%s: row %d is %+v, want %+v", when, i, got, want)
			}
		}
	}
	checkFormats("running")
	s.Stop(t)
	checkFormats("stopped")

	closeSegment(t, data)
	s = trusting(t, data)
	sendText(t, s, "in the next segment")
	eventually(t, 20*time.Second, func() error {
		if n := strings.Count(run(t, s, "search"), "\n"); n <= len(rows) {
			return fmt.Errorf("%d messages are found", n)
		}
		return nil
	})
	s.Stop(t)
	closeSegment(t, data)
	to := filepath.Join(dir, "segments")
	_, stderr, code := s.Run("export", "--format", "parquet", "--per-segment", to)
	if code != 0 || !strings.Contains(stderr, "1 segments exported, 0 were there") {
		t.Errorf("export by segments exits with %d and says %q", code, stderr)
	}
	columns, err := parquet.ReadFile[exported](filepath.Join(to, "00000000000000000001.parquet"))
	if err != nil || uint64(len(columns)) != columns[len(columns)-1].Sequence {
		t.Errorf("the first segment's file has %d messages, %v", len(columns), err)
	}
	if _, stderr, code := s.Run("export", "--format", "parquet", "--per-segment", to); code != 0 || !strings.Contains(stderr, "0 segments exported, 1 were there") {
		t.Errorf("export by segments again exits with %d and says %q", code, stderr)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*", "*.new")); len(left) > 0 {
		t.Errorf("left behind is %v", left)
	}
}
