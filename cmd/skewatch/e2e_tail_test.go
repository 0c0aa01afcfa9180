package main_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/skewatch/skewatch/cmd/internal/testbed"
)

// TestEndToEndTail follows the warnings while the server is killed, stopped and killed again:
// each comes once, in order, and those that a filter selects are followed to their end.
func TestEndToEndTail(t *testing.T) {
	t.Parallel() // it waits more than it works
	data := t.TempDir()
	serve := func() *testbed.Skewatch {
		return testbed.StartSkewatch(t, data, "--kernel-clock", "trust", "--ntp-server", "", "--warn-hold", "0s")
	}
	s := serve()
	speak(t, s.TCP, "fast0", 40*time.Second)
	tail := s.Follow(t, "tail", "--format", "json", "--since", "1h")
	grave := s.Follow(t, "tail", "--format", "json", "--min-severity", "crit", "--verdict", "ahead", "--since", "1h")
	for _, f := range []*testbed.Follower{tail, grave} {
		eventually(t, 20*time.Second, func() error { return countEvents(t, f, 1) })
	}
	for round := 1; round <= 3; round++ {
		if round%2 == 1 {
			s.Kill()
		} else {
			s.Stop(t)
		}
		s = serve()
		fast, mild := fmt.Sprintf("fast%d", round), fmt.Sprintf("mild%d", round)
		apart := time.Duration(round) * 600 * time.Millisecond // or they would be taken for one clock behind a relay
		speak(t, s.TCP, fast, 40*time.Second+apart)
		speak(t, s.TCP, mild, 2*time.Second+apart)
		eventually(t, 30*time.Second, func() error {
			told := strings.Join(tail.Lines(), "\n")
			if !strings.Contains(told, fast) || !strings.Contains(told, mild) {
				return fmt.Errorf("round %d: tail doesn't tell of %s and %s:\n%s", round, fast, mild, told)
			}
			return nil
		})
	}
	stored := strings.Split(strings.TrimSuffix(run(t, s, "tail", "--format", "json", "--since", "1h", "--until", "0s"), "\n"), "\n")
	eventually(t, 5*time.Second, func() error {
		if told := tail.Lines(); !slices.Equal(told, stored) {
			return fmt.Errorf("tail has told\n%s\nand stored is\n%s", strings.Join(told, "\n"), strings.Join(stored, "\n"))
		}
		return nil
	})
	var want []string
	for _, line := range stored {
		if strings.Contains(line, `"host":"fast`) {
			want = append(want, line)
		}
	}
	if told := grave.Lines(); !slices.Equal(told, want) || len(want) < 4 {
		t.Errorf("of critical warnings that are ahead it has told\n%s\nwant\n%s", strings.Join(told, "\n"), strings.Join(want, "\n"))
	}
}
