package main_test

import (
	"testing"
	"time"

	"github.com/skewatch/skewatch/cmd/internal/testbed"
)

// afterTenMinutes is how near an estimate must come by stamps of whole seconds after ten
// minutes of a message each half second.
const afterTenMinutes = 20 * time.Millisecond

// TestEndToEndSeconds runs real rsyslogd hosts whose stamps bear whole seconds only: the
// estimate comes to milliseconds all the same, and the interval holds the truth all along.
func TestEndToEndSeconds(t *testing.T) {
	s := startServer(t, t.TempDir())
	within := lasting(afterTenMinutes, withinWholeSecond)
	host := func(name, transport string, clock testbed.Clock) *member {
		target := s.UDP
		if transport == "tcp" {
			target = s.TCP
		}
		return &member{verdict: "in-sync", within: within, Host: testbed.Host{
			Name: name, Transport: transport, Target: target, Format: testbed.Traditional, Clock: clock}}
	}
	fleet := []*member{
		host("before", "udp", testbed.Clock{Offset: 300 * time.Millisecond}),
		host("behind", "tcp", testbed.Clock{Offset: -300 * time.Millisecond}),
		host("right", "tcp", testbed.Clock{}),
		host("gaining", "udp", testbed.Clock{Skew: 200}),
	}
	for _, m := range fleet {
		m.rsyslogd = testbed.StartRsyslogd(t, m.Host)
	}
	fed := make(chan struct{})
	go func() {
		defer close(fed)
		feedFleet(t, fleet, 2*meanInterval, lasting(10*time.Minute, 50*time.Second))
	}()
	looked := holdUntil(t, s, fleet, fed)
	for _, m := range fleet {
		eventually(t, 20*time.Second, func() error { return checkNumbers(askMessages(t, s, m.Name), m.sent) })
	}
	checkFleet(t, fleet, askReport(t, s))
	t.Logf("every interval held the truth in %d looks", looked)
}

// holdUntil looks at all estimates until the channel is closed, and reports how often.
func holdUntil(t *testing.T, s *testbed.Skewatch, fleet []*member, done <-chan struct{}) (looked int) {
	t.Helper()
	tick := time.NewTicker(5 * time.Second)
	defer tick.Stop()
	for {
		select {
		case <-done:
			return looked
		case <-tick.C:
		}
		report := askReport(t, s)
		for _, m := range fleet {
			if row := report.rowOf(m.Name, m.trust()); row.Offset != nil {
				if err := checkEstimate(row, m.rsyslogd.Offset(row.Last), time.Second); err != nil {
					t.Error(err)
				}
				looked++
			}
		}
	}
}
