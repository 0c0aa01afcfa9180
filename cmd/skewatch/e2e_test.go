package main_test

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/skewatch/skewatch/cmd/internal/testbed"
	"github.com/skewatch/skewatch/ntpcheck/chronydtest"
)

// The end-to-end tests run the built binary beside real rsyslogd and chronyd on
// loopback. Their names begin with TestEndToEnd, one scenario a file. In `make
// test` the long ones are shortened; `make acceptance` runs all in full length.

// meanInterval is the mean time between two messages of a host.
const meanInterval = 250 * time.Millisecond

// lasting returns how long a scenario lasts: its full length in acceptance runs,
// else the shortened one.
func lasting(full, shortened time.Duration) time.Duration {
	if os.Getenv("SKEWATCH_ACCEPTANCE") != "" {
		return full
	}
	return shortened
}

// startServer starts a server whose own clock is judged by a truthful chronyd, and
// waits until it is synchronised.
func startServer(t *testing.T, data string, args ...string) *testbed.Skewatch {
	t.Helper()
	truth := chronydtest.Start(t, chronydtest.Options{})
	s := testbed.StartSkewatch(t, data, append(args,
		"--ntp-server", truth.Addr(), "--ntp-poll", "1s", "--kernel-clock", "off")...)
	eventually(t, 30*time.Second, func() error {
		if state := askSources(t, s).Reference.State; state != "synchronised" {
			return fmt.Errorf("the reference is %q, want synchronised", state)
		}
		return nil
	})
	return s
}

// eventually polls until the check passes, and fails the test with the check's
// last words when it hasn't in time.
func eventually(t *testing.T, limit time.Duration, check func() error) {
	t.Helper()
	deadline := time.Now().Add(limit)
	for {
		err := check()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("after %v: %v", limit, err)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// The shapes that the commands write in JSON, as far as the tests read them. They
// are written down here anew, since they are promised to other programs too.

type reportAnswer struct {
	Header struct {
		Reference struct {
			State  string       `json:"state"`
			Events []clockEvent `json:"events"`
		} `json:"reference"`
	} `json:"header"`
	Hosts []hostRow `json:"hosts"`
}

type clockEvent struct {
	Seconds float64 `json:"seconds"`
	Text    string  `json:"text"`
}

type hostRow struct {
	Host        string    `json:"host"`
	Trust       string    `json:"trust"`
	Messages    int       `json:"messages"`
	First       time.Time `json:"first"`
	Last        time.Time `json:"last"`
	Offset      *float64  `json:"offset_seconds"`
	Low         *float64  `json:"offset_low_seconds"`
	High        *float64  `json:"offset_high_seconds"`
	Verdict     string    `json:"verdict"`
	Explanation string    `json:"explanation"`
	Claims      []string  `json:"claims"`
}

type sourcesAnswer struct {
	Reference struct {
		State  string   `json:"state"`
		Offset *float64 `json:"offset_seconds"`
		Bound  *float64 `json:"bound_seconds"`
		Source string   `json:"source"`
	} `json:"reference"`
	Sources []struct {
		Address        string   `json:"address"`
		State          string   `json:"state"`
		Offset         *float64 `json:"offset_seconds"`
		Reason         string   `json:"reason"`
		Authentication string   `json:"authentication"`
	} `json:"sources"`
}

type foundMessage struct {
	Received    time.Time  `json:"received"`
	Sent        *time.Time `json:"sent"`
	Host        string     `json:"host"`
	Transport   string     `json:"transport"`
	Facility    string     `json:"facility"`
	Severity    string     `json:"severity"`
	App         string     `json:"app"`
	ProcID      string     `json:"procid"`
	MsgID       string     `json:"msgid"`
	StampFormat string     `json:"stamp_format"`
	StampedBy   string     `json:"stamped_by"`
	Message     string     `json:"message"`
	Raw         []byte     `json:"raw"`
}

type warningEvent struct {
	Host    string `json:"host"`
	Event   string `json:"event"`
	Verdict string `json:"verdict"`
	Text    string `json:"text"`

	Since time.Time `json:"since"`
}

// run runs a command that must succeed and returns what it wrote.
func run(t *testing.T, s *testbed.Skewatch, args ...string) string {
	t.Helper()
	stdout, stderr, code := s.Run(args...)
	if code != 0 {
		t.Fatalf("skewatch %s exited with %d, want 0: %s", strings.Join(args, " "), code, stderr)
	}
	return stdout
}

func askReport(t *testing.T, s *testbed.Skewatch) (answer reportAnswer) {
	t.Helper()
	decode(t, run(t, s, "report", "--format", "json"), &answer)
	return answer
}

// rowOf returns a host's row of the given class of trust; the zero row if there is
// none.
func (r reportAnswer) rowOf(host, trust string) hostRow {
	i := slices.IndexFunc(r.Hosts, func(row hostRow) bool { return row.Host == host && row.Trust == trust })
	if i < 0 {
		return hostRow{}
	}
	return r.Hosts[i]
}

func askSources(t *testing.T, s *testbed.Skewatch) (answer sourcesAnswer) {
	t.Helper()
	decode(t, run(t, s, "sources", "--format", "json"), &answer)
	return answer
}

// askMessages returns a host's stored messages.
func askMessages(t *testing.T, s *testbed.Skewatch, host string) (found []foundMessage) {
	t.Helper()
	for line := range strings.Lines(run(t, s, "search", "--format", "json", "--raw", "--host", host)) {
		var m foundMessage
		decode(t, line, &m)
		found = append(found, m)
	}
	return found
}

func readEvents(t *testing.T, lines []string) (events []warningEvent) {
	t.Helper()
	for _, line := range lines {
		var e warningEvent
		decode(t, line, &e)
		events = append(events, e)
	}
	return events
}

func decode(t *testing.T, text string, into any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), into); err != nil {
		t.Fatalf("reading %q: %v", text, err)
	}
}

// checkNumbers checks that of a host's messages the numbers 0 to n-1 are stored,
// and each number once.
func checkNumbers(found []foundMessage, n int) error {
	times := map[int]int{}
	for _, m := range found {
		if number, ok := testbed.Number(m.Message); ok {
			times[number]++
		}
	}
	var missing, doubled []int
	for number := range n {
		if times[number] == 0 {
			missing = append(missing, number)
		}
	}
	for number, stored := range times {
		if stored > 1 {
			doubled = append(doubled, number)
		}
	}
	if len(missing)+len(doubled) > 0 {
		return fmt.Errorf("of %d numbers %d are missing %v and %d stored more than once %v", n, len(missing), missing, len(doubled), doubled)
	}
	return nil
}

// checkEstimate checks a row against the clock's true offset at the row's last
// message: the estimate's distance, and that the interval holds the truth.
func checkEstimate(row hostRow, truth time.Duration, within time.Duration) error {
	if row.Offset == nil || row.Low == nil || row.High == nil {
		return fmt.Errorf("%s has no estimate: %s, %s", row.Host, row.Verdict, row.Explanation)
	}
	truly := truth.Seconds()
	if off := *row.Offset - truly; off < -within.Seconds() || off > within.Seconds() {
		return fmt.Errorf("%s: offset_seconds is %+.6f, %+.6f from the truth, want within %v", row.Host, *row.Offset, off, within)
	}
	if truly < *row.Low || truly > *row.High {
		return fmt.Errorf("%s: the truth %+.6f lies outside of [%+.6f, %+.6f]", row.Host, truly, *row.Low, *row.High)
	}
	return nil
}
