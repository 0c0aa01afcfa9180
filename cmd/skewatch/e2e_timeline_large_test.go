package main_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/skewatch/skewatch/analysis"
	"github.com/skewatch/skewatch/cmd/internal/config"
	"github.com/skewatch/skewatch/cmd/internal/server"
	"github.com/skewatch/skewatch/cmd/internal/testbed"
	"github.com/skewatch/skewatch/collector/message"
	"github.com/skewatch/skewatch/collector/parse"
	"github.com/skewatch/skewatch/storage"
)

// What a timeline of an hour of a day of 10 million messages must reach on two cores.
const (
	firstLineWithin = 300 * time.Millisecond
	leastLines      = 300_000 // a second
)

// A day is the messages of some hosts over 24 hours, stored and judged as a server would have.
// Half of the hosts write each format, one in ten is off by minutes, and one can't reach the
// collector for two hours.
type day struct {
	*rand.Rand
	begin           time.Time
	hosts, messages int
}

func (d *day) at(i int) time.Time {
	return d.begin.Add(time.Duration(float64(i) / float64(d.messages) * float64(24*time.Hour)))
}

// outage is when the last host can't reach the collector: its messages come when it ends.
func (d *day) outage(at time.Time) bool {
	return at.After(d.begin.Add(11*time.Hour)) && at.Before(d.begin.Add(13*time.Hour))
}

func (d *day) message(host int, written, received time.Time) (m message.Message) {
	sent := written
	if host%10 == 3 {
		sent = sent.Add(time.Duration(host) * time.Minute)
	}
	m = message.Message{
		Received: received.UnixNano(), StampedBy: message.StampedByKernel, Transport: message.TCP, Trust: message.TrustHandshake,
		Source: netip.AddrFrom4([4]byte{10, 0, byte(host >> 8), byte(host)}), MinRTT: 200 * time.Microsecond,
	}
	n := d.Uint64()
	text := fmt.Sprintf("Failed password for invalid user u%d from 10.%d.%d.%d port %d ssh2: session %016x", n>>8%1000, n>>18%256, n>>26%256, n>>34%256, n>>42%65536, d.Uint64())
	raw := fmt.Sprintf("<38>%s host%02d sshd[%d]: %s", sent.Format(time.Stamp), host, 1000+host, text)
	if host%2 == 1 {
		raw = fmt.Sprintf("<38>1 %s host%02d sshd %d - - %s", sent.Format("2006-01-02T15:04:05.000000Z"), host, 1000+host, text)
	}
	parse.Parse([]byte(raw), &m)
	return m
}

// keep stores the day in a data directory.
func (d *day) keep(t *testing.T, data string) {
	t.Helper()
	cfg, err := config.Load(nil, []string{"SKEWATCH_DATA=" + data})
	check(t, err)
	check(t, os.MkdirAll(data, 0o755))
	f, err := os.Create(filepath.Join(data, "config.yaml"))
	check(t, err)
	check(t, cfg.WriteYAML(f))
	check(t, f.Close())
	store, err := storage.Open(data, storage.Options{})
	check(t, err)
	fleet := analysis.NewFleet(server.FleetConfig(cfg))
	sound := analysis.Reference{State: analysis.Synchronised, Bound: time.Millisecond}
	var batch, spool []message.Message
	judged, written := d.begin, d.begin
	put := func() {
		check(t, store.Append(batch))
		for i := range batch {
			fleet.Observe(&batch[i])
		}
		batch = batch[:0]
	}
	for i := range d.messages {
		at, host := d.at(i), i*7919%d.hosts
		late := time.Duration(d.ExpFloat64() * float64(2*time.Millisecond))
		switch {
		case host == d.hosts-1 && d.outage(at):
			spool = append(spool, d.message(host, at.Add(-late), at))
		case len(spool) > 0 && !d.outage(at):
			for k := range spool {
				spool[k].Received = at.UnixNano() + int64(k)*1000
			}
			batch, spool = append(batch, spool...), nil
		default:
			batch = append(batch, d.message(host, at.Add(-late), at))
		}
		if at.Sub(judged) >= 10*time.Second || len(batch) >= 1000 {
			put()
			fleet.Tick(at.UnixNano(), sound)
			judged = at
		}
		if at.Sub(written) >= time.Hour {
			d.checkpoint(t, store, fleet, at)
			written = at
		}
	}
	put()
	end := d.begin.Add(24 * time.Hour)
	fleet.Refresh(end.UnixNano(), sound)
	check(t, store.Sync(context.Background()))
	d.checkpoint(t, store, fleet, end)
	check(t, store.Close())
}

