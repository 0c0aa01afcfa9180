package server

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/skewatch/skewatch/cmd/internal/api"
	"github.com/skewatch/skewatch/storage"
)

// Verify goes through all that is stored.
func (d *desk) Verify(ctx context.Context, q api.VerifyQuery, fn func(api.Flaw) error) (storage.Verified, error) {
	var how storage.Inspection
	if q.Progress != nil {
		how.Progress = func(at, last uint64) { q.Progress(api.Progress{At: at, Last: last}) }
	}
	if q.Keys != "" {
		keys, err := storage.ParseKeys(q.Keys)
		if err != nil {
			return storage.Verified{}, &api.QueryError{Parameter: "keys", Problem: "not a public key: " + err.Error(), Value: q.Keys}
		}
		how.Keys = keys
	}
	for _, head := range q.Heads {
		how.Heads = append(how.Heads, []byte(head))
	}
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	v, err := d.store.Verify(ctx, how, func(found *storage.DamageError) {
		file, err := filepath.Rel(d.store.Directory(), found.File)
		if err != nil {
			file = found.File
		}
		if err := fn(api.Flaw{File: file, Record: found.Record, Problem: found.Problem}); err != nil {
			end(err)
		}
	})
	if err != nil && context.Cause(ctx) != nil {
		err = context.Cause(ctx) // whoever asked wants no more
	}
	if err != nil {
		return v, fmt.Errorf("verify: %w", err)
	}
	return v, nil
}
