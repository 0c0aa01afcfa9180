package main_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/skewatch/skewatch/cmd/internal/testbed"
)

// relpWindow is how many messages omrelp sends before it waits for an acknowledgement:
// what a kill may double.
const relpWindow = 128

// A relpRun is a real rsyslogd that sends over RELP to a server that is stopped and
// started again, on the same port and data.
type relpRun struct {
	*testbed.Rsyslogd
	server *testbed.Skewatch
	logged int
}

func startRELP(t *testing.T) *relpRun {
	t.Helper()
	r := &relpRun{server: startRELPServer(t, t.TempDir(), "127.0.0.1:0")}
	r.Rsyslogd = testbed.StartRsyslogd(t, testbed.Host{Name: "web1", Target: r.server.RELP, Transport: "relp", Format: testbed.Protocol23})
	return r
}

func startRELPServer(t *testing.T, data, address string) *testbed.Skewatch {
	t.Helper()
	return testbed.StartSkewatch(t, data, "--listen-relp", address, "--ntp-server", "", "--kernel-clock", "trust")
}

// log logs n further numbered messages, as fast as they are taken.
func (r *relpRun) log(t *testing.T, n int) {
	t.Helper()
	for range n {
		if err := r.Log("feed", fmt.Sprint("number ", r.logged)); err != nil {
			t.Fatal(err)
		}
		r.logged++
	}
}

// restart starts the server again once it has ended.
func (r *relpRun) restart(t *testing.T) {
	t.Helper()
	r.server = startRELPServer(t, r.server.Data, r.server.RELP)
}

// stored returns how many messages the server has.
func (r *relpRun) stored(t *testing.T) int {
	t.Helper()
	response, err := http.Get("http://" + r.server.HTTP + "/api/v1/report")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var report reportAnswer
	if err := json.NewDecoder(response.Body).Decode(&report); err != nil {
		t.Fatal(err)
	}
	return report.rowOf("web1", "handshake").Messages
}

// awaitMore waits until the server has at least n messages, and gives up when none come
// any more.
func (r *relpRun) awaitMore(t *testing.T, n int) {
	t.Helper()
	last, deadline := 0, time.Time{}
	for ; ; time.Sleep(time.Millisecond) {
		have := r.stored(t)
		if have >= n {
			return
		}
		if have > last || deadline.IsZero() {
			last, deadline = have, time.Now().Add(30*time.Second)
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d messages are stored, want %d of %d logged; the server wrote:\n%s", have, n, r.logged, r.server.Log())
		}
	}
}

// count returns how many of the numbers logged are not stored, and how many more messages
// there are than numbers.
func (r *relpRun) count(t *testing.T) (missing, doubled int) {
	t.Helper()
	times := make([]int, r.logged)
	for line := range strings.Lines(run(t, r.server, "search", "--raw", "--host", "web1")) {
		at := strings.LastIndex(line, "number ")
		if line == "\n" {
			continue // rsyslog's templates end with LF, which RELP keeps
		}
		number, ok := testbed.Number(line[max(at, 0):])
		if !ok || number >= r.logged {
			t.Fatalf("stored message %q, want a number below %d", line, r.logged)
		}
		times[number]++
	}
	for _, n := range times {
		if n == 0 {
			missing++
		}
		doubled += max(n-1, 0)
	}
	return missing, doubled
}

// awaitAll waits until all that was logged is stored, and returns what is doubled.
func (r *relpRun) awaitAll(t *testing.T) (doubled int) {
	t.Helper()
	r.awaitMore(t, r.logged)
	eventually(t, 60*time.Second, func() (err error) {
		var missing int
		if missing, doubled = r.count(t); missing > 0 {
			err = fmt.Errorf("%d of %d messages are lost", missing, r.logged)
		}
		return err
	})
	run(t, r.server, "verify") // which exits with 1 if it finds anything
	return doubled
}

// TestEndToEndRELP kills the server again and again while omrelp sends as fast as it can:
// what was acknowledged is stored, and the rest is sent again.
func TestEndToEndRELP(t *testing.T) {
	const each = 4000 // messages a kill
	kills, limit := 5, time.Minute
	if os.Getenv("SKEWATCH_ACCEPTANCE") != "" {
		kills, limit = 500, 20*time.Minute
	}
	r := startRELP(t)
	done := 0
	for started := time.Now(); done < kills && time.Since(started) < limit; done++ {
		before := r.stored(t)
		r.log(t, each)
		r.awaitMore(t, before+1)
		r.server.Kill()
		r.restart(t)
	}
	doubled := r.awaitAll(t)
	if most := relpWindow * done; doubled > most {
		t.Errorf("%d messages are stored twice after %d kills, want %d at most", doubled, done, most)
	}
	t.Logf("%d kills: of %d messages 0 are lost, %d stored twice", done, r.logged, doubled)
}

// TestEndToEndRELPRestart stops the server in good order while omrelp sends: nothing is
// lost, and nothing comes twice.
func TestEndToEndRELPRestart(t *testing.T) {
	const each = 20_000
	stops := 3
	if os.Getenv("SKEWATCH_ACCEPTANCE") != "" {
		stops = 50
	}
	r := startRELP(t)
	for range stops {
		before := r.stored(t)
		r.log(t, each)
		r.awaitMore(t, before+1)
		r.server.Stop(t)
		r.restart(t)
	}
	if doubled := r.awaitAll(t); doubled > 0 {
		t.Errorf("%d messages are stored twice after %d stops, want none", doubled, stops)
	}
	t.Logf("%d stops: of %d messages 0 are lost and 0 stored twice", stops, r.logged)
}

// TestEndToEndRELPSpeed tells how fast one omrelp is acknowledged.
func TestEndToEndRELPSpeed(t *testing.T) {
	if os.Getenv("SKEWATCH_ACCEPTANCE") == "" {
		t.Skip("a figure, for make acceptance")
	}
	const messages = 300_000
	r := startRELP(t)
	r.server.Stop(t)
	r.log(t, messages)
	r.restart(t)
	r.awaitMore(t, messages/10)
	began, before := time.Now(), r.stored(t)
	r.awaitMore(t, messages)
	t.Logf("%.0f messages/s", float64(messages-before)/time.Since(began).Seconds())
}
