package main_test

import (
	"context"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/skewatch/skewatch/cmd/internal/testbed"
	"github.com/skewatch/skewatch/ntpcheck/chronydtest"
)

const (
	// goodHosts is how many hosts with true clocks log while ours is set.
	goodHosts = 20

	// noticedWithin is how long it may take until that is told.
	noticedWithin = 2 * time.Second

	// sameOffset is how far apart two estimates of one true clock may lie, s: the first is
	// of a few messages, which a busy machine stamps late.
	sameOffset = 25e-3
)

// startByFakeClock starts a server whose clock the test sets, measured by a truthful
// chronyd, under the traffic of good hosts, and waits until all are in sync.
func startByFakeClock(t *testing.T, stamps string) (*testbed.FakeClock, *testbed.Skewatch, *testbed.Follower) {
	t.Helper()
	clock := testbed.NewFakeClock(t)
	truth := chronydtest.Start(t, chronydtest.Options{})
	s := serveByFakeClock(t, clock, truth, t.TempDir(), stamps)
	tail := s.Follow(t, "tail", "--format", "json")
	t.Cleanup(logAllTruly(t, s))
	eventually(t, 60*time.Second, func() error { return allInSync(askReport(t, s)) })
	return clock, s, tail
}

func serveByFakeClock(t *testing.T, clock *testbed.FakeClock, truth *chronydtest.Server, data, stamps string) *testbed.Skewatch {
	t.Helper()
	return clock.StartSkewatch(t, data, "--receive-stamps", stamps, "--warn-hold", "0s",
		"--ntp-server", truth.Addr(), "--ntp-poll", "1s", "--kernel-clock", "off")
}

// logAllTruly has all good hosts log until the function that it returns is called.
func logAllTruly(t *testing.T, s *testbed.Skewatch) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var hosts sync.WaitGroup
	for i := range goodHosts {
		hosts.Go(func() { logTruly(ctx, t, s.TCP, fmt.Sprintf("127.0.0.%d", 2+i), fmt.Sprintf("good%d", i)) })
	}
	return func() { cancel(); hosts.Wait() }
}

// logTruly logs over TCP from an address of its own, by the true clock, until the context
// ends.
func logTruly(ctx context.Context, t *testing.T, address, own, host string) {
	conn, err := (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(own)}}).Dial("tcp", address)
	if err != nil {
		t.Error(err)
		return
	}
	defer conn.Close()
	for n := 0; ctx.Err() == nil; n++ {
		stamp := time.Now().UTC().Format("2006-01-02T15:04:05.000000Z")
		if _, err := io.WriteString(conn, fmt.Sprintf("<14>1 %s %s app - - - number %d\n", stamp, host, n)); err != nil {
			t.Errorf("%s: %v", host, err)
			return
		}
		select {
		case <-ctx.Done():
		case <-time.After(time.Duration(rand.ExpFloat64() * float64(meanInterval))):
		}
	}
}

// allInSync checks that every good host has that verdict, by a reference that may judge.
func allInSync(report reportAnswer) error {
	if state := report.Header.Reference.State; state != "synchronised" && state != "holdover" {
		return fmt.Errorf("the reference is %q", state)
	}
	if len(report.Hosts) != goodHosts {
		return fmt.Errorf("%d rows, want %d", len(report.Hosts), goodHosts)
	}
	for _, row := range report.Hosts {
		if row.Verdict != "in-sync" || row.Offset == nil {
			return fmt.Errorf("%s is %q (%s), want in-sync", row.Host, row.Verdict, row.Explanation)
		}
	}
	return nil
}

// agree checks that two reports tell the same of every host.
func agree(before, after reportAnswer) error {
	for _, was := range before.Hosts {
		is := after.rowOf(was.Host, was.Trust)
		if is.Verdict != was.Verdict || is.Offset == nil || math.Abs(*is.Offset-*was.Offset) > sameOffset ||
			!is.First.Equal(was.First) || is.Messages < was.Messages || is.Last.Sub(was.Last).Abs() > 5*time.Minute {
			return fmt.Errorf("%s was %+v at %v s and is %+v at %v s", was.Host, was, *was.Offset, is, deref(is.Offset))
		}
	}
	return nil
}

func deref(v *float64) float64 {
	if v == nil {
		return math.NaN()
	}
	return *v
}

// awaitTold waits until the log holds some words so many times, and returns how long that
// took.
func awaitTold(t *testing.T, s *testbed.Skewatch, words string, times int) time.Duration {
	t.Helper()
	for began := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		took := time.Since(began)
		if strings.Count(s.Log(), words) >= times {
			return took
		}
		if took > noticedWithin {
			t.Fatalf("%q wasn't told %d times within %v", words, times, noticedWithin)
		}
	}
}

// checkNobodyFlagged checks that nothing was said of any host.
func checkNobodyFlagged(t *testing.T, tail *testbed.Follower) {
	t.Helper()
	if events := readEvents(t, tail.Lines()); len(events) > 0 {
		t.Errorf("%d warning events, want none: %+v", len(events), events)
	}
}

