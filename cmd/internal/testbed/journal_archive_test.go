package testbed

import (
	"bytes"
	"encoding/csv"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// TestJournalExport analyses what a real journalctl exports: both times of a program's messages
// are of the machine's own clock, and so hardly differ.
func TestJournalExport(t *testing.T) {
	j := StartJournalHost(t)
	const messages = 5
	for range messages {
		if output, err := Logger(t, "--socket", j.DevLog(), "-t", "app", "hello").CombinedOutput(); err != nil {
			t.Fatalf("logger: %v: %s", err, output)
		}
	}
	var exported []byte
	for deadline := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		var err error
		exported, err = j.Command("journalctl", "--directory", "/run/log/journal", "--output", "export", "--no-pager", "SYSLOG_IDENTIFIER=app").Output()
		if err == nil && bytes.Count(exported, []byte("\nMESSAGE=hello")) == messages {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("journalctl exports %q, %v", exported, err)
		}
	}
	file := filepath.Join(t.TempDir(), "journal")
	if err := os.WriteFile(file, exported, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(Binary(t), "analyze", "--format", "csv", file).Output()
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(bytes.NewReader(out)).ReadAll()
	if err != nil || len(rows) != 2 {
		t.Fatalf("the report is %v, %v, want one row", rows, err)
	}
	row := map[string]string{}
	for i, name := range rows[0] {
		row[name] = rows[1][i]
	}
	if row["messages"] != "5" || row["stamp_format"] != "epoch" {
		t.Errorf("the row is %v, want %d messages with stamps", row, messages)
	}
}
