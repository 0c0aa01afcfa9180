package client

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/skewatch/skewatch/cmd/internal/api"
	"github.com/skewatch/skewatch/cmd/internal/config"
	"github.com/skewatch/skewatch/cmd/internal/server"
)

// Proof names the files by which a client and a server know each other, "" for none.
type Proof struct {
	Token string // its first line is the token to show
	CA    string // certificates, in PEM, of the CAs that may sign the server's; the system's without it
}

// at returns a client of the server at a URL that uses the proof.
func (p Proof) at(u *url.URL) (*HTTP, error) {
	c := NewHTTP(u)
	transport := http.DefaultTransport.(*http.Transport).Clone()
	if p.CA != "" {
		pool, err := config.ReadCAs("--ca", p.CA)
		if err != nil {
			return nil, err
		}
		transport.TLSClientConfig = &tls.Config{RootCAs: pool}
	}
	c.http.Transport = transport
	if p.Token == "" {
		return c, nil
	}
	token, err := readToken(p.Token)
	if err != nil {
		return nil, err
	}
	if u.Scheme != "https" && !isLoopback(u.Hostname()) {
		return nil, &config.Error{Field: "--token-file", Problem: "the token would be sent unencrypted to " + u.Host, Value: p.Token,
			Hint: "write https:// in the server's URL"}
	}
	c.http.Transport = &bearer{token, transport}
	c.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse } // it is for this server only
	return c, nil
}

// A bearer shows a token with each request.
type bearer struct {
	token string
	http.RoundTripper
}

func (b *bearer) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+b.token)
	return b.RoundTripper.RoundTrip(r)
}

func readToken(path string) (string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return "", config.Unreadable("--token-file", path, err)
	}
	line, _, _ := bytes.Cut(text, []byte("\n"))
	token := strings.TrimSpace(string(line))
	if token == "" || strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
		return "", &config.Error{Field: "--token-file", Problem: "its first line is no token", Value: path,
			Hint: "make one with `skewatch config token NAME --role read > FILE`"}
	}
	return token, nil
}

func isLoopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.Unmap().IsLoopback()
}

// noticed returns a client of the server that left a notice in a data directory: through its
// socket there, if it has one.
func (p Place) noticed(data string, n server.Notice) (Found, error) {
	u, err := url.Parse(n.URL)
	if err != nil {
		return Found{}, err
	}
	if n.Socket == "" {
		return p.running(u)
	}
	u.Scheme = "http"
	c := NewHTTP(u)
	path := filepath.Join(data, filepath.Base(n.Socket))
	c.http.Transport = &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", path)
	}}
	return Found{c, func() error { return nil }}, nil
}

// A deniedError is an answer that says why there is none.
type deniedError struct {
	problem string
	remedy  string
	wrong   *api.QueryError // what the server doesn't understand; nil if that isn't it
}

func (e *deniedError) Error() string  { return e.problem }
func (e *deniedError) Remedy() string { return e.remedy }

// Unwrap returns what the server doesn't understand, if that is it.
func (e *deniedError) Unwrap() error {
	if e.wrong == nil {
		return nil
	}
	return e.wrong
}

// denied makes an error of an answer's status and what it says, which is empty if it says
// nothing that we understand.
func (c *HTTP) denied(status int, f api.Failure) error {
	remedy, says := "", f.Error
	switch {
	case status == http.StatusUnauthorized:
		remedy = "show a token with --token-file FILE; `skewatch config token` makes one"
	case status == http.StatusForbidden:
		remedy = "show the token of somebody with the role admin"
	case status == http.StatusBadRequest && says == "" && c.base.Scheme == "http":
		remedy = "the server may speak TLS: write https:// in its URL"
	}
	if says == "" {
		says = fmt.Sprintf("%d %s", status, http.StatusText(status))
	}
	return &deniedError{fmt.Sprintf("%s: %s", c.base, says), remedy, f.Wrong}
}
