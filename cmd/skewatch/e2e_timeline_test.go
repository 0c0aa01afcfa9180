package main_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/skewatch/skewatch/cmd/internal/testbed"
)

// A timelineEntry is a line of a timeline in JSON, as far as the tests read it.
type timelineEntry struct {
	foundMessage
	ID        uint64     `json:"id"`
	Corrected time.Time  `json:"corrected"`
	Bound     *float64   `json:"bound_seconds"`
	Earliest  *time.Time `json:"earliest"`
	Latest    time.Time  `json:"latest"`
	Undecided []string   `json:"undecided"`
}

// token returns the number of the pass that an entry tells of.
func (e *timelineEntry) token(t *testing.T) int {
	t.Helper()
	n, err := strconv.Atoi(strings.TrimPrefix(strings.TrimSpace(e.Message), "token "))
	if err != nil {
		t.Fatalf("%+v: %v", e, err)
	}
	return n
}

// undecided reports whether the order of an entry and the next isn't proven.
func (e *timelineEntry) undecided() bool { return slices.Contains(e.Undecided, "next") }

func askTimeline(t *testing.T, s *testbed.Skewatch, args ...string) (all []timelineEntry) {
	t.Helper()
	for line := range strings.Lines(run(t, s, append([]string{"timeline", "--format", "json"}, args...)...)) {
		var e timelineEntry
		decode(t, line, &e)
		all = append(all, e)
	}
	return all
}

// ringHosts is five hosts, off by up to minutes, in all formats.
func ringHosts() []*member {
	return []*member{
		{Host: testbed.Host{Name: "ahead", Transport: "udp", Format: testbed.Protocol23, Clock: testbed.Clock{Offset: 95 * time.Second}}},
		{Host: testbed.Host{Name: "behind", Transport: "tcp", Format: testbed.Protocol23, Clock: testbed.Clock{Offset: -192 * time.Second}}},
		{Host: testbed.Host{Name: "nearly", Transport: "udp", Format: testbed.Forward, Clock: testbed.Clock{Offset: 3 * time.Second, Skew: 80}}},
		{Host: testbed.Host{Name: "seconds", Transport: "udp", Format: testbed.Traditional, Clock: testbed.Clock{Offset: -42400 * time.Millisecond}}},
		{Host: testbed.Host{Name: "right", Transport: "tcp", Format: testbed.Traditional}},
	}
}

// TestEndToEndTimeline has five real rsyslogd hosts pass a token round, each of which logs when
// it gets it: the timeline tells the true order wherever it says that it is decided, and the
// comparison counts what the stamps get wrong.
func TestEndToEndTimeline(t *testing.T) {
	t.Parallel() // it waits more than it works
	s := startServer(t, t.TempDir())
	fleet := ringHosts()
	captured := testbed.StartCapture(t, s.UDP, s.TCP)
	for i, m := range fleet {
		m.Address = fmt.Sprintf("127.0.0.%d", 11+i)
		if m.Target = s.UDP; m.Transport == "tcp" {
			m.Target = s.TCP
		}
		m.rsyslogd = testbed.StartRsyslogd(t, m.Host)
	}
	ctx, cancel := context.WithTimeout(t.Context(), lasting(3*time.Minute, 70*time.Second))
	defer cancel()
	var feeding sync.WaitGroup
	feeding.Go(func() { feedFleet(t, fleet, 300*time.Millisecond, lasting(3*time.Minute, 70*time.Second)) })
	passed := passToken(ctx, t, fleet, lasting(time.Minute, 35*time.Second))
	feeding.Wait()
	eventually(t, 20*time.Second, func() error {
		if have := len(askTimeline(t, s, "--grep", "token [0-9]+")); have != len(passed) {
			return fmt.Errorf("%d of %d tokens are stored", have, len(passed))
		}
		return nil
	})
	live := askTimeline(t, s, "--grep", "token [0-9]+")
	checkRing(t, live, passed)
	checkTimelineFilters(t, s, live)
	checkCapture(t, s, captured())
	s.Stop(t) // from then on the same question has the same answer
	stopped := askTimeline(t, s, "--app", "TOKEN", "--severity", "info")
	if len(stopped) != len(live) {
		t.Fatalf("the files of the stopped server have %d entries, want %d", len(stopped), len(live))
	}
	checkRing(t, stopped, passed)
	checkComparison(t, s, stopped)
	t.Logf("\n%s", run(t, s, "timeline", "--around", fmt.Sprint(stopped[len(stopped)/2].ID), "--span", "2s", "--app", "token"))
}

