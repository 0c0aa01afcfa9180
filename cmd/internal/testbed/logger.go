package testbed

import (
	"os/exec"
	"testing"
)

// Logger returns a command that runs util-linux's logger.
func Logger(t testing.TB, args ...string) *exec.Cmd {
	t.Helper()
	return exec.Command(need(t, "logger", "bsdutils"), args...)
}
