// Package client asks a running skewatch over HTTP, or the files of a stopped one.
package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/skewatch/skewatch/analysis/report"
	"github.com/skewatch/skewatch/cmd/internal/api"
	"github.com/skewatch/skewatch/ntpcheck"
)

// HTTP asks a running server.
type HTTP struct {
	base *url.URL
	http *http.Client
}

var _ api.Desk = (*HTTP)(nil)

// NewHTTP returns a client of the server at a base URL. It doesn't connect yet.
func NewHTTP(base *url.URL) *HTTP { return &HTTP{base: base, http: &http.Client{}} }

// An UnreachableError says that no server answers at a URL.
type UnreachableError struct {
	URL string
	Err error
}

func (e *UnreachableError) Error() string {
	return fmt.Sprintf("no server answers at %s: %v", e.URL, e.Err)
}

func (e *UnreachableError) Unwrap() error { return e.Err }

// Report asks for a report.
func (c *HTTP) Report(ctx context.Context, q api.ReportQuery) (*report.Report, error) {
	r := new(report.Report)
	return r, c.ask(ctx, api.PathReport, q.Values(), r)
}

// Clocks asks for what is said of the fleet's clocks now.
func (c *HTTP) Clocks(ctx context.Context, q api.ClocksQuery) (*api.Clocks, error) {
	clocks := new(api.Clocks)
	return clocks, c.ask(ctx, api.PathClocks, q.Values(), clocks)
}

// Reference asks for how the collector's own clock ran.
func (c *HTTP) Reference(ctx context.Context, q api.Query) (*api.ReferenceHistory, error) {
	h := new(api.ReferenceHistory)
	return h, c.ask(ctx, api.PathReference, api.Query{Since: q.Since, Until: q.Until}.Values(), h)
}

// Sources asks for the collector's own clock.
func (c *HTTP) Sources(ctx context.Context) (s ntpcheck.Status, err error) {
	return s, c.ask(ctx, api.PathSources, nil, &s)
}

// Events asks for warning events.
func (c *HTTP) Events(ctx context.Context, q api.Query, fn func(api.Event) error) error {
	return lines(ctx, c, api.PathEvents, q, fn)
}

// Messages asks for stored messages.
func (c *HTTP) Messages(ctx context.Context, q api.Query, fn func(api.Message) error) error {
	type line struct {
		api.ProgressLine
		api.Message
	}
	return lines(ctx, c, api.PathMessages, q, func(l line) error {
		if l.Progress == nil {
			return fn(l.Message)
		}
		if q.Progress != nil {
			q.Progress(*l.Progress)
		}
		return nil
	})
}

// ask gets one JSON object.
func (c *HTTP) ask(ctx context.Context, path string, v url.Values, into any) error {
	body, err := c.get(ctx, path, v)
	if err != nil {
		return err
	}
	return c.decode(body, into)
}

// decode reads the one JSON object of an answer.
func (c *HTTP) decode(answer io.ReadCloser, into any) error {
	defer answer.Close()
	if err := json.NewDecoder(answer).Decode(into); err != nil {
		return fmt.Errorf("read the answer of %s: %w", c.base, err)
	}
	return nil
}

// lines gets one JSON object a line. An answer that is cut short is an error, except
// to a follower whose context has ended.
func lines[T any](ctx context.Context, c *HTTP, path string, q api.Query, fn func(T) error) error {
	body, err := c.get(ctx, path, q.Values())
	if err != nil {
		return err
	}
	defer body.Close()
	for d := json.NewDecoder(body); ; {
		var v T
		err := d.Decode(&v)
		switch {
		case errors.Is(err, io.EOF) || err != nil && q.Follow && ctx.Err() != nil:
			return nil
		case err != nil:
			return fmt.Errorf("the answer of %s was cut short: %w", c.base, err)
		}
		if err := fn(v); err != nil {
			return err
		}
	}
}

func (c *HTTP) get(ctx context.Context, path string, v url.Values) (io.ReadCloser, error) {
	req, err := c.request(ctx, http.MethodGet, path, v, nil)
	if err != nil {
		return nil, err
	}
	return c.do(req)
}

func (c *HTTP) request(ctx context.Context, method, path string, v url.Values, body io.Reader) (*http.Request, error) {
	u := c.base.JoinPath(path)
	u.RawQuery = v.Encode()
	return http.NewRequestWithContext(ctx, method, u.String(), body)
}

// do sends a request and returns the body of the answer, if it is one.
func (c *HTTP) do(req *http.Request) (io.ReadCloser, error) {
	res, err := c.http.Do(req)
	if err != nil {
		return nil, &UnreachableError{c.base.String(), errors.Unwrap(err)} // without the URL of the question
	}
	if res.StatusCode == http.StatusOK {
		return res.Body, nil
	}
	defer res.Body.Close()
	var f api.Failure
	_ = json.NewDecoder(res.Body).Decode(&f) // what isn't ours says nothing
	return nil, c.denied(res.StatusCode, f)
}
