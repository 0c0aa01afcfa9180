package client

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"

	"github.com/skewatch/skewatch/analysis"
	"github.com/skewatch/skewatch/cmd/internal/api"
)

// Warnings asks for the open warnings.
func (c *HTTP) Warnings(ctx context.Context, q api.Query) ([]api.Warning, error) {
	var w api.Warnings
	err := c.ask(ctx, api.PathWarnings, q.Values(), &w)
	return w.Warnings, err
}

// Mutes asks for silences or acknowledgements.
func (c *HTTP) Mutes(ctx context.Context, q api.MuteQuery) ([]api.Mute, error) {
	var m api.Mutes
	err := c.ask(ctx, api.MutePath(q.Kind), q.Values(), &m)
	return m.Mutes, err
}

// Silence has the server silence hosts.
func (c *HTTP) Silence(ctx context.Context, o api.SilenceOrder) (api.Mute, error) {
	return c.order(ctx, http.MethodPost, api.MutePath(analysis.Silence), nil, o)
}

// Acknowledge has the server note that somebody sees to a warning.
func (c *HTTP) Acknowledge(ctx context.Context, o api.AcknowledgeOrder) (api.Mute, error) {
	return c.order(ctx, http.MethodPost, api.MutePath(analysis.Acknowledgement), nil, o)
}

// Unmute has the server end a mute.
func (c *HTTP) Unmute(ctx context.Context, o api.UnmuteOrder) (api.Mute, error) {
	path := fmt.Sprintf("%s/%d", api.MutePath(o.Kind), o.ID)
	return c.order(ctx, http.MethodDelete, path, url.Values{"author": {o.Author}}, nil)
}

// order sends what is to be done, as JSON unless it is nil.
func (c *HTTP) order(ctx context.Context, method, path string, v url.Values, body any) (m api.Mute, err error) {
	b := []byte{}
	if body != nil {
		if b, err = json.Marshal(body); err != nil {
			return m, err
		}
	}
	req, err := c.request(ctx, method, path, v, bytes.NewReader(b))
	if err != nil {
		return m, err
	}
	req.Header.Set("Content-Type", "application/json")
	answer, err := c.do(req)
	if err != nil {
		return m, err
	}
	err = c.decode(answer, &m)
	return m, err
}
