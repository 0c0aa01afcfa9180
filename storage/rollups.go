package storage

import (
	"bytes"
	"fmt"

	bolt "go.etcd.io/bbolt"

	"github.com/skewatch/skewatch/storage/pages"
)

// ReplaceRollUps writes and deletes roll-ups as a Checkpoint does, in one transaction,
// and leaves everything else as it is: for those that lie in the past.
func (s *Store) ReplaceRollUps(rollUps []RollUp) error {
	if s.options.ReadOnly {
		return ErrReadOnly
	}
	c := Changes{RollUps: rollUps}
	if err := s.updateState(c.writeRollUps); err != nil {
		return fmt.Errorf("storage: replace roll-ups: %w", err)
	}
	return nil
}

// RollUp returns the blob of one roll-up, nil if there is none. A damaged one is a
// *DamageError.
func (s *Store) RollUp(start int64, key string) (blob []byte, err error) {
	if s.state == nil {
		return nil, nil
	}
	r := stateReader{path: statePath(s.directory), bucket: bucketRollUps}
	err = s.state.read(func(f *pages.File) error {
		blob = r.blob(f, append(timeKey(start), key...))
		return nil
	})
	if err != nil {
		return nil, err
	}
	return blob, r.damage.err()
}

// startsAtOnce is how many times RollUpStarts looks up at once.
const startsAtOnce = 1024

// RollUpStarts returns the different times at which roll-ups start, at or after since
// and before until (Unix ns, 0 for no limit): the newest limit of them, or all if that
// is 0, newest first. It looks at one roll-up of each; damage shows when they are read.
func (s *Store) RollUpStarts(since, until int64, limit int) ([]int64, error) {
	if s.state == nil {
		return nil, nil
	}
	var starts []int64
	for more := true; more; {
		err := s.state.read(func(f *pages.File) error {
			b, _ := f.Bucket(bucketRollUps, nil)
			c := b.Cursor(nil)
			more = false
			for range startsAtOnce {
				if limit != 0 && len(starts) == limit {
					return nil
				}
				key := lastBefore(c, until)
				if key == nil || since != 0 && keyTime(key) < since {
					return nil
				}
				until = keyTime(key)
				starts = append(starts, until)
				if until == 0 { // which would be no limit; nothing was received before 1970
					return nil
				}
			}
			more = true
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return starts, nil
}

// lastBefore returns the last key before a time, 0 for the very last; nil if there is
// none.
func lastBefore(c *pages.Cursor, until int64) (key []byte) {
	if until == 0 {
		key, _ = c.Last()
		return key
	}
	if key, _ = c.Floor(timeKey(until)); len(key) == 8 { // which is no roll-up's
		key, _ = c.Prev()
	}
	return key
}

// forgetAtOnce is how many entries one transaction deletes: checkpoints wait for it.
const forgetAtOnce = 4096

// ForgetBefore deletes the roll-ups that start before t (Unix ns), and the findings and
// reference samples before it; states stay. It takes many short transactions: one that
// is cut off is carried on by another with the same or a later t.
func (s *Store) ForgetBefore(t int64) error {
	if s.options.ReadOnly {
		return ErrReadOnly
	}
	for _, bucket := range []string{bucketRollUps, bucketFindings, bucketReference} {
		for more := true; more; {
			err := s.updateState(func(tx *bolt.Tx) (err error) {
				more, err = forgetSome(tx.Bucket([]byte(bucket)), timeKey(t))
				return err
			})
			if err != nil {
				return fmt.Errorf("storage: forget %s: %w", bucket, err)
			}
		}
	}
	return nil
}

// forgetSome deletes the first entries of a bucket that lie before a key, and reports
// whether there may be more.
func forgetSome(b *bolt.Bucket, before []byte) (more bool, err error) {
	var keys [][]byte // a cursor would pass some over if it deleted as it goes
	c := b.Cursor()
	for key, _ := c.First(); key != nil && bytes.Compare(key, before) < 0 && len(keys) < forgetAtOnce; key, _ = c.Next() {
		keys = append(keys, bytes.Clone(key))
	}
	for _, key := range keys {
		if err := b.Delete(key); err != nil {
			return false, err
		}
	}
	return len(keys) == forgetAtOnce, nil
}
