package main_test

import (
	"context"
	"fmt"
	"net"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/skewatch/skewatch/cmd/internal/testbed"
)

// The bounds of a server that is flooded.
const (
	freeUDP    = 1000      // names that one peer may invent before they go on probation
	mostMemory = 400 << 20 // bytes that it ever held
)

// A speaker is a host that says something several times a second.
type speaker struct {
	name, network string
	offset        time.Duration
	verdict       string
}

func (h *speaker) trust() string {
	if h.network == "tcp" {
		return "handshake"
	}
	return "udp"
}

// speak lets the host log until the context ends.
func (h *speaker) speak(ctx context.Context, t *testing.T, s *testbed.Skewatch) {
	address := map[string]string{"udp": s.UDP, "tcp": s.TCP}[h.network]
	conn, err := net.Dial(h.network, address)
	if err != nil {
		t.Error(err)
		return
	}
	defer conn.Close()
	pace := time.NewTicker(97 * time.Millisecond)
	defer pace.Stop()
	for ctx.Err() == nil {
		if _, err := fmt.Fprintf(conn, "<14>1 %s %s app - - - hello\n", time.Now().UTC().Add(h.offset).Format(time.RFC3339Nano), h.name); err != nil {
			t.Error(err)
			return
		}
		select {
		case <-ctx.Done():
		case <-pace.C:
		}
	}
}

// inventNames sends datagrams of n names, each once, spread evenly over a span.
func inventNames(t *testing.T, address string, n int, span time.Duration) {
	conn, err := net.Dial("udp", address)
	if err != nil {
		t.Error(err)
		return
	}
	defer conn.Close()
	pace := time.NewTicker(time.Millisecond)
	defer pace.Stop()
	began := time.Now()
	for sent := 0; sent < n; {
		now := <-pace.C
		for due := int(float64(n) * float64(now.Sub(began)) / float64(span)); sent < min(due, n); sent++ {
			if _, err := fmt.Fprintf(conn, "<14>1 %s invented-%d app - - - hello", now.UTC().Format(time.RFC3339Nano), sent); err != nil {
				t.Error(err)
				return
			}
		}
	}
}

// TestEndToEndFlood sends names that nobody has from the address that real hosts have too:
// those are judged as before, new ones are let in, and memory is bounded.
func TestEndToEndFlood(t *testing.T) {
	span := lasting(150*time.Second, 12*time.Second)
	names := 100_000
	if full := span > time.Minute; full {
		names = 300_000
	}
	s := trusting(t, t.TempDir())
	ctx, end := context.WithCancel(t.Context())
	var speaking sync.WaitGroup
	defer speaking.Wait()
	defer end()
	start := func(hosts []speaker) {
		for i := range hosts {
			speaking.Go(func() { hosts[i].speak(ctx, t, s) })
		}
	}
	old := []speaker{
		{"right-tcp", "tcp", 0, "in-sync"},
		{"right-udp", "udp", 0, "in-sync"},
		{"ahead-tcp", "tcp", 37500 * time.Millisecond, "ahead"},
		{"ahead-udp", "udp", 37500 * time.Millisecond, "ahead"},
	}
	start(old)
	eventually(t, 30*time.Second, func() error { return checkVerdicts(askReport(t, s), old) })

	flooded := make(chan struct{})
	go func() { defer close(flooded); inventNames(t, s.UDP, names, span) }()
	eventually(t, 20*time.Second, func() error { return checkRows(askReport(t, s), freeUDP) })
	news := []speaker{{"new-tcp", "tcp", 0, "in-sync"}}
	if span > 140*time.Second { // long enough for its probation
		news = append(news, speaker{"new-udp", "udp", 0, "in-sync"})
	}
	start(news)
	watchFlood(t, s, old, flooded)
	eventually(t, 20*time.Second, func() error { return checkVerdicts(askReport(t, s), news) })
	rows := len(askReport(t, s).Hosts)
	if most := freeUDP + len(old) + len(news); rows > most {
		t.Errorf("the report has %d rows, want at most %d", rows, most)
	}
	memory := s.PeakMemory(t)
	if memory > mostMemory {
		t.Errorf("the server held %d MiB, want at most %d", memory>>20, mostMemory>>20)
	}
	end()
	s.Stop(t)
	away := notJudged(t, s.Log())
	if away < names/2 {
		t.Errorf("%d messages of %d invented names were turned away, want most of them", away, names)
	}
	if warned := strings.Count(s.Log(), "stored but not judged yet"); warned == 0 || warned > 1+int(span/time.Minute) {
		t.Errorf("the log warns of it %d times in %v, want once a minute", warned, span)
	}
	t.Logf("%d names over %v: %d turned away, %d rows, at most %d MiB", names, span, away, rows, memory>>20)
}

// watchFlood checks the verdicts of the hosts over and over until the flood ends.
func watchFlood(t *testing.T, s *testbed.Skewatch, hosts []speaker, flooded chan struct{}) {
	t.Helper()
	pace := time.NewTicker(time.Second)
	defer pace.Stop()
	for {
		if err := checkVerdicts(askReport(t, s), hosts); err != nil {
			t.Fatalf("during the flood: %v", err)
		}
		select {
		case <-flooded:
			return
		case <-pace.C:
		}
	}
}

func checkVerdicts(report reportAnswer, hosts []speaker) error {
	for _, h := range hosts {
		row := report.rowOf(h.name, h.trust())
		if row.Verdict != h.verdict {
			return fmt.Errorf("%s is judged %q (%s), want %q", h.name, row.Verdict, row.Explanation, h.verdict)
		}
		if err := checkEstimate(row, h.offset, withinSubSecond); err != nil {
			return err
		}
	}
	return nil
}

func checkRows(report reportAnswer, least int) error {
	if len(report.Hosts) < least {
		return fmt.Errorf("the report has %d rows, want %d or more", len(report.Hosts), least)
	}
	return nil
}

var notJudgedField = regexp.MustCompile(`not_judged=(\d+)`)

// notJudged returns the number that the log gives at the stop.
func notJudged(t *testing.T, log string) int {
	t.Helper()
	found := notJudgedField.FindStringSubmatch(log)
	if found == nil {
		t.Fatalf("the log doesn't say how many messages were not judged:\n%s", log)
	}
	n, err := strconv.Atoi(found[1])
	if err != nil {
		t.Fatal(err)
	}
	return n
}
