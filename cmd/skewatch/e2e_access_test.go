package main_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/skewatch/skewatch/cmd/internal/testbed"
	"github.com/skewatch/skewatch/collector/tlsauth/tlstest"
)

const accessPassword = "s3cr3t-password"

// A protectedServer answers over TLS, to those who say who they are.
type protectedServer struct {
	*testbed.Skewatch
	authority *tlstest.Authority
	directory string // of its files
	token     string // with the role read
	tokenFile string
	data      string
}

// startProtected starts one. More are further lines beneath tls_server_config.
func startProtected(t *testing.T, more ...string) *protectedServer {
	t.Helper()
	p := &protectedServer{authority: tlstest.NewAuthority(t), directory: t.TempDir(), data: t.TempDir()}
	p.install(t, p.authority.Issue(t, "first.example.net"))
	hash, err := bcrypt.GenerateFromPassword([]byte(accessPassword), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	p.tokenFile = p.in("ops.token")
	p.token = p.newToken(t)
	p.write(t, "web.yml", "tls_server_config:\n  cert_file: tls.crt\n  key_file: tls.key\n"+strings.Join(more, "\n")+
		"\nbasic_auth_users: {alice: "+string(hash)+"}\n")
	p.Skewatch = testbed.StartSkewatch(t, p.data, "--kernel-clock", "trust", "--ntp-server", "", "--log-level", "debug",
		"--web-config", p.in("web.yml"), "--web-tokens", p.in("tokens"), "--web-admin", "alice")
	return p
}

func (p *protectedServer) in(name string) string { return filepath.Join(p.directory, name) }

func (p *protectedServer) write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(p.in(name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// install puts a certificate where the server reads its own, the key first.
func (p *protectedServer) install(t *testing.T, c tlstest.Certificate) {
	t.Helper()
	for _, file := range [][2]string{{c.Key, "tls.key"}, {c.File, "tls.crt"}} {
		if err := os.Rename(file[0], p.in(file[1])); err != nil {
			t.Fatal(err)
		}
	}
}

// newToken has the program make a token, and lets it in.
func (p *protectedServer) newToken(t *testing.T) string {
	t.Helper()
	cmd := exec.Command(testbed.Binary(t), "config", "token", "ops")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	token, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	_, line, _ := strings.Cut(stderr.String(), "\n")
	p.write(t, "tokens", line)
	p.write(t, "ops.token", string(token))
	return strings.TrimSpace(string(token))
}

// client returns an HTTP client that trusts the server, and shows a certificate if there is one.
func (p *protectedServer) client(t *testing.T, own ...tlstest.Certificate) *http.Client {
	t.Helper()
	config := &tls.Config{RootCAs: p.authority.Pool(t)}
	for _, c := range own {
		pair, err := tls.LoadX509KeyPair(c.File, c.Key)
		if err != nil {
			t.Fatal(err)
		}
		config.Certificates = append(config.Certificates, pair)
	}
	transport := &http.Transport{TLSClientConfig: config, ForceAttemptHTTP2: true, DisableKeepAlives: true}
	return &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// ask sends a request and returns the answer's status, 0 if none comes, and its header.
func (p *protectedServer) ask(t *testing.T, c *http.Client, method, path, body string, header ...string) (int, *http.Response) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, "https://"+p.HTTP+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range header {
		name, value, _ := strings.Cut(line, ": ")
		req.Header.Set(name, value)
	}
	res, err := c.Do(req)
	if err != nil {
		return 0, &http.Response{Status: err.Error(), Header: http.Header{}}
	}
	defer res.Body.Close()
	if _, err := io.Copy(io.Discard, res.Body); err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, res
}

// refused returns what the server has counted of a reason, asked through its local socket.
func (p *protectedServer) refused(t *testing.T, reason string) int {
	t.Helper()
	local := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", filepath.Join(p.data, "http.sock"))
	}}}
	res, err := local.Get("http://local/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`skewatch_http_refused_requests_total\{reason="` + reason + `"\} (\d+)`).FindSubmatch(text)
	if found == nil {
		t.Fatalf("%s isn't counted:\n%s", reason, text)
	}
	n, err := strconv.Atoi(string(found[1]))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// checkSecrets wants none of what proves who somebody is to be in the log.
func (p *protectedServer) checkSecrets(t *testing.T, more ...string) {
	t.Helper()
	for _, secret := range append(more, accessPassword, p.token, "$2a$", "PRIVATE KEY") {
		if strings.Contains(p.Log(), secret) {
			t.Errorf("the log holds %q", secret)
		}
	}
}

// TestEndToEndAccess logs in to the built program over TLS in every way that there is, and in
// some that there aren't.
func TestEndToEndAccess(t *testing.T) {
	p := startProtected(t)
	c := p.client(t)
	const report = "/api/v1/report"
	bearer := "Authorization: Bearer " + p.token
	if status, res := p.ask(t, c, "GET", report, "", bearer); status != 200 || res.ProtoMajor != 2 {
		t.Errorf("a token is answered with %s by HTTP/%d, want 200 by HTTP/2", res.Status, res.ProtoMajor)
	}
	form := url.Values{"name": {"alice"}, "password": {accessPassword}}.Encode()
	status, res := p.ask(t, c, "POST", "/login", form, "Content-Type: application/x-www-form-urlencoded", "Origin: https://"+p.HTTP)
	if status != 303 || len(res.Cookies()) != 1 {
		t.Fatalf("the log-in is answered with %s, %v", res.Status, res.Header)
	}
	cookie := res.Cookies()[0]
	if !cookie.Secure || !cookie.HttpOnly || cookie.Name != "__Host-skewatch" || cookie.Path != "/" || cookie.SameSite != http.SameSiteLaxMode || cookie.Domain != "" {
		t.Errorf("the cookie is %+v", cookie)
	}
	session := "Cookie: " + cookie.Name + "=" + cookie.Value
	for _, tt := range []struct {
		name, method, path, body string
		header                   []string
		status                   int
		reason                   string
	}{
		{"session", "GET", report, "", []string{session}, 200, ""},
		{"nobody", "GET", report, "", nil, 401, "nobody"},
		{"nobody, a page", "GET", "/", "", nil, 303, "nobody"},
		{"wrong token", "GET", report, "", []string{bearer + "x"}, 401, "token"},
		{"token in the URL", "GET", report + "?token=" + p.token, "", nil, 401, "nobody"},
		{"wrong session", "GET", report, "", []string{session + "x"}, 401, "session"},
		{"wrong password", "GET", report, "", []string{"Authorization: Basic YWxpY2U6Z3Vlc3M="}, 401, "password"},
		{"wrong role", "POST", report, "{}", []string{bearer, "Content-Type: application/json"}, 403, "role"},
		{"from another site", "POST", report, "{}", []string{session, "Content-Type: application/json", "Origin: https://evil.example.net"}, 403, "cross_site"},
		{"up", "GET", "/..%2f..%2fetc/passwd", "", []string{bearer}, 400, "url"},
		{"huge URL", "GET", report + "?" + strings.Repeat("x", 20<<10), "", []string{bearer}, 414, "url"},
		{"huge body", "POST", "/login", strings.Repeat("x", 70<<10), []string{"Content-Type: application/x-www-form-urlencoded"}, 413, "body_size"},
	} {
		before := 0
		if tt.reason != "" {
			before = p.refused(t, tt.reason)
		}
		if status, res := p.ask(t, c, tt.method, tt.path, tt.body, tt.header...); status != tt.status {
			t.Errorf("%s: %s, want %d", tt.name, res.Status, tt.status)
		}
		if tt.reason != "" && p.refused(t, tt.reason) != before+1 {
			t.Errorf("%s: not counted as %s", tt.name, tt.reason)
		}
	}
	old := p.client(t)
	old.Transport.(*http.Transport).ForceAttemptHTTP2 = false
	if status, res := p.ask(t, old, "GET", report, "", bearer, "X-Large: "+strings.Repeat("x", 128<<10)); status != 431 {
		t.Errorf("a huge header: %s, want 431", res.Status)
	}
	eventually(t, 10*time.Second, func() error { // when the connection has ended
		if n := p.refused(t, "malformed"); n != 1 {
			return fmt.Errorf("%d malformed requests are counted, want the one with the huge header", n)
		}
		return nil
	})
	before := p.refused(t, "handshake")
	if status := plainStatus(t, p.HTTP); status != 400 {
		t.Errorf("what isn't encrypted is answered with %d, want 400", status)
	}
	eventually(t, 10*time.Second, func() error {
		if n := p.refused(t, "handshake"); n != before+1 {
			return fmt.Errorf("%d handshakes were refused, want one more than %d", n, before)
		}
		return nil
	})
	p.checkSecrets(t, cookie.Value)
	if !strings.Contains(p.Log(), `msg="logged in"`) || !strings.Contains(p.Log(), `msg="log-in failed"`) {
		t.Errorf("the log doesn't say who came and who failed:\n%s", p.Log())
	}
}

// plainStatus asks without TLS.
func plainStatus(t *testing.T, address string) int {
	t.Helper()
	res, err := http.Get("http://" + address + "/api/v1/report")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	return res.StatusCode
}

// TestEndToEndAccessCommands asks a protected server by the commands: with its data
// directory through the socket there, from elsewhere with a token.
func TestEndToEndAccessCommands(t *testing.T) {
	p := startProtected(t)
	var notice struct{ URL, Socket string }
	text, err := os.ReadFile(filepath.Join(p.data, "server.json"))
	if err != nil {
		t.Fatal(err)
	}
	decode(t, string(text), &notice)
	socket := filepath.Join(p.data, notice.Socket)
	info, err := os.Stat(socket)
	if err != nil || info.Mode() != os.ModeSocket|0o600 || notice.URL != "https://"+p.HTTP {
		t.Errorf("the notice is %s, and its socket has the mode %v, %v", text, info.Mode(), err)
	}
	if answer := askSources(t, p.Skewatch); answer.Reference.State != "synchronised" {
		t.Errorf("by --data the reference is %+v", answer.Reference)
	}
	tail := p.Follow(t, "tail", "--messages", "--since", "1h", "--format", "csv")
	sendText(t, p.Skewatch, "followed")
	eventually(t, 20*time.Second, func() error {
		if lines := tail.Lines(); len(lines) != 2 || !strings.HasSuffix(lines[1], ",followed") {
			return fmt.Errorf("tail shows %q, want the message", lines)
		}
		return nil
	})

	server := []string{"--server", "https://" + p.HTTP}
	ca := []string{"--ca", p.authority.File}
	token := []string{"--token-file", p.tokenFile}
	wrong := []string{"--token-file", p.in("web.yml")}
	for _, tt := range []struct {
		name   string
		args   [][]string
		code   int
		stderr string
	}{
		{"token", [][]string{server, ca, token}, 0, ""},
		{"no token", [][]string{server, ca}, 1, "hint: show a token with --token-file FILE"},
		{"no CA", [][]string{server, token}, 1, "hint: name the CA that has signed its certificate with --ca FILE"},
		{"a wrong file", [][]string{server, ca, wrong}, 1, "no such token"},
		{"without TLS", [][]string{{"--server", "http://" + p.HTTP}}, 1, "hint: the server may speak TLS: write https://"},
	} {
		var args []string
		for _, more := range tt.args {
			args = append(args, more...)
		}
		stdout, stderr, code := runCommand(t, append([]string{"report", "--format", "json"}, args...)...)
		if code != tt.code || !strings.Contains(stderr, tt.stderr) || (code == 0) != json.Valid([]byte(stdout)) {
			t.Errorf("%s: exit code %d, stdout %q, stderr %q, want %d and %q", tt.name, code, stdout, stderr, tt.code, tt.stderr)
		}
		if strings.Contains(stderr, p.token) {
			t.Errorf("%s: the token is shown: %s", tt.name, stderr)
		}
	}
	p.Kill()
	if _, err := os.Stat(socket); err != nil {
		t.Fatalf("a killed server left no socket: %v", err)
	}
	again := testbed.StartSkewatch(t, p.data, "--kernel-clock", "trust", "--ntp-server", "", "--web-tokens", p.in("tokens"))
	askSources(t, again)
	again.Stop(t)
	if _, err := os.Stat(socket); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("when the server has stopped its socket is still there: %v", err)
	}
	p.checkSecrets(t)
}

// runCommand runs the built program, which must end by itself.
func runCommand(t *testing.T, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, testbed.Binary(t), args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil && !errors.As(err, new(*exec.ExitError)) {
		t.Fatal(err)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// TestEndToEndAccessIsRequired starts servers that would be open to a network.
func TestEndToEndAccessIsRequired(t *testing.T) {
	users := filepath.Join(t.TempDir(), "web.yml")
	if err := os.WriteFile(users, []byte("basic_auth_users: {alice: $2y$10$QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		args []string
		code int
		says string
	}{
		{"nothing", nil, 2, `error: --http: others reach this address, which needs TLS and a log-in (got "0.0.0.0:0")`},
		{"tokens without TLS", []string{"--web-tokens", users}, 2, `error: --http: others reach this address`},
		{"users without TLS", []string{"--web-config", users}, 1, `error: web.config: has no certificate, and what is reachable from elsewhere needs TLS`},
	} {
		args := append([]string{"serve", "--data", t.TempDir(), "--listen-udp", "", "--listen-tcp", "127.0.0.1:0", "--http", "0.0.0.0:0"}, tt.args...)
		if _, stderr, code := runCommand(t, args...); code != tt.code || !strings.Contains(stderr, tt.says) || !strings.Contains(stderr, "hint: ") {
			t.Errorf("%s: exit code %d and %s, want %d and %s", tt.name, code, stderr, tt.code, tt.says)
		}
	}
}

// TestEndToEndAccessCertificates asks for clients' certificates, and renews the server's.
func TestEndToEndAccessCertificates(t *testing.T) {
	clients := tlstest.NewAuthority(t)
	p := startProtected(t, "  client_auth_type: RequireAndVerifyClientCert", fmt.Sprintf("  client_ca_file: %q", clients.File))
	bearer := "Authorization: Bearer " + p.token
	before := p.refused(t, "handshake")
	if status, _ := p.ask(t, p.client(t), "GET", "/api/v1/report", "", bearer); status != 0 {
		t.Errorf("a client without certificate is answered with %d", status)
	}
	if status, _ := p.ask(t, p.client(t, p.authority.Issue(t, "ops")), "GET", "/api/v1/report", "", bearer); status != 0 {
		t.Errorf("a client with another CA's certificate is answered with %d", status)
	}
	eventually(t, 10*time.Second, func() error {
		if n := p.refused(t, "handshake"); n != before+2 {
			return fmt.Errorf("%d handshakes were refused, want two more than %d", n, before)
		}
		return nil
	})
	known := p.client(t, clients.Issue(t, "ops"))
	if status, _ := p.ask(t, known, "GET", "/api/v1/report", ""); status != 401 {
		t.Errorf("a client with a certificate and nothing else is answered with %d, want 401", status)
	}
	shown := func() string {
		status, res := p.ask(t, known, "GET", "/api/v1/report", "", bearer)
		if status != 200 {
			t.Fatalf("a client with a certificate is answered with %s", res.Status)
		}
		return res.TLS.PeerCertificates[0].Subject.CommonName
	}
	if name := shown(); name != "first.example.net" {
		t.Errorf("the server is %s", name)
	}
	p.install(t, p.authority.Issue(t, "second.example.net"))
	eventually(t, 10*time.Second, func() error {
		if name := shown(); name != "second.example.net" {
			return fmt.Errorf("the server is still %s", name)
		}
		return nil
	})
	p.write(t, "tls.crt", "broken")
	eventually(t, 10*time.Second, func() error {
		if shown(); !strings.Contains(p.Log(), "those before stay in use") {
			return errors.New("the log doesn't say that the file is broken")
		}
		return nil
	})
	p.checkSecrets(t)
}

// TestEndToEndAccessSlow opens more connections than one peer may have, and sends headers and
// bodies that don't end. Others are answered meanwhile.
func TestEndToEndAccessSlow(t *testing.T) {
	t.Parallel() // it waits more than it works
	p := startProtected(t)
	dial := func() *tls.Conn {
		raw, err := net.Dial("tcp", p.HTTP)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { raw.Close() })
		return tls.Client(raw, &tls.Config{RootCAs: p.authority.Pool(t), ServerName: "localhost", NextProtos: []string{"http/1.1"}})
	}
	began := time.Now()
	header, body := dial(), dial()
	for conn, text := range map[*tls.Conn]string{
		header: "GET / HTTP/1.1\r\nHost: x\r\nX: ",
		body:   "POST /login HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 100\r\n\r\na=",
	} {
		if _, err := io.WriteString(conn, text); err != nil {
			t.Fatal(err)
		}
	}
	let := 0
	for range 200 {
		conn := dial()
		conn.SetDeadline(time.Now().Add(20 * time.Second))
		if conn.Handshake() == nil {
			let++
		}
	}
	if n := p.refused(t, "connections"); let < 100 || let > 126 || n != 200-let {
		t.Errorf("of 200 further connections %d were let in and %d refused, want up to 126 of one peer", let, n)
	}
	if answer := askSources(t, p.Skewatch); answer.Reference.State != "synchronised" {
		t.Errorf("meanwhile the reference is %+v", answer.Reference)
	}
	for conn, want := range map[*tls.Conn]string{header: "", body: "HTTP/1.1 408 "} {
		conn.SetReadDeadline(began.Add(60 * time.Second))
		answer, err := io.ReadAll(conn)
		if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) || !strings.HasPrefix(string(answer), want) || time.Since(began) < 9*time.Second {
			t.Errorf("after %v comes %q, %v, want %q", time.Since(began), answer, err, want)
		}
	}
	eventually(t, 10*time.Second, func() error {
		if slow, malformed := p.refused(t, "body_time"), p.refused(t, "malformed"); slow != 1 || malformed != 1 {
			return fmt.Errorf("%d slow bodies and %d slow headers are counted, want one each", slow, malformed)
		}
		return nil
	})
}

// TestEndToEndAccessFollower takes a token out while it reads over TLS and HTTP/2.
func TestEndToEndAccessFollower(t *testing.T) {
	p := startProtected(t)
	req, err := http.NewRequestWithContext(t.Context(), "GET", "https://"+p.HTTP+"/api/v1/messages?follow=true", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+p.token)
	res, err := p.client(t).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	lines := bufio.NewReader(res.Body)
	sendText(t, p.Skewatch, "while it holds")
	if line, err := lines.ReadString('\n'); err != nil || !strings.Contains(line, "while it holds") {
		t.Fatalf("the follower reads %q, %v", line, err)
	}
	p.write(t, "tokens", "# none")
	began := time.Now()
	rest, err := io.ReadAll(lines)
	if took := time.Since(began); err == nil || len(rest) > 0 || took > 10*time.Second {
		t.Errorf("without its token the follower reads %q, and after %v %v, want it cut off", rest, took, err)
	} else {
		t.Logf("cut off after %v: %v", took, err)
	}
	p.checkSecrets(t)
}
