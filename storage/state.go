package storage

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"path/filepath"
	"slices"
	"strings"

	bolt "go.etcd.io/bbolt"

	"github.com/skewatch/skewatch/storage/pages"
)

// The buckets of state.db, and what stands in its bucket meta. All values but the schema
// are guarded by a CRC32C.
const (
	bucketStates    = "states"
	bucketRollUps   = "rollups"
	bucketFindings  = "findings"
	bucketReference = "reference"
)

var stateBuckets = []string{bucketStates, bucketRollUps, bucketFindings, bucketReference, bucketOutbox, bucketSchedules, bucketForwards}

// Changes is what one Checkpoint writes, all of it or none. The blobs mean
// nothing to the store.
type Changes struct {
	Sequence  uint64            // the states include every message up to this one
	States    []State           // each replaces the one with the same Key
	RollUps   []RollUp          // each replaces the one with the same Start and Key; a nil Blob deletes it
	Findings  []Finding         // added; each is given an ID
	Reference []ReferenceSample // added; a second one with the same At replaces the first
}

// A State is what is remembered of one thing, such as an originator's clock.
type State struct {
	Key  string // not empty
	Blob []byte // nil deletes the state
}

// A RollUp sums up a stretch of time for one thing.
type RollUp struct {
	Start int64 // Unix ns
	Key   string
	Blob  []byte // nil deletes the roll-up
}

// A Finding is something that was found out, and when.
type Finding struct {
	ID   uint64 // rises with each finding, from 1; given by Checkpoint
	At   int64  // Unix ns
	Blob []byte
}

// A ReferenceSample is one entry in the history of the collector's own clock.
type ReferenceSample struct {
	At   int64 // Unix ns
	Blob []byte
}

// stateMapBytes keeps the file from being mapped anew as it grows.
const stateMapBytes = 256 << 20

func statePath(directory string) string { return filepath.Join(directory, "state.db") }

// Checkpoint writes c in one transaction. First it waits until the messages up
// to c.Sequence are on disk: whatever happens, the states never include a message
// that the segments have lost. It sets the IDs of c.Findings.
func (s *Store) Checkpoint(c Changes) error {
	if s.options.ReadOnly {
		return ErrReadOnly
	}
	if last := s.Last(); c.Sequence > last {
		return fmt.Errorf("storage: checkpoint: sequence %d is beyond the last message, %d", c.Sequence, last)
	}
	if err := s.waitCommitted(context.Background(), c.Sequence); err != nil {
		return fmt.Errorf("storage: checkpoint: %w", err)
	}
	signed, h := s.newestHead()
	err := s.updateState(func(tx *bolt.Tx) error {
		if err := putHead(tx, signed, h); err != nil {
			return err
		}
		return c.write(tx)
	})
	if err != nil {
		return fmt.Errorf("storage: checkpoint: %w", err)
	}
	return nil
}

func (c *Changes) write(tx *bolt.Tx) error {
	for _, write := range []func(*bolt.Tx) error{c.writeStates, c.writeRollUps, c.writeFindings, c.writeReference} {
		if err := write(tx); err != nil {
			return err
		}
	}
	return putGuarded(tx.Bucket([]byte(bucketMeta)), []byte(keyCheckpoint), sequenceKey(c.Sequence))
}

func (c *Changes) writeStates(tx *bolt.Tx) error {
	b := tx.Bucket([]byte(bucketStates))
	byKey := func(x, y State) int { return strings.Compare(x.Key, y.Key) }
	for _, e := range slices.SortedStableFunc(slices.Values(c.States), byKey) { // bbolt moves less when keys rise
		if err := putOrDelete(b, []byte(e.Key), e.Blob); err != nil {
			return fmt.Errorf("state %q: %w", e.Key, err)
		}
	}
	return nil
}

// putOrDelete stores a blob, or deletes the key of a nil one.
func putOrDelete(b *bolt.Bucket, key, blob []byte) error {
	if blob == nil {
		return b.Delete(key)
	}
	return putGuarded(b, key, blob)
}

func (c *Changes) writeRollUps(tx *bolt.Tx) error {
	b := tx.Bucket([]byte(bucketRollUps))
	b.FillPercent = 0.8 // most are appended; they may grow until they end
	byKey := func(x, y RollUp) int { return cmp.Or(cmp.Compare(x.Start, y.Start), strings.Compare(x.Key, y.Key)) }
	for _, e := range slices.SortedStableFunc(slices.Values(c.RollUps), byKey) { // as states are
		if err := putOrDelete(b, append(timeKey(e.Start), e.Key...), e.Blob); err != nil {
			return fmt.Errorf("roll-up %q: %w", e.Key, err)
		}
	}
	return nil
}

func (c *Changes) writeFindings(tx *bolt.Tx) error {
	b := tx.Bucket([]byte(bucketFindings))
	for i := range c.Findings {
		e := &c.Findings[i]
		var err error
		if e.ID, err = b.NextSequence(); err != nil {
			return err
		}
		key := binary.BigEndian.AppendUint64(timeKey(e.At), e.ID)
		if err := putGuarded(b, key, e.Blob); err != nil {
			return fmt.Errorf("finding %d: %w", e.ID, err)
		}
	}
	return nil
}

func (c *Changes) writeReference(tx *bolt.Tx) error {
	b := tx.Bucket([]byte(bucketReference))
	b.FillPercent = 1 // appended to, but for clock steps
	for _, e := range c.Reference {
		if err := putGuarded(b, timeKey(e.At), e.Blob); err != nil {
			return fmt.Errorf("reference sample: %w", err)
		}
	}
	return nil
}

