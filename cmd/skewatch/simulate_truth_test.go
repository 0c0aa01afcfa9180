package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// TestTruthOfNothing has simulations fail before anybody spoke: they leave no file for the
// truth, and one that was there as it was.
func TestTruthOfNothing(t *testing.T) {
	full := t.TempDir()
	if err := os.WriteFile(filepath.Join(full, "note"), []byte("not ours"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"--replay", full, "--for", "1m"},
		{"--target", "tcp://127.0.0.1:1", "--for", "1s"},
	} {
		truth := filepath.Join(t.TempDir(), "truth")
		simulateWrongly := func() {
			var stdout, stderr bytes.Buffer
			p := testProgram()
			p.stdout, p.stderr = &stdout, &stderr
			if code := p.run(append([]string{"simulate", "--truth", truth}, args...)); code == 0 {
				t.Errorf("simulate %q goes well: %s", args, stderr.String())
			}
		}
		simulateWrongly()
		if b, err := os.ReadFile(truth); !os.IsNotExist(err) {
			t.Errorf("simulate %q leaves the truth %q, %v, want no file", args, b, err)
		}
		if err := os.WriteFile(truth, []byte("of before"), 0o600); err != nil {
			t.Fatal(err)
		}
		simulateWrongly()
		if b, err := os.ReadFile(truth); string(b) != "of before" {
			t.Errorf("simulate %q leaves the truth %q, %v, want what was there", args, b, err)
		}
	}
}