// checkCapture has the clocks judged by the captured traffic, and wants what the server says of
// them within the bounds of both.
func checkCapture(t *testing.T, s *testbed.Skewatch, file string) {
	t.Helper()
	output, err := exec.Command(testbed.Binary(t), "analyze", "--format", "json", file).Output()
	if err != nil {
		t.Fatalf("skewatch analyze: %v", err)
	}
	var offline reportAnswer
	decode(t, string(output), &offline)
	captured := map[string]hostRow{}
	for _, row := range offline.Hosts {
		captured[row.Host] = row
	}
	live := askReport(t, s).Hosts
	for _, row := range live {
		c, ok := captured[row.Host]
		if !ok || row.Offset == nil || c.Offset == nil {
			t.Errorf("%s is %+v live and %+v in the capture", row.Host, row, c)
			continue
		}
		if *c.Offset < *row.Low-1e-3 || *c.Offset > *row.High+1e-3 || *row.Offset < *c.Low-1e-3 || *row.Offset > *c.High+1e-3 {
			t.Errorf("%s is off by %v s, between %v and %v, live, and by %v, between %v and %v, in the capture", row.Host,
				*row.Offset, *row.Low, *row.High, *c.Offset, *c.Low, *c.High)
		}
		t.Logf("%s: %.6f s live, %.6f s by the capture", row.Host, *row.Offset, *c.Offset)
	}
	if len(live) != len(ringHosts()) {
		t.Errorf("%d hosts are known, want %d", len(live), len(ringHosts()))
	}
}

// leastHold is how long a host keeps the token at the least, and a busy machine may take to
// have a host stamp what it logs.
const leastHold = 250 * time.Millisecond

// passToken has the hosts get a token in turn, from after a while on until the context ends,
// and returns when each of them did.
func passToken(ctx context.Context, t *testing.T, fleet []*member, after time.Duration) (passed []time.Time) {
	t.Helper()
	random := rand.New(rand.NewPCG(7, 8))
	for wait := after; ; wait = leastHold + time.Duration(random.ExpFloat64()*float64(150*time.Millisecond)) {
		pause := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			pause.Stop()
			return passed
		case <-pause.C:
		}
		n := len(passed)
		passed = append(passed, time.Now())
		if err := fleet[n%len(fleet)].rsyslogd.Log("token", fmt.Sprintf("token %d", n)); err != nil {
			t.Error(err)
		}
	}
}

// checkRing holds a timeline of tokens against the truth.
func checkRing(t *testing.T, all []timelineEntry, passed []time.Time) {
	t.Helper()
	fine, decidedFine, decided := 0, 0, 0
	for i := range all {
		e := &all[i]
		truth := passed[e.token(t)]
		if e.Earliest == nil || e.Bound == nil || truth.Add(leastHold).Before(*e.Earliest) || truth.After(e.Latest) {
			t.Errorf("token %d of %s was passed at %v, which isn't between %v and %v", e.token(t), e.Host, truth.UTC(), e.Earliest, e.Latest)
			continue
		}
		if e.Corrected.Before(*e.Earliest) || e.Corrected.After(e.Latest) || e.Latest.Sub(*e.Earliest).Seconds() > 2**e.Bound+1e-6 {
			t.Errorf("token %d of %s: %v ± %v s, between %v and %v", e.token(t), e.Host, e.Corrected, *e.Bound, e.Earliest, e.Latest)
		}
		if i+1 == len(all) {
			break
		}
		next := &all[i+1]
		both := e.StampFormat != "bsd" && next.StampFormat != "bsd"
		if both {
			fine++
		}
		if e.undecided() {
			continue
		}
		decided++
		if both {
			decidedFine++
		}
		if next.token(t) < e.token(t) {
			t.Errorf("token %d of %s stands before token %d of %s, and it isn't marked", e.token(t), e.Host, next.token(t), next.Host)
		}
	}
	t.Logf("%d tokens, %d of %d neighbours decided, %d of %d of hosts with fine stamps", len(all), decided, len(all)-1, decidedFine, fine)
	if fine == 0 || float64(decidedFine) < 0.7*float64(fine) {
		t.Errorf("%d of %d neighbours of hosts with fine stamps are decided, want 70 %% at least", decidedFine, fine)
	}
}

