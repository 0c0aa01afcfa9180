package server

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/skewatch/skewatch/analysis"
	"github.com/skewatch/skewatch/cmd/internal/api"
	"github.com/skewatch/skewatch/collector/message"
	"github.com/skewatch/skewatch/ntpcheck"
	"github.com/skewatch/skewatch/storage"
)

// await has what was found be kept while something waits for that.
func (h *history) await(fn func()) {
	h.t.Helper()
	done := make(chan struct{})
	go func() { defer close(done); fn() }()
	for {
		select {
		case <-done:
			return
		case <-h.urgent:
			h.keep()
		case <-time.After(20 * time.Second):
			h.t.Fatal("what was asked for isn't on disk")
		}
	}
}

// silence silences hosts.
func (h *history) silence(glob string, length time.Duration) (m api.Mute) {
	h.t.Helper()
	h.await(func() {
		var err error
		o := api.SilenceOrder{Host: glob, Span: api.Span{For: length.Seconds()}, Signature: api.Signature{Author: "anna"}}
		if m, err = h.desk.Silence(h.t.Context(), o); err != nil {
			h.t.Error(err)
		}
	})
	return m
}

// acknowledge acknowledges the warning of a host.
func (h *history) acknowledge(host string) (m api.Mute, err error) {
	h.t.Helper()
	h.await(func() {
		m, err = h.desk.Acknowledge(h.t.Context(), api.AcknowledgeOrder{Host: host, Signature: api.Signature{Author: "bob", Comment: "mine"}})
	})
	return m, err
}

// tick judges at a time, and keeps what was found.
func (h *history) tick(at time.Time) {
	h.t.Helper()
	h.at(at)
	h.judge((*analysis.Fleet).Tick)
	h.commit()
}

// again kills the server and starts it anew.
func (h *history) again() *history {
	h.t.Helper()
	h.close()
	return openHistory(h.t, h.data)
}

// told wants the events to be such as "raise ahead, (change drifting)": what nobody was told
// of stands in brackets.
func (h *history) told(want string) {
	h.t.Helper()
	var all []string
	err := h.desk.Events(h.t.Context(), api.Query{}, func(e api.Event) error {
		text := e.Event + " " + e.Verdict
		if e.Muted != "" {
			text = "(" + text + ")"
		}
		all = append(all, text)
		return nil
	})
	if have := strings.Join(all, ", "); have != want || err != nil {
		h.t.Errorf("the events are %q, %v, want %q", have, err, want)
	}
}

// TestSilenceOutlivesKills has the server be killed after each step.
func TestSilenceOutlivesKills(t *testing.T) {
	h := openHistory(t, t.TempDir())
	h.at(noon)
	if m := h.silence("WEB*", 2*time.Hour); m.ID != 1 || m.State != api.MuteLasts || !m.Ends.Equal(noon.Add(2*time.Hour)) || m.Host != "web*" {
		t.Errorf("silenced is %+v", m)
	}
	h = h.again()
	h.at(noon.Add(2 * time.Minute))
	h.receive("web1", noon, 120, 40*time.Second)
	h.tick(noon.Add(2 * time.Minute))
	h.told("(raise ahead)")
	raised := events(t, h.desk, api.Query{})[0]

	h = h.again()
	h.tick(noon.Add(time.Hour))
	h.told("(raise ahead)")
	all, err := h.desk.Warnings(t.Context(), api.Query{Host: "web?"})
	if err != nil || len(all) != 1 || all[0].Told || all[0].Silenced == nil || all[0].Silenced.Author != "anna" || all[0].Acknowledged != nil || *all[0].Offset < 39 {
		t.Errorf("open are %+v, %v", all, err)
	}
	h = h.again()
	h.tick(noon.Add(2*time.Hour + time.Second))
	h.told("(raise ahead), raise ahead")
	if e := events(t, h.desk, api.Query{})[1]; !e.Since.Equal(raised.Since) || !strings.HasPrefix(e.Text, "told now that silence 1 has expired: ahead by ") {
		t.Errorf("told is %+v, want what has been since %v", e, raised.Since)
	}
	h = h.again()
	h.tick(noon.Add(3 * time.Hour))
	h.told("(raise ahead), raise ahead")

	if m, err := h.acknowledge("WEB1"); err != nil || m.ID != 2 || m.Source != "192.0.2.7" || !m.Ends.Equal(noon.Add(27*time.Hour)) {
		t.Errorf("acknowledged is %+v, %v", m, err)
	}
	if _, err := h.acknowledge("web2"); !errors.Is(err, analysis.ErrNoWarning) {
		t.Errorf("what isn't open is acknowledged: %v", err)
	}
	h = h.again()
	h.at(noon.Add(3*time.Hour + 10*time.Minute))
	h.receive("web1", noon.Add(3*time.Hour), 600, 0)
	h.tick(noon.Add(3*time.Hour + 10*time.Minute))
	h.told("(raise ahead), raise ahead, clear in-sync")
	h.close()
	checkFiles(t, h.data)
}

