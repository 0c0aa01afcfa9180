package storage

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"
)

// readTails takes over the unsealed messages of a store that is only read.
func (s *Store) readTails() error {
	s.current = &round{first: s.blocksTo + 1}
	found, err := s.usableTails()
	if err != nil {
		return err
	}
	for _, f := range found {
		s.current.add(f.records)
	}
	s.written = max(s.blocksTo, s.current.last())
	s.last, s.committed = s.written, s.written
	return nil
}

// A foundTail is the unsealed messages that one tail holds.
type foundTail struct {
	tailContent
	file int // its number
	err  error
}

// tailsFound reads the tails, that with the older messages first.
func (s *Store) tailsFound() (found []foundTail) {
	for i := range s.tails {
		f := foundTail{file: i}
		if f.tailContent, f.err = readTailFile(tailPath(s.directory, i)); f.err == nil {
			f.records = slices.DeleteFunc(f.records, func(r *record) bool { return r.last() <= s.blocksTo })
			if len(f.records) == 0 {
				continue
			}
		}
		found = append(found, f)
	}
	slices.SortFunc(found, func(a, b foundTail) int { return cmp.Compare(a.firstSequence(), b.firstSequence()) })
	return found
}

func (f *foundTail) firstSequence() uint64 {
	if len(f.records) == 0 {
		return 0
	}
	return f.records[0].first
}

// usableTails reads the tails to go on with. A file that is no tail is set aside, and what
// is lost of others is logged.
func (s *Store) usableTails() (usable []foundTail, err error) {
	for _, f := range s.tailsFound() {
		path := tailPath(s.directory, f.file)
		switch {
		case errors.Is(f.err, errTail) && s.options.ReadOnly:
			s.options.Log.Errorf("storage: %v; its messages are missing", f.err)
			continue
		case errors.Is(f.err, errTail):
			aside := fmt.Sprintf("%s.damaged-%d", path, time.Now().Unix())
			if err := os.Rename(path, aside); err != nil {
				return nil, err
			}
			s.options.Log.Errorf("storage: %v; set aside as %s, and its messages are missing", f.err, aside)
			continue
		case f.err != nil:
			return nil, f.err
		}
		for _, lost := range f.lost {
			s.options.Log.Errorf("storage: %s: messages %d to %d can't be read, and are missing", path, lost.first, lost.last)
		}
		usable = append(usable, f)
	}
	return usable, nil
}

// resume makes the store ready to go on where its files end.
func (s *Store) resume() error {
	found, err := s.usableTails()
	if err != nil {
		return err
	}
	for i := range s.tails {
		if s.tails[i], err = openTail(tailPath(s.directory, i), s.options.TailBytes+s.options.TailBytes/8); err != nil {
			return err
		}
	}
	s.written = s.blocksTo
	for _, f := range found {
		s.takeOver(f)
	}
	checkpoint, err := readCheckpoint(s.state)
	if err != nil {
		return err
	}
	if checkpoint > s.written {
		// No crash does this, only the loss of files. The states include messages with
		// these numbers, so the numbers are spent.
		s.options.Log.Warnf("storage: %s: messages %d to %d are in the states but in no file", s.directory, s.written+1, checkpoint)
		s.written = checkpoint
	}
	s.last, s.committed = s.written, s.written
	if err := s.activateNewest(); err != nil {
		return err
	}
	if s.sealing != nil {
		s.rounds <- s.sealing
	}
	if s.current == nil {
		return s.beginRound(s.tails[0], s.last+1, nil)
	}
	return nil
}

// takeOver makes a tail's messages the present round, and what was that the one to seal.
func (s *Store) takeOver(f foundTail) {
	t := s.tails[f.file]
	t.epoch, t.end, t.dirty = f.epoch, f.end, true
	s.sealing = s.current
	s.current = &round{tail: t, first: f.firstSequence(), began: time.Now()}
	s.current.add(f.records)
	s.written = s.current.last()
}

// activateNewest makes the newest segment the one that is written to, or a new one if
// there is none.
func (s *Store) activateNewest() error {
	if g := s.segments.newest(); g != nil {
		return s.activate(g)
	}
	first := s.last + 1
	for _, r := range [...]*round{s.sealing, s.current} {
		if r != nil {
			first = min(first, r.first)
		}
	}
	return s.activateNew(first)
}

// findSealed sets blocksTo from the newest segment.
func (s *Store) findSealed() error {
	g := s.segments.newest()
	if g == nil {
		return nil
	}
	db, err := s.segments.acquire(g)
	if err != nil {
		return err
	}
	s.blocksTo, err = lastSequence(db)
	return errors.Join(err, s.segments.release(g))
}
