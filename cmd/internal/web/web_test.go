package web_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/skewatch/skewatch/analysis/report"
	"github.com/skewatch/skewatch/cmd/internal/api"
	"github.com/skewatch/skewatch/cmd/internal/server/servertest"
	"github.com/skewatch/skewatch/ntpcheck"
)

// logged returns a message of a host whose clock is ahead.
func logged(host string, ahead time.Duration, text string) string {
	return fmt.Sprintf("<14>1 %s %s app - - - %s", time.Now().UTC().Add(ahead).Format(time.RFC3339Nano), host, text)
}

// ask sends a request and returns the answer, of which the body is read.
func ask(t *testing.T, s *servertest.Server, method, path, host string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, s.URL.String()+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Host = host
	res, err := http.DefaultTransport.RoundTrip(req) // which follows no redirects
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(body)
}

func TestStatus(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, t.TempDir())
	s.Send(t, logged("web1", 0, "hello"))
	tests := []struct {
		method, path, host string
		status             int
		says               string // in the error; "" for an answer
	}{
		{"GET", "/api/v1/report", "", 200, ""},
		{"GET", "/api/v1/sources", "localhost:8514", 200, ""},
		{"GET", "/api/v1/events", "LOCALHOST", 200, ""},
		{"GET", "/api/v1/messages", "[::1]:8514", 200, ""},
		{"GET", "/api/v1/messages?host=web*&raw=true", "192.0.2.1", 200, ""},
		{"GET", "/api/v1/timeline?app=a*&severity=info", "", 200, ""},
		{"HEAD", "/api/v1/timeline", "", 200, ""},
		{"GET", "/api/v1/timeline?follow=true", "", 400, "follow: unknown parameter: known are since, until, host, raw, grep, app, severity, around"},
		{"GET", "/api/v1/timeline?around=999&span_seconds=1", "", 400, `around: no message has this ID (got "999")`},
		{"HEAD", "/api/v1/report", "", 200, ""},
		{"HEAD", "/api/v1/messages?follow=true", "", 200, ""},
		{"GET", "/api/", "", 404, "no such path: /api/"},
		{"GET", "/api/v1/reports", "", 404, "no such path: /api/v1/reports"},
		{"GET", "/api/v1/report/", "", 404, "no such path: /api/v1/report/"},
		{"POST", "/api/v1/report", "", 405, "no such method here: POST"},
		{"DELETE", "/api/v1/messages", "", 405, "no such method here: DELETE"},
		{"GET", "/api/v1/report?since=7d", "", 400, `since: not an RFC 3339 time such as "2026-03-01T12:00:00Z" (got "7d")`},
		{"GET", "/api/v1/events?sinze=7d", "", 400, "sinze: unknown parameter: known are since, until, host, follow, raw, after, min_severity, verdict (got \"7d\")"},
		{"GET", "/api/v1/messages?host=%5B", "", 400, `host: not a name pattern such as "web*" (got "[")`},
		{"GET", "/api/v1/report", "rebound.example.net", 421, `Host: neither an address nor localhost (got "rebound.example.net")`},
		{"GET", "/api/v1/messages", "rebound.example.net:8514", 421, "Host: neither an address nor localhost"},
		{"GET", "/api/v1/messages", "localhost.example.net", 421, "Host: neither an address nor localhost"},
		{"GET", "/", "127.0.0.1.example.net", 421, "Host: neither an address nor localhost"},
	}
	for _, tt := range tests {
		res, body := ask(t, s, tt.method, tt.path, tt.host)
		what := fmt.Sprintf("%s %s with Host %q", tt.method, tt.path, tt.host)
		if res.StatusCode != tt.status {
			t.Errorf("%s: status %d (%s), want %d", what, res.StatusCode, body, tt.status)
		}
		if kind := res.Header.Get("Content-Type"); !strings.HasPrefix(kind, "application/") || strings.Contains(kind, "html") {
			t.Errorf("%s: Content-Type %q", what, kind)
		}
		if allow := res.Header.Get("Allow"); (allow == "GET, HEAD") != (tt.status == 405) {
			t.Errorf("%s: status %d with Allow %q", what, res.StatusCode, allow)
		}
		var f api.Failure
		if err := json.Unmarshal([]byte(body), &f); tt.says != "" && (err != nil || !strings.HasPrefix(f.Error, tt.says)) {
			t.Errorf("%s: the answer is %q, want the error %q", what, body, tt.says)
		}
	}
}

