package main_test

import (
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/skewatch/skewatch/cmd/internal/testbed"
	"github.com/skewatch/skewatch/ntpcheck/chronydtest"
)

// A drifted host logs over TCP from an address of its own.
type drifted struct {
	t     *testing.T
	name  string
	clock time.Duration
	conn  net.Conn
}

func startDrifted(t *testing.T, s *testbed.Skewatch, i int) *drifted {
	t.Helper()
	conn, err := (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 3, byte(i+1))}}).Dial("tcp", s.TCP)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return &drifted{t, fmt.Sprintf("drifted%d", i), time.Duration(i-5) * 41 * time.Minute, conn}
}

// log sends a message that was written at a time by the true clock.
func (d *drifted) log(at time.Time, text string) {
	d.t.Helper()
	stamp := at.Add(d.clock).UTC().Format("2006-01-02T15:04:05.000000Z")
	if _, err := fmt.Fprintf(d.conn, "<38>1 %s %s sshd 4711 - - %s\n", stamp, d.name, text); err != nil {
		d.t.Fatal(err)
	}
}

// ruleEvents returns what a rule has told of an address.
func ruleEvents(t *testing.T, tail *testbed.Follower, rule, address string) (found []ruleEvent) {
	t.Helper()
	for _, line := range tail.Lines() {
		var e ruleEvent
		decode(t, line, &e)
		if e.Rule == rule && e.Subject == "address="+address {
			found = append(found, e)
		}
	}
	return found
}

type ruleEvent struct {
	Event   string    `json:"event"`
	Verdict string    `json:"verdict"`
	Rule    string    `json:"rule"`
	Subject string    `json:"subject"`
	Count   int       `json:"count"`
	Since   time.Time `json:"since"`
	Text    string    `json:"text"`
}

// TestEndToEndAttackOverDriftedHosts spreads an attack over ten hosts whose clocks are hours
// apart. Three of them deliver late what they wrote ten minutes ago: with that it is one
// attack, and it began then. Four attempts are none.
func TestEndToEndAttackOverDriftedHosts(t *testing.T) {
	t.Parallel()
	s := testbed.StartSkewatch(t, t.TempDir(), "--kernel-clock", "trust", "--ntp-server", "", "--rules", "builtin:logins")
	tail := s.Follow(t, "tail", "--format", "json", "--since", "1h")
	var hosts []*drifted
	for i := range 10 {
		hosts = append(hosts, startDrifted(t, s, i))
	}
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	eventually(t, 60*time.Second, func() error { // until every clock is known
		<-tick.C
		for _, h := range hosts {
			h.log(time.Now(), "Server listening on 0.0.0.0 port 22.")
		}
		known := 0
		for _, row := range askReport(t, s).Hosts {
			if row.Offset != nil && row.Messages > 20 {
				known++
			}
		}
		if known < len(hosts) {
			return fmt.Errorf("%d clocks are known, want %d", known, len(hosts))
		}
		return nil
	})

	const attempt = "Failed password for invalid user bob from %s port 51182 ssh2"
	began := time.Now().Add(-10 * time.Minute)
	for i := range 4 {
		hosts[i].log(time.Now(), fmt.Sprintf(attempt, "203.0.113.9"))
		hosts[9-i].log(time.Now(), fmt.Sprintf(attempt, "203.0.113.10"))
	}
	for i := range 3 { // from the spool
		hosts[7+i].log(began.Add(time.Duration(i)*time.Minute), fmt.Sprintf(attempt, "203.0.113.9"))
	}
	eventually(t, 20*time.Second, func() error {
		if found := ruleEvents(t, tail, "failed-logins-by-address", "203.0.113.9"); len(found) == 0 {
			return fmt.Errorf("nothing is told of the attack")
		}
		return nil
	})
	found := ruleEvents(t, tail, "failed-logins-by-address", "203.0.113.9")
	if e := found[0]; len(found) != 1 || e.Event != "raise" || e.Verdict != "rule" || e.Count < 5 || e.Count > 7 || e.Since.Sub(began).Abs() > 2*time.Second {
		t.Errorf("told is %+v, want one attack that began at %v", found, began)
	}
	if found := ruleEvents(t, tail, "failed-logins-by-address", "203.0.113.10"); len(found) > 0 {
		t.Errorf("of four attempts is told %+v", found)
	}
}

// TestEndToEndTimeServiceExplainsStep sets the clock of a host with a real chronyd and
// rsyslogd: the step is measured, and what chronyd says of it stands beside it.
func TestEndToEndTimeServiceExplainsStep(t *testing.T) {
	t.Parallel()
	truth := chronydtest.Start(t, chronydtest.Options{})
	s := trusting(t, t.TempDir())
	clock := testbed.Clock{Dial: filepath.Join(t.TempDir(), "clock")}
	clock.Turn(t, 0)
	told := make(chan struct{}, 1)
	host := testbed.StartRsyslogd(t, testbed.Host{Name: "stepped", Clock: clock, Target: s.TCP, Transport: "tcp", Format: testbed.Protocol23})
	lines := make(chan string, 1000)
	testbed.StartTimeClient(t, clock, truth.Addr(), func(line string) {
		select {
		case lines <- line:
		default:
		}
	})
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	speak := func() {
		<-tick.C
		err := host.Log("app", "alive")
		for pending := true; pending && err == nil; {
			select {
			case line := <-lines:
				if strings.Contains(line, "System clock wrong by") {
					select {
					case told <- struct{}{}:
					default:
					}
				}
				err = host.Log("chronyd", line)
			default:
				pending = false
			}
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	var row steppedRow
	look := func(steps int) func() error {
		return func() error {
			speak()
			var answer steppedAnswer
			decode(t, run(t, s, "report", "--format", "json"), &answer)
			row = answer.row("stepped")
			if row.Verdict == "" || row.Offset == nil || len(row.Steps) < steps {
				return fmt.Errorf("the row is %+v, want %d steps", row, steps)
			}
			return nil
		}
	}
	eventually(t, 60*time.Second, look(0))
	for range 200 { // a level must have held still for a while before its end is a step
		speak()
	}
	clock.Turn(t, 30*time.Second)
	eventually(t, 90*time.Second, look(1))
	eventually(t, 100*time.Second, func() error { // what was said is written once a minute
		if err := look(1)(); err != nil {
			return err
		}
		if !strings.HasPrefix(row.Steps[0].Said, `chronyd says the same: "System clock wrong by `) {
			return fmt.Errorf("of the step is said %q, want chronyd's word", row.Steps[0].Said)
		}
		return nil
	})
	select {
	case <-told:
	default:
		t.Error("chronyd never said that the clock is wrong")
	}
	if off := row.Steps[0].Seconds - 30; off < -2 || off > 2 {
		t.Errorf("the step is %+v, want 30 s", row.Steps[0])
	}
}

type steppedAnswer struct {
	Hosts []steppedRow `json:"hosts"`
}

type steppedRow struct {
	Host    string   `json:"host"`
	Verdict string   `json:"verdict"`
	Offset  *float64 `json:"offset_seconds"`
	Steps   []struct {
		Seconds float64 `json:"seconds"`
		Said    string  `json:"said"`
	} `json:"steps"`
}

func (a steppedAnswer) row(host string) steppedRow {
	for _, row := range a.Hosts {
		if row.Host == host {
			return row
		}
	}
	return steppedRow{}
}
