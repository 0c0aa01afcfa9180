package main_test

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/skewatch/skewatch/cmd/internal/testbed"
)

// A hook is a webhook's receiver. It answers 500 until it is told otherwise.
type hook struct {
	*httptest.Server
	mu      sync.Mutex
	works   bool
	refused int
	taken   []hookEvent
}

type hookEvent struct {
	warningEvent
	ID  uint64 `json:"id"`
	key string
}

func startHook(t *testing.T) *hook {
	t.Helper()
	h := new(hook)
	h.Server = httptest.NewServer(h)
	t.Cleanup(h.Close)
	return h
}

func (h *hook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e := hookEvent{key: r.Header.Get("Idempotency-Key")}
	err := json.NewDecoder(r.Body).Decode(&e)
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.works || err != nil {
		h.refused++
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	h.taken = append(h.taken, e)
}

func (h *hook) work() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.works = true
}

func (h *hook) refusals() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.refused
}

// events returns what was taken, without what came again with the same key.
func (h *hook) events() (events []hookEvent) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, e := range h.taken {
		if !slices.ContainsFunc(events, func(other hookEvent) bool { return other.key == e.key }) {
			events = append(events, e)
		}
	}
	return events
}

// told returns what a host was told of, such as "raise ahead, clear in-sync".
func (h *hook) told(host string) string {
	var told []string
	for _, e := range h.events() {
		if e.Host == host {
			told = append(told, e.Event+" "+e.Verdict)
		}
	}
	return strings.Join(told, ", ")
}

// speak sends messages of a host over TCP until the function it returns is called.
func speak(t *testing.T, address, host string, offset time.Duration) (stop func()) {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	end, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		defer conn.Close()
		pace := time.NewTicker(50 * time.Millisecond)
		defer pace.Stop()
		for {
			select {
			case <-end:
				return
			case now := <-pace.C:
				if _, err := fmt.Fprintf(conn, "<14>1 %s %s app - - - hello\n", now.Add(offset).UTC().Format(time.RFC3339Nano), host); err != nil {
					return // the server is gone
				}
			}
		}
	}()
	stop = sync.OnceFunc(func() { close(end); <-ended })
	t.Cleanup(stop)
	return stop
}

// TestEndToEndNotify kills the server after its receiver has failed twice: what was found
// before is delivered after, and what begins and ends comes in order.
func TestEndToEndNotify(t *testing.T) {
	t.Setenv("HTTP_PROXY", "http://127.0.0.1:1") // which loopback has no need of
	h := startHook(t)
	data, config := t.TempDir(), filepath.Join(t.TempDir(), "skewatch.yaml")
	text := fmt.Sprintf("notify: [{name: ops, type: webhook, url: %q}]\nhosts: [{match: quiet, expected: 2s}]\n", h.URL)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	serve := func() *testbed.Skewatch {
		return testbed.StartSkewatch(t, data, "--config", config, "--kernel-clock", "trust", "--ntp-server", "", "--warn-hold", "1s")
	}
	s := serve()
	speak(t, s.TCP, "fast", 40*time.Second)
	eventually(t, 20*time.Second, func() error {
		if n := h.refusals(); n < 2 {
			return fmt.Errorf("the receiver has refused %d requests, want 2", n)
		}
		return nil
	})
	if n := metric(t, s, `skewatch_notifications_waiting{output="ops"}`); n < 1 {
		t.Errorf("%v events wait, want one", n)
	}
	s.Kill()
	h.work()
	s = serve()
	speak(t, s.TCP, "fast", 40*time.Second)
	eventually(t, 20*time.Second, func() error {
		if told := h.told("fast"); told != "raise ahead" {
			return fmt.Errorf("told of the host that is ahead is %q, want that it is, once", told)
		}
		return nil
	})
	eventually(t, 20*time.Second, func() error {
		if told := h.told("quiet"); told != "raise silent" {
			return fmt.Errorf("told of the host that is silent is %q, want that it is, once", told)
		}
		return nil
	})
	speak(t, s.TCP, "quiet", 0)
	eventually(t, 20*time.Second, func() error {
		if told := h.told("quiet"); !strings.HasPrefix(told, "raise silent, clear ") {
			return fmt.Errorf("told of the host that speaks again is %q", told)
		}
		return nil
	})
	if !slices.IsSortedFunc(h.events(), func(a, b hookEvent) int { return int(a.ID) - int(b.ID) }) {
		t.Errorf("the events have come as %+v, want them in the order of their IDs", h.events())
	}
	eventually(t, 10*time.Second, func() error {
		delivered, waiting := metric(t, s, `skewatch_notifications_delivered_total{output="ops"}`), metric(t, s, `skewatch_notifications_waiting{output="ops"}`)
		if delivered < 3 || waiting != 0 {
			return fmt.Errorf("%v are delivered and %v wait, want 3 and none", delivered, waiting)
		}
		return nil
	})
}
