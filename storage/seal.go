package storage

import (
	"fmt"
	"time"
)

// endRound hands the present round over to be sealed, if it is full or old enough and the
// one before it is sealed.
func (s *Store) endRound() {
	s.mu.Lock()
	r := s.current
	due := r.bytes >= s.options.TailBytes || r.bytes > 0 && time.Since(r.began) >= s.options.SealEvery
	free := s.sealing == nil
	s.mu.Unlock()
	if !due || !free {
		return
	}
	err := r.tail.sync() // its messages are never less safe than later ones
	if err == nil {
		err = s.beginRound(s.otherTail(r.tail), r.last()+1, r)
	}
	if err != nil {
		s.options.Log.WithError(err).Error("storage: begin a round")
		return
	}
	s.rounds <- r
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
	size, err := usedBytes(s.activeDB)
	if err != nil {
		return fmt.Errorf("storage: %s: %w", s.active.path, err)
	}
	if size >= s.options.SegmentBytes {
		if err := s.startSegment(r.first); err != nil {
			return fmt.Errorf("storage: start a segment in %s: %w", s.segments.directory, err)
		}
	}
	if err := writeBlocks(s.activeDB, r.first, r.last(), &s.set); err != nil {
		return fmt.Errorf("storage: write to %s: %w", s.active.path, err)
	}
	return nil
}

func (s *Store) startSegment(first uint64) error {
	full := s.active
	if err := s.activateNew(first); err != nil {
		return err
	}
	if err := s.segments.release(full); err != nil {
		s.options.Log.WithError(err).Warnf("storage: close %s", full.path)
	}
	return nil
}
