package storage

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"

	bolt "go.etcd.io/bbolt"

	"github.com/skewatch/skewatch/storage/pages"
)

// bucketOutbox holds how far findings were passed on. A state.db of an earlier version
// gets it with the first entry.
const bucketOutbox = "outbox"

// bucketSchedules holds how far what runs by a schedule has come. A state.db of an earlier
// version gets it with the first entry.
const bucketSchedules = "schedules"

// bucketForwards holds how far messages were forwarded. A state.db of an earlier version
// gets it with the first entry.
const bucketForwards = "forwards"

// PutOutbox replaces the entries of the same keys, all of them or none; a nil Blob deletes
// one. It doesn't wait for a checkpoint, and a checkpoint leaves the outbox alone.
func (s *Store) PutOutbox(entries []State) error { return s.putEntries(bucketOutbox, entries) }

// Outbox calls fn with each entry, in order of keys. The blob is fn's to keep. Damage is
// passed over as in Messages.
func (s *Store) Outbox(fn func(key string, blob []byte) error) error {
	return s.entries(bucketOutbox, fn)
}

// PutSchedules is PutOutbox for what runs by a schedule.
func (s *Store) PutSchedules(entries []State) error { return s.putEntries(bucketSchedules, entries) }

// Schedules is Outbox for what runs by a schedule.
func (s *Store) Schedules(fn func(key string, blob []byte) error) error {
	return s.entries(bucketSchedules, fn)
}

// PutForwards is PutOutbox for how far messages were forwarded.
func (s *Store) PutForwards(entries []State) error { return s.putEntries(bucketForwards, entries) }

// Forwards is Outbox for how far messages were forwarded.
func (s *Store) Forwards(fn func(key string, blob []byte) error) error {
	return s.entries(bucketForwards, fn)
}

func (s *Store) putEntries(bucket string, entries []State) error {
	if s.options.ReadOnly {
		return ErrReadOnly
	}
	err := s.updateState(func(tx *bolt.Tx) error {
		b, err := tx.CreateBucketIfNotExists([]byte(bucket))
		if err != nil {
			return err
		}
		for _, e := range entries {
			if err := putOrDelete(b, []byte(e.Key), e.Blob); err != nil {
				return fmt.Errorf("%q: %w", e.Key, err)
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("storage: %s: %w", bucket, err)
	}
	return nil
}

func (s *Store) entries(bucket string, fn func(key string, blob []byte) error) error {
	return s.between(bucket, 0, 0, func(key, blob []byte) error {
		return fn(string(key), bytes.Clone(blob))
	})
}

// LastFinding returns the ID that was given last, 0 if there was none.
func (s *Store) LastFinding() (id uint64, err error) {
	if s.state == nil {
		return 0, nil
	}
	r := stateReader{path: statePath(s.directory), bucket: bucketFindings}
	err = s.state.read(func(f *pages.File) error {
		if b, ok := f.Bucket(bucketFindings, r.notePage); ok {
			id = b.Sequence()
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	return id, r.damage.err()
}

// FindingsAfter calls fn with each finding that has a greater ID, in order of At, then ID;
// otherwise it is like RollUps. It looks at every finding's key: IDs don't rise with At
// where the clock was set back.
func (s *Store) FindingsAfter(id uint64, fn func(Finding) error) error {
	if s.state == nil {
		return nil
	}
	r := stateReader{path: statePath(s.directory), bucket: bucketFindings}
	err := scan(context.Background(), s.state, bucketFindings, []byte{}, r.notePage, func(key, _ []byte) choice {
		if len(key) == 16 && sequenceOf(key[8:]) <= id {
			return pass
		}
		return take
	}, r.guarded(func(key, blob []byte) error {
		return fn(Finding{ID: binary.BigEndian.Uint64(key[8:]), At: keyTime(key), Blob: blob})
	}))
	if err != nil {
		return err
	}
	return r.damage.err()
}