// States calls fn with each state of the last checkpoint, in order of keys, and
// returns the sequence up to which they include the messages. The blob is fn's to
// keep. All is read at once, so that it belongs together: fn should only decode, for
// it holds up checkpoints (never commits of messages). A damaged state is passed over,
// and States returns a *DamageError in the end.
func (s *Store) States(fn func(key string, blob []byte) error) (sequence uint64, err error) {
	if s.state == nil {
		return 0, nil
	}
	r := stateReader{path: statePath(s.directory), bucket: bucketStates}
	err = s.state.read(func(f *pages.File) error {
		if sequence, err = checkpointIn(f, r.path); err != nil {
			return err
		}
		b, ok := f.Bucket(bucketStates, r.notePage)
		if !ok {
			return nil
		}
		take := r.guarded(func(key, blob []byte) error { return fn(string(key), bytes.Clone(blob)) })
		c := b.Cursor(r.notePage)
		for k, v := c.First(); k != nil; k, v = c.Next() {
			if err := take(k, v); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	return sequence, r.damage.err()
}

// State returns one state of the last checkpoint, nil if it has none under the key. It
// doesn't wait for the next one: while that is being written it fails with ErrBusy. A
// damaged state is a *DamageError.
func (s *Store) State(key string) (blob []byte, err error) {
	if s.state == nil {
		return nil, nil
	}
	r := stateReader{path: statePath(s.directory), bucket: bucketStates}
	err = s.state.readNow(func(f *pages.File) error {
		blob = r.blob(f, []byte(key))
		return nil
	})
	if err != nil {
		return nil, err
	}
	return blob, r.damage.err()
}

// RollUps calls fn with each roll-up that starts at or after since and before
// until (Unix ns, 0 for no limit), in order of Start, then Key. Key and blob are valid
// until fn returns; no transaction is open while it runs. Damage is passed over
// as in Messages.
func (s *Store) RollUps(since, until int64, fn func(start int64, key, blob []byte) error) error {
	return s.between(bucketRollUps, since, until, func(key, blob []byte) error {
		return fn(keyTime(key), key[8:], blob)
	})
}

// Findings calls fn with each finding at or after since and before until, in
// order of At, then ID; otherwise it is like RollUps.
func (s *Store) Findings(since, until int64, fn func(Finding) error) error {
	return s.between(bucketFindings, since, until, func(key, blob []byte) error {
		return fn(Finding{ID: binary.BigEndian.Uint64(key[8:]), At: keyTime(key), Blob: blob})
	})
}

// ReferenceHistory calls fn with each sample at or after since and before until,
// in order of At; otherwise it is like RollUps.
func (s *Store) ReferenceHistory(since, until int64, fn func(ReferenceSample) error) error {
	return s.between(bucketReference, since, until, func(key, blob []byte) error {
		return fn(ReferenceSample{At: keyTime(key), Blob: blob})
	})
}

// between calls fn with the entries of a bucket keyed by time.
func (s *Store) between(bucket string, since, until int64, fn func(key, blob []byte) error) error {
	if s.state == nil {
		return nil
	}
	from := []byte{}
	if since != 0 {
		from = timeKey(since)
	}
	r := stateReader{path: statePath(s.directory), bucket: bucket}
	err := scan(context.Background(), s.state, bucket, from, r.notePage, func(key, _ []byte) choice {
		if until != 0 && bytes.Compare(key, timeKey(until)) >= 0 {
			return finish
		}
		return take
	}, r.guarded(fn))
	if err != nil {
		return err
	}
	return r.damage.err()
}

// A stateReader checks the values that it reads from a bucket of state.db.
type stateReader struct {
	path   string
	bucket string
	damage damage
}

func (r *stateReader) notePage(d pages.Damage) {
	r.damage.note(r.path, d.Place(), d.Problem)
}

// blob returns a copy of what stands under a key, nil if nothing sound does.
func (r *stateReader) blob(f *pages.File, key []byte) (blob []byte) {
	b, _ := f.Bucket(r.bucket, r.notePage)
	if k, value := b.Cursor(r.notePage).Seek(key); bytes.Equal(k, key) {
		_ = r.guarded(func(_, sound []byte) error { // which fails only where this does
			blob = append([]byte{}, sound...)
			return nil
		})(k, value)
	}
	return blob
}

// guarded returns a function that calls fn with the blob of each sound value.
func (r *stateReader) guarded(fn func(key, blob []byte) error) func(key, value []byte) error {
	return func(key, value []byte) error {
		if !sound(key, value) {
			r.damage.note(r.path, fmt.Sprintf("%s %q", r.bucket, key), failsChecksum)
			return nil
		}
		return fn(key, value[4:])
	}
}

// putGuarded stores a blob behind the CRC32C of its key and itself.
func putGuarded(b *bolt.Bucket, key, blob []byte) error {
	value := binary.BigEndian.AppendUint32(make([]byte, 0, 4+len(blob)), guard(key, blob))
	return b.Put(key, append(value, blob...))
}

// sound reports whether a value is as putGuarded stored it.
func sound(key, value []byte) bool {
	return len(value) >= 4 && binary.BigEndian.Uint32(value) == guard(key, value[4:])
}

func guard(key, blob []byte) uint32 {
	return crc32.Update(crc32.Checksum(key, castagnoli), castagnoli, blob)
}

// timeKey codes Unix nanoseconds so that keys sort as times do, before 1970 too.
func timeKey(unixNano int64) []byte {
	return binary.BigEndian.AppendUint64(nil, uint64(unixNano)^1<<63)
}

func keyTime(key []byte) int64 { return int64(binary.BigEndian.Uint64(key) ^ 1<<63) }

func sequenceOf(key []byte) uint64 { return binary.BigEndian.Uint64(key) }

func sequenceKey(sequence uint64) []byte {
	return binary.BigEndian.AppendUint64(nil, sequence)
}
