package main_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/skewatch/skewatch/cmd/internal/testbed"
)

// alertmanagerExample is where the configuration stands that users copy.
const alertmanagerExample = "../../examples/alertmanager/"

// A page is what an Alertmanager sends to a receiver.
type page struct {
	Receiver    string            `json:"receiver"`
	GroupLabels map[string]string `json:"groupLabels"`
	Alerts      []testbed.Alert   `json:"alerts"`
}

// hosts returns the names of the hosts that a page is about, in order.
func (p *page) hosts() string {
	var hosts []string
	for _, a := range p.Alerts {
		hosts = append(hosts, a.Labels["host"])
	}
	slices.Sort(hosts)
	return strings.Join(hosts, " ")
}

// pages are what all receivers have got.
type pages struct {
	mu  sync.Mutex
	all []page
}

func (p *pages) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	var got page
	_ = json.NewDecoder(r.Body).Decode(&got) // the test looks at what was told
	p.mu.Lock()
	defer p.mu.Unlock()
	p.all = append(p.all, got)
}

// told checks that a receiver has got a page of one group about these hosts.
func (p *pages) told(receiver string, group map[string]string, hosts string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, got := range p.all {
		if got.Receiver == receiver && fmt.Sprint(got.GroupLabels) == fmt.Sprint(group) && got.hosts() == hosts {
			return nil
		}
	}
	return fmt.Errorf("%s hasn't got a page of %v about %s; the pages are %+v", receiver, group, hosts, p.all)
}

// TestEndToEndAlertmanager runs the example: several hosts make one page, what is critical
// goes to whom is on call too, and while the fleet's vote doubts the collector only that is
// left.
func TestEndToEndAlertmanager(t *testing.T) {
	t.Parallel() // it waits more than it works
	received := new(pages)
	receiver := httptest.NewServer(received)
	t.Cleanup(receiver.Close)
	am := testbed.StartAlertmanagerWith(t, adapt(t, "alertmanager.yml",
		"http://chat.example.net/hooks/clocks", receiver.URL, "http://pager.example.net/hooks/clocks", receiver.URL,
		"group_wait: 30s", "group_wait: 10s", "group_interval: 5m", "group_interval: 1s"))
	config := filepath.Join(t.TempDir(), "skewatch.yaml")
	if err := os.WriteFile(config, []byte(adapt(t, "skewatch.yaml", "http://alertmanager.example.net:9093", am.URL)), 0o600); err != nil {
		t.Fatal(err)
	}
	s := testbed.StartSkewatch(t, t.TempDir(), "--config", config, "--kernel-clock", "trust", "--ntp-server", "", "--warn-hold", "2s")

	ctx, end := context.WithCancel(t.Context())
	var speaking sync.WaitGroup
	defer speaking.Wait()
	defer end()
	var fleet, fast, faster atomic.Int64
	fast.Store(int64(3 * time.Second))
	faster.Store(int64(40 * time.Second))
	for i := range voterCount {
		v := voter{fmt.Sprintf("host%d", i), fmt.Sprintf("127.0.0.%d", i+2), &fleet}
		speaking.Go(func() { v.speak(ctx, t, s, uint64(i)) })
	}
	for i, v := range []voter{{"fast1", "127.0.1.1", &fast}, {"fast2", "127.0.1.2", &fast}, {"faster1", "127.0.1.3", &faster}, {"faster2", "127.0.1.4", &faster}} {
		speaking.Go(func() { v.speak(ctx, t, s, uint64(100+i)) })
	}
	eventually(t, 40*time.Second, func() error {
		return received.told("team", map[string]string{"alertname": "ClockWrong", "output": "pager"}, "fast1 fast2 faster1 faster2")
	})
	eventually(t, 10*time.Second, func() error {
		return received.told("on-call", map[string]string{"alertname": "ClockWrong", "output": "pager-crit"}, "faster1 faster2")
	})
	checkInhibited(t, am, "")

	rest(t, 25*time.Second) // until the voters' levels are known
	fleet.Store(int64(voterShift))
	eventually(t, 20*time.Second, func() error {
		return inhibited(t, am, "pager fast1, pager fast2, pager faster1, pager faster2")
	})
}

// checkInhibited is inhibited, at once.
func checkInhibited(t *testing.T, am *testbed.Alertmanager, want string) {
	t.Helper()
	if err := inhibited(t, am, want); err != nil {
		t.Error(err)
	}
}

// inhibited checks which alerts are held back by others, by output and host. What is
// critical, and about the collector, never is.
func inhibited(t *testing.T, am *testbed.Alertmanager, want string) error {
	t.Helper()
	var held []string
	for _, a := range am.Alerts(t) {
		if len(a.Status.InhibitedBy) > 0 {
			held = append(held, a.Labels["output"]+" "+a.Labels["host"])
		}
	}
	slices.Sort(held)
	if have := strings.Join(held, ", "); have != want {
		return fmt.Errorf("inhibited are %q, want %q", have, want)
	}
	return nil
}

// adapt returns an example with each of some texts, which must stand there, replaced by another.
func adapt(t *testing.T, file string, pairs ...string) string {
	t.Helper()
	b, err := os.ReadFile(alertmanagerExample + file)
	if err != nil {
		t.Fatal(err)
	}
	text := string(b)
	for i := 0; i < len(pairs); i += 2 {
		if !strings.Contains(text, pairs[i]) {
			t.Fatalf("%s doesn't contain %q", file, pairs[i])
		}
		text = strings.ReplaceAll(text, pairs[i], pairs[i+1])
	}
	return text
}