// checkComparison holds the comparison against what the entries show.
func checkComparison(t *testing.T, s *testbed.Skewatch, all []timelineEntry) {
	t.Helper()
	wrong, decided := 0, 0
	var stamps []time.Time
	for i := range all {
		stamps = append(stamps, *all[i].Sent)
		if i+1 < len(all) && !all[i].undecided() {
			decided++
			if all[i+1].Sent.Before(*all[i].Sent) {
				wrong++
			}
		}
	}
	lines := strings.Split(strings.TrimSpace(run(t, s, "timeline", "--compare", "--format", "json", "--grep", "token [0-9]+")), "\n")
	var sum struct {
		Summary struct {
			Events     int     `json:"events"`
			Elsewhere  int     `json:"elsewhere"`
			Neighbours int     `json:"neighbours_decided"`
			Wrong      int     `json:"neighbours_wrong"`
			Largest    float64 `json:"largest_displacement_seconds"`
		} `json:"summary"`
	}
	decode(t, lines[len(lines)-1], &sum)
	got := sum.Summary
	if got.Events != len(all) || got.Wrong != wrong || got.Neighbours != decided || len(lines)-1 != wrong || wrong == 0 {
		t.Errorf("compared are %+v, with %d pairs, want %d events and %d of %d neighbours", got, len(lines)-1, len(all), wrong, decided)
	}
	// The hosts are apart by up to 287 s. Of the five, most stand elsewhere.
	if atMost := len(all) - risingStamps(stamps); got.Elsewhere < len(all)/2 || got.Elsewhere > atMost || got.Largest < 40 || got.Largest > 300 {
		t.Errorf("%d of %d events stand elsewhere, by up to %v s, want between half and %d, and up to 287 s", got.Elsewhere, len(all), got.Largest, atMost)
	}
	table := run(t, s, "timeline", "--compare", "--grep", "token [0-9]+")
	if want := fmt.Sprintf("%d of %d events stand elsewhere by raw stamps; the largest displacement ", got.Elsewhere, got.Events); !strings.Contains(table, want) {
		t.Errorf("the comparison ends with %q, want %q", table[max(0, len(table)-200):], want)
	}
	t.Logf("%s", table[strings.LastIndex(table, "\n\n")+2:])
}

// risingStamps returns how many entries at the most have stamps in their order.
func risingStamps(stamps []time.Time) int {
	longest, most := make([]int, len(stamps)), 0
	for i := range stamps {
		longest[i] = 1
		for k := range i {
			if !stamps[i].Before(stamps[k]) {
				longest[i] = max(longest[i], longest[k]+1)
			}
		}
		most = max(most, longest[i])
	}
	return most
}

// checkTimelineFilters asks for parts of the timeline.
func checkTimelineFilters(t *testing.T, s *testbed.Skewatch, all []timelineEntry) {
	t.Helper()
	middle := all[len(all)/2]
	around := askTimeline(t, s, "--around", fmt.Sprint(middle.ID), "--span", "2s", "--app", "token")
	if len(around) == 0 || !slices.ContainsFunc(around, func(e timelineEntry) bool { return e.ID == middle.ID }) {
		t.Errorf("around %d is %+v, want that among them", middle.ID, around)
	}
	byTime := askTimeline(t, s, "--around", middle.Corrected.Format(time.RFC3339Nano), "--span", "2s", "--app", "token")
	if len(byTime) != len(around) {
		t.Errorf("around the time of %d are %d entries, want %d", middle.ID, len(byTime), len(around))
	}
	for _, e := range around {
		if d := e.Corrected.Sub(middle.Corrected).Abs(); d > 2*time.Second {
			t.Errorf("around %d is an entry %v off", middle.ID, d)
		}
	}
	if crit := askTimeline(t, s, "--severity", "crit"); len(crit) != 0 {
		t.Errorf("%d messages are critical, want none", len(crit))
	}
	if found := strings.Count(run(t, s, "search", "--app", "tok*", "--format", "json"), "\n"); found != len(all) {
		t.Errorf("search finds %d messages of the application, want %d", found, len(all))
	}
	raw := askTimeline(t, s, "--host", "seconds", "--app", "token", "--raw")
	frames := run(t, s, "timeline", "--host", "seconds", "--app", "token", "--raw")
	var joined strings.Builder
	for _, e := range raw {
		joined.Write(append(e.Raw, '\n'))
	}
	if len(raw) == 0 || joined.String() != frames {
		t.Errorf("%d frames in JSON aren't those that --raw writes", len(raw))
	}
}
