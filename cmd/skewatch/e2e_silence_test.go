package main_test

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/skewatch/skewatch/cmd/internal/testbed"
)

// A wanderer is a host that speaks ten times a second, whose clock the test sets.
type wanderer struct {
	offset atomic.Int64 // ns
	stop   func()
}

func startWanderer(t *testing.T, address, host string, offset time.Duration) *wanderer {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	w := new(wanderer)
	w.offset.Store(int64(offset))
	end, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		defer conn.Close()
		pace := time.NewTicker(100 * time.Millisecond)
		defer pace.Stop()
		for {
			select {
			case <-end:
				return
			case now := <-pace.C:
				at := now.Add(time.Duration(w.offset.Load())).UTC().Format(time.RFC3339Nano)
				if _, err := fmt.Fprintf(conn, "<14>1 %s %s app - - - hello\n", at, host); err != nil {
					return // the server is gone
				}
			}
		}
	}()
	w.stop = sync.OnceFunc(func() { close(end); <-ended })
	t.Cleanup(w.stop)
	return w
}

// A mutedEvent is an event as tail prints it.
type mutedEvent struct {
	warningEvent
	Muted string `json:"muted"`
}

// tailOf returns the events of a host so far.
func tailOf(t *testing.T, s *testbed.Skewatch, host string) (all []mutedEvent) {
	t.Helper()
	for line := range strings.Lines(run(t, s, "tail", "--format", "json", "--since", "1h", "--until", "0s", "--host", host)) {
		var e mutedEvent
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatal(err)
		}
		all = append(all, e)
	}
	return all
}

// openWarning returns the open warning of a host, as `warnings --format json` shows it.
func openWarning(t *testing.T, s *testbed.Skewatch, host string) (w struct {
	Severity     string
	Told         bool
	Silenced     *struct{ ID uint64 }
	Acknowledged *struct {
		Author, Comment string
	}
}, err error) {
	t.Helper()
	var answer struct{ Warnings []json.RawMessage }
	if err := json.Unmarshal([]byte(run(t, s, "warnings", "--format", "json", "--host", host)), &answer); err != nil {
		return w, err
	}
	if len(answer.Warnings) != 1 {
		return w, fmt.Errorf("%d warnings of %s are open, want one", len(answer.Warnings), host)
	}
	return w, json.Unmarshal(answer.Warnings[0], &w)
}

// TestEndToEndSilence silences a host, and kills the server while that lasts and after it.
func TestEndToEndSilence(t *testing.T) {
	t.Parallel() // it waits more than it works
	h := startHook(t)
	h.work()
	data, config := t.TempDir(), filepath.Join(t.TempDir(), "skewatch.yaml")
	if err := os.WriteFile(config, fmt.Appendf(nil, "notify: [{name: ops, type: webhook, url: %q}]\n", h.URL), 0o600); err != nil {
		t.Fatal(err)
	}
	serve := func() *testbed.Skewatch {
		return testbed.StartSkewatch(t, data, "--config", config, "--kernel-clock", "trust", "--ntp-server", "", "--warn-hold", "1s")
	}
	s := serve()
	run(t, s, "silence", "fa?t", "--for", "25s", "--author", "anna", "--comment", "kernel update")
	ends := time.Now().Add(25 * time.Second)
	startWanderer(t, s.TCP, "fast", 40*time.Second)
	startWanderer(t, s.TCP, "other", 40*time.Second) // which one of them speaks for, unless that is silenced
	var muted mutedEvent
	eventually(t, 20*time.Second, func() error {
		all := tailOf(t, s, "fast")
		if len(all) != 1 || all[0].Event != "raise" || all[0].Muted != "silence 1" {
			return fmt.Errorf("tail shows %+v, want one raise that is muted", all)
		}
		muted = all[0]
		return nil
	})
	s.Kill()
	s = serve()
	startWanderer(t, s.TCP, "fast", 40*time.Second)
	if w, err := openWarning(t, s, "fast"); err != nil || w.Told || w.Silenced == nil || w.Silenced.ID != 1 {
		t.Errorf("after a kill the warning is %+v, %v, want it silenced", w, err)
	}
	eventually(t, 20*time.Second, func() error {
		if told := h.told("other"); told != "raise ahead" {
			return fmt.Errorf("told of the other host is %q", told)
		}
		return nil
	})
	if told := h.told("fast"); told != "" || time.Now().After(ends) {
		t.Errorf("told of the silenced host is %q at %v before the silence's end", told, time.Until(ends))
	}
	eventually(t, 30*time.Second, func() error {
		if told := h.told("fast"); told != "raise ahead" {
			return fmt.Errorf("told of the host that was silenced is %q", told)
		}
		return nil
	})
	if time.Now().Before(ends.Add(-time.Second)) {
		t.Errorf("it was told %v before the silence's end", time.Until(ends))
	}
	s.Kill()
	s = serve()
	startWanderer(t, s.TCP, "last", 20*time.Second) // a clock of its own
	eventually(t, 20*time.Second, func() error {
		if told := h.told("last"); told != "raise ahead" {
			return fmt.Errorf("told of a third host is %q", told)
		}
		return nil
	})
	for _, e := range h.events() {
		if e.Host == "fast" && (e.Event != "raise" || !e.Since.Equal(muted.Since)) {
			t.Errorf("told is %+v, want one raise since %v", e, muted.Since)
		}
	}
	if told := h.told("fast"); told != "raise ahead" {
		t.Errorf("after another kill told is %q, want one raise", told)
	}
	past := run(t, s, "silence", "list", "--since", "1h", "--format", "csv")
	if !strings.Contains(past, ",fa?t,") || !strings.Contains(past, ",anna,kernel update,") || !strings.Contains(past, ",expired,") {
		t.Errorf("the past silences are %q", past)
	}
	if n := metric(t, s, `skewatch_mutes{kind="silence"}`); n != 0 {
		t.Errorf("%v silences last, want none", n)
	}
}

