package client

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/skewatch/skewatch/cmd/internal/api"
	"github.com/skewatch/skewatch/storage"
)

// Verify has the server go through all that it has stored.
func (c *HTTP) Verify(ctx context.Context, q api.VerifyQuery, fn func(api.Flaw) error) (storage.Verified, error) {
	body, err := c.get(ctx, api.PathVerify, q.Values())
	if err != nil {
		return storage.Verified{}, err
	}
	defer body.Close()
	for d := json.NewDecoder(body); ; {
		var line api.VerifyLine
		if err := d.Decode(&line); err != nil {
			return storage.Verified{}, fmt.Errorf("the answer of %s was cut short: %w", c.base, err)
		}
		switch {
		case line.Verified != nil:
			return *line.Verified, nil
		case line.Progress != nil && q.Progress != nil:
			q.Progress(*line.Progress)
		case line.Flaw != nil:
			if err := fn(*line.Flaw); err != nil {
				return storage.Verified{}, err
			}
		}
	}
}
