package storage

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	bolt "go.etcd.io/bbolt"

	"github.com/skewatch/skewatch/storage/pages"
)

// openState opens state.db, and makes one if there is none. Of a damaged one it saves what
// can be read.
func (s *Store) openState() (err error) {
	path := statePath(s.directory)
	_, err = os.Stat(path)
	missing := errors.Is(err, os.ErrNotExist)
	switch {
	case missing && s.options.ReadOnly && len(s.segments.list()) > 0:
		return nil // an archive
	case s.options.ReadOnly:
		s.state = &database{path: path}
		err = readPages(path, func(f *pages.File) error { return checkSchema(f, path, schemaState) })
		if errors.As(err, new(*DamageError)) {
			s.options.Log.WithError(err).Error("storage: reading what can be read of the state")
			err = nil
		}
		return err
	case missing:
		err = createState(path)
	case err == nil:
		err = s.checkCheckpoint(path)
	}
	if err == nil {
		s.state, err = openStateFile(path)
	}
	if errors.As(err, new(*DamageError)) {
		if err = s.salvageState(err); err == nil {
			s.state, err = openStateFile(path)
		}
	}
	return err
}

func createState(path string) error {
	return createDatabase(path, schemaState, func(*bolt.Tx) error { return nil }, stateBuckets...)
}

func openStateFile(path string) (*database, error) {
	db, err := openDatabase(path, schemaState, bolt.Options{InitialMmapSize: mapSize(stateMapBytes)})
	if err == nil {
		db.bolt.AllocSize = 1 << 20
	}
	return db, err
}

// checkCheckpoint makes sure that the number on which the states rest can be read.
func (s *Store) checkCheckpoint(path string) error {
	return readPages(path, func(f *pages.File) error {
		_, err := checkpointIn(f, path)
		return err
	})
}

// updateState runs a transaction on state.db. If that runs into damage, what can be read is
// saved, and the transaction runs on what is left.
func (s *Store) updateState(fn func(*bolt.Tx) error) error {
	err := s.state.update(fn)
	if !errors.As(err, new(*DamageError)) {
		return err
	}
	path := statePath(s.directory)
	failed := s.state.renew(func() error { return s.salvageState(err) }, func() (*database, error) { return openStateFile(path) })
	if failed != nil {
		return failed
	}
	return s.state.update(fn)
}

// salvageState sets a damaged state.db aside and puts in its place what can be read of it.
func (s *Store) salvageState(why error) error {
	path := statePath(s.directory)
	fresh := path + ".salvaged"
	if err := removeIfThere(fresh); err != nil {
		return err
	}
	if err := createState(fresh); err != nil {
		return err
	}
	kept, lost, err := copySound(path, fresh)
	if err != nil {
		return fmt.Errorf("save what can be read of %s: %w", path, err)
	}
	aside, err := setAside(path)
	if err != nil {
		return err
	}
	if err := os.Rename(fresh, path); err != nil {
		return err
	}
	s.options.Log.WithError(why).Errorf("storage: %s is damaged; set aside as %s, with %d entries saved and %d found damaged",
		path, filepath.Base(aside), kept, lost)
	return syncDirectory(s.directory)
}

// A saved is an entry of a bucket that could be read.
type saved struct {
	bucket     string
	key, value []byte
}

// copySound copies the sound entries of a damaged state.db to a new one. States are worth
// nothing without the sequence that they rest on.
func copySound(from, to string) (kept, lost int, err error) {
	db, err := openStateFile(to)
	if err != nil {
		return 0, 0, err
	}
	buckets := stateBuckets
	if err := readPages(from, func(f *pages.File) error {
		if _, err := checkpointIn(f, from); err != nil || metaValue(f, keyCheckpoint) == nil {
			buckets = buckets[1:] // all but the states
		}
		return nil
	}); err != nil && !errors.As(err, new(*DamageError)) {
		return 0, 0, errors.Join(err, db.close())
	}
	var batch []saved
	write := func() error {
		err := db.update(func(tx *bolt.Tx) error {
			for _, e := range batch {
				if err := tx.Bucket([]byte(e.bucket)).Put(e.key, e.value); err != nil {
					return err
				}
			}
			return nil
		})
		batch = batch[:0]
		return err
	}
	err = eachEntry(from, append([]string{bucketMeta}, buckets...), func(bucket string, k, v []byte) error {
		if !sound(k, v) {
			lost++
			return nil
		}
		kept++
		if batch = append(batch, saved{bucket, k, v}); len(batch) < batchEntries {
			return nil
		}
		return write()
	})
	if errors.As(err, new(*DamageError)) {
		err = nil // there is nothing to read
	}
	return kept, lost, errors.Join(err, write(), nextFindingID(db), db.close())
}

// eachEntry calls fn with copies of the entries of some buckets.
func eachEntry(path string, buckets []string, fn func(bucket string, k, v []byte) error) error {
	return readPages(path, func(f *pages.File) error {
		for _, name := range buckets {
			b, ok := f.Bucket(name, nil)
			if !ok {
				continue
			}
			c := b.Cursor(nil)
			for k, v := c.First(); k != nil; k, v = c.Next() {
				if err := fn(name, append([]byte(nil), k...), append([]byte(nil), v...)); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// nextFindingID has findings numbered on behind the greatest number that is there.
func nextFindingID(db *database) error {
	return db.update(func(tx *bolt.Tx) error {
		b := tx.Bucket([]byte(bucketFindings))
		last := b.Sequence()
		err := b.ForEach(func(k, _ []byte) error {
			if len(k) == 16 {
				last = max(last, sequenceOf(k[8:]))
			}
			return nil
		})
		if err != nil {
			return err
		}
		return b.SetSequence(last)
	})
}
