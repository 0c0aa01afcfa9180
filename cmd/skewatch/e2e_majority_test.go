package main_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/skewatch/skewatch/cmd/internal/testbed"
	"github.com/skewatch/skewatch/ntpcheck/chronydtest"
)

// TestEndToEndMajorityThatLies has three of five chronyd begin to lie by the same 100 s: they
// aren't believed, and verdicts are held.
func TestEndToEndMajorityThatLies(t *testing.T) {
	t.Parallel()
	var servers []*chronydtest.Server
	args := []string{"--ntp-poll", "1s", "--kernel-clock", "off"}
	for range 5 {
		c := chronydtest.Start(t, chronydtest.Options{})
		servers = append(servers, c)
		args = append(args, "--ntp-server", c.Addr())
	}
	s := testbed.StartSkewatch(t, t.TempDir(), args...)
	feedAhead(t, s)
	eventually(t, 30*time.Second, func() error {
		if state := askSources(t, s).Reference.State; state != "synchronised" {
			return fmt.Errorf("the reference is %q, want synchronised", state)
		}
		return nil
	})
	eventually(t, 60*time.Second, func() error { return isVerdict(askReport(t, s), "ahead") })
	for _, server := range servers[:3] {
		server.Stop()
		chronydtest.Start(t, chronydtest.Options{Port: server.Port(), FakeTime: "+100s"})
	}
	eventually(t, 60*time.Second, func() error {
		if out := run(t, s, "sources"); !strings.Contains(out, "they may lie in concert") {
			return fmt.Errorf("sources says:\n%s", out)
		}
		return nil
	})
	if r := askSources(t, s).Reference; r.State != "unsynchronised" {
		t.Errorf("the reference is %+v, want unsynchronised", r)
	}
	eventually(t, 20*time.Second, func() error { return checkHeld(askReport(t, s)) })
}
