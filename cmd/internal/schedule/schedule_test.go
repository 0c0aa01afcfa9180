package schedule

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sirupsen/logrus"
	"github.com/sirupsen/logrus/hooks/test"

	"github.com/skewatch/skewatch/analysis/report"
	"github.com/skewatch/skewatch/cmd/internal/api"
	"github.com/skewatch/skewatch/cmd/internal/config"
	"github.com/skewatch/skewatch/storage"
)

// A bench is a store, the directory that reports are written to, and a clock, all of which
// outlive schedulers.
type bench struct {
	*testing.T
	*storage.Store
	directory string
	now       time.Time
	fails     error // what Report and Send return
	asked     []api.ReportQuery
	signed    *report.Signed // the last
	letters   []Letter
	log       *test.Hook
	puts      int         // how often something was stored
	onPut     func(n int) // called before; and with the negative number after
}

// start is when the tests begin: a Monday.
var start = time.Date(2026, time.November, 16, 9, 30, 0, 0, time.UTC)

func newBench(t *testing.T) *bench {
	t.Helper()
	s, err := storage.Open(t.TempDir(), storage.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return &bench{T: t, Store: s, directory: filepath.Join(t.TempDir(), "made", "here"), now: start, onPut: func(int) {}}
}

func (b *bench) PutSchedules(entries []storage.State) error {
	b.puts++
	b.onPut(b.puts)
	err := b.Store.PutSchedules(entries)
	b.onPut(-b.puts)
	return err
}

// Report makes reports that say what they were asked for, and when.
func (b *bench) Report(_ context.Context, q api.ReportQuery) (*report.Report, error) {
	if b.asked = append(b.asked, q); b.fails != nil {
		return nil, b.fails
	}
	r := &report.Report{Header: report.Header{Generated: b.now, Effective: report.Period{Since: &q.Since, Until: &q.Until}}}
	if q.Sign == "" {
		return r, nil
	}
	var body strings.Builder
	if err := r.Write(&body, q.Sign); err != nil {
		return nil, err
	}
	note, err := b.SignReport([]byte(body.String()))
	r.Signed = &report.Signed{Body: []byte(body.String()), Note: note}
	b.signed = r.Signed
	return r, err
}

func (b *bench) send(_ context.Context, output string, l Letter) error {
	if b.fails != nil {
		return b.fails
	}
	l.ID += " by " + output
	b.letters = append(b.letters, l)
	return nil
}

// reports loads reports whose settings are given besides their names and where they go.
func (b *bench) reports(items ...string) []config.Report {
	b.Helper()
	text := "notify: [{name: ops, type: email, smtp: 'mail:25', from: a@b, to: [a@b]}]\nreports:\n"
	for i, item := range items {
		text += fmt.Sprintf("  - {name: r%d, directory: %s, %s}\n", i, b.directory, item)
	}
	file := filepath.Join(b.TempDir(), "skewatch.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		b.Fatal(err)
	}
	cfg, err := config.Load(nil, []string{"SKEWATCH_CONFIG=" + file})
	if err != nil {
		b.Fatal(err)
	}
	return cfg.Reports
}

// begin returns a scheduler of these reports, as at a start of the server.
func (b *bench) begin(reports ...config.Report) *Scheduler {
	b.Helper()
	var log *logrus.Logger
	log, b.log = test.NewNullLogger()
	s, err := New(reports, b, b, Options{Log: log, Now: func() time.Time { return b.now }, Send: b.send})
	if err != nil {
		b.Fatal(err)
	}
	return s
}

// until has a scheduler work up to a time, as Run would: whenever it says that it is to go on.
func (b *bench) until(s *Scheduler, end time.Time) {
	for next := b.now; !next.After(end); {
		b.now = next
		next = end.Add(1)
		for _, j := range s.jobs {
			if at := j.step(b.Context(), b.now); at.Before(next) {
				next = at
			}
		}
		next = later(next, b.now.Add(restLeast))
	}
	b.now = end
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// written returns the names of the files in the directory.
func (b *bench) written() (names []string) {
	entries, err := os.ReadDir(b.directory)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		b.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func (b *bench) want(names ...string) {
	b.Helper()
	if got := b.written(); !slices.Equal(got, names) {
		b.Errorf("written is\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(names, "\n"))
	}
}

// logged returns how many lines of the log say a text.
func (b *bench) logged(text string) (n int) {
	for _, e := range b.log.AllEntries() {
		if strings.Contains(e.Message, text) {
			n++
		}
	}
	return n
}

// TestRuns has a report made when it is due and not before, across the end of DST: the day of
// 25 hours is one period, whose end is the scheduled time and not when it is made.
func TestRuns(t *testing.T) {
	b := newBench(t)
	b.now = time.Date(2026, time.October, 23, 20, 0, 0, 0, time.UTC)
	s := b.begin(b.reports("schedule: 0 0 * * *, zone: Europe/Paris, format: csv, hosts: 'DB*', profile: srg, keep: 2")...)
	b.until(s, time.Date(2026, time.October, 23, 22, 0, 1, 0, time.UTC))
	b.want()
	b.until(s, time.Date(2026, time.October, 26, 0, 0, 0, 0, time.UTC))
	b.want("r0_20261023T220000Z_20261024T220000Z.csv", "r0_20261024T220000Z_20261025T230000Z.csv")
	if len(b.asked) != 3 {
		t.Fatalf("%d reports were made, want 3", len(b.asked))
	}
	want := api.ReportQuery{Query: api.Query{Since: time.Date(2026, time.October, 24, 22, 0, 0, 0, time.UTC),
		Until: time.Date(2026, time.October, 25, 23, 0, 0, 0, time.UTC), Host: "db*"}, Profile: &report.Profile{Name: "srg", Warn: 1, Crit: 1}}
	got := b.asked[2]
	if *got.Profile != *want.Profile || got.Since != want.Since || got.Until != want.Until || got.Host != want.Host || got.Sign != "" || got.Series != api.NoSeries {
		t.Errorf("asked for is %+v, want %+v", got, want)
	}
	info, err := os.Stat(filepath.Join(b.directory, b.written()[0]))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the report's mode is %v, %v, want 0600", info.Mode(), err)
	}
	if info, err := os.Stat(b.directory); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the directory's mode is %v, %v, want 0700", info.Mode(), err)
	}
}

// TestCatchUp has a server be down: what was missed is made, each run for its own period, and
// where that is too much the newest, and the others are named.
func TestCatchUp(t *testing.T) {
	b := newBench(t)
	reports := b.reports("schedule: 0 12 * * 5, period: 36h", "schedule: '@hourly'")
	b.begin(reports...)
	b.now = start.AddDate(0, 0, 15)
	s := b.begin(reports...)
	b.until(s, b.now)
	got := b.written()
	if len(got) != 2+mostMissed {
		t.Fatalf("written is %q, want 2 and %d", got, mostMissed)
	}
	if got[0] != "r0_20261119T000000Z_20261120T120000Z.html" || got[1] != "r0_20261126T000000Z_20261127T120000Z.html" {
		t.Errorf("missed weeks are %q", got[:2])
	}
	if last := got[len(got)-1]; last != "r1_20261201T080000Z_20261201T090000Z.html" {
		t.Errorf("the last hour is %q", last)
	}
	e := b.log.AllEntries()[slices.IndexFunc(b.log.AllEntries(), func(e *logrus.Entry) bool { return e.Level == logrus.ErrorLevel })]
	if e.Data["runs"] != 15*24-mostMissed || e.Data["from"] != start.Truncate(time.Hour).Add(time.Hour) || e.Data["to"] != start.Add(-30*time.Minute).AddDate(0, 0, 15).Add(-mostMissed*time.Hour) {
		t.Errorf("what is not made is told as %v", e.Data)
	}
	if st := s.Status(); st[1].Skipped != 15*24-mostMissed || st[1].Pending != 0 || st[0].Skipped != 0 {
		t.Errorf("the status is %+v", st)
	}
	asked := len(b.asked)
	b.until(b.begin(reports...), b.now)
	if len(b.asked) != asked {
		t.Errorf("after another start %d reports were made again", len(b.asked)-asked)
	}
}

// TestBegin has reports begin with the next time they are due when they are new, or changed.
func TestBegin(t *testing.T) {
	b := newBench(t)
	b.begin(b.reports("schedule: '@daily'", "schedule: '@daily'")...)
	b.now = start.AddDate(0, 0, 3)
	b.begin(b.reports("schedule: '@hourly'")...)
	b.now = b.now.Add(time.Hour)
	b.until(b.begin(b.reports("schedule: '@hourly'", "schedule: '@daily'", "schedule: '@hourly'")...), b.now)
	b.want("r0_20261119T090000Z_20261119T100000Z.html")
}

// errCrash is what a server dies of in TestCrash.
var errCrash = errors.New("killed")

// TestCrash kills the server at every moment around what it stores: in the end there is one
// file, with its note, and nothing else.
func TestCrash(t *testing.T) {
	const stored = 3 // at the start, before the file, after it
	for n := 1; n <= stored; n++ {
		for _, moment := range []int{n, -n} {
			t.Run(fmt.Sprint(moment), func(t *testing.T) {
				b := newBench(t)
				reports := b.reports("schedule: 0 12 * * 5, format: json, sign: true")
				b.onPut = func(at int) {
					if at == moment {
						panic(errCrash)
					}
				}
				for range 3 {
					b.untilCrash(reports, start.AddDate(0, 0, 5))
				}
				if b.puts < stored {
					t.Fatalf("something was stored %d times, want %d", b.puts, stored)
				}
				const name = "r0_20261113T120000Z_20261120T120000Z.json"
				b.want(name, name+".note")
				b.verify(name)
			})
		}
	}
}

// untilCrash is begin and until, unless the server dies of it.
func (b *bench) untilCrash(reports []config.Report, end time.Time) {
	defer func() {
		if met := recover(); met != nil && met != errCrash {
			panic(met)
		}
	}()
	begin := b.now
	s := b.begin(reports...)
	b.until(s, end)
	b.now = later(begin, end)
}

// TestOneDirectory has two servers write the same period into one directory, the second at the
// moment at which the first has chosen a name: neither overwrites the other's.
func TestOneDirectory(t *testing.T) {
	const first, second = "r0_20261116T000000Z_20261117T000000Z.md", "r0_20261116T000000Z_20261117T000000Z_2.md"
	for _, tt := range []struct {
		name, one, other string
		want             []string
	}{
		{"signed", "sign: true", "sign: true", []string{first, first + ".note", second, second + ".note"}},
		{"unsigned", "sign: false", "sign: false", []string{first, second}},
		{"only the slower one signs", "sign: true", "sign: false", []string{first, second, second + ".note"}},
		{"only the faster one signs", "sign: false", "sign: true", []string{first, first + ".note", second}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			slow, fast := newBench(t), newBench(t)
			fast.directory = slow.directory
			const settings = "schedule: '@daily', format: md, "
			s, f := slow.begin(slow.reports(settings+tt.one)...), fast.begin(fast.reports(settings+tt.other)...)
			end := start.AddDate(0, 0, 1)
			slow.onPut = func(n int) {
				if n == -2 { // the name is stored
					fast.until(f, end)
				}
			}
			slow.until(s, end)
			slow.want(tt.want...)
			for _, name := range tt.want {
				if note := name + ".note"; slices.Contains(tt.want, note) {
					by := fast
					if strings.Contains(name, "_2.") {
						by = slow
					}
					by.verify(name)
				}
			}
		})
	}
}

// TestCrashRemains kills the server while it makes the files: nothing of that stays beside the
// one that is made afterwards, and what another server has put there does.
func TestCrashRemains(t *testing.T) {
	const first, second = "r0_20261113T120000Z_20261120T120000Z.json", "r0_20261113T120000Z_20261120T120000Z_2.json"
	const note, otherNote = first + ".note", second + ".note"
	for _, tt := range []struct {
		name string
		left func(w *writing, r *report.Signed) map[string][]byte
		want []string
	}{
		{"half a note", func(w *writing, r *report.Signed) map[string][]byte {
			return map[string][]byte{w.unfinished(note): r.Note[:9]}
		}, []string{first, note}},
		{"the note and half a report", func(w *writing, r *report.Signed) map[string][]byte {
			return map[string][]byte{note: r.Note, w.unfinished(first): r.Body[:9]}
		}, []string{first, note}},
		{"all of it and another name of it", func(w *writing, r *report.Signed) map[string][]byte {
			return map[string][]byte{note: r.Note, first: r.Body, w.unfinished(first): r.Body}
		}, []string{first, note}},
		{"names that were claimed", func(*writing, *report.Signed) map[string][]byte {
			return map[string][]byte{note: nil, first: nil}
		}, []string{first, note}},
		{"another server's note", func(*writing, *report.Signed) map[string][]byte {
			return map[string][]byte{note: []byte("another's")}
		}, []string{note, second, otherNote}},
		{"another server's report", func(_ *writing, r *report.Signed) map[string][]byte {
			return map[string][]byte{note: r.Note, first: []byte("another's, unsigned")}
		}, []string{first, second, otherNote}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(t)
			reports := b.reports("schedule: 0 12 * * 5, format: json, sign: true")
			b.onPut = func(at int) {
				if at == -2 { // the name is stored
					b.leave(tt.left(b.stored().Writing, b.signed))
					panic(errCrash)
				}
			}
			for range 2 {
				b.untilCrash(reports, start.AddDate(0, 0, 5))
			}
			b.want(tt.want...)
			if mine := tt.want[len(tt.want)-1]; strings.HasSuffix(mine, noteSuffix) {
				b.verify(strings.TrimSuffix(mine, noteSuffix))
			}
		})
	}
}

