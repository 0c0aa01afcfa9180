package client_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/skewatch/skewatch/analysis/report"
	"github.com/skewatch/skewatch/cmd/internal/api"
	"github.com/skewatch/skewatch/cmd/internal/client"
	"github.com/skewatch/skewatch/cmd/internal/config"
	"github.com/skewatch/skewatch/cmd/internal/server"
	"github.com/skewatch/skewatch/cmd/internal/server/servertest"
)

func inTime(host, text string) string {
	return fmt.Sprintf("<14>1 %s %s app - - - %s", time.Now().UTC().Format(time.RFC3339Nano), host, text)
}

func texts(ctx context.Context, d api.Desk, q api.Query) (all []string, err error) {
	err = d.Messages(ctx, q, func(m api.Message) error { all = append(all, m.Message); return nil })
	return all, err
}

// awaitMessages waits until so many messages can be found.
func awaitMessages(t *testing.T, d api.Desk, n int) {
	t.Helper()
	servertest.Eventually(t, func() error {
		if all, err := texts(t.Context(), d, api.Query{}); err != nil || len(all) != n {
			return fmt.Errorf("the messages are %q, %v, want %d", all, err, n)
		}
		return nil
	})
}

// TestAsksAsTheServerAnswers holds each answer against the one that the server gives
// directly.
func TestAsksAsTheServerAnswers(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, t.TempDir())
	s.Send(t, inTime("web1", "one"), inTime("web2", "two"), inTime("web2", "three\xff"))
	c := client.NewHTTP(s.URL)
	awaitMessages(t, c, 3)

	q := api.ReportQuery{Query: api.Query{Host: "web2"}, Profile: &report.Profile{Name: "custom", Warn: 0.25, Crit: 1}}
	have, err := c.Report(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	want, err := s.Report(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(have.Hosts, want.Hosts) || have.Header.Profile != *q.Profile || len(have.Hosts) != 1 {
		t.Errorf("the report is %+v, want %+v", have, want)
	}
	for _, q := range []api.Query{
		{Raw: true}, {After: 1}, {Host: "web2"}, {Since: time.Now().Add(time.Hour)},
		{Grep: `o( -)+ t\w*`}, {Clock: api.ClockSent, Since: time.Now().Add(-time.Hour)}, {Clock: api.ClockSent, Until: time.Now().Add(-time.Hour)},
	} {
		var have, want []api.Message
		for _, ask := range []struct {
			desk api.Desk
			into *[]api.Message
		}{{c, &have}, {s, &want}} {
			if err := ask.desk.Messages(t.Context(), q, func(m api.Message) error { *ask.into = append(*ask.into, m); return nil }); err != nil {
				t.Fatal(err)
			}
		}
		if !reflect.DeepEqual(have, want) {
			t.Errorf("%+v: the messages are %+v, want %+v", q, have, want)
		}
	}
	for _, q := range []api.TimelineQuery{
		{}, {Query: api.Query{Raw: true, App: "app", Severity: "info"}}, {Query: api.Query{Host: "web2"}}, {Around: 1, Span: time.Minute},
	} {
		have, want := timelineOf(t, c, q), timelineOf(t, s, q)
		if !reflect.DeepEqual(have, want) || len(have) == 0 {
			t.Errorf("%+v: the timeline is %+v, want %+v", q, have, want)
		}
	}
	for _, d := range []api.Desk{c, s} {
		v, err := d.Verify(t.Context(), api.VerifyQuery{}, func(f api.Flaw) error { return fmt.Errorf("found %+v", f) })
		if err != nil || v.Unsealed != 3 || v.Segments != 1 {
			t.Errorf("%T: verified %+v, %v, want 3 messages that aren't sealed", d, v, err)
		}
		if _, err := d.Verify(t.Context(), api.VerifyQuery{Keys: "no key"}, nil); err == nil || !strings.Contains(err.Error(), "keys: not a public key") {
			t.Errorf("%T: with what is no key: %v", d, err)
		}
		other := api.VerifyQuery{Heads: []string{"no head"}}
		if _, err := d.Verify(t.Context(), other, nil); err == nil || !strings.Contains(err.Error(), "head") {
			t.Errorf("%T: with what is no head: %v", d, err)
		}
	}
	if status, err := c.Sources(t.Context()); err != nil || !status.Reference.Trusted {
		t.Errorf("the sources are %+v, %v, want a reference on the operator's word", status, err)
	}
}

func timelineOf(t *testing.T, d api.Desk, q api.TimelineQuery) (all []api.Entry) {
	t.Helper()
	err := d.Timeline(t.Context(), q, func(e api.Entry) error {
		if len(e.Undecided) == 0 {
			e.Undecided = nil
		}
		all = append(all, e)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestTimelineCutShort has servers break off in the middle of a timeline.
func TestTimelineCutShort(t *testing.T) {
	t.Parallel()
	entry := api.Entry{PlacedBy: api.PlacedByReceipt, Message: api.Message{Message: strings.Repeat("long ", 100_000)}}
	line := string(entry.AppendJSON(nil)) + "\n"
	for _, sent := range []string{line, line + line[:100], line[:300_000], line + "{}x\n"} {
		u := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, sent)
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		}))
		n := 0
		err := client.NewHTTP(u).Timeline(t.Context(), api.TimelineQuery{}, func(e api.Entry) error {
			if n++; e.Message.Message != entry.Message.Message {
				t.Errorf("an entry of %d bytes is read, want %d", len(e.Message.Message), len(entry.Message.Message))
			}
			return nil
		})
		if err == nil || n != strings.Count(sent, line) {
			t.Errorf("after %d bytes and a cut come %d entries, %v", len(sent), n, err)
		}
	}
}

