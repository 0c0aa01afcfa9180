package pages_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/skewatch/skewatch/cmd/internal/server/servertest"
)

// logged returns a message of a host whose clock is ahead.
func logged(host string, ahead time.Duration, text string) string {
	return fmt.Sprintf("<14>1 %s %s app - - - %s", time.Now().UTC().Add(ahead).Format(time.RFC3339Nano), host, text)
}

// get returns an answer and its body.
func get(t testing.TB, s *servertest.Server, path string) (*http.Response, string) {
	t.Helper()
	res, err := http.Get(s.URL.String() + path)
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

// shown waits until a page shows something, and returns it.
func shown(t testing.TB, s *servertest.Server, path, want string) (page string) {
	t.Helper()
	servertest.Eventually(t, func() error {
		var res *http.Response
		if res, page = get(t, s, path); res.StatusCode != http.StatusOK || !strings.Contains(page, want) {
			return fmt.Errorf("%s answers %s, want %q in it:\n%s", path, res.Status, want, page)
		}
		return nil
	})
	return page
}

// hostile is what a sender may call itself.
const hostile = `<script>alert(1)</script>"'&` + "\u202e"

// TestPages wants every page to show what there is, to forbid everything that doesn't come
// from the server, and to need no script or style of its own.
func TestPages(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, t.TempDir(), "SKEWATCH_WARN_HOLD=0s")
	for i := range 40 {
		s.Send(t, logged("web1", 0, "fine"), logged("ahead", time.Minute, fmt.Sprint("message ", i, " <b>bold</b>")), logged(strings.ReplaceAll(hostile, " ", ""), 0, "x"))
	}
	shown(t, s, "/timeline", "120 messages")
	shown(t, s, "/", ">ahead<")
	inline := regexp.MustCompile(`(?i)<style|\sstyle=|\son[a-z]+=|<script(?:>| [^>]*>[^<])|javascript:|https?://`)
	tests := []struct {
		path   string
		status int
		says   []string
	}{
		{"/", 200, []string{"clock", `href="host?name=ahead"`, `<th scope="col"`, "&lt;script&gt;alert(1)&lt;/script&gt;"}},
		{"/?host=web", 200, []string{"web1"}},
		{"/?host=nobody", 200, []string{"No host is like that"}},
		{"/?group=1&verdict=insufficient", 200, []string{"insufficient"}},
		{"/?sort=colour", 400, []string{"not an order", "colour"}},
		{"/?host=%5B", 400, []string{"not a name pattern"}},
		{"/host?name=ahead", 200, []string{"message 39 &lt;b&gt;bold", "<svg", "How its offset ran"}},
		{"/host?name=AHEAD&window=1h", 200, []string{"ahead"}},
		{"/host?name=" + url.QueryEscape(hostile), 200, []string{"&lt;script&gt;alert(1)", `\u202e`}},
		{"/host?name=nobody", 404, []string{"Nothing is known of a host named"}},
		{"/host?name=a*", 404, []string{"Nothing is known"}},
		{"/host?name=ahead&window=7y", 400, []string{"not a choice", "7y"}},
		{"/host", 400, []string{"missing: whose page is it"}},
		{"/reference", 200, []string{"own clock", "operator&#39;s word"}},
		{"/reports", 200, []string{"Download"}},
		{"/timeline", 200, []string{"120 messages in the order", "message 39 &lt;b&gt;bold", "<svg"}},
		{"/timeline?host=web1&grep=fin.$&severity=info", 200, []string{"40 messages in the order", "fine"}},
		{"/timeline?until=2026-01-01T00:00", 200, []string{"Nothing was written then"}},
		{"/timeline?until=noon", 400, []string{"not a time in UTC", "noon"}},
		{"/timeline?grep=(", 400, []string{"not a regular expression"}},
		{"/timeline?severity=bad", 400, []string{"not a severity"}},
		{"/timeline?window=2s", 400, []string{"not a choice"}},
		{"/nowhere", 404, []string{"There is no page here", "/nowhere"}},
		{"/static/", 404, nil},
		{"/static/pages.go", 404, nil},
	}
	for _, tt := range tests {
		res, page := get(t, s, tt.path)
		if res.StatusCode != tt.status {
			t.Errorf("%s: status %d, want %d:\n%s", tt.path, res.StatusCode, tt.status, page)
		}
		for _, want := range tt.says {
			if !strings.Contains(page, want) {
				t.Errorf("%s lacks %q:\n%s", tt.path, want, page)
			}
		}
		if bad := inline.FindString(strings.ReplaceAll(page, "http://www.w3.org/2000/svg", "")); bad != "" {
			t.Errorf("%s holds %q, which its policy forbids", tt.path, bad)
		}
		if strings.Contains(page, "<script>alert") || strings.Contains(page, "\u202e") {
			t.Errorf("%s holds what a sender wrote as it is", tt.path)
		}
		if policy := res.Header.Get("Content-Security-Policy"); !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") {
			t.Errorf("%s: its policy is %q", tt.path, policy)
		}
	}
}

