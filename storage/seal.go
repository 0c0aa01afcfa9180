package storage

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/skewatch/skewatch/storage/pages"
)

// endRound hands the present round over to be sealed, if it is full or old enough and the
// one before it is sealed.
func (s *Store) endRound() error {
	s.mu.Lock()
	r := s.current
	due := r.bytes >= s.options.TailBytes || r.bytes > 0 && time.Since(r.began) >= s.options.SealEvery
	free := s.sealing == nil
	s.mu.Unlock()
	if !due || !free {
		return nil
	}
	if err := r.tail.sync(); err != nil { // its messages are never less safe than later ones
		return err
	}
	if err := s.beginRound(s.otherTail(r.tail), r.last()+1, r); err != nil {
		return err
	}
	s.rounds <- r
	return nil
}

// beginRound makes an empty round the present one, and the one before it that which is
// sealed; nil for none.
func (s *Store) beginRound(t *tail, first uint64, before *round) error {
	if err := t.begin(first); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.current, s.sealing = &round{tail: t, first: first, began: time.Now()}, before
	s.committed = s.written
	return nil
}

func (s *Store) otherTail(t *tail) *tail {
	if t == s.tails[0] {
		return s.tails[1]
	}
	return s.tails[0]
}

// sealLoop seals rounds, one after the other.
func (s *Store) sealLoop() {
	defer close(s.sealDone)
	for r := range s.rounds {
		for !s.sealRound(r) {
			select {
			case <-time.After(sealAgain):
			case <-s.stop:
				return // the tail keeps them
			}
		}
	}
}

// sealAgain is after how long a failed sealing is tried again.
const sealAgain = time.Second

// sealRound seals a round, and reports whether that went well.
func (s *Store) sealRound(r *round) bool {
	err := s.writeRound(r)
	if errors.As(err, new(*DamageError)) {
		s.options.Log.WithError(err).Error("storage: a segment is damaged; nothing more is written to it")
		if err = s.abandon(r.first); err == nil {
			err = s.writeRound(r)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case err != nil && s.sealFailure == nil:
		s.options.Log.WithError(err).Error("storage: messages can't be sealed; keeping them in the tail and trying on")
	case err == nil && s.sealFailure != nil:
		s.options.Log.Info("storage: messages can be sealed again")
	}
	if s.sealFailure = err; err == nil {
		s.sealing, s.blocksTo = nil, r.last()
		if s.readers == 0 {
			s.pending.reuse(r.records)
		}
	}
	s.broadcast()
	return err == nil
}

// writeRound writes a round's blocks to the active segment, or to a new one when that is
// full.
func (s *Store) writeRound(r *round) error {
	if err := s.set.fill(r); err != nil {
		return fmt.Errorf("storage: seal messages %d to %d: %w", r.first, r.last(), err)
	}
	m := manifestOf(r, &s.set)
	if err := s.prepareSegment(&m); err != nil {
		return fmt.Errorf("storage: start a segment in %s: %w", s.segments.directory, err)
	}
	if err := s.putManifest(m); err != nil {
		return fmt.Errorf("storage: write to %s: %w", s.active.path, err)
	}
	return nil
}

// prepareSegment makes sure that there is an active segment that a round belongs into.
func (s *Store) prepareSegment(m *manifest) error {
	if s.active == nil { // a damaged one was left, and there was no room for the next
		return s.activateNew(m.first)
	}
	full, err := s.isFull(m)
	if err != nil || !full {
		return err
	}
	return s.startSegment(m.first)
}

// isFull reports whether a round belongs into a new segment.
func (s *Store) isFull(m *manifest) (full bool, err error) {
	if s.summary.earliest <= s.summary.latest && m.earliest-s.summary.earliest >= int64(s.options.SegmentSpan) {
		return true, nil
	}
	err = s.active.db.read(func(f *pages.File) error {
		full = f.Size() >= s.options.SegmentBytes
		return nil
	})
	return full, err
}

// putManifest writes a round to the active segment and the Merkle log.
func (s *Store) putManifest(m manifest) error {
	sealed := sealedRound{manifest: m, record: m.encode()}
	h, err := s.history.with(sealed.record)
	if err != nil {
		return err
	}
	if sealed.head, err = s.signHead(h, m.last); err != nil {
		return err
	}
	err = s.active.db.update(func(tx *bolt.Tx) error { return putRound(tx, &sealed, &s.set) })
	if err != nil {
		return err
	}
	s.summary.add(&m)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.history, s.head = h, sealed.head
	return nil
}

func (s *Store) signHead(h *history, last uint64) ([]byte, error) {
	root, err := h.root()
	if err != nil {
		return nil, err
	}
	return head{h.size, root, last}.sign(s.signer)
}

// startSegment closes the active segment and begins one whose first message is first.
func (s *Store) startSegment(first uint64) error {
	full := s.active
	err := full.db.update(func(tx *bolt.Tx) error {
		return putGuarded(tx.Bucket([]byte(bucketMeta)), []byte(keyClosed), s.summary.encode())
	})
	if err != nil {
		return err
	}
	if err := s.activateNew(first); err != nil {
		return err
	}
	if err := errors.Join(s.segments.letGo(full), trim(full.path)); err != nil {
		s.options.Log.WithError(err).Warnf("storage: close %s", full.path)
	}
	return nil
}

// trim gives back what a file was extended by ahead of need.
func trim(path string) error {
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	f, err := pages.Open(file)
	if err == nil {
		err = file.Truncate(f.Size())
	}
	return errors.Join(err, file.Close())
}

// abandon leaves the active segment as it is. The next one will begin with first.
func (s *Store) abandon(first uint64) error {
	broken := s.active
	if broken == nil {
		return nil
	}
	if err := s.segments.letGo(broken); err != nil {
		s.options.Log.WithError(err).Warnf("storage: close %s", broken.path)
	}
	if broken.first == first { // it holds nothing, and its name is wanted
		if err := s.setAside(broken); err != nil {
			return err
		}
	}
	s.active = nil
	return nil
}

// setAside takes a segment that can't be read out of the list and renames its file.
func (s *Store) setAside(g *segment) error {
	aside, err := setAside(g.path)
	if err != nil {
		return err
	}
	s.segments.drop(g)
	s.options.Log.Errorf("storage: %s is set aside as %s", g.path, filepath.Base(aside))
	return nil
}

// setAside renames a damaged file.
func setAside(path string) (aside string, err error) {
	aside = fmt.Sprintf("%s.damaged-%d", path, time.Now().UnixNano())
	return aside, os.Rename(path, aside)
}

// activateNew begins a segment whose first message is first.
func (s *Store) activateNew(first uint64) error {
	g, err := s.segments.create(first, s.history)
	if err != nil {
		return err
	}
	if err := s.segments.openToWrite(g); err != nil {
		return err
	}
	s.segments.add(g)
	s.active, s.summary = g, emptySummary(first)
	return nil
}