// stored returns what is stored of the only report.
func (b *bench) stored() (m mark) {
	b.Helper()
	if err := b.Schedules(func(_ string, blob []byte) error { return json.Unmarshal(blob, &m) }); err != nil {
		b.Fatal(err)
	}
	return m
}

// leave writes files into the directory.
func (b *bench) leave(files map[string][]byte) {
	b.Helper()
	for name, body := range files {
		if err := os.WriteFile(filepath.Join(b.directory, name), body, 0o600); err != nil {
			b.Fatal(err)
		}
	}
}

// verify holds a file against its note.
func (b *bench) verify(name string) {
	b.Helper()
	keys, err := storage.ReadKeys(filepath.Join(b.Directory(), "signing.pub"))
	if err != nil {
		b.Fatal(err)
	}
	body, err := os.ReadFile(filepath.Join(b.directory, name))
	if err != nil {
		b.Fatal(err)
	}
	note, err := os.ReadFile(filepath.Join(b.directory, name+".note"))
	if err != nil {
		b.Fatal(err)
	}
	if _, err := storage.CheckReport(body, note, keys); err != nil {
		b.Errorf("%s: %v", name, err)
	}
}

// TestTrouble has everything fail for a time: it is tried again more and more seldom, told
// once, and made up for. Mails don't wait for files, nor files for mails.
func TestTrouble(t *testing.T) {
	b := newBench(t)
	reports := b.reports("schedule: '@daily', mail: ops, to: [boss@b], sign: true, format: md")
	s := b.begin(reports...)
	if err := os.MkdirAll(filepath.Dir(b.directory), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(b.directory, nil, 0o600); err != nil { // in the way
		t.Fatal(err)
	}
	b.until(s, start.AddDate(0, 0, 1))
	if len(b.letters) != 1 {
		t.Fatalf("%d letters were sent, want 1", len(b.letters))
	}
	l := b.letters[0]
	if l.ID != "report-r0-20261117T000000Z by ops" || !slices.Equal(l.To, []string{"boss@b"}) || !strings.Contains(l.Text, "Hosts: 0:") ||
		l.Subject != "[skewatch] report r0: 0: 0 pass, 0 fail, 0 with insufficient evidence" ||
		len(l.Files) != 2 || l.Files[0].Name != "r0_20261116T000000Z_20261117T000000Z.md" || l.Files[1].Name != l.Files[0].Name+".note" {
		t.Errorf("the letter is %+v", l)
	}
	b.fails = errors.New("nothing goes")
	b.until(s, start.AddDate(0, 0, 2))
	if st := s.Status(); st[0].Pending != 2 || st[1].Pending != 1 || st[1].LastError != "make the report: nothing goes" || st[0].LastError == "" || st[0].Tried.IsZero() {
		t.Errorf("the status is %+v", st)
	}
	if n := len(b.asked); n > 150 { // a day of pauses of 5 to 10 minutes for the mail, and none for the file
		t.Errorf("it was tried %d times", n)
	}
	s = b.begin(reports...)
	b.until(s, b.now)
	if n := b.logged("tried again"); n != 2 {
		t.Errorf("at once the log names %d failures, want one each", n)
	}
	if n := s.jobs[0].deliveries[0].failures; n != 1 {
		t.Errorf("the first of two files that can't be written was tried, and so were %d in all", n)
	}
	b.fails = nil
	if err := os.Remove(b.directory); err != nil {
		t.Fatal(err)
	}
	b.until(s, b.now.Add(time.Hour))
	b.want("r0_20261116T000000Z_20261117T000000Z.md", "r0_20261116T000000Z_20261117T000000Z.md.note",
		"r0_20261117T000000Z_20261118T000000Z.md", "r0_20261117T000000Z_20261118T000000Z.md.note")
	if len(b.letters) != 2 || string(b.letters[1].Files[0].Body) == "" {
		t.Errorf("%d letters were sent, want 2", len(b.letters))
	}
	for _, st := range s.Status() {
		if st.Pending != 0 || st.LastError != "" {
			t.Errorf("the status is %+v", st)
		}
	}
}

// TestRefused has a mail that the server wants on no account be given up, so that the next
// one is sent.
func TestRefused(t *testing.T) {
	b := newBench(t)
	s := b.begin(b.reports("schedule: '@daily', mail: ops")...)
	b.now = start.AddDate(0, 0, 2)
	refused := "report-r0-20261117T000000Z"
	tries := 0
	s.jobs[0].options.Send = func(ctx context.Context, output string, l Letter) error {
		if l.ID == refused {
			tries++
			return fmt.Errorf("%w: too large", ErrRefused)
		}
		return b.send(ctx, output, l)
	}
	b.until(s, b.now.Add(time.Hour))
	if tries != refusedAfter || len(b.letters) != 1 || b.logged("given up") != 1 {
		t.Errorf("it was tried %d times, %d others were sent, and the log says %d times that one is given up", tries, len(b.letters), b.logged("given up"))
	}
	if st := s.Status()[1]; st.Skipped != 1 || st.Pending != 0 {
		t.Errorf("the status is %+v", st)
	}
}

// TestClockSetBack has a clock be two days ahead: what is made by the true one afterwards
// overwrites nothing.
func TestClockSetBack(t *testing.T) {
	b := newBench(t)
	s := b.begin(b.reports("schedule: '@daily', format: table")...)
	b.until(s, start.AddDate(0, 0, 2))
	b.now = start
	b.until(s, start.AddDate(0, 0, 1))
	b.want("r0_20261116T000000Z_20261117T000000Z.txt", "r0_20261116T000000Z_20261117T000000Z_2.txt", "r0_20261117T000000Z_20261118T000000Z.txt")
	if b.logged("set back") != 1 {
		t.Error("the log doesn't say that the clock was set back, once")
	}
}

// TestKeep has only the report's own files be removed, and those in the format that it had
// before too.
func TestKeep(t *testing.T) {
	b := newBench(t)
	s := b.begin(b.reports("schedule: '@daily', sign: true, keep: 2")...)
	if err := os.MkdirAll(b.directory, 0o700); err != nil {
		t.Fatal(err)
	}
	others := []string{"r0.html", "r0_20261101T000000Z_20261102T000000Z.pdf", "r0_x_20261101T000000Z_20261102T000000Z.html"}
	for _, name := range append(others, "r0_20261101T000000Z_20261102T000000Z.csv", "r0_20261101T000000Z_20261102T000000Z_2.txt") {
		b.leave(map[string][]byte{name: nil})
	}
	b.until(s, start.AddDate(0, 0, 5))
	b.want(append(others[:2:2], "r0_20261119T000000Z_20261120T000000Z.html", "r0_20261119T000000Z_20261120T000000Z.html.note",
		"r0_20261120T000000Z_20261121T000000Z.html", "r0_20261120T000000Z_20261121T000000Z.html.note", others[2])...)
}

// TestKeepOfOnePeriod has a period come again and again: the tenth file of it is newer than
// the second.
func TestKeepOfOnePeriod(t *testing.T) {
	b := newBench(t)
	s := b.begin(b.reports("schedule: '@daily', format: csv, keep: 2")...)
	const base = "r0_20261116T000000Z_20261117T000000Z"
	if err := os.MkdirAll(b.directory, 0o700); err != nil {
		t.Fatal(err)
	}
	b.leave(map[string][]byte{base + ".csv": nil})
	for n := 2; n <= 9; n++ {
		b.leave(map[string][]byte{fmt.Sprintf("%s_%d.csv", base, n): nil})
	}
	b.until(s, start.AddDate(0, 0, 1))
	b.want(base+"_10.csv", base+"_9.csv")
}

// TestRun has a scheduler wait until our own clock is known, and end with its context.
func TestRun(t *testing.T) {
	b := newBench(t)
	reports := b.reports("schedule: '* * * * *'")
	b.begin(reports...)
	b.now = start.Add(time.Hour)
	ctx, cancel := context.WithCancel(t.Context())
	asked := 0
	s, err := New(reports, b, b, Options{Now: func() time.Time { return b.now }, Ready: func() bool {
		if asked++; asked > 1 {
			cancel() // in the last moment nothing is begun any more
			return true
		}
		return false
	}})
	if err != nil {
		t.Fatal(err)
	}
	s.Run(ctx)
	if asked != 2 || len(b.asked) > 0 {
		t.Errorf("our own clock was asked %d times, and %d reports were made", asked, len(b.asked))
	}
}
