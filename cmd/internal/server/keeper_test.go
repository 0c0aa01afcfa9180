package server

import (
	"context"
	"fmt"
	"io"
	"net/netip"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/skewatch/skewatch/analysis"
	"github.com/skewatch/skewatch/analysis/report"
	"github.com/skewatch/skewatch/cmd/internal/api"
	"github.com/skewatch/skewatch/cmd/internal/config"
	"github.com/skewatch/skewatch/collector/message"
	"github.com/skewatch/skewatch/collector/parse"
	"github.com/skewatch/skewatch/ntpcheck"
)

// noon is on the edge of a roll-up.
var noon = time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)

// A history is a server without sockets: what would have arrived is put into it with
// the times that the test wants.
type history struct {
	t    testing.TB
	data string
	*keeper
	desk *desk
}

// openHistory opens the data directory as a server does.
func openHistory(t testing.TB, data string, settings ...string) *history {
	t.Helper()
	cfg, err := config.Load(nil, append([]string{"SKEWATCH_DATA=" + data, "SKEWATCH_WARN_HOLD=0s"}, settings...))
	if err != nil {
		t.Fatal(err)
	}
	monitor, err := ntpcheck.New(ntpcheck.Config{Kernel: ntpcheck.KernelTrust})
	if err != nil {
		t.Fatal(err)
	}
	log := silent()
	store, err := openStore(cfg, log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() }) // for tests that fail before they close it
	s, err := newServer(cfg, log, monitor, store)
	if err != nil {
		t.Fatal(err)
	}
	if err := writeConfig(cfg); err != nil {
		t.Fatal(err)
	}
	return &history{t, data, s.keeper, s.desk}
}

func silent() *logrus.Logger {
	log := logrus.New()
	log.SetOutput(io.Discard)
	return log
}

// receive puts messages of a host whose clock is ahead, one each second from a time on.
func (h *history) receive(host string, from time.Time, n int, ahead time.Duration) {
	h.t.Helper()
	batch := make([]message.Message, n)
	for i := range batch {
		at := from.Add(time.Duration(i) * time.Second)
		batch[i] = message.Message{
			Received: at.UnixNano(), Source: netip.MustParseAddr("192.0.2.7"), Transport: message.TCP, Trust: message.TrustHandshake,
		}
		parse.Parse(fmt.Appendf(nil, `<14>1 %s %s app - - [timeQuality tzKnown="1" isSynced="1"] %d`,
			at.Add(ahead-time.Millisecond).Format("2006-01-02T15:04:05.000000Z07:00"), host, i), &batch[i])
	}
	if err := h.Put(batch); err != nil {
		h.t.Fatal(err)
	}
}

// at sets the server's clock.
func (h *history) at(now time.Time) { h.now = func() time.Time { return now } }

// close closes the files without a last checkpoint, as a kill does.
func (h *history) close() {
	h.t.Helper()
	if err := h.store.Close(); err != nil {
		h.t.Fatal(err)
	}
}

func (h *history) commit() {
	h.t.Helper()
	if err := h.checkpoint(); err != nil {
		h.t.Fatal(err)
	}
}

// rows asks for a report and returns its rows.
func rows(t *testing.T, d api.Desk, q api.Query) []report.Row {
	t.Helper()
	r, err := d.Report(t.Context(), api.ReportQuery{Query: q})
	if err != nil {
		t.Fatal(err)
	}
	return r.Hosts
}

// events returns the stored events of a query.
func events(t *testing.T, d api.Desk, q api.Query) (all []api.Event) {
	t.Helper()
	if err := d.Events(t.Context(), q, func(e api.Event) error { all = append(all, e); return nil }); err != nil {
		t.Fatal(err)
	}
	return all
}