// TestAnswers holds what is sent against what the server says itself.
func TestAnswers(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, t.TempDir())
	s.Send(t, logged("web1", 0, "one <b> & two"), logged("web2", 0, "three"))
	servertest.Eventually(t, func() error {
		if _, body := ask(t, s, "GET", "/api/v1/messages", ""); strings.Count(body, "\n") != 2 {
			return fmt.Errorf("the messages are %q, want two", body)
		}
		return nil
	})

	var have report.Report
	_, body := ask(t, s, "GET", "/api/v1/report?host=web2", "")
	if err := json.Unmarshal([]byte(body), &have); err != nil {
		t.Fatal(err)
	}
	want, err := s.Report(t.Context(), api.ReportQuery{Query: api.Query{Host: "web2"}})
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(have.Hosts, want.Hosts) || len(have.Hosts) != 1 || have.Header.Collector != want.Header.Collector {
		t.Errorf("the report is %+v, want %+v", have, want)
	}

	var status ntpcheck.Status
	_, body = ask(t, s, "GET", "/api/v1/sources", "")
	if err := json.Unmarshal([]byte(body), &status); err != nil || status.Reference.State != ntpcheck.Synchronised || !status.Reference.Trusted {
		t.Errorf("the sources are %s, %v, want a reference on the operator's word", body, err)
	}

	var first api.Message
	_, body = ask(t, s, "GET", "/api/v1/messages?raw=1&host=web1", "")
	if err := json.Unmarshal([]byte(body), &first); err != nil || first.Message != "one <b> & two" || !strings.HasSuffix(string(first.Raw), first.Message) {
		t.Errorf("the message is %s, %v", body, err)
	}
}

// follow asks for a stream and passes on its lines; the channel is closed when the
// stream ends, and then holds why.
func follow(t *testing.T, s *servertest.Server, path string) (lines <-chan string, end func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	req, err := http.NewRequestWithContext(ctx, "GET", s.URL.String()+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	c := make(chan string, 100)
	ended := make(chan error, 1)
	go func() {
		defer res.Body.Close()
		defer close(c)
		text := bufio.NewScanner(res.Body)
		for text.Scan() {
			c <- text.Text()
		}
		ended <- text.Err()
	}()
	return c, func() error { return <-ended }
}

// next returns the next line of a stream, as an object.
func next[T any](t *testing.T, lines <-chan string) (v T) {
	t.Helper()
	select {
	case line, more := <-lines:
		if err := json.Unmarshal([]byte(line), &v); !more || err != nil {
			t.Fatalf("the stream has %q (%v), %v, want another line", line, more, err)
		}
	case <-time.After(servertest.Patience):
		t.Fatalf("no line within %v", servertest.Patience)
	}
	return v
}

// TestFollowMessages sends one message after the other, each when the one before has
// come through: none may wait for a later one.
func TestFollowMessages(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, t.TempDir())
	s.Send(t, logged("web1", 0, "before"))
	lines, end := follow(t, s, "/api/v1/messages?follow=true")
	if m := next[api.Message](t, lines); m.Message != "before" {
		t.Errorf("the first message is %q, want what was there before", m.Message)
	}
	began := time.Now()
	for i := range 10 {
		want := fmt.Sprint("number ", i)
		s.Send(t, logged("web1", 0, want))
		if m := next[api.Message](t, lines); m.Message != want {
			t.Errorf("then comes %q, want %q", m.Message, want)
		}
	}
	if took := time.Since(began); took > 9*time.Second {
		t.Errorf("ten messages took %v", took)
	}
	if err := s.Stop(); err != nil {
		t.Error(err)
	}
	if err := end(); err != nil {
		t.Errorf("when the server stops the stream ends with %v, want a proper end", err)
	}
}

