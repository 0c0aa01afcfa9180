package server_test

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/skewatch/skewatch/analysis"
	"github.com/skewatch/skewatch/cmd/internal/api"
	"github.com/skewatch/skewatch/cmd/internal/server/servertest"
)

// speakUntil sends messages over TCP from an address of its own, at random times, each
// stamped when it is sent.
func speakUntil(ctx context.Context, t *testing.T, address, own, host, layout string) {
	conn, err := (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(own)}}).Dial("tcp", address)
	if err != nil {
		t.Error(err)
		return
	}
	defer conn.Close()
	for n := 0; ctx.Err() == nil; n++ {
		if _, err := io.WriteString(conn, fmt.Sprintf(layout, time.Now().UTC().Format(stampLayouts[layout]), host, n)); err != nil {
			t.Error(err)
			return
		}
		time.Sleep(time.Duration(rand.ExpFloat64() * float64(100*time.Millisecond)))
	}
}

const (
	fine   = "<14>1 %s %s app - - - number %d\n"
	coarse = "<14>%s %s app: number %d\n"
)

var stampLayouts = map[string]string{fine: "2006-01-02T15:04:05.000000Z", coarse: time.Stamp}

// TestFrozenStore stops the store for some seconds under the traffic of honest hosts. What
// waits meanwhile is read in large pieces, under the stamps of their ends; nobody's clock is
// blamed for that.
func TestFrozenStore(t *testing.T) {
	t.Parallel()
	const before, frozen, after = 25 * time.Second, 5 * time.Second, 8 * time.Second          // a level is settled after 20 s
	s := servertest.Start(t, t.TempDir(), "SKEWATCH_WARN_HOLD=0s", "SKEWATCH_TOLERANCE=1.5s") // coarse stamps are at first sure to a second only
	ctx, stop := context.WithCancel(t.Context())
	var speaking sync.WaitGroup
	for i, layout := range []string{fine, fine, coarse, coarse} {
		speaking.Go(func() { speakUntil(ctx, t, s.TCP, fmt.Sprintf("127.0.0.%d", 2+i), fmt.Sprintf("web%d", i), layout) })
	}
	time.Sleep(before)
	checkHonest(t, s, 4)
	thaw := s.Freeze()
	time.Sleep(frozen)
	thaw()
	for end := time.Now().Add(after); time.Now().Before(end); time.Sleep(500 * time.Millisecond) {
		checkHonest(t, s, 4)
	}
	stop()
	speaking.Wait()
	if n := s.Late(); n > 0 {
		t.Errorf("%d messages count as late, want none", n)
	}
}

// checkHonest checks that nothing is said against any host.
func checkHonest(t *testing.T, s *servertest.Server, hosts int) {
	t.Helper()
	r, err := s.Report(t.Context(), api.ReportQuery{})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Hosts) != hosts {
		t.Errorf("%d rows, want %d", len(r.Hosts), hosts)
	}
	for _, row := range r.Hosts {
		if row.Verdict != analysis.InSync.String() || len(row.Backlogs)+len(row.Steps)+len(row.Claims) > 0 {
			t.Errorf("%s: %s (%s), backlogs %v, steps %v, claims %v: want in-sync and nothing else", row.Host, row.Verdict, row.Explanation, row.Backlogs, row.Steps, row.Claims)
		}
	}
	err = s.Events(t.Context(), api.Query{}, func(e api.Event) error {
		t.Errorf("told: %+v", e)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
