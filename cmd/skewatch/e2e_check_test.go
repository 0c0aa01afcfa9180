package main_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/skewatch/skewatch/cmd/internal/testbed"
)

// perfdata is what the guidelines for monitoring plugins allow, without quoted labels:
// label=value[unit];[warn];[crit];[min];[max].
var perfdata = regexp.MustCompile(`^([a-z_]+=-?[0-9]+(\.[0-9]+)?s?(;(-?[0-9.]*:?-?[0-9.]*)?){0,4} ?)+$`)

// TestEndToEndCheck asks the plugin about hosts in every state.
func TestEndToEndCheck(t *testing.T) {
	t.Parallel() // it waits more than it works
	data := t.TempDir()
	s := testbed.StartSkewatch(t, data, "--kernel-clock", "trust", "--ntp-server", "", "--warn-hold", "0s")
	speak(t, s.TCP, "good1", 0)
	speak(t, s.TCP, "mild1", 3*time.Second)
	speak(t, s.TCP, "fast1", 40*time.Second)
	sendText(t, s, "once") // of web1
	for _, tt := range []struct {
		args, begins string
		code         int
	}{
		{"--host good1", "SKEWATCH CLOCKS OK - good1 is in-sync", 0},
		{"--host MILD1", "SKEWATCH CLOCKS WARNING - mild1 is ahead: ahead by 2.9", 1},
		{"--host fast1", "SKEWATCH CLOCKS CRITICAL - fast1 is ahead: ahead by 39.9", 2},
		{"--host web1", "SKEWATCH CLOCKS UNKNOWN - web1 is insufficient", 3},
		{"--host nobody", `SKEWATCH CLOCKS UNKNOWN - no host that matches "nobody"`, 3},
		{"--host *1", "SKEWATCH CLOCKS CRITICAL - 1 of 4 clocks in order; fast1 is ahead", 2},
		{"--host m*1", "SKEWATCH CLOCKS WARNING - mild1 is ahead", 1},
		{"--reference", "SKEWATCH SOURCES WARNING - only 0 of 0 sources usable", 1},
	} {
		eventually(t, 30*time.Second, func() error { return checkPlugin(s, tt.args, tt.begins, tt.code) })
	}
	s.Stop(t)
	if err := checkPlugin(s, "--host good1", "SKEWATCH CLOCKS UNKNOWN - "+data+": no server there says where it answers", 3); err != nil {
		t.Error(err)
	}
}

// checkPlugin runs the plugin and checks its code, its line, and its figures.
func checkPlugin(s *testbed.Skewatch, args, begins string, want int) error {
	line, stderr, code := s.Run(append([]string{"check"}, strings.Fields(args)...)...)
	text, figures, measured := strings.Cut(strings.TrimSuffix(line, "\n"), " | ")
	if code != want || !strings.HasPrefix(text, begins) || strings.Contains(text, "\n") || stderr != "" {
		return fmt.Errorf("check %s: exit code %d, %q and %q; want %d and %q", args, code, line, stderr, want, begins)
	}
	if measured && !perfdata.MatchString(figures) {
		return fmt.Errorf("check %s: figures that no monitoring system reads: %q", args, figures)
	}
	return nil
}
