package main

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"

	"github.com/skewatch/skewatch/cmd/internal/config"
)

// broken fails every write.
type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("no space left on device") }

func TestExitCodes(t *testing.T) {
	tests := []struct {
		args string
		want int
	}{
		{"version", exitFine},
		{"config show", exitFine},
		{"serve --help", exitFine},
		{"", exitUsage},
		{"sevre", exitUsage},
		{"config shw", exitUsage},
		{"version now", exitUsage},
		{"version --format xml", exitUsage},
		{"serve --nope", exitUsage},
		{"serve --http :1", exitUsage},
		{"config check --config /nonexistent", exitUsage},
		{"analyze", exitUsage},
		{"analyze --at noon /dev/null", exitUsage},
		{"analyze /dev/null", exitFailed},
		{"analyze /nonexistent", exitFailed},
		{"serve --data /dev/null/data --listen-udp= --listen-tcp= --http= --ntp-server=", exitFailed},
	}
	for _, tt := range tests {
		var stdout, stderr bytes.Buffer
		p := testProgram()
		p.stdout, p.stderr = &stdout, &stderr
		if have := p.run(strings.Fields(tt.args)); have != tt.want {
			t.Errorf("skewatch %s: exit code %d, want %d", tt.args, have, tt.want)
		}
		if failed := tt.want != exitFine; (stdout.Len() == 0) != failed || (stderr.Len() > 0) != failed {
			t.Errorf("skewatch %s: stdout %q, stderr %q", tt.args, stdout.String(), stderr.String())
		}
	}
}

// TestPluginsAreUnknown: whatever keeps a plugin from knowing exits with 3, and says why on
// stdout, which is all that a monitoring system reads.
func TestPluginsAreUnknown(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	for _, tt := range []struct{ args, want string }{
		{"check", "CLOCKS UNKNOWN - --host: missing"},
		{"check --host [", `CLOCKS UNKNOWN - --host: not a name pattern (got "[")`},
		{"check --host a --reference", "CLOCKS UNKNOWN - --host: can't be given together with --reference"},
		{"check --hosts a", "CLOCKS UNKNOWN - --hosts: unknown flag"},
		{"check --host a b", `CLOCKS UNKNOWN - skewatch check: takes no arguments (got "b")`},
		{"check --host a --max-age 0s", `CLOCKS UNKNOWN - --max-age: not a time that can pass (got "0s")`},
		{"check --host a --timeout -1s", `CLOCKS UNKNOWN - --timeout: not a time that can pass (got "-1s")`},
		{"check --host a --server nowhere", `CLOCKS UNKNOWN - --server: not the URL of a server (got "nowhere")`},
		{"check --host a --server http://127.0.0.1:1", "CLOCKS UNKNOWN - no server answers at http://127.0.0.1:1: dial tcp"},
		{"check --host a --data /nonexistent", "CLOCKS UNKNOWN - /nonexistent: no server there says where it answers"},
		{"check --host a --timeout 100ms --server http://" + silent.Addr().String(), "CLOCKS UNKNOWN - no answer within 100ms"},
		{"check --reference --timeout 100ms --server http://" + silent.Addr().String(), "SOURCES UNKNOWN - no answer within 100ms"},
		{"sources --nope --check", "SOURCES UNKNOWN - --nope: unknown flag"},
		{"sources --check --server http://127.0.0.1:1", "SOURCES UNKNOWN - no server answers at http://127.0.0.1:1: dial tcp"},
	} {
		var stdout, stderr bytes.Buffer
		p := testProgram()
		p.stdout, p.stderr = &stdout, &stderr
		code := p.run(strings.Fields(tt.args))
		if line := stdout.String(); code != int(pluginUnknown) || !strings.HasPrefix(line, "SKEWATCH "+tt.want) || strings.Count(line, "\n") != 1 {
			t.Errorf("skewatch %s: exit code %d and %q, want %d and one line that begins with %q", tt.args, code, line, pluginUnknown, tt.want)
		}
	}
}

func TestUnwritableOutputFails(t *testing.T) {
	for _, args := range []string{"version", "config show", "config show --format json", "config check"} {
		var stderr bytes.Buffer
		p := testProgram()
		p.stdout, p.stderr = broken{}, &stderr
		if have := p.run(strings.Fields(args)); have != exitFailed {
			t.Errorf("skewatch %s to a full disk: exit code %d, want %d", args, have, exitFailed)
		}
	}
}

func TestComplain(t *testing.T) {
	bad := fmt.Errorf("reading: %w", &config.Error{Field: "--http", Problem: "missing port", Value: "a", Hint: "add one"})
	fire, flood := errors.New("disk on fire"), errors.New("disk under water")
	const printed = "error: reading: --http: missing port (got \"a\")\nhint: add one\n"
	tests := []struct {
		err  error
		want string
		code int
	}{
		{fire, "error: disk on fire\n", exitFailed},
		{bad, printed, exitUsage},
		{failure{bad}, printed, exitFailed},
		{errors.Join(bad, fire), printed + "error: disk on fire\n", exitUsage},
		{failure{errors.Join(errors.Join(bad, fire), flood)}, printed + "error: disk on fire\nerror: disk under water\n", exitFailed},
	}
	for _, tt := range tests {
		var b bytes.Buffer
		if code := complain(&b, tt.err); b.String() != tt.want || code != tt.code {
			t.Errorf("complain wrote %q, code %d, want %q, code %d", b.String(), code, tt.want, tt.code)
		}
	}
}
