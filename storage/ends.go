package storage

import (
	"bytes"
	"encoding/binary"
	"errors"

	bolt "go.etcd.io/bbolt"

	"github.com/skewatch/skewatch/storage/pages"
)

// What the bucket meta of state.db says of where everything ended.
const (
	keyCheckpoint = "checkpoint" // the sequence that the states include
	keyLast       = "last"       // the newest message, when the store was closed
	keyHead       = "head"       // the newest signed head of the Merkle log; keyHistory is the log
)

// checkpointIn returns the sequence of the last checkpoint, 0 if there is none.
func checkpointIn(f *pages.File, path string) (uint64, error) {
	b, ok := f.Bucket(bucketMeta, nil)
	if !ok {
		return 0, nil // its pages tell
	}
	k, v := b.Cursor(nil).Seek([]byte(keyCheckpoint))
	switch {
	case string(k) != keyCheckpoint:
		return 0, nil
	case len(v) != 12 || !sound(k, v):
		return 0, &DamageError{File: path, Record: "the checkpoint's sequence", Problem: failsChecksum}
	}
	return binary.BigEndian.Uint64(v[4:]), nil
}

// newestHead returns the newest signed head of the Merkle log and the log itself, nil if
// nothing was sealed since this store was opened.
func (s *Store) newestHead() (signed []byte, h *history) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.head, s.history
}

// putHead writes what newestHead returned.
func putHead(tx *bolt.Tx, signed []byte, h *history) error {
	if signed == nil {
		return nil
	}
	b := tx.Bucket([]byte(bucketMeta))
	if err := putGuarded(b, []byte(keyHead), signed); err != nil {
		return err
	}
	return putGuarded(b, []byte(keyHistory), h.encode())
}

// writeEnd writes where everything ended: the newest message and the newest head.
func (s *Store) writeEnd() error {
	if s.options.ReadOnly {
		return nil
	}
	signed, h := s.newestHead()
	return s.updateState(func(tx *bolt.Tx) error {
		if err := putGuarded(tx.Bucket([]byte(bucketMeta)), []byte(keyLast), sequenceKey(s.committed)); err != nil {
			return err
		}
		return putHead(tx, signed, h)
	})
}

// promised returns the newest message that was on disk for certain: one that the states
// include, or the last when the store was closed.
func (s *Store) promised() (sequence uint64, err error) {
	if s.state == nil {
		return 0, nil
	}
	err = s.state.read(func(f *pages.File) error {
		if sequence, err = checkpointIn(f, statePath(s.directory)); err != nil {
			return err
		}
		if b := metaValue(f, keyLast); len(b) == 8 {
			sequence = max(sequence, sequenceOf(b))
		}
		return nil
	})
	return sequence, err
}

// notedHead returns the newest signed head that state.db has, nil if it has none.
func (s *Store) notedHead() (signed []byte, err error) {
	if s.state == nil {
		return nil, nil
	}
	err = s.state.read(func(f *pages.File) error {
		signed = bytes.Clone(metaValue(f, keyHead))
		return nil
	})
	return signed, err
}

// notedHistory returns the Merkle log as state.db has it, nil if it has none.
func (s *Store) notedHistory() (h *history, err error) {
	if s.state == nil {
		return nil, nil
	}
	err = s.state.read(func(f *pages.File) error {
		if b := metaValue(f, keyHistory); b != nil {
			h, err = decodeHistory(b)
		}
		return err
	})
	if errors.As(err, new(*DamageError)) { // of a store that is only read
		err = nil
	}
	return h, err
}
