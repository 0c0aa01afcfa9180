package main_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestSignedReport signs reports in every format, by a running server and from its files,
// and finds out which were changed.
func TestSignedReport(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := trusting(t, filepath.Join(dir, "data"))
	sendText(t, s, "hello")
	path := filepath.Join(dir, "report")
	check := func(when, format string) {
		t.Helper()
		out := run(t, s, "report", "--format", format, "--sign", path+".note")
		if err := os.WriteFile(path, []byte(out), 0o600); err != nil {
			t.Fatal(err)
		}
		if out := run(t, s, "verify", path); !strings.Contains(out, "signed it") {
			t.Errorf("%s, %s: verify says %q", when, format, out)
		}
		if err := os.WriteFile(path, []byte(out+" "), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, stderr, code := s.Run("verify", path); code != 1 || !strings.Contains(stderr, "isn't the one that was signed") {
			t.Errorf("%s, %s: verify of a changed report exits with %d and says %q", when, format, code, stderr)
		}
	}
	for _, format := range []string{"table", "json", "csv", "md", "html"} {
		check("running", format)
	}
	s.Stop(t)
	check("stopped", "html")
	if _, stderr, code := s.Run("verify", path, "--note", path); code != 1 || !strings.Contains(stderr, "error:") {
		t.Errorf("a report in the note's place: exit code %d, %q", code, stderr)
	}
}
