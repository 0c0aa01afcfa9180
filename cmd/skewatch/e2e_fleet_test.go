package main_test

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/skewatch/skewatch/cmd/internal/testbed"
)

// How near an estimate must come, by the resolution of the stamps.
const (
	withinSubSecond   = 20 * time.Millisecond
	withinWholeSecond = 60 * time.Millisecond
)

// A member is a host of the fleet and what is to be found out about it.
type member struct {
	testbed.Host
	verdict string
	within  time.Duration

	rsyslogd *testbed.Rsyslogd
	sent     int
}

func (m *member) trust() string {
	if m.Transport == "tcp" {
		return "handshake"
	}
	return "udp"
}

// sixHosts is every format over both transports, on clocks that are right and
// wrong.
func sixHosts() []*member {
	return []*member{
		{verdict: "ahead", within: withinWholeSecond, Host: testbed.Host{
			Name: "ahead", Transport: "udp", Format: testbed.Traditional, Clock: testbed.Clock{Offset: 37500 * time.Millisecond}}},
		{verdict: "late", within: withinSubSecond, Host: testbed.Host{
			Name: "late", Transport: "tcp", Format: testbed.Forward, Clock: testbed.Clock{Offset: -3200 * time.Millisecond}}},
		{verdict: "in-sync", within: withinWholeSecond, Host: testbed.Host{
			Name: "right", Transport: "tcp", Format: testbed.Traditional}},
		{verdict: "in-sync", within: withinSubSecond, Host: testbed.Host{
			Name: "nearly", Transport: "udp", Format: testbed.Protocol23, Clock: testbed.Clock{Offset: 400 * time.Millisecond}}},
		{verdict: "wrong-zone", within: withinSubSecond, Host: testbed.Host{
			Name: "hour", Transport: "tcp", Format: testbed.Protocol23, OctetCounting: true, Clock: testbed.Clock{Offset: time.Hour}}},
		{verdict: "in-sync", within: withinSubSecond, Host: testbed.Host{
			Name: "gaining", Transport: "udp", Format: testbed.Forward, Clock: testbed.Clock{Skew: 200}}},
	}
}

// TestEndToEndFleet runs six real rsyslogd hosts at once: every message is stored
// once, every clock is found out, and each bad one is warned of once.
func TestEndToEndFleet(t *testing.T) {
	s := startServer(t, t.TempDir())
	tail := s.Follow(t, "tail", "--format", "json")

	fleet := sixHosts()
	for _, m := range fleet {
		m.Target = s.UDP
		if m.Transport == "tcp" {
			m.Target = s.TCP
		}
		m.rsyslogd = testbed.StartRsyslogd(t, m.Host)
	}
	feedFleet(t, fleet, meanInterval, lasting(120*time.Second, 80*time.Second))

	for _, m := range fleet {
		eventually(t, 20*time.Second, func() error { return checkNumbers(askMessages(t, s, m.Name), m.sent) })
		t.Logf("%-8s %d messages sent, each stored once", m.Name, m.sent)
	}
	checkFleet(t, fleet, askReport(t, s))
	checkTail(t, fleet, tail)
}

// feedFleet lets all hosts log at the same time, each at its own random intervals of the
// mean given.
func feedFleet(t *testing.T, fleet []*member, mean, length time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), length)
	defer cancel()
	var feeding sync.WaitGroup
	for i, m := range fleet {
		feeding.Go(func() {
			var err error
			if m.sent, err = m.rsyslogd.Feed(ctx, mean, rand.New(rand.NewPCG(uint64(i), 1))); err != nil {
				t.Error(err)
			}
		})
	}
	feeding.Wait()
}

func checkFleet(t *testing.T, fleet []*member, report reportAnswer) {
	t.Helper()
	if len(report.Hosts) != len(fleet) {
		t.Errorf("the report has %d rows, want %d: %+v", len(report.Hosts), len(fleet), report.Hosts)
	}
	for _, m := range fleet {
		row := report.rowOf(m.Name, m.trust())
		truth := m.rsyslogd.Offset(row.Last)
		if err := checkEstimate(row, truth, m.within); err != nil {
			t.Error(err)
			continue
		}
		if row.Verdict != m.verdict {
			t.Errorf("%s is judged %q (%s), want %q", m.Name, row.Verdict, row.Explanation, m.verdict)
		}
		t.Logf("%-8s %-10s true %+.6f s, measured %+.6f s (%+.2f ms off) in [%+.4f, %+.4f]", m.Name, row.Verdict,
			truth.Seconds(), *row.Offset, (*row.Offset-truth.Seconds())*1e3, *row.Low, *row.High)
	}
}

// checkTail checks that each bad host was warned of once, and no good one.
func checkTail(t *testing.T, fleet []*member, tail *testbed.Follower) {
	t.Helper()
	warned := map[string][]warningEvent{}
	for _, e := range readEvents(t, tail.Lines()) {
		t.Logf("tail: %s %s %s: %s", e.Event, e.Host, e.Verdict, e.Text)
		warned[e.Host] = append(warned[e.Host], e)
	}
	for _, m := range fleet {
		want := 1
		if m.verdict == "in-sync" {
			want = 0
		}
		events := warned[m.Name]
		if len(events) != want {
			t.Errorf("tail shows %d warnings for %s, want %d: %+v", len(events), m.Name, want, events)
			continue
		}
		if want == 1 && (events[0].Event != "raise" || events[0].Verdict != m.verdict) {
			t.Errorf("tail shows %+v for %s, want a raise of %q", events[0], m.Name, m.verdict)
		}
	}
}
