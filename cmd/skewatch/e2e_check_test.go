package main_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/skewatch/skewatch/cmd/internal/testbed"
	"github.com/skewatch/skewatch/ntpcheck/chronydtest"
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
		{"--reference", "SKEWATCH SOURCES OK - our clock is not measured, taken as true on the operator's word", 0},
	} {
		eventually(t, 30*time.Second, func() error { return checkPlugin(s, tt.args, tt.begins, tt.code) })
	}
	s.Stop(t)
	if err := checkPlugin(s, "--host good1", "SKEWATCH CLOCKS UNKNOWN - "+data+": no server there says where it answers", 3); err != nil {
		t.Error(err)
	}
}

// TestEndToEndCheckOwnClock asks the plugin about a clock that is measured to be far off, which
// hosts are judged by all the same.
func TestEndToEndCheckOwnClock(t *testing.T) {
	t.Parallel()
	late := chronydtest.Start(t, chronydtest.Options{FakeTime: "+3s"})
	for _, tt := range []struct {
		tolerance, begins string
		code              int
	}{
		{"1s", "SKEWATCH SOURCES WARNING - our clock is 3.0", 1},
		{"200ms", "SKEWATCH SOURCES CRITICAL - our clock is 3.0", 2},
	} {
		s := testbed.StartSkewatch(t, t.TempDir(), "--ntp-server", late.Addr(), "--ntp-poll", "1s", "--kernel-clock", "off",
			"--tolerance", tt.tolerance)
		eventually(t, 30*time.Second, func() error { return checkPlugin(s, "--reference", tt.begins, tt.code) })
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