// TestRollUpEdges asks for periods that end on edges and beside them, at every stage
// that a roll-up goes through on its way to the disk.
func TestRollUpEdges(t *testing.T) {
	h := openHistory(t, t.TempDir())
	edge := func(n int) time.Time { return noon.Add(time.Duration(n) * analysis.RollUpSpan) }
	asked := []struct {
		since, until time.Time
		want         uint64
	}{
		{time.Time{}, time.Time{}, 600},
		{edge(0), edge(1), 300},
		{edge(0).Add(1), edge(1).Add(-1), 300},
		{edge(1), time.Time{}, 300},
		{edge(1).Add(-1), time.Time{}, 600},
		{time.Time{}, edge(1), 300},
		{time.Time{}, edge(1).Add(1), 600},
		{edge(2), time.Time{}, 0},
		{time.Time{}, edge(0), 0},
		{time.Time{}, time.Date(1960, 1, 1, 0, 0, 0, 0, time.UTC), 0},
		{time.Date(1960, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC), 600},
	}
	check := func(stage string) {
		t.Helper()
		for _, q := range asked {
			have := uint64(0)
			for _, r := range rows(t, h.desk, api.Query{Since: q.since, Until: q.until}) {
				have += r.Messages
			}
			if have != q.want {
				t.Errorf("%s: %d messages from %v to %v, want %d", stage, have, q.since, q.until, q.want)
			}
		}
	}
	h.receive("web1", edge(0), 300, 0)
	h.receive("web1", edge(1), 100, 0)
	h.take()
	h.receive("web1", edge(1).Add(100*time.Second), 200, 0)
	check("on the way to the disk")
	if err := h.archive.write(); err != nil {
		t.Fatal(err)
	}
	check("partly on disk")
	h.commit()
	check("on disk")
	h.close()
	h = openHistory(t, h.data)
	check("after a restart")
	h.receive("web1", edge(2), 1, 0)
	asked[0].want, asked[3].want, asked[4].want, asked[7].want, asked[10].want = 601, 301, 601, 1, 601
	asked[6].want = 600
	check("ended, and not on disk")
}

// TestReportBesideCheckpoints asks for reports while roll-ups end and are written: none
// may be missing or counted twice at any moment.
func TestReportBesideCheckpoints(t *testing.T) {
	h := openHistory(t, t.TempDir())
	h.receive("web1", noon, 1, 0)
	done := make(chan error)
	go func() {
		defer close(done)
		for i := 1; i < 60; i++ {
			h.receive("web1", noon.Add(time.Duration(i)*analysis.RollUpSpan), 1, 0)
			if err := h.checkpoint(); err != nil {
				done <- err
				return
			}
		}
	}()
	for last := uint64(0); ; {
		select {
		case err := <-done:
			if err != nil {
				t.Error(err)
			}
			if last == 0 {
				t.Error("no report was asked for meanwhile")
			}
			return
		default:
		}
		r := rows(t, h.desk, api.Query{})[0]
		spans := uint64(r.Last.Sub(*r.First)/analysis.RollUpSpan) + 1
		if r.Messages != spans || r.Messages < last {
			t.Fatalf("%d messages in %d roll-ups, %d in the report before", r.Messages, spans, last)
		}
		last = r.Messages
	}
}

// TestReplay kills the server at its worst moment: with messages in all roll-ups since
// the last checkpoint.
func TestReplay(t *testing.T) {
	h := openHistory(t, t.TempDir())
	h.receive("ahead", noon, 400, 37500*time.Millisecond)
	h.receive("good", noon.Add(300*time.Millisecond), 400, 0)
	h.review()
	h.commit()
	h.receive("ahead", noon.Add(400*time.Second), 50, 37500*time.Millisecond)
	h.receive("new", noon.Add(400*time.Second), 50, 0)
	want := rows(t, h.desk, api.Query{})
	h.close()

	have := rows(t, openHistory(t, h.data).desk, api.Query{})
	if len(have) != len(want) {
		t.Fatalf("%d rows after the kill, want %d", len(have), len(want))
	}
	for i := range want {
		if !reflect.DeepEqual(have[i], want[i]) {
			t.Errorf("after the kill the row is\n%s\nwant\n%s", show(t, have[i]), show(t, want[i]))
		}
	}
	if c := want[0].Claims; want[0].Host != "ahead" || want[0].Verdict != "ahead" || !slices.Contains(c, "timeQuality: tzKnown=1 isSynced=1") {
		t.Errorf("the first row is %s, want ahead, with what it claims", show(t, want[0]))
	}
}