// TestEndToEndAcknowledge acknowledges warnings: what becomes graver is told, and what is
// over, and nothing else.
func TestEndToEndAcknowledge(t *testing.T) {
	t.Parallel() // it waits more than it works
	h := startHook(t)
	h.work()
	config := filepath.Join(t.TempDir(), "skewatch.yaml")
	text := fmt.Sprintf("notify: [{name: ops, type: webhook, url: %q}]\nhosts: [{match: quiet, expected: 2s}]\n", h.URL)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s := testbed.StartSkewatch(t, t.TempDir(), "--config", config, "--kernel-clock", "trust", "--ntp-server", "", "--warn-hold", "1s")
	w := startWanderer(t, s.TCP, "web1", 3*time.Second)
	told := func(host, want string) {
		t.Helper()
		eventually(t, 30*time.Second, func() error {
			if told := h.told(host); told != want {
				return fmt.Errorf("told of %s is %q, want %q; tail shows %+v", host, told, want, tailOf(t, s, host))
			}
			return nil
		})
	}
	told("web1", "raise ahead")
	told("quiet", "raise silent")
	run(t, s, "acknowledge", "WEB1", "--author", "bob", "--comment", "its NTP server is being replaced")
	run(t, s, "acknowledge", "quiet", "--author", "bob", "--comment", "is being moved", "--for", "1h")
	if x, err := openWarning(t, s, "web1"); err != nil || x.Severity != "warn" || x.Acknowledged == nil || x.Acknowledged.Author != "bob" {
		t.Errorf("the warning is %+v, %v, want it acknowledged", x, err)
	}
	if n := metric(t, s, `skewatch_mutes{kind="acknowledgement"}`); n != 2 {
		t.Errorf("%v acknowledgements last, want 2", n)
	}
	w.offset.Store(int64(10 * time.Second))
	told("web1", "raise ahead, change ahead")
	if x, err := openWarning(t, s, "web1"); err != nil || x.Severity != "crit" || x.Acknowledged != nil {
		t.Errorf("the warning is %+v, %v, want it critical and not acknowledged", x, err)
	}
	startWanderer(t, s.TCP, "quiet", 0)
	eventually(t, 20*time.Second, func() error {
		if told := h.told("quiet"); !strings.HasPrefix(told, "raise silent, clear ") {
			return fmt.Errorf("told of the host that speaks again is %q", told)
		}
		return nil
	})
	past := run(t, s, "acknowledge", "list", "--since", "1h", "--format", "csv")
	if !strings.Contains(past, ",graver,") || !strings.Contains(past, ",cleared,") {
		t.Errorf("the acknowledgements are %q, want one that has ended as the warning became graver, and one with it", past)
	}
	if _, stderr, code := s.Run("acknowledge", "quiet", "--comment", "too late"); code != 1 || !strings.Contains(stderr, "no such warning is open") {
		t.Errorf("what is cleared is acknowledged: %d, %q", code, stderr)
	}
	s.Stop(t)
	if _, stderr, code := s.Run("silence", "*", "--for", "1h"); code != 1 || !strings.Contains(stderr, "no server runs on these files") || !strings.Contains(stderr, "hint: start one") {
		t.Errorf("without a server hosts are silenced: %d, %q", code, stderr)
	}
	if x, err := openWarning(t, s, "web1"); err != nil || x.Severity != "crit" || !x.Told {
		t.Errorf("the files have the warning %+v, %v", x, err)
	}
}