// TestFollowEnds ends a follower in three ways: by itself, by its context, by the server.
func TestFollowEnds(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, t.TempDir())
	s.Send(t, inTime("web1", "one"))
	c := client.NewHTTP(s.URL)
	awaitMessages(t, c, 1)

	enough := errors.New("enough")
	if err := c.Messages(t.Context(), api.Query{Follow: true}, func(api.Message) error { return enough }); !errors.Is(err, enough) {
		t.Errorf("a follower that has enough gets %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	if err := c.Messages(ctx, api.Query{Follow: true}, func(api.Message) error { cancel(); return nil }); err != nil {
		t.Errorf("a follower whose context ends gets %v, want nil", err)
	}
	if _, err := texts(ctx, c, api.Query{}); !errors.Is(err, context.Canceled) {
		t.Errorf("a question whose context has ended gets %v, want %v", err, context.Canceled)
	}
	stopped := make(chan error, 1)
	err := c.Messages(t.Context(), api.Query{Follow: true}, func(api.Message) error {
		go func() { stopped <- s.Stop() }()
		return nil
	})
	if err := errors.Join(err, <-stopped); err != nil {
		t.Errorf("a follower whose server stops gets %v, want nil", err)
	}
}

func TestFailures(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, t.TempDir())
	foreign := serve(t, http.NotFoundHandler())
	closed := serve(t, nil)
	tests := []struct {
		name  string
		url   *url.URL
		query api.Query
		want  string
		away  bool
	}{
		{"what the server refuses", s.URL, api.Query{Host: "["}, s.URL.String() + `: host: not a name pattern such as "web*" (got "[")`, false},
		{"a bad expression", s.URL, api.Query{Grep: "("}, s.URL.String() + `: grep: not a regular expression: missing closing ) (got "(")`, false},
		{"somebody else's server", foreign, api.Query{}, foreign.String() + ": 404 Not Found", false},
		{"no server", closed, api.Query{}, "no server answers at " + closed.String() + ": ", true},
	}
	for _, tt := range tests {
		_, err := texts(t.Context(), client.NewHTTP(tt.url), tt.query)
		if err == nil || !strings.HasPrefix(err.Error(), tt.want) || errors.As(err, new(*client.UnreachableError)) != tt.away {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
	}
}

// serve runs a web server on loopback until the test ends, or with a nil handler only
// finds an address where none is.
func serve(t *testing.T, h http.Handler) *url.URL {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	if h == nil {
		l.Close()
	} else {
		go func() { _ = http.Serve(l, h) }() // until l is closed
	}
	return &url.URL{Scheme: "http", Host: l.Addr().String()}
}

// TestProgressIsNoMessage has a server say how far it has come, asked or not.
func TestProgressIsNoMessage(t *testing.T) {
	t.Parallel()
	u := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		const told, said = `{"progress":{"at":1,"last":3}}` + "\n", `{"received":"2026-03-01T12:00:00Z","message":"one"}` + "\n"
		_, _ = io.WriteString(w, told+said+told)
	}))
	var told []api.Progress
	for _, progress := range []func(api.Progress){nil, func(p api.Progress) { told = append(told, p) }} {
		all, err := texts(t.Context(), client.NewHTTP(u), api.Query{Progress: progress})
		if err != nil || len(all) != 1 || all[0] != "one" {
			t.Errorf("the messages are %q, %v, want one", all, err)
		}
	}
	if len(told) != 2 || told[0] != (api.Progress{At: 1, Last: 3}) {
		t.Errorf("told is %v, want 1 of 3, twice", told)
	}
}

// TestCutShort has servers break off in the middle: nobody may take that for the end.
func TestCutShort(t *testing.T) {
	t.Parallel()
	const line = `{"received":"2026-03-01T12:00:00Z","message":"one"}` + "\n"
	for _, sent := range []string{line, line + `{"received":`, ""} {
		u := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, sent)
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		}))
		for _, follow := range []bool{false, true} {
			all, err := texts(t.Context(), client.NewHTTP(u), api.Query{Follow: follow})
			if !errors.Is(err, io.ErrUnexpectedEOF) || len(all) != strings.Count(sent, "\n") {
				t.Errorf("after %q and a cut come %q, %v, want %v", sent, all, err, io.ErrUnexpectedEOF)
			}
		}
	}
}