func show(t *testing.T, r report.Row) string {
	t.Helper()
	var b strings.Builder
	if err := (&report.Report{Hosts: []report.Row{r}}).WriteCSV(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestWarningIsRaisedOnce restarts the server while a warning stands.
func TestWarningIsRaisedOnce(t *testing.T) {
	h := openHistory(t, t.TempDir())
	h.at(noon.Add(time.Minute))
	h.receive("ahead", noon, 60, 37500*time.Millisecond)
	h.review()
	h.commit()
	for i := range 3 {
		h.close()
		h = openHistory(t, h.data)
		h.at(noon.Add(time.Duration(i+2) * time.Minute))
		h.receive("ahead", noon.Add(time.Duration(i+1)*time.Minute), 60, 37500*time.Millisecond)
		h.review()
		h.commit()
	}
	all := events(t, h.desk, api.Query{})
	if len(all) != 1 || all[0].Event != "raise" || all[0].Verdict != "ahead" || !all[0].Time.Equal(noon.Add(time.Minute)) {
		t.Errorf("the events are %+v, want one raise of ahead", all)
	}

	h.at(noon.Add(32 * time.Minute))
	h.receive("ahead", noon.Add(10*time.Minute), 1320, 0)
	h.review()
	h.commit()
	later := events(t, h.desk, api.Query{After: all[0].ID, Host: "AHE?D"})
	if len(later) != 0 {
		t.Errorf("a glob in upper case finds %+v: the query's is in lower case", later)
	}
	later = events(t, h.desk, api.Query{After: all[0].ID, Host: "ahe?d"})
	if len(later) == 0 || later[len(later)-1].Event != "clear" || !later[len(later)-1].Since.Equal(all[0].Since) {
		t.Errorf("then the events are %+v, want the last to clear it", later)
	}
}

// TestPastPeriod asks what a clock was like before it was mended.
func TestPastPeriod(t *testing.T) {
	h := openHistory(t, t.TempDir(), "SKEWATCH_TOLERANCE=100ms")
	h.receive("mended", noon, 200, 37500*time.Millisecond)
	h.review()
	h.receive("mended", noon.Add(20*time.Minute), 600, 0)
	h.commit()
	past := rows(t, h.desk, api.Query{Until: noon.Add(5 * time.Minute)})[0]
	if past.Verdict != "ahead" || *past.Offset < 37 || strings.Contains(past.Explanation, "within") || len(past.Claims) != 0 {
		t.Errorf("then the row is %s, want ahead, and not explained by what is known now", show(t, past))
	}
	now := rows(t, h.desk, api.Query{Since: noon.Add(25 * time.Minute)})[0]
	if now.Verdict == "ahead" || strings.Contains(now.Explanation, "judged so at") || len(now.Claims) == 0 {
		t.Errorf("now the row is %s, want it explained", show(t, now))
	}
}

// TestFilesAnswerAsTheServer reads the files of a server that ran with settings of its
// own, as whoever has none.
func TestFilesAnswerAsTheServer(t *testing.T) {
	settings := []string{"SKEWATCH_TOLERANCE=300ms", "SKEWATCH_ASSUME_ZONE=Europe/Paris"}
	h := openHistory(t, t.TempDir(), settings...)
	h.receive("ahead", noon, 400, 400*time.Millisecond)
	h.receive("good", noon.Add(300*time.Millisecond), 400, 0)
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if err := h.run(ctx); err != nil {
		t.Fatal(err)
	}
	want, err := h.desk.Report(t.Context(), api.ReportQuery{})
	if err != nil {
		t.Fatal(err)
	}
	wantEvents := events(t, h.desk, api.Query{})
	h.close()

	files, err := OpenFiles(h.data, silent())
	if err != nil {
		t.Fatal(err)
	}
	defer files.Close()
	have, err := files.Report(t.Context(), api.ReportQuery{})
	if err != nil {
		t.Fatal(err)
	}
	have.Header.Generated = want.Header.Generated
	if !reflect.DeepEqual(have, want) {
		t.Errorf("the files answer\n%+v\nwant\n%+v", have, want)
	}
	if want.Hosts[0].Compliance != "fail" || want.Header.Profile.Warn != 0.3 {
		t.Errorf("the server says %s, by %v s; want fail, by 0.3 s", want.Hosts[0].Compliance, want.Header.Profile.Warn)
	}
	if haveEvents := events(t, files, api.Query{Follow: true}); !reflect.DeepEqual(haveEvents, wantEvents) || len(haveEvents) == 0 {
		t.Errorf("the files tell of %+v, want %+v", haveEvents, wantEvents)
	}
}

// TestFilesOfAStoppedServerMove reads a copy, as of a backup.
func TestFilesOfAStoppedServerMove(t *testing.T) {
	h := openHistory(t, t.TempDir())
	h.receive("good", noon, 60, 0)
	h.close() // killed before it could note anything
	moved := t.TempDir()
	if err := os.CopyFS(moved, os.DirFS(h.data)); err != nil {
		t.Fatal(err)
	}
	files, err := OpenFiles(moved, silent())
	if err != nil {
		t.Fatal(err)
	}
	defer files.Close()
	r, err := files.Report(t.Context(), api.ReportQuery{})
	if err != nil {
		t.Fatal(err)
	}
	if ref := r.Header.Reference; r.Header.Collector.ConfigHash != h.cfg.Hash() || ref.State != "unsynchronised" || ref.Reason == "" {
		t.Errorf("the header is %+v, want the server's configuration and an unknown reference", r.Header)
	}
	if len(r.Hosts) != 1 || r.Hosts[0].Messages != 60 || r.Hosts[0].Verdict != "insufficient" {
		t.Errorf("the rows are %+v, want 60 messages that aren't judged", r.Hosts)
	}
}

// TestEventsWhileTheClockIsSetBack follows events while our own clock goes back by an
// hour: each comes once.
func TestEventsWhileTheClockIsSetBack(t *testing.T) {
	h := openHistory(t, t.TempDir())
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	got, ended := make(chan string), make(chan error)
	go func() {
		ended <- h.desk.Events(ctx, api.Query{Follow: true}, func(e api.Event) error { got <- e.Host; return nil })
	}()
	now := noon.Add(2 * time.Hour)
	for i, host := range []string{"first", "second", "third"} {
		h.at(now)
		h.receive(host, now.Add(-time.Minute), 60, time.Duration(37+i)*time.Second) // each its own clock
		h.review()
		h.commit()
		if have := <-got; have != host {
			t.Errorf("an event of %s, want %s", have, host)
		}
		now = now.Add(-time.Hour)
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// TestGaps reads when our own clock was in doubt, and when nobody looked at it.
func TestGaps(t *testing.T) {
	h := openHistory(t, t.TempDir())
	states := []ntpcheck.State{
		ntpcheck.Unsynchronised, ntpcheck.Synchronised, ntpcheck.Synchronised, ntpcheck.Holdover, ntpcheck.Holdover,
		ntpcheck.Unsynchronised, ntpcheck.Synchronised, ntpcheck.Holdover,
		ntpcheck.Synchronised, ntpcheck.Synchronised, ntpcheck.Holdover,
	}
	minutes := []int{0, 1, 2, 3, 4, 5, 6, 7, 11, 14, 19} // not running from 7 and from 14 on
	for i, state := range states {
		var s ntpcheck.Status
		s.Reference.State = state
		h.resample.Store(true)
		h.now = func() time.Time { return noon.Add(time.Duration(minutes[i]) * time.Minute) }
		h.sample(s)
	}
	h.commit()
	r, err := h.desk.Report(t.Context(), api.ReportQuery{Query: api.Query{Since: noon, Until: noon.Add(20 * time.Minute)}})
	if err != nil {
		t.Fatal(err)
	}
	var have []string
	for _, g := range r.Header.Reference.Gaps {
		to := "now"
		if g.To != nil {
			to = g.To.Format("15:04")
		}
		have = append(have, g.From.Format("15:04")+" to "+to+" "+g.State)
	}
	want := []string{"12:00 to 12:01 unsynchronised", "12:03 to 12:05 holdover", "12:05 to 12:06 unsynchronised", "12:07 to 12:07 holdover",
		"12:07 to 12:11 not running", "12:14 to 12:19 not running", "12:19 to now holdover"}
	if !slices.Equal(have, want) {
		t.Errorf("gaps %q, want %q", have, want)
	}
}

// TestOpenWaits opens the directory while a command reads its files.
func TestOpenWaits(t *testing.T) {
	h := openHistory(t, t.TempDir())
	h.close()
	files, err := OpenFiles(h.data, silent())
	if err != nil {
		t.Fatal(err)
	}
	closed := make(chan error)
	go func() {
		time.Sleep(openWithin / 4) // the command's work
		closed <- files.Close()
	}()
	openHistory(t, h.data).close()
	if err := <-closed; err != nil {
		t.Error(err)
	}
}