// checkFiles wants the files to have the whole history of mutes, and to take no orders.
func checkFiles(t *testing.T, data string) {
	t.Helper()
	files, err := OpenFiles(data, silent())
	if err != nil {
		t.Fatal(err)
	}
	defer files.Close()
	for kind, want := range map[analysis.MuteKind]string{
		analysis.Silence:         "[1 ended expired anna ]",
		analysis.Acknowledgement: "[2 ended cleared bob mine]",
	} {
		all, err := files.Mutes(t.Context(), api.MuteQuery{Kind: kind, Since: noon.Add(-time.Hour)})
		var shown []string
		for _, m := range all {
			shown = append(shown, fmt.Sprint(m.ID, " ", m.State, " ", m.Why, " ", m.Author, " ", m.Comment))
		}
		if fmt.Sprint(shown) != want || err != nil {
			t.Errorf("the files have the mutes %v, %v, want %s", shown, err, want)
		}
		if all, err := files.Mutes(t.Context(), api.MuteQuery{Kind: kind}); len(all) != 0 || err != nil {
			t.Errorf("the files have as lasting %+v, %v", all, err)
		}
	}
	_, err1 := files.Silence(t.Context(), api.SilenceOrder{})
	_, err2 := files.Acknowledge(t.Context(), api.AcknowledgeOrder{})
	_, err3 := files.Unmute(t.Context(), api.UnmuteOrder{})
	for _, err := range []error{err1, err2, err3} {
		if !errors.Is(err, api.ErrFilesOnly) {
			t.Errorf("files take an order: %v", err)
		}
	}
}

// TestUnwrittenSilence wants a silence whose making was never acknowledged to be all there,
// or not at all, after a kill: as the events it has muted.
func TestUnwrittenSilence(t *testing.T) {
	h := openHistory(t, t.TempDir())
	h.at(noon)
	h.mu.Lock()
	_, found, err := h.mutes.Silence(analysis.Mute{Host: "*", Begins: noon, Ends: noon.Add(time.Hour), Author: "anna"}, noon)
	h.found = append(h.found, found...)
	h.mu.Unlock()
	if err != nil {
		t.Fatal(err)
	}
	h.at(noon.Add(2 * time.Minute))
	h.receive("web1", noon, 120, 40*time.Second)
	h.judge((*analysis.Fleet).Tick)
	if err := h.store.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	h = h.again()
	h.tick(noon.Add(2 * time.Minute))
	h.told("raise ahead")
}

// TestSilenceInAnotherTime has our clock be an hour ahead of the fleet's time: what is said
// and shown is our clock's. While our clock is in doubt nothing ends.
func TestSilenceInAnotherTime(t *testing.T) {
	h := openHistory(t, t.TempDir())
	h.at(noon)
	h.scale.clocks[message.StampedByUser].shift = int64(time.Hour)
	m := h.silence("*", 10*time.Minute)
	if s := h.mutes.Silences()[0]; !m.Ends.Equal(noon.Add(10*time.Minute)) || !s.Ends.Equal(noon.Add(-50*time.Minute)) || !s.Begun {
		t.Errorf("shown is %v, kept %+v", m.Ends, s)
	}
	lasting := func() int {
		t.Helper()
		all, err := h.desk.Mutes(t.Context(), api.MuteQuery{})
		if err != nil {
			t.Fatal(err)
		}
		return len(all)
	}
	h.scale.clocks[message.StampedByUser].shift = 0 // set right: the fleet's time goes on as it was
	h.tick(noon.Add(-51 * time.Minute))
	if lasting() != 1 {
		t.Error("it doesn't last when the clock is set")
	}
	h.scale.open = &openStep{began: time.Now()}
	h.tick(noon.Add(time.Hour))
	if lasting() != 1 {
		t.Error("it has ended while our clock was in doubt")
	}
	h.scale.open = nil
	h.tick(noon.Add(-49 * time.Minute))
	if lasting() != 0 {
		t.Error("it lasts too long")
	}
}