// checkpoint writes what the fleet knows.
func (d *day) checkpoint(t *testing.T, store *storage.Store, fleet *analysis.Fleet, at time.Time) {
	t.Helper()
	s := fleet.Snapshot()
	c := storage.Changes{Sequence: store.Last()}
	for _, b := range s.Originators {
		c.States = append(c.States, storage.State(b))
	}
	for _, r := range s.RollUps {
		blob, err := r.RollUp.AppendBinary(nil)
		check(t, err)
		c.RollUps = append(c.RollUps, storage.RollUp{Start: r.RollUp.Start, Key: r.Key, Blob: blob})
	}
	sample := []byte(`{"reference":{"state":"synchronised","offset_seconds":0,"bound_seconds":0.001}}`)
	c.Reference = append(c.Reference, storage.ReferenceSample{At: at.UnixNano(), Blob: sample})
	check(t, store.Checkpoint(c))
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestEndToEndTimelineOfADay measures a timeline of an hour in the midst of a day at the built
// binary's output, of files and of a running server.
func TestEndToEndTimelineOfADay(t *testing.T) {
	d := &day{rand.New(rand.NewPCG(1, 2)), time.Now().Add(-25 * time.Hour).Truncate(time.Hour).UTC(), 50, 300_000}
	full := os.Getenv("SKEWATCH_ACCEPTANCE") != ""
	if full {
		d.messages = 10_000_000
	}
	data := t.TempDir()
	d.keep(t, data)
	from := d.begin.Add(12 * time.Hour)
	period := []string{"--since", from.Format(time.RFC3339), "--until", from.Add(time.Hour).Format(time.RFC3339)}
	for _, format := range []string{"table", "json", "csv"} {
		d.measure(t, full, format, data, nil, period)
	}
	s := testbed.StartSkewatch(t, data, "--ntp-server", "", "--kernel-clock", "trust")
	for _, format := range []string{"table", "json", "csv"} {
		d.measure(t, full, format, data, s, period)
	}
	checkDay(t, data, period)
}

// measure times a timeline of files, or of a server if there is one. Held against what it must
// reach is the time on the processor, of the busier of two processes that have a core each:
// how long it takes besides depends on what else the machine does.
func (d *day) measure(t *testing.T, full bool, format, data string, s *testbed.Skewatch, period []string) {
	t.Helper()
	where, before := "files", time.Duration(0)
	if s != nil {
		where, before = "server", s.ProcessorTime(t)
	}
	run := timeTimeline(t, data, format, period)
	busy := run.processor
	if s != nil {
		busy = max(busy, s.ProcessorTime(t)-before)
	}
	perSecond := float64(run.lines) / busy.Seconds()
	t.Logf("%s, %s: the first line after %v, %d lines in %v, %.0f in a second; %.0f in a second of the processor's", where, format,
		run.first.Round(time.Millisecond), run.lines, run.took.Round(time.Millisecond), float64(run.lines)/run.took.Seconds(), perSecond)
	if want := d.messages / 24; run.lines < want*99/100 || run.lines > want*101/100 {
		t.Errorf("%s, %s: %d lines, want about %d", where, format, run.lines, want)
	}
	if full && format != "csv" && (run.first > firstLineWithin || perSecond < leastLines) {
		t.Errorf("%s, %s: the first line after %v, %.0f lines in a second of the processor's, want %v and %d", where, format, run.first, perSecond,
			firstLineWithin, leastLines)
	}
}

// A timed is what running the built binary took.
type timed struct {
	first, took, processor time.Duration
	lines                  int
}

// timeTimeline runs the built binary and counts the lines of the timeline.
func timeTimeline(t *testing.T, data, format string, period []string) (run timed) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), testbed.Binary(t), append([]string{"timeline", "--data", data, "--format", format}, period...)...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	check(t, err)
	began := time.Now()
	check(t, cmd.Start())
	for r := bufio.NewReaderSize(out, 1<<20); ; {
		line, err := r.ReadSlice('\n')
		if err != nil {
			break
		}
		if strings.HasPrefix(string(line), "corrected,") {
			continue // the names of the columns
		}
		if run.lines++; run.lines == 1 {
			run.first = time.Since(began)
		}
	}
	check(t, cmd.Wait())
	run.took = time.Since(began)
	run.processor = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	return run
}

// checkDay holds the order of an hour against what is known of the day: that of the corrected
// times, and the spooled host's messages among them.
func checkDay(t *testing.T, data string, period []string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), testbed.Binary(t), append([]string{"timeline", "--data", data, "--format", "json"}, period...)...)
	out, err := cmd.StdoutPipe()
	check(t, err)
	check(t, cmd.Start())
	var last time.Time
	perHost := map[string]int{}
	for r := json.NewDecoder(out); r.More(); {
		var e timelineEntry
		check(t, r.Decode(&e))
		if e.Corrected.Before(last) || e.Bound == nil || *e.Bound > 3 {
			t.Fatalf("%+v stands behind %v", e, last)
		}
		last = e.Corrected
		perHost[e.Host]++
	}
	check(t, cmd.Wait())
	if len(perHost) != 50 || perHost["host49"] < perHost["host48"]*98/100 {
		t.Errorf("of the host that was cut off are %d messages, of another %d; of %d hosts", perHost["host49"], perHost["host48"], len(perHost))
	}
}
