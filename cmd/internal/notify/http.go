package notify

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/skewatch/skewatch/analysis/report"
	"github.com/skewatch/skewatch/cmd/internal/build"
	"github.com/skewatch/skewatch/cmd/internal/config"
)

// A delayed is a failure whose receiver says when to try again.
type delayed struct {
	error
	after time.Duration
}

func (d *delayed) Unwrap() error { return d.error }

// A refusal is a failure that the same events will meet again.
type refusal struct{ error }

func (r *refusal) Unwrap() error { return r.error }

// An endpoint takes JSON over HTTP.
type endpoint struct {
	url      string
	user     string // "" for no authentication
	password string // the file that holds it
	client   *http.Client
}

// dialTimeout is how long a connection, and then its TLS handshake, may take.
const dialTimeout = 10 * time.Second

// newEndpoint returns the endpoint at a URL. Proxies are taken from the environment, but
// not for loopback addresses: ProxyFromEnvironment passes these over.
func newEndpoint(n *config.Notify, url string) (*endpoint, error) {
	secure, err := tlsConfig(n.CA)
	if err != nil {
		return nil, err
	}
	if _, err := readSecret("password_file", n.PasswordFile); err != nil {
		return nil, err
	}
	dialer := net.Dialer{Timeout: dialTimeout}
	return &endpoint{url: url, user: n.Username, password: n.PasswordFile, client: &http.Client{
		Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, DialContext: dialer.DialContext, TLSHandshakeTimeout: dialTimeout,
			TLSClientConfig: secure, ForceAttemptHTTP2: true, IdleConnTimeout: 90 * time.Second,
			MaxIdleConns: 1, MaxResponseHeaderBytes: 64 << 10,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // it would become a GET
	}}, nil
}

// tlsConfig trusts the certificates in a file, or the system's if there is none.
func tlsConfig(ca string) (c *tls.Config, err error) {
	c = &tls.Config{MinVersion: tls.VersionTLS12}
	if ca != "" {
		c.RootCAs, err = config.ReadCAs("ca", ca)
	}
	return c, err
}

// post sends a body of JSON. Any answer but one of success is an error.
func (e *endpoint) post(ctx context.Context, body []byte, header http.Header) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, e.url, bytes.NewReader(body))
	if err != nil {
		return withoutURL(err)
	}
	for name, values := range header {
		r.Header[name] = values
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "skewatch/"+build.This().Version)
	if e.user != "" {
		password, err := readSecret("password_file", e.password)
		if err != nil {
			return err
		}
		r.SetBasicAuth(e.user, string(password))
	}
	answer, err := e.client.Do(r)
	if err != nil {
		return withoutURL(err)
	}
	defer answer.Body.Close()
	said, err := io.ReadAll(io.LimitReader(answer.Body, 4<<10))
	if answer.StatusCode/100 == 2 {
		return err // what is cut off may not have been taken
	}
	return judge(answer, said)
}

// withoutURL returns an error without the URL, which may hold a secret.
func withoutURL(err error) error {
	var of *url.Error
	if errors.As(err, &of) {
		return of.Err
	}
	return err
}

// judge makes an error of an answer.
func judge(answer *http.Response, said []byte) error {
	text := "the receiver answers " + strconv.Itoa(answer.StatusCode)
	if words := strings.Fields(string(said)); len(words) > 0 {
		text += ": " + report.Clip(strings.Join(words, " "), 200)
	}
	err := errors.New(text)
	switch answer.StatusCode {
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity:
		return &refusal{err}
	}
	if answer.StatusCode/100 == 3 {
		err = fmt.Errorf("%w: redirections are not followed; give the address that it leads to", err)
	}
	if after := retryAfter(answer.Header.Get("Retry-After"), time.Now()); after > 0 {
		return &delayed{err, after}
	}
	return err
}

// retryAfter reads a Retry-After header (RFC 9110, section 10.2.3): seconds, or a date.
func retryAfter(text string, now time.Time) time.Duration {
	if seconds, err := strconv.ParseUint(text, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		return at.Sub(now)
	}
	return 0
}