// TestNoneEndsAfterAStart has the server be started where nobody tells it the time: for two
// minutes it takes its own clock's word for the end of no silence.
func TestNoneEndsAfterAStart(t *testing.T) {
	h := openHistory(t, t.TempDir())
	h.at(noon)
	h.silence("*", time.Hour)
	h = h.again()
	knowing := h.monitor
	unknowing, err := ntpcheck.New(ntpcheck.Config{Kernel: ntpcheck.KernelOff})
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		name    string
		monitor *ntpcheck.Monitor
		began   time.Duration // before now
		at      time.Duration // after noon
		lasting int
	}{
		{"started, and the time isn't known", unknowing, 0, 3 * time.Hour, 1},
		{"still not known", unknowing, knownWithin - 20*time.Second, 3 * time.Hour, 1},
		{"known, and before its end", knowing, 0, time.Minute, 1},
		{"waited for long enough, and before its end", unknowing, knownWithin, 2 * time.Minute, 1},
		{"waited for long enough", unknowing, knownWithin, 3 * time.Hour, 0},
	} {
		h.monitor, h.began = step.monitor, time.Now().Add(-step.began)
		h.tick(noon.Add(step.at))
		if all, err := h.desk.Mutes(t.Context(), api.MuteQuery{}); err != nil || len(all) != step.lasting {
			t.Errorf("%s: the silences that last are %+v, %v, want %d", step.name, all, err, step.lasting)
		}
	}
}

// TestOlderData wants the warnings to be open that a version without mutes has left open.
func TestOlderData(t *testing.T) {
	h := openHistory(t, t.TempDir())
	h.at(noon.Add(2 * time.Minute))
	h.receive("web1", noon, 120, 40*time.Second)
	h.tick(noon.Add(2 * time.Minute))
	var gone []storage.State
	sequence, err := h.store.States(func(key string, _ []byte) error {
		if analysis.OfMutes(key) {
			gone = append(gone, storage.State{Key: key})
		}
		return nil
	})
	if err == nil {
		err = h.store.Checkpoint(storage.Changes{Sequence: sequence, States: gone})
	}
	if err != nil || len(gone) == 0 {
		t.Fatalf("%d states of mutes, %v, want that of the warning", len(gone), err)
	}
	h = h.again()
	all, err := h.desk.Warnings(t.Context(), api.Query{})
	if err != nil || len(all) != 1 || all[0].Host != "web1" || !all[0].Told {
		t.Errorf("open are %+v, %v", all, err)
	}
}

// TestUnwrittenIsTriedAgain wants a checkpoint that failed to be tried again at once, though
// nothing new was found: somebody may wait for it.
func TestUnwrittenIsTriedAgain(t *testing.T) {
	h := openHistory(t, t.TempDir())
	h.at(noon)
	h.find(noon, time.Second, "something happened")
	h.take()
	h.written = noon
	h.keep()
	if h.unwritten != nil {
		t.Error("it isn't written")
	}
}

// TestOutputIsToldOfFollowers wants one event more where an output's hosts share the clock of
// one that it isn't told of.
func TestOutputIsToldOfFollowers(t *testing.T) {
	for hosts, want := range map[string]string{
		"":    "web1",
		"db*": "web1 db1",
	} {
		path := filepath.Join(t.TempDir(), "config.yaml")
		text := "notify:\n  - {name: all, type: stdout}\n  - {name: some, type: stdout, hosts: '" + hosts + "'}\n"
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		h := openHistory(t, t.TempDir(), "SKEWATCH_CONFIG="+path)
		for i, host := range []string{"web1", "db1", "web2", "db2"} {
			from := noon.Add(time.Duration(i) * 2 * time.Minute)
			h.receive(host, from, 120, 40*time.Second)
			h.tick(from.Add(2 * time.Minute))
		}
		var have []string
		for _, e := range events(t, h.desk, api.Query{}) {
			have = append(have, e.Host)
		}
		if !slices.Equal(have, strings.Fields(want)) {
			t.Errorf("hosts %q: events of %q, want %s", hosts, have, want)
		}
	}
}
