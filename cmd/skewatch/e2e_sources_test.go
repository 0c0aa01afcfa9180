package main_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/skewatch/skewatch/cmd/internal/testbed"
	"github.com/skewatch/skewatch/ntpcheck/chronydtest"
)

// TestEndToEndSources measures the collector's own clock against three chronyd, of
// which one lies, and takes all of them away: verdicts are held, not guessed.
func TestEndToEndSources(t *testing.T) {
	t.Parallel()
	truthful := chronydtest.Start(t, chronydtest.Options{})
	liar := chronydtest.Start(t, chronydtest.Options{FakeTime: "+100s"})
	third := chronydtest.Start(t, chronydtest.Options{})
	s := testbed.StartSkewatch(t, t.TempDir(), "--ntp-server", truthful.Addr(), "--ntp-server", liar.Addr(),
		"--ntp-server", third.Addr(), "--ntp-poll", "1s", "--ntp-holdover", "10s", "--kernel-clock", "off")
	tail := s.Follow(t, "tail", "--format", "json")
	feedAhead(t, s)

	eventually(t, 30*time.Second, func() error { return checkMajority(askSources(t, s), liar.Addr()) })
	watchReference(t, s, liar.Addr(), lasting(60*time.Second, 15*time.Second))
	eventually(t, 60*time.Second, func() error { return isVerdict(askReport(t, s), "ahead") })
	eventually(t, 30*time.Second, func() error { return countEvents(t, tail, 1) })

	for _, server := range []*chronydtest.Server{truthful, liar, third} {
		server.Stop()
	}
	if got, want := statesUntilUnsynchronised(t, s), []string{"synchronised", "holdover", "unsynchronised"}; !slices.Equal(got, want) {
		t.Errorf("without sources the reference goes through %v, want %v", got, want)
	}
	eventually(t, 20*time.Second, func() error { return checkHeld(askReport(t, s)) })
	if err := countEvents(t, tail, 1); err != nil {
		t.Errorf("while the reference is in doubt: %v", err)
	}
	if stdout, _, code := s.Run("sources", "--check"); code != 2 || !strings.HasPrefix(stdout, "SKEWATCH SOURCES CRITICAL - ") {
		t.Errorf("sources --check: exit code %d, %s", code, stdout)
	}

	began := time.Now()
	for _, server := range []*chronydtest.Server{truthful, third} {
		chronydtest.Start(t, chronydtest.Options{Port: server.Port()})
	}
	eventually(t, 60*time.Second, func() error {
		if r := askSources(t, s).Reference; r.State != "synchronised" || math.Abs(*r.Offset) > 1e-3 {
			return fmt.Errorf("the reference is %+v, want synchronised within 1 ms", r)
		}
		return nil
	})
	t.Logf("synchronised %v after the sources returned", time.Since(began).Round(time.Millisecond))
}

// feedAhead lets a host that is 37.5 s ahead log until the test ends.
func feedAhead(t *testing.T, s *testbed.Skewatch) {
	t.Helper()
	r := testbed.StartRsyslogd(t, testbed.Host{Name: "ahead", Target: s.TCP, Transport: "tcp", Format: testbed.Forward,
		Clock: testbed.Clock{Offset: 37500 * time.Millisecond}})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() {
		_, err := r.Feed(ctx, meanInterval, rand.New(rand.NewPCG(3, 1)))
		ended <- err
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// checkMajority checks that the liar is found out and that the reference is within
// a millisecond of the truth.
func checkMajority(answer sourcesAnswer, liar string) error {
	reference := answer.Reference
	if reference.State != "synchronised" || reference.Offset == nil || math.Abs(*reference.Offset) > 1e-3 {
		return fmt.Errorf("the reference is %+v, want synchronised within 1 ms", reference)
	}
	for _, source := range answer.Sources {
		isFalseticker := source.State == "falseticker"
		if isFalseticker != (source.Address == liar) {
			return fmt.Errorf("source %+v, want %s to be the only falseticker", source, liar)
		}
	}
	if len(answer.Sources) != 3 {
		return fmt.Errorf("%d sources, want 3", len(answer.Sources))
	}
	return nil
}

// watchReference checks for a while that the reference stays right.
func watchReference(t *testing.T, s *testbed.Skewatch, liar string, length time.Duration) {
	t.Helper()
	worst, answers := 0.0, 0
	for end := time.Now().Add(length); time.Now().Before(end); answers++ {
		answer := askSources(t, s)
		if err := checkMajority(answer, liar); err != nil {
			t.Fatal(err)
		}
		worst = max(worst, math.Abs(*answer.Reference.Offset))
		time.Sleep(200 * time.Millisecond)
	}
	t.Logf("reference within %.3f ms in %d answers over %v", worst*1e3, answers, length)
}

// statesUntilUnsynchronised returns the states that the reference goes through.
func statesUntilUnsynchronised(t *testing.T, s *testbed.Skewatch) (states []string) {
	t.Helper()
	eventually(t, 90*time.Second, func() error {
		state := askSources(t, s).Reference.State
		if len(states) == 0 || states[len(states)-1] != state {
			states = append(states, state)
		}
		if state != "unsynchronised" {
			return fmt.Errorf("the reference went through %v, want it to become unsynchronised", states)
		}
		return nil
	})
	return states
}

func isVerdict(report reportAnswer, want string) error {
	if row := report.rowOf("ahead", "handshake"); row.Verdict != want {
		return fmt.Errorf("ahead is judged %q (%s), want %q", row.Verdict, row.Explanation, want)
	}
	return nil
}

// checkHeld checks that the report withholds its verdict, says why, and names the
// last one.
func checkHeld(report reportAnswer) error {
	if state := report.Header.Reference.State; state != "unsynchronised" {
		return fmt.Errorf("the report's header calls the reference %q, want unsynchronised", state)
	}
	if err := isVerdict(report, "insufficient"); err != nil {
		return err
	}
	row := report.rowOf("ahead", "handshake")
	if !strings.Contains(row.Explanation, "reference") && !strings.Contains(row.Explanation, "collector's own clock") {
		return fmt.Errorf("the explanation is %q, want it to name the reference", row.Explanation)
	}
	if !strings.Contains(strings.Join(row.Claims, "\n"), "ahead") {
		return fmt.Errorf("the claims are %q, want the last verdict among them", row.Claims)
	}
	return nil
}

func countEvents(t *testing.T, tail *testbed.Follower, want int) error {
	t.Helper()
	if events := readEvents(t, tail.Lines()); len(events) != want {
		return fmt.Errorf("tail shows %d events, want %d: %+v", len(events), want, events)
	}
	return nil
}