func find(t *testing.T, p client.Place) client.Found {
	t.Helper()
	p.Log = logrus.New()
	found, err := p.Find()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = found.Close() })
	return found
}

// isFiles reports whether it is files that were found.
func isFiles(f client.Found) bool { _, is := f.Desk.(server.Files); return is }

// TestFind looks for who answers while a server runs, after it has stopped, and when
// another runs.
func TestFind(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	s := servertest.Start(t, data)
	s.Send(t, inTime("web1", "one"))
	for _, p := range []client.Place{{Data: data}, {Server: s.URL}, {Server: s.URL, Data: "/nonexistent"}, {Default: data}} {
		found := find(t, p)
		if awaitMessages(t, found, 1); isFiles(found) {
			t.Errorf("%+v finds the files of a server that runs", p)
		}
	}
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	if _, err := (client.Place{Data: data}).FindServer(); !errors.Is(err, client.ErrNoNotice) {
		t.Errorf("where no server runs, looking for one gives %v, want %v", err, client.ErrNoNotice)
	}
	files := find(t, client.Place{Data: data})
	if awaitMessages(t, files, 1); !isFiles(files) {
		t.Errorf("%T is found where no server runs, want the files", files.Desk)
	}
	if err := files.Close(); err != nil {
		t.Fatal(err)
	}
	servertest.Start(t, data).Send(t, inTime("web1", "two"))
	awaitMessages(t, find(t, client.Place{Data: data}), 2)
}

func TestFindNobody(t *testing.T) {
	t.Parallel()
	mute := t.TempDir()
	servertest.Start(t, mute, "SKEWATCH_HTTP=")
	for _, tt := range []struct{ name, data, problem string }{
		{"no such directory", t.TempDir() + "/none", "no server has kept its data there"},
		{"an empty directory", t.TempDir(), "no server has kept its data there"},
		{"a server without API", mute, "the server there has its HTTP API turned off"},
	} {
		_, err := client.Place{Data: tt.data, Log: logrus.New()}.Find()
		var bad *config.Error
		if !errors.As(err, &bad) || bad.Field != "--data" || bad.Value != tt.data || bad.Problem != tt.problem || bad.Hint == "" {
			t.Errorf("%s: %v, want %q about --data %s, with a remedy", tt.name, err, tt.problem, tt.data)
		}
	}
	found := find(t, client.Place{Default: t.TempDir()})
	if _, err := found.Sources(t.Context()); err != nil && !strings.Contains(err.Error(), client.DefaultURL) {
		t.Errorf("without any hint %v is asked, want %s", err, client.DefaultURL)
	}
}

// TestKilledServer kills a real server, which leaves its notice behind: the files must
// answer, with the rows that the server gave last.
func TestKilledServer(t *testing.T) {
	t.Parallel()
	const child = "CLIENT_TEST_DATA"
	if data := os.Getenv(child); data != "" {
		s := servertest.Start(t, data)
		for i := range 50 {
			s.Send(t, inTime("web1", fmt.Sprint(i)), inTime("web2", fmt.Sprint(i)))
		}
		_, _ = io.Copy(io.Discard, os.Stdin) // for ever
	}
	data := t.TempDir()
	cmd := exec.Command(os.Args[0], "-test.run=^TestKilledServer$")
	cmd.Env = append(os.Environ(), child+"="+data)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer stdin.Close()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	kill := func() { _ = cmd.Process.Kill(); _ = cmd.Wait() } // an error of either is no news
	t.Cleanup(kill)

	place := client.Place{Data: data, Log: logrus.New()}
	var want *report.Report
	servertest.Eventually(t, func() (err error) {
		found, err := place.FindServer()
		if err != nil {
			return err
		}
		all, err := texts(t.Context(), found, api.Query{})
		if err != nil || len(all) != 100 {
			return fmt.Errorf("%d messages, %w, want 100", len(all), err)
		}
		want, err = found.Report(t.Context(), api.ReportQuery{})
		return err
	})
	kill()
	if _, err := server.ReadNotice(data); err != nil {
		t.Fatalf("a killed server's notice: %v, want it to be left behind", err)
	}
	files := find(t, place)
	have, err := files.Report(t.Context(), api.ReportQuery{})
	if err != nil || !isFiles(files) {
		t.Fatalf("%T answers, %v, want the files", files.Desk, err)
	}
	if len(have.Hosts) != 2 || len(want.Hosts) != 2 || have.Header.Collector != want.Header.Collector {
		t.Fatalf("the report is\n%+v\nwant\n%+v", have, want)
	}
	for i := range want.Hosts {
		have, want := have.Hosts[i], want.Hosts[i]
		if have.Host != want.Host || have.Messages != 50 || !have.First.Equal(*want.First) || !have.Last.Equal(*want.Last) || have.Verdict != want.Verdict {
			t.Errorf("the row is\n%+v\nwant\n%+v", have, want)
		}
	}
}
