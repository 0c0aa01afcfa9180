package main_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/skewatch/skewatch/cmd/internal/testbed"
)

// The fleet of the vote.
const (
	voterCount = 30
	voterShift = 5 * time.Second
)

// A voter is a host that connects from an address of its own.
type voter struct {
	name, address string
	offset        *atomic.Int64 // of its clock, ns
}

// speak lets the host log over TCP, some times a second, until the context ends.
func (v *voter) speak(ctx context.Context, t *testing.T, s *testbed.Skewatch, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 9))
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(v.address)}}
	conn, err := d.DialContext(ctx, "tcp", s.TCP)
	if err != nil {
		t.Error(err)
		return
	}
	defer conn.Close()
	for ctx.Err() == nil {
		stamp := time.Now().UTC().Add(time.Duration(v.offset.Load())).Format("2006-01-02T15:04:05.000000Z07:00")
		if _, err := fmt.Fprintf(conn, "<14>1 %s %s app - - - hello\n", stamp, v.name); err != nil {
			t.Error(err)
			return
		}
		select {
		case <-ctx.Done():
		case <-time.After(time.Duration(r.ExpFloat64() * float64(meanInterval))):
		}
	}
}

// TestEndToEndVote has 30 hosts at 30 addresses whose clocks all shift by the same at once:
// that is told once, of the collector, and their verdicts are held.
func TestEndToEndVote(t *testing.T) {
	t.Parallel() // it waits more than it works
	s := testbed.StartSkewatch(t, t.TempDir(), "--kernel-clock", "trust", "--ntp-server", "", "--warn-hold", "2s")
	tail := s.Follow(t, "tail", "--format", "json")
	ctx, end := context.WithCancel(t.Context())
	var speaking sync.WaitGroup
	defer speaking.Wait()
	defer end()
	var offset atomic.Int64
	for i := range voterCount {
		v := voter{fmt.Sprintf("host%d", i), fmt.Sprintf("127.0.0.%d", i+2), &offset}
		speaking.Go(func() { v.speak(ctx, t, s, uint64(i)) })
	}
	eventually(t, 30*time.Second, func() error { return checkAll(askReport(t, s), "in-sync", "") })
	rest(t, lasting(4*time.Minute, 35*time.Second)) // until all levels are known

	offset.Store(int64(voterShift))
	eventually(t, 15*time.Second, func() error {
		return checkAll(askReport(t, s), "insufficient", "the collector's clock or its network moved")
	})
	rest(t, lasting(time.Minute, 6*time.Second)) // more than the hold of a warning
	if err := checkAll(askReport(t, s), "insufficient", "the collector's clock or its network moved"); err != nil {
		t.Error(err)
	}
	checkVote(t, readEvents(t, tail.Lines()), "raise")
	t.Log(tail.Lines()[0])
	if n := strings.Count(s.Log(), "host=collector"); n != 1 {
		t.Errorf("the log tells of the collector %d times, want once", n)
	}
	if table := run(t, s, "report"); !strings.Contains(strings.Join(strings.Fields(table), " "), "moved together") {
		t.Errorf("the report says nothing of the vote:\n%s", table)
	}

	if lasting(1, 0) == 0 {
		return
	}
	offset.Store(0)
	eventually(t, 100*time.Second, func() error {
		if events := readEvents(t, tail.Lines()); len(events) < 2 {
			return fmt.Errorf("events %+v, want two", events)
		}
		return nil
	})
	checkVote(t, readEvents(t, tail.Lines()), "raise", "clear")
}

// rest waits, and ends with the test.
func rest(t *testing.T, d time.Duration) {
	select {
	case <-t.Context().Done():
	case <-time.After(d):
	}
}

// checkAll checks that every host has the verdict, with such an explanation.
func checkAll(report reportAnswer, verdict, why string) error {
	if len(report.Hosts) != voterCount {
		return fmt.Errorf("the report has %d rows, want %d", len(report.Hosts), voterCount)
	}
	for _, row := range report.Hosts {
		if row.Verdict != verdict || !strings.Contains(row.Explanation, why) {
			return fmt.Errorf("%s is judged %q (%s), want %q", row.Host, row.Verdict, row.Explanation, verdict)
		}
		if why != "" && !slices.Contains(row.Claims, "last verdict: in-sync") {
			return fmt.Errorf("%s: claims %q don't have the last verdict", row.Host, row.Claims)
		}
	}
	return nil
}

// checkVote checks that the events are these, and all about the collector.
func checkVote(t *testing.T, events []warningEvent, kinds ...string) {
	t.Helper()
	var have []string
	for _, e := range events {
		have = append(have, e.Event)
		if e.Host != "collector" {
			t.Errorf("an event about %s: %s", e.Host, e.Text)
		}
	}
	if !slices.Equal(have, kinds) {
		t.Errorf("events %q, want %q: %+v", have, kinds, events)
	}
}