func TestOrders(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, t.TempDir(), "SKEWATCH_WARN_HOLD=0s")
	for range 40 {
		s.Send(t, logged("beta", 0, "x"), logged("alpha", 3*time.Second, "x"), logged("gamma", -time.Hour, "x"))
	}
	shown(t, s, "/", "gamma")
	tests := []struct{ query, want string }{
		{"", "gamma alpha beta"}, {"?sort=host", "alpha beta gamma"}, {"?sort=host&down=1", "gamma beta alpha"},
		{"?sort=offset", "gamma beta alpha"}, {"?sort=offset&down=1", "alpha beta gamma"}, {"?host=A&sort=host", "alpha beta gamma"},
		{"?host=b*", "beta"}, {"?verdict=insufficient&sort=host", "alpha beta gamma"}, {"?verdict=ahead", ""},
	}
	names := regexp.MustCompile(`<a href="host\?name=(\w+)`)
	for _, tt := range tests {
		servertest.Eventually(t, func() error {
			_, page := get(t, s, "/"+tt.query)
			var have []string
			for _, m := range names.FindAllStringSubmatch(page, -1) {
				have = append(have, m[1])
			}
			if got := strings.Join(have, " "); got != tt.want {
				return fmt.Errorf("/%s shows %q, want %q", tt.query, got, tt.want)
			}
			return nil
		})
	}
}

func TestDownload(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, t.TempDir())
	s.Send(t, logged("web1", 0, "x"))
	shown(t, s, "/", "web1")
	tests := []struct {
		query  string
		status int
		kind   string
		begins string
	}{
		{"", 200, "text/html; charset=utf-8", "<!DOCTYPE html>"},
		{"?format=csv&period=all&profile=srg", 200, "text/csv; charset=utf-8", "host,source"},
		{"?format=json&host=web*", 200, "application/json", "{"},
		{"?format=md&profile=finra", 200, "text/markdown; charset=utf-8", "#"},
		{"?format=table", 200, "text/plain; charset=utf-8", ""},
		{"?format=pdf", 400, "text/html; charset=utf-8", "<!DOCTYPE html>"},
		{"?period=1y", 400, "text/html; charset=utf-8", "<!DOCTYPE html>"},
		{"?profile=none", 400, "text/html; charset=utf-8", "<!DOCTYPE html>"},
	}
	for _, tt := range tests {
		res, body := get(t, s, "/reports/download"+tt.query)
		if res.StatusCode != tt.status || res.Header.Get("Content-Type") != tt.kind || !strings.HasPrefix(body, tt.begins) {
			t.Errorf("%s: status %d, %s, %.60q; want %d, %s, %q", tt.query, res.StatusCode, res.Header.Get("Content-Type"), body, tt.status, tt.kind, tt.begins)
		}
		if name := res.Header.Get("Content-Disposition"); (tt.status == 200) != strings.HasPrefix(name, `attachment; filename="skewatch-`) {
			t.Errorf("%s: its name is %q", tt.query, name)
		}
		if tt.status == 200 && !strings.Contains(body, "web1") {
			t.Errorf("%s lacks the host:\n%s", tt.query, body)
		}
	}
}

// TestLive wants a page that watches to be told what changes, and only that.
func TestLive(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, t.TempDir())
	s.Send(t, logged("web1", 0, "x"))
	page := shown(t, s, "/", "web1")
	seq := regexp.MustCompile(`data-seq="(\d+)"`).FindStringSubmatch(page)
	if seq == nil {
		t.Fatalf("the page doesn't say which look it shows:\n%s", page)
	}
	res, err := http.Get(s.URL.String() + "/live?seq=" + seq[1])
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	told := make(chan string)
	go func() {
		defer close(told)
		for lines := bufio.NewScanner(res.Body); lines.Scan(); {
			if data, is := strings.CutPrefix(lines.Text(), "data: "); is {
				told <- data
			}
		}
	}()
	s.Send(t, logged("web2", 0, "x"))
	for timeout := time.After(servertest.Patience); ; {
		select {
		case data, more := <-told:
			var c struct {
				Summary string
				Rows    map[string]string
				Listed  bool
			}
			if err := json.Unmarshal([]byte(data), &c); !more || err != nil {
				t.Fatalf("told %q: %v", data, err)
			}
			for _, html := range c.Rows {
				if c.Listed && strings.Contains(html, "web2") && strings.Contains(c.Summary, "2 clocks") {
					return
				}
			}
		case <-timeout:
			t.Fatal("nobody tells of the second host")
		}
	}
}
