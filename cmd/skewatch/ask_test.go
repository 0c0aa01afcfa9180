package main

import (
	"bytes"
	"strings"
	"testing"
)

// TestQuestionsExitCodes tells questions that make no sense from those that nobody
// answers.
func TestQuestionsExitCodes(t *testing.T) {
	t.Parallel()
	empty := t.TempDir()
	tests := []struct {
		args string
		want int
	}{
		{"report --since yesterday", exitUsage},
		{"report --tolerance 0s", exitUsage},
		{"search --host [", exitUsage},
		{"tail --server localhost", exitUsage},
		{"sources now", exitUsage},
		{"hosts --data " + empty, exitFailed},
		{"report --data " + empty + "/none", exitFailed},
		{"tail --data " + empty, exitFailed},
		{"sources --data /dev/null", exitFailed},
		{"search --server http://127.0.0.1:1", exitFailed},
		{"tail --messages --server http://127.0.0.1:1", exitFailed},
	}
	for _, tt := range tests {
		var stdout, stderr bytes.Buffer
		p := testProgram()
		p.stdout, p.stderr = &stdout, &stderr
		if have := p.run(strings.Fields(tt.args)); have != tt.want || stdout.Len() > 0 || !strings.HasPrefix(stderr.String(), "error: ") {
			t.Errorf("skewatch %s: exit code %d, stdout %q, stderr %q, want %d and an error", tt.args, have, stdout.String(), stderr.String(), tt.want)
		}
	}
}
