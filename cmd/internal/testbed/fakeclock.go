package testbed

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"time"
)

// A FakeClock is the clock of a program whose clock a test sets.
type FakeClock struct {
	tool, file string
}

// NewFakeClock returns a clock that is right until it is set. Only Linux on amd64 has them:
// elsewhere the test is skipped.
func NewFakeClock(t testing.TB) *FakeClock {
	t.Helper()
	if runtime.GOOS != "linux" || runtime.GOARCH != "amd64" {
		t.Skip("the tool that sets a program's clock is for linux/amd64")
	}
	tool, err := buildFakeClock()
	if err != nil {
		t.Fatalf("testbed: building fakeclock: %v", err)
	}
	c := &FakeClock{tool: tool, file: filepath.Join(t.TempDir(), "seconds")}
	c.Set(t, 0)
	return c
}

var buildFakeClock = sync.OnceValues(func() (string, error) {
	path, err := moduleFile("bin", "fakeclock-under-test")
	if err != nil {
		return "", err
	}
	fresh := fmt.Sprintf("%s.%d", path, os.Getpid())
	output, err := exec.Command("go", "build", "-o", fresh, "github.com/skewatch/skewatch/cmd/internal/testbed/fakeclock").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%w\n%s", err, output)
	}
	return path, os.Rename(fresh, path) // another test process may be running the one that is replaced
})

// Set makes the clock be ahead of the true time.
func (c *FakeClock) Set(t testing.TB, ahead time.Duration) {
	t.Helper()
	fresh := c.file + ".new"
	if err := os.WriteFile(fresh, []byte(strconv.FormatFloat(ahead.Seconds(), 'f', -1, 64)), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(fresh, c.file); err != nil {
		t.Fatal(err)
	}
}

// StartSkewatch runs `skewatch serve` by this clock, as the function of that name does.
func (c *FakeClock) StartSkewatch(t testing.TB, data string, args ...string) *Skewatch {
	t.Helper()
	return StartSkewatchBy(t, nil, fmt.Sprintf("exec '%s' '%s'", c.tool, c.file), data, args...)
}