// TestFollowEvents lets a clock go wrong before the eyes of a follower.
func TestFollowEvents(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, t.TempDir(), "SKEWATCH_WARN_HOLD=1s")
	lines, end := follow(t, s, "/api/v1/events?follow=true&host=ahead")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go feed(ctx, s.TCP)
	e := next[api.Event](t, lines)
	if e.Host != "ahead" || e.Source != "127.0.0.1" || e.Event != "raise" || e.Verdict != "ahead" || e.Severity != "crit" || e.ID == 0 ||
		e.OffsetLow == nil || *e.OffsetLow < 37 || *e.OffsetLow > 37.5 || e.Text == "" {
		t.Errorf("the event is %+v, want a raise of ahead, by nearly 37.5 s", e)
	}
	if !strings.Contains(s.Log(), "event=raise") {
		t.Error("the server doesn't log the event")
	}
	if err := s.Stop(); err != nil {
		t.Error(err)
	}
	if err := end(); err != nil {
		t.Errorf("when the server stops the stream ends with %v, want a proper end", err)
	}
	if line, more := <-lines; more {
		t.Errorf("then comes %q, want one event in all", line)
	}
}

// feed sends messages of two hosts until the context ends: one of them is ahead.
func feed(ctx context.Context, address string) {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return // the test sees that nothing comes
	}
	defer conn.Close()
	for pace := time.NewTicker(100 * time.Millisecond); ; {
		fmt.Fprintf(conn, "%s\n%s\n", logged("ahead", 37500*time.Millisecond, "x"), logged("good", 0, "x"))
		select {
		case <-ctx.Done():
			pace.Stop()
			return
		case <-pace.C:
		}
	}
}

// fill stores more than the buffers between a server and its client can hold, and
// returns how many messages that is.
func fill(t *testing.T, s *servertest.Server) int {
	t.Helper()
	const n = 7000
	text := strings.Repeat("x", 1000)
	messages := make([]string, n)
	for i := range messages {
		messages[i] = logged("web1", 0, text)
	}
	s.Send(t, messages...)
	servertest.Eventually(t, func() error {
		r, err := s.Report(t.Context(), api.ReportQuery{})
		if err != nil || len(r.Hosts) != 1 || r.Hosts[0].Messages != n {
			return fmt.Errorf("the report is %+v, %v, want %d messages", r, err, n)
		}
		return nil
	})
	return n
}

// slowly asks for all messages and reads the first of them.
func slowly(t *testing.T, s *servertest.Server) (rest *bufio.Reader) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, network, address)
		if err == nil {
			err = conn.(*net.TCPConn).SetReadBuffer(64 << 10)
		}
		return conn, err
	}}}
	req, err := http.NewRequestWithContext(t.Context(), "GET", s.URL.String()+"/api/v1/messages", nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { res.Body.Close() })
	rest = bufio.NewReader(res.Body)
	if _, err := rest.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	return rest
}

// countLines returns how many lines are left, and how the stream ends.
func countLines(r *bufio.Reader) (n int, err error) {
	for err == nil {
		if _, err = r.ReadString('\n'); err == nil {
			n++
		}
	}
	return n, err
}

// TestStopLetsAnswersEnd stops the server while it answers somebody who reads.
func TestStopLetsAnswersEnd(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, t.TempDir())
	want := fill(t, s)
	rest := slowly(t, s)
	stopped := make(chan error)
	go func() { stopped <- s.Stop() }()
	if n, err := countLines(rest); n != want-1 || err != io.EOF {
		t.Errorf("%d further lines, and then %v, want %d and a proper end", n, err, want-1)
	}
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}

// TestStopCutsAnswers stops the server while it answers somebody who doesn't read: the
// answer must not look like a whole one.
func TestStopCutsAnswers(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, t.TempDir())
	want := fill(t, s)
	rest := slowly(t, s)
	if err := s.Stop(); err != nil {
		t.Error(err)
	}
	if n, err := countLines(rest); n >= want-1 || err == nil || errors.Is(err, io.EOF) {
		t.Errorf("%d further lines, and then %v, want fewer than %d and an error", n, err, want-1)
	}
}