// TestEndToEndOwnClockIsSet sets the collector's own clock, which stamps the messages, to
// and fro: that is noticed and measured, and no host is blamed.
func TestEndToEndOwnClockIsSet(t *testing.T) {
	t.Parallel()
	clock, s, tail := startByFakeClock(t, "user")
	steps := []time.Duration{time.Second, -time.Second, 2 * time.Hour, -2 * time.Hour}
	var ahead time.Duration
	for _, step := range steps {
		before := askReport(t, s)
		ahead += step
		clock.Set(t, ahead)
		took := awaitTold(t, s, fmt.Sprintf("our own clock was set by %+.3f s", step.Seconds()), 1)
		began := time.Now()
		eventually(t, 10*time.Second, func() error { return measuredAt(askSources(t, s), -ahead) })
		eventually(t, 10*time.Second, func() error { return allInSync(askReport(t, s)) })
		t.Logf("set by %v: noticed after %v, and judged again %v later", step, took.Round(time.Millisecond), time.Since(began).Round(time.Millisecond))
		mustStayInSync(t, s, before, lasting(60*time.Second, 3*time.Second))
	}
	checkNobodyFlagged(t, tail)
	if told := askReport(t, s).Header.Reference.Events; len(told) != len(steps) {
		t.Errorf("the report tells of our own clock: %+v, want %d steps", told, len(steps))
	} else {
		for i, e := range told {
			if math.Abs(e.Seconds-steps[i].Seconds()) > 0.05 {
				t.Errorf("step %d was of %v s, want %v", i, e.Seconds, steps[i])
			}
		}
	}
	s.Stop(t)
}

// mustStayInSync watches for a while that all hosts are in sync, and where they were before.
func mustStayInSync(t *testing.T, s *testbed.Skewatch, before reportAnswer, span time.Duration) {
	t.Helper()
	for end := time.Now().Add(span); time.Now().Before(end); time.Sleep(500 * time.Millisecond) {
		after := askReport(t, s)
		if err := allInSync(after); err != nil {
			t.Fatal(err)
		}
		if err := agree(before, after); err != nil {
			t.Fatal(err)
		}
	}
}

// measuredAt checks that our clock was measured to need an offset.
func measuredAt(answer sourcesAnswer, want time.Duration) error {
	r := answer.Reference
	if r.State != "synchronised" || r.Offset == nil || math.Abs(*r.Offset-want.Seconds()) > 50e-3 {
		return fmt.Errorf("the reference is %+v, want synchronised at %v", r, want)
	}
	return nil
}

// TestEndToEndOwnClocksDiffer sets the clock of the process while the kernel's, which
// stamps the messages, stays: they can't both be measured, so the process's takes over.
func TestEndToEndOwnClocksDiffer(t *testing.T) {
	t.Parallel()
	clock, s, tail := startByFakeClock(t, "kernel")
	before := askReport(t, s)
	if got := newestStamp(t, s, "good0"); got != "kernel" {
		t.Fatalf("messages are stamped by %q, want kernel", got)
	}
	const ahead = 3 * time.Second
	clock.Set(t, ahead)
	took := awaitTold(t, s, "the kernel's clock and this process's differ by -3.000 s", 1)
	t.Logf("noticed after %v", took.Round(time.Millisecond))
	eventually(t, 2*time.Second, func() error {
		if got := newestStamp(t, s, "good0"); got != "user" {
			return fmt.Errorf("messages are stamped by %q, want user", got)
		}
		return nil
	})
	eventually(t, 10*time.Second, func() error { return measuredAt(askSources(t, s), -ahead) })
	eventually(t, 10*time.Second, func() error { return allInSync(askReport(t, s)) })
	mustStayInSync(t, s, before, lasting(60*time.Second, 5*time.Second))
	checkNobodyFlagged(t, tail)
	if told := askReport(t, s).Header.Reference.Events; !slices.ContainsFunc(told, func(e clockEvent) bool {
		return strings.Contains(e.Text, "the kernel's clock and this process's differ")
	}) {
		t.Errorf("the report tells of our own clock: %+v, want that there are two", told)
	}
	s.Stop(t)
}

// TestEndToEndOwnClockIsSetWhileDown sets the clock while no server runs: it is found out by
// the sources, before a message of then is evidence.
func TestEndToEndOwnClockIsSetWhileDown(t *testing.T) {
	t.Parallel()
	clock, data := testbed.NewFakeClock(t), t.TempDir()
	truth := chronydtest.Start(t, chronydtest.Options{})
	s := serveByFakeClock(t, clock, truth, data, "user")
	stop := logAllTruly(t, s)
	eventually(t, 60*time.Second, func() error { return allInSync(askReport(t, s)) })
	before := askReport(t, s)
	stop()
	s.Stop(t)

	clock.Set(t, 2*time.Hour)
	s = serveByFakeClock(t, clock, truth, data, "user")
	tail := s.Follow(t, "tail", "--format", "json")
	t.Cleanup(logAllTruly(t, s))
	awaitTold(t, s, "by the sources our own clock was set by +7200.", 1)
	eventually(t, 10*time.Second, func() error { return allInSync(askReport(t, s)) })
	mustStayInSync(t, s, before, lasting(60*time.Second, 5*time.Second))
	checkNobodyFlagged(t, tail)
	s.Stop(t)
}

// newestStamp returns by which clock a host's newest message was stamped.
func newestStamp(t *testing.T, s *testbed.Skewatch, host string) string {
	t.Helper()
	found := askMessages(t, s, host)
	if len(found) == 0 {
		return ""
	}
	return found[len(found)-1].StampedBy
}
