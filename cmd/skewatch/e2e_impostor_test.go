package main_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/skewatch/skewatch/cmd/internal/testbed"
)

// TestEndToEndImpostor lets somebody send datagrams in a good host's name, stamped
// 40 s ahead. The verdict on the host, which speaks over TCP, must stand.
func TestEndToEndImpostor(t *testing.T) {
	t.Parallel()
	s := startServer(t, t.TempDir())
	tail := s.Follow(t, "tail", "--format", "json")
	r := testbed.StartRsyslogd(t, testbed.Host{Name: "good", Target: s.TCP, Transport: "tcp", Format: testbed.Forward})

	ctx, cancel := context.WithTimeout(t.Context(), lasting(5*time.Minute, 80*time.Second))
	defer cancel()
	var speaking sync.WaitGroup
	speaking.Go(func() { forge(ctx, t, s.UDP, lasting(30*time.Second, 10*time.Second)) })
	speaking.Go(func() {
		if _, err := r.Feed(ctx, meanInterval, rand.New(rand.NewPCG(6, 1))); err != nil {
			t.Error(err)
		}
	})
	verdicts := verdictsUntilDone(ctx, t, s)
	speaking.Wait()
	delete(verdicts, "")             // before its first message
	delete(verdicts, "insufficient") // before there was enough to judge by
	if len(verdicts) != 1 || verdicts["in-sync"] == 0 {
		t.Errorf("the good host was judged %v, want in-sync throughout", verdicts)
	}

	row := askReport(t, s).rowOf("good", "handshake")
	if err := checkEstimate(row, 0, withinSubSecond); err != nil {
		t.Error(err)
	}
	t.Logf("judged %v in %d messages; claims %q", verdicts, row.Messages, row.Claims)
	checkImpostorIsNamed(t, row, readEvents(t, tail.Lines()))
}

// forge sends datagrams in the good host's name.
func forge(ctx context.Context, t *testing.T, address string, interval time.Duration) {
	conn, err := net.Dial("udp", address)
	if err != nil {
		t.Error(err)
		return
	}
	defer conn.Close()
	pace := time.NewTicker(interval)
	defer pace.Stop()
	for {
		stamp := time.Now().Add(40 * time.Second).Format(time.RFC3339Nano)
		if _, err := fmt.Fprintf(conn, "<14>%s good feed: forged", stamp); err != nil {
			t.Error(err)
		}
		select {
		case <-ctx.Done():
			return
		case <-pace.C:
		}
	}
}

// verdictsUntilDone asks for the good host's verdict over and over, and counts what
// it hears.
func verdictsUntilDone(ctx context.Context, t *testing.T, s *testbed.Skewatch) map[string]int {
	t.Helper()
	verdicts := map[string]int{}
	pace := time.NewTicker(time.Second)
	defer pace.Stop()
	for {
		verdicts[askReport(t, s).rowOf("good", "handshake").Verdict]++
		select {
		case <-ctx.Done():
			return verdicts
		case <-pace.C:
		}
	}
}

// checkImpostorIsNamed checks that the finding is told, in the report and in tail,
// and that tail tells nothing else of the host.
func checkImpostorIsNamed(t *testing.T, row hostRow, events []warningEvent) {
	t.Helper()
	const finding = "somebody else speaks as good"
	if !strings.Contains(strings.Join(row.Claims, "\n"), finding) {
		t.Errorf("the claims are %q, want %q among them", row.Claims, finding)
	}
	if len(events) != 1 || !strings.Contains(events[0].Text, finding) {
		t.Errorf("tail shows %+v, want one event: %q", events, finding)
	}
}
