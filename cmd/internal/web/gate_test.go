package web_test

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/crypto/bcrypt"

	"github.com/skewatch/skewatch/cmd/internal/access"
	"github.com/skewatch/skewatch/cmd/internal/server/servertest"
)

// The secrets of these tests: no log may hold one.
const (
	alicePassword = "s3cr3t-of-alice" // who is an administrator
	bobPassword   = "s3cr3t-of-bob"
)

// A guarded server wants to know who calls.
type guarded struct {
	*servertest.Server
	read, admin    string // tokens
	config, tokens string // paths
}

// startGuarded starts one on a free loopback port.
func startGuarded(t *testing.T, more ...string) guarded {
	t.Helper()
	directory := t.TempDir()
	var g guarded
	var lines []string
	for _, of := range []struct {
		role  access.Role
		token *string
	}{{access.Read, &g.read}, {access.Admin, &g.admin}} {
		token, line, err := access.NewToken("program-"+string(of.role), of.role)
		if err != nil {
			t.Fatal(err)
		}
		*of.token, lines = token, append(lines, line)
	}
	users := "basic_auth_users:\n"
	for name, password := range map[string]string{"alice": alicePassword, "bob": bobPassword} {
		hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
		if err != nil {
			t.Fatal(err)
		}
		users += fmt.Sprintf("  %s: %s\n", name, hash)
	}
	for name, text := range map[string]string{"web.yml": users + strings.Join(more, "\n"), "tokens": strings.Join(lines, "\n")} {
		if err := os.WriteFile(filepath.Join(directory, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	g.config, g.tokens = filepath.Join(directory, "web.yml"), filepath.Join(directory, "tokens")
	g.Server = servertest.Start(t, t.TempDir(), "SKEWATCH_WEB_CONFIG="+g.config, "SKEWATCH_WEB_TOKENS="+g.tokens,
		"SKEWATCH_WEB_ADMIN=alice", "SKEWATCH_WARN_HOLD=0s")
	return g
}

// refused returns what the server has counted of a reason.
func (g guarded) refused(t *testing.T, reason string) (n int) {
	t.Helper()
	_, _, body := g.send(t, "GET", "/metrics", "", "Authorization: Bearer "+g.read)
	found := regexp.MustCompile(`skewatch_http_refused_requests_total\{reason="` + reason + `"\} (\d+)`).FindStringSubmatch(body)
	if found == nil {
		t.Fatalf("%s isn't counted:\n%s", reason, body)
	}
	fmt.Sscan(found[1], &n)
	return n
}

// send sends a request and returns the answer's status, header and body. A header is a line.
func (g guarded) send(t *testing.T, method, path, body string, header ...string) (status int, answered http.Header, text string) {
	t.Helper()
	u := *g.URL
	u.Opaque = "//" + u.Host + path // as it is written
	req, err := http.NewRequestWithContext(t.Context(), method, g.URL.String(), strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.URL = &u
	for _, line := range header {
		name, value, _ := strings.Cut(line, ": ")
		if name == "Host" {
			req.Host = value
		}
		req.Header.Add(name, value)
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, res.Header, string(b)
}

const asForm = "Content-Type: application/x-www-form-urlencoded"

// logIn logs in by the form and returns the cookie as a line of a header.
func (g guarded) logIn(t *testing.T, name, password string) (cookie string) {
	t.Helper()
	form := url.Values{"name": {name}, "password": {password}}.Encode()
	status, header, body := g.send(t, "POST", "/login", form, asForm, "Origin: "+g.URL.String())
	if status != http.StatusSeeOther {
		t.Fatalf("logging in as %s: %d %s", name, status, body)
	}
	set := header.Get("Set-Cookie")
	for _, wants := range []string{"skewatch=", "HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=86400"} {
		if !strings.Contains(set, wants) {
			t.Errorf("the cookie is %q, want %s", set, wants)
		}
	}
	if strings.Contains(set, "Secure") || strings.HasPrefix(set, "__Host-") {
		t.Errorf("the cookie is %q, which browsers don't take without TLS", set)
	}
	value, _, _ := strings.Cut(set, ";")
	return "Cookie: " + value
}

func TestGate(t *testing.T) {
	t.Parallel()
	g := startGuarded(t)
	basic := func(name, password string) string {
		r := http.Request{Header: http.Header{}}
		r.SetBasicAuth(name, password)
		return "Authorization: " + r.Header.Get("Authorization")
	}
	read, admin := "Authorization: Bearer "+g.read, "Authorization: Bearer "+g.admin
	alice, bob := g.logIn(t, "alice", alicePassword), g.logIn(t, "bob", bobPassword)
	ended := g.logIn(t, "bob", bobPassword)
	own, other, json := "Origin: "+g.URL.String(), "Origin: https://evil.example.net", "Content-Type: application/json"
	if status, _, _ := g.send(t, "POST", "/logout", "", ended, own); status != http.StatusSeeOther {
		t.Fatalf("logging out: %d", status)
	}
	const report = "/api/v1/report"
	tests := []struct {
		name, method, path, body string
		header                   []string
		status                   int
		reason                   string // that is counted; "" for none
	}{
		{"nobody", "GET", report, "", nil, 401, "nobody"},
		{"nobody scrapes", "GET", "/metrics", "", nil, 401, "nobody"},
		{"nobody asks for what isn't there", "GET", "/api/v2", "", nil, 401, "nobody"},
		{"nobody looks at a page", "GET", "/hosts?sort=offset", "", nil, 303, "nobody"},
		{"nobody changes something", "POST", report, "{}", []string{json}, 401, "nobody"},
		{"user", "GET", report, "", []string{basic("bob", bobPassword)}, 200, ""},
		{"user scrapes", "GET", "/metrics", "", []string{basic("bob", bobPassword)}, 200, ""},
		{"wrong password", "GET", report, "", []string{basic("bob", alicePassword)}, 401, "password"},
		{"no such user", "GET", report, "", []string{basic("mallory", "x")}, 401, "password"},
		{"token", "GET", report, "", []string{read}, 200, ""},
		{"scheme in lower case", "GET", report, "", []string{strings.Replace(read, "Bearer", "bearer", 1)}, 200, ""},
		{"wrong token", "GET", report, "", []string{read + "x"}, 401, "token"},
		{"no token", "GET", report, "", []string{"Authorization: Bearer "}, 401, "token"},
		{"unknown scheme", "GET", report, "", []string{"Authorization: Digest x"}, 401, "nobody"},
		{"session", "GET", report, "", []string{bob}, 200, ""},
		{"session that has ended", "GET", report, "", []string{ended}, 401, "session"},
		{"page with a session that has ended", "GET", "/", "", []string{ended}, 303, "session"},
		{"no such session", "GET", report, "", []string{"Cookie: skewatch=x"}, 401, "session"},
		{"any Host, since all must log in", "GET", report, "", []string{read, "Host: skewatch.example.net"}, 200, ""},

		{"may change", "POST", report, "{}", []string{admin, json}, 405, "method"},
		{"may change, in a session", "POST", report, "{}", []string{alice, json, own}, 405, "method"},
		{"may change, by a form", "POST", report, "a=b", []string{alice, asForm, own}, 405, "method"},
		{"may delete", "DELETE", report, "", []string{alice, own}, 405, "method"},
		{"may read only", "POST", report, "{}", []string{read, json}, 403, "role"},
		{"user may read only", "POST", report, "{}", []string{bob, json, own}, 403, "role"},
		{"user may not delete", "DELETE", report, "", []string{bob, own}, 403, "role"},
		{"from another site", "POST", report, "{}", []string{alice, json, other}, 403, "cross_site"},
		{"question of another site", "GET", report, "", []string{alice, "Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: no-cors"}, 403, "cross_site"},
		{"link from another site", "GET", report, "", []string{alice, "Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate"}, 200, ""},
		{"form from another site", "POST", report, "a=b", []string{alice, asForm, other}, 403, "cross_site"},
		{"form from a sandbox", "POST", report, "a=b", []string{alice, asForm, "Origin: null"}, 403, "cross_site"},
		{"as a browser says", "POST", report, "{}", []string{alice, json, "Sec-Fetch-Site: cross-site"}, 403, "cross_site"},
		{"from a sibling", "DELETE", report, "", []string{alice, "Sec-Fetch-Site: same-site"}, 403, "cross_site"},
		{"form from nowhere", "POST", report, "a=b", []string{alice, asForm}, 415, "content_type"},
		{"text", "POST", report, "{}", []string{alice, "Content-Type: text/plain", own}, 415, "content_type"},
		{"without type", "POST", report, "{}", []string{alice, own}, 415, "content_type"},
		{"log-in from another site", "POST", "/login", "name=bob", []string{asForm, other}, 403, "cross_site"},
		{"log-out from another site", "POST", "/logout", "", []string{bob, other}, 403, "cross_site"},
		{"log-out by a link", "GET", "/logout", "", []string{bob}, 405, "method"},
		{"log-in by another method", "PUT", "/login", "", nil, 405, "method"},

		{"huge body", "POST", report, strings.Repeat(" ", 64<<10+1), []string{admin, json}, 413, "body_size"},
		{"huge log-in", "POST", "/login", strings.Repeat("a", 64<<10+1), []string{asForm}, 413, "body_size"},
		{"large body", "POST", report, strings.Repeat(" ", 64<<10), []string{admin, json}, 405, "method"},
		{"huge URL", "GET", "/?" + strings.Repeat("a", 16<<10), "", []string{read}, 414, "url"},
		{"up", "GET", "/../../etc/passwd", "", []string{read}, 400, "url"},
		{"up, encoded", "GET", "/static/%2e%2e/%2e%2e/etc/passwd", "", []string{read}, 400, "url"},
		{"up, all encoded", "GET", "/..%2f..%2fetc%2fpasswd", "", []string{read}, 400, "url"},
		{"backslashes", "GET", `/..%5c..%5cetc`, "", []string{read}, 400, "url"},
		{"twice a slash", "GET", "//etc/passwd", "", []string{read}, 400, "url"},
		{"NUL", "GET", "/%00", "", []string{read}, 400, "url"},
		{"a file", "GET", "/etc/passwd", "", []string{read}, 404, "path"},
		{"bad question", "GET", report + "?since=x", "", []string{read}, 400, "question"},
	}
	for _, tt := range tests {
		before := 0
		if tt.reason != "" {
			before = g.refused(t, tt.reason)
		}
		status, header, body := g.send(t, tt.method, tt.path, tt.body, tt.header...)
		if status != tt.status {
			t.Errorf("%s: %d %s, want %d", tt.name, status, body, tt.status)
		}
		if tt.reason != "" && g.refused(t, tt.reason) != before+1 {
			t.Errorf("%s: counted as %s: %d times, want once", tt.name, tt.reason, g.refused(t, tt.reason)-before)
		}
		if asked := header.Values("WWW-Authenticate"); (len(asked) == 2) != (status == 401) {
			t.Errorf("%s: %d with WWW-Authenticate %q", tt.name, status, asked)
		}
		if header.Get("Cache-Control") != "no-store" || header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: the header is %v", tt.name, header)
		}
		if strings.Contains(body, "root:") {
			t.Errorf("%s: it is a file that is served: %s", tt.name, body)
		}
	}
	for _, secret := range []string{alicePassword, bobPassword, g.read, g.admin, "s3cr3t", strings.TrimPrefix(alice, "Cookie: skewatch="), "$2a$"} {
		if strings.Contains(g.Log(), secret) {
			t.Errorf("the log holds %q", secret)
		}
	}
	if log := g.Log(); !strings.Contains(log, `msg="logged in" peer=127.0.0.1 role=admin user=alice`) || !strings.Contains(log, `msg="log-in failed" peer=127.0.0.1 user=bob`) {
		t.Errorf("the log doesn't say who came and who failed:\n%s", log)
	}
}

func TestBrowserIsNotAskedForBasic(t *testing.T) {
	t.Parallel()
	_, header, _ := startGuarded(t).send(t, "GET", "/api/v1/report", "", "Sec-Fetch-Site: same-origin")
	if asked := header.Values("WWW-Authenticate"); len(asked) != 1 || !strings.HasPrefix(asked[0], "Bearer ") {
		t.Errorf("a page's question is answered with WWW-Authenticate %q, want Bearer only", asked)
	}
}

// TestLogInLeadsBack follows a person from a page to the log-in and back, and no further.
func TestLogInLeadsBack(t *testing.T) {
	t.Parallel()
	g := startGuarded(t, "http_server_config: {headers: {Strict-Transport-Security: max-age=1}}")
	_, header, _ := g.send(t, "GET", "/hosts?sort=offset", "")
	where := header.Get("Location")
	if where != "/login?next=%2Fhosts%3Fsort%3Doffset" || header.Get("Strict-Transport-Security") != "max-age=1" {
		t.Fatalf("a page answers %v, want to be led to the log-in", header)
	}
	status, header, page := g.send(t, "GET", where, "")
	if status != 200 || !strings.Contains(page, `name="next" value="/hosts?sort=offset"`) || strings.Contains(page, "<script") ||
		!strings.Contains(header.Get("Content-Security-Policy"), "default-src 'none'") {
		t.Errorf("the log-in is %d %v %s", status, header, page)
	}
	for next, want := range map[string]string{
		"/hosts?sort=offset": "/hosts?sort=offset", "": "/", "hosts": "/", "//evil.example.net": "/", "///evil.example.net": "/", "/\\evil.example.net": "/",
		"https://evil.example.net/": "/", "/\t/evil.example.net": "/", "javascript:alert(1)": "/", "/login": "/", "/logout?x": "/",
		"/%2f/evil": "/%2f/evil", "http:/evil": "/", "/a?u=//b": "/a?u=//b",
	} {
		form := url.Values{"name": {"bob"}, "password": {bobPassword}, "next": {next}}.Encode()
		_, header, _ := g.send(t, "POST", "/login", form, asForm)
		if got := header.Get("Location"); got != want {
			t.Errorf("with next=%q the log-in leads to %q, want %q", next, got, want)
		}
	}
	form := url.Values{"name": {`"><script>`}, "password": {"x"}, "next": {`/"><script>`}}.Encode()
	status, _, page = g.send(t, "POST", "/login", form, asForm)
	if status != 401 || !strings.Contains(page, `<p role="alert">wrong name or password</p>`) || strings.Contains(page, "<script>") {
		t.Errorf("a wrong log-in is answered with %d %s", status, page)
	}
}

// TestLogInIsDressed asks for all that the log-in page wears, which nobody has logged in for.
func TestLogInIsDressed(t *testing.T) {
	t.Parallel()
	g := startGuarded(t)
	_, header, page := g.send(t, "GET", "/login", "")
	policy := header.Get("Content-Security-Policy")
	links := regexp.MustCompile(`<link rel="(\w+)" href="([^"]+)"`).FindAllStringSubmatch(page, -1)
	want := map[string]struct{ kind, allows, holds string }{
		"stylesheet": {"text/css", "style-src 'self'", "form.report"}, "icon": {"image/svg+xml", "img-src 'self'", "<svg"},
	}
	if len(links) != len(want) {
		t.Fatalf("the log-in links to %q, want style sheet and icon", links)
	}
	for _, link := range links {
		w := want[link[1]]
		status, header, text := g.send(t, "GET", link[2], "", "Sec-Fetch-Site: same-origin")
		if status != 200 || !strings.HasPrefix(header.Get("Content-Type"), w.kind) || !strings.Contains(text, w.holds) || !strings.Contains(policy, w.allows) {
			t.Errorf("%s: %d %v %.80s, with the policy %q", link[2], status, header, text, policy)
		}
	}
	for path, want := range map[string]int{"/static/": 401, "/static/../": 400} {
		if status, _, _ := g.send(t, "POST", path, "", "Origin: "+g.URL.String()); status != want {
			t.Errorf("POST %s by nobody is answered with %d, want %d", path, status, want)
		}
	}
}

const asBrowser = "Accept: text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"

// TestForms sends the dashboard's forms as browsers do: to an administrator they do something,
// and to nobody else.
func TestForms(t *testing.T) {
	t.Parallel()
	g := startGuarded(t)
	go feed(t.Context(), g.TCP)
	alice, bob, own := g.logIn(t, "alice", alicePassword), g.logIn(t, "bob", bobPassword), "Origin: "+g.URL.String()
	api := func(path string) string {
		_, _, text := g.send(t, "GET", "/api/v1/"+path, "", bob)
		return text
	}
	servertest.Eventually(t, func() error {
		if open := api("warnings"); !strings.Contains(open, `"host":"ahead"`) {
			return fmt.Errorf("the warnings are %s, want one of ahead", open)
		}
		return nil
	})
	forms := []struct{ path, body, shows, want string }{ // shows is what of the API does, with want in the end
		{"/acknowledge", "host=ahead&hours=1&comment=seen", "acknowledgements", `"author":"alice","comment":"seen"`},
		{"/silence", "host=x*&hours=1&comment=update", "silences", `"author":"alice","comment":"update"`},
		{"/unmute", "kind=silence&id=2", "silences", `{"mutes":[]}`},
	}
	for _, form := range forms {
		before := api(form.shows)
		for _, tt := range []struct {
			name         string
			header       []string
			status       int
			reason, says string
		}{
			{"nobody", []string{own}, 401, "nobody", `<a href="/login">`},
			{"a session that is none", []string{"Cookie: skewatch=x", own}, 401, "session", "it has ended: log in again"},
			{"role read", []string{bob, own}, 403, "role", "the role of bob allows to read only: changes need the role admin"},
			{"another site", []string{alice, "Origin: https://evil.example.net"}, 403, "cross_site", "cross-origin"},
			{"another site, as a browser says", []string{alice, own, "Sec-Fetch-Site: cross-site"}, 403, "cross_site", "cross-origin"},
			{"a sandbox", []string{alice, "Origin: null"}, 403, "cross_site", "cross-origin"},
			{"nowhere", []string{alice}, 415, "content_type", "neither application/json nor a form of our own pages"},
		} {
			counted := g.refused(t, tt.reason)
			status, header, page := g.send(t, "POST", form.path, form.body, append(tt.header, asForm, asBrowser)...)
			if status != tt.status || !strings.HasPrefix(header.Get("Content-Type"), "text/html") || !strings.Contains(page, tt.says) ||
				header.Get("Content-Security-Policy") == "" || header.Get("Location") != "" {
				t.Errorf("%s by %s: %d %v %s, want a page with %d that says %q", form.path, tt.name, status, header, page, tt.status, tt.says)
			}
			if g.refused(t, tt.reason) != counted+1 {
				t.Errorf("%s by %s isn't counted as %s", form.path, tt.name, tt.reason)
			}
		}
		if after := api(form.shows); after != before {
			t.Errorf("a refused %s has changed %s to %s", form.path, before, after)
		}
		status, header, page := g.send(t, "POST", form.path, form.body, alice, own, asForm, asBrowser, "Sec-Fetch-Site: same-origin")
		if after := api(form.shows); status != 303 || header.Get("Location") != "/warnings" || !strings.Contains(after, form.want) {
			t.Errorf("%s by alice: %d %v %s; then there is %s, want %s", form.path, status, header, page, after, form.want)
		}
	}
	status, header, text := g.send(t, "POST", "/api/v1/silences", "{}", bob, own, asBrowser, "Content-Type: application/json")
	if status != 403 || header.Get("Content-Type") != "application/json" {
		t.Errorf("a refusal of the API is %d %v %s, want JSON", status, header, text)
	}
}

// TestLogInEndsTheSessionBefore takes a session's ID from somebody who had it before.
func TestLogInEndsTheSessionBefore(t *testing.T) {
	t.Parallel()
	g := startGuarded(t)
	before := g.logIn(t, "bob", bobPassword)
	form := url.Values{"name": {"alice"}, "password": {alicePassword}}.Encode()
	g.send(t, "POST", "/login", form, asForm, before)
	if status, _, _ := g.send(t, "GET", "/api/v1/sources", "", before); status != 401 {
		t.Errorf("the ID of before is answered with %d, want 401", status)
	}
}

// TestLogInIsLimited guesses a password until nobody listens any more, but for those who are in.
func TestLogInIsLimited(t *testing.T) {
	t.Parallel()
	g := startGuarded(t)
	session := g.logIn(t, "bob", bobPassword)
	var header http.Header
	statuses := map[int]int{}
	for range 15 {
		var status int
		form := url.Values{"name": {"alice"}, "password": {"guess"}}.Encode()
		status, header, _ = g.send(t, "POST", "/login", form, asForm)
		statuses[status]++
	}
	if statuses[401] < 9 || statuses[429] < 4 || header.Get("Retry-After") == "" || g.refused(t, "attempts") != statuses[429] {
		t.Errorf("15 guesses are answered %v, the last with %v", statuses, header)
	}
	if status, _, _ := g.send(t, "GET", "/api/v1/report", "", session); status != 200 {
		t.Errorf("a session is answered with %d", status)
	}
	if n := strings.Count(g.Log(), "log-in failed"); n == 0 || n > 5 {
		t.Errorf("%d guesses are in the log, want some", n)
	}
}

// TestPace uses the limit of requests that the web configuration file knows.
func TestPace(t *testing.T) {
	t.Parallel()
	g := startGuarded(t, "rate_limit: {burst: 3, interval: 1h}")
	for n := range 4 {
		status, _, _ := g.send(t, "GET", "/api/v1/sources", "", "Authorization: Bearer "+g.read)
		if want := map[bool]int{true: 200, false: 429}[n < 3]; status != want {
			t.Errorf("request %d: %d, want %d", n+1, status, want)
		}
	}
}
