package storage

import (
	"context"
	"errors"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// A read transaction ends after this many bytes are copied or entries looked at,
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
// and beginning at from. choose is called within a read transaction and must be
// quick; fn is called outside of it with copies that are valid until it returns.
func scan(ctx context.Context, db *bolt.DB, bucket, from []byte, choose func(key, value []byte) choice, fn func(key, value []byte) error) error {
	var b batch
	for from != nil {
		var err error
		if from, err = b.load(db, bucket, from, choose); err != nil {
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

type entry struct{ key, value, end int } // where each begins in the batch's data

// load fills the batch in one read transaction and returns where the next batch
// begins, nil at the end.
func (b *batch) load(db *bolt.DB, bucket, from []byte, choose func(key, value []byte) choice) (next []byte, err error) {
	b.data, b.entries = b.data[:0], b.entries[:0]
	err = view(db, func(tx *bolt.Tx) error {
		c := tx.Bucket(bucket).Cursor()
		seen := 0
		for k, v := c.Seek(from); k != nil; k, v = c.Next() {
			if seen == batchEntries || len(b.data) >= batchBytes {
				next = append(next, k...)
				return nil
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
	})
	return next, err
}

func (b *batch) add(key, value []byte) {
	e := entry{key: len(b.data)}
	b.data = append(b.data, key...)
	e.value = len(b.data)
	b.data = append(b.data, value...)
	e.end = len(b.data)
	b.entries = append(b.entries, e)
}

// view is db.View, with ErrClosed for a database closed meanwhile.
func view(db *bolt.DB, fn func(*bolt.Tx) error) error { return closedError(db.View(fn)) }

// closedError turns bbolt's error for a closed database into ErrClosed.
func closedError(err error) error {
	if errors.Is(err, bolterrors.ErrDatabaseNotOpen) {
		return ErrClosed
	}
	return err
}
