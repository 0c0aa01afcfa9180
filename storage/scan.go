package storage

import (
	"context"
	"sync"

	"github.com/skewatch/skewatch/storage/pages"
)

// The lock on a database is held until this many bytes are copied or entries looked at,
// whichever comes first.
const (
	batchBytes   = 256 << 10
	batchEntries = 4096
)

// What to do with an entry that a scan comes to.
type choice int

const (
	take choice = iota
	pass
	finish // the scan ends before this entry
)

// scan calls fn with each entry of a bucket that choose takes, in order of keys
// and beginning at from. choose is called while nothing can be written and must be
// quick; fn is called after that with copies that are valid until it returns. Pages that
// can't be read are told to damaged.
func scan(ctx context.Context, db *database, bucket string, from []byte, damaged func(pages.Damage),
	choose func(key, value []byte) choice, fn func(key, value []byte) error) error {
	b := batches.Get().(*batch)
	defer batches.Put(b)
	for from != nil {
		at := from
		err := db.read(func(f *pages.File) error {
			from = b.load(f, bucket, at, damaged, choose)
			return nil
		})
		if err != nil {
			return err
		}
		for _, e := range b.entries {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := fn(b.data[e.key:e.value:e.value], b.data[e.value:e.end:e.end]); err != nil {
				return err
			}
		}
	}
	return nil
}

// A batch holds copies of consecutive entries.
type batch struct {
	data    []byte
	entries []entry
}

// batches are those of scans that have ended: a report makes hundreds of scans.
var batches = sync.Pool{New: func() any { return new(batch) }}

type entry struct{ key, value, end int } // where each begins in the batch's data

// load fills the batch and returns where the next one begins, nil at the end.
func (b *batch) load(f *pages.File, bucket string, from []byte, damaged func(pages.Damage), choose func(key, value []byte) choice) (next []byte) {
	b.data, b.entries = b.data[:0], b.entries[:0]
	in, ok := f.Bucket(bucket, damaged)
	if !ok {
		return nil
	}
	c := in.Cursor(damaged)
	seen := 0
	for k, v := c.Seek(from); k != nil; k, v = c.Next() {
		if seen == batchEntries || len(b.data) >= batchBytes {
			return append(next, k...)
		}
		seen++
		switch choose(k, v) {
		case take:
			b.add(k, v)
		case finish:
			return nil
		}
	}
	return nil
}

func (b *batch) add(key, value []byte) {
	e := entry{key: len(b.data)}
	b.data = append(b.data, key...)
	e.value = len(b.data)
	b.data = append(b.data, value...)
	e.end = len(b.data)
	b.entries = append(b.entries, e)
}
