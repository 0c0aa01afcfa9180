package storage

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/skewatch/skewatch/storage/pages"
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
	err = s.missPromised()
	s.last, s.committed = s.written, s.written
	return err
}

// missPromised tells of messages that were on disk and are in no file. No crash does
// this, only the loss of files. Their numbers are spent: the states may include them.
func (s *Store) missPromised() error {
	promised, err := s.promised()
	if errors.As(err, new(*DamageError)) && s.options.ReadOnly {
		err = nil
	}
	if err != nil || promised <= s.written {
		return err
	}
	record := fmt.Sprintf("messages %d to %d", s.written+1, promised)
	s.options.Log.Warnf("storage: %s: %s were on disk, and are in no file", s.directory, record)
	s.found = append(s.found, DamageError{File: s.directory, Record: record, Problem: "they are missing"})
	s.written = promised
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
			s.found = append(s.found, DamageError{File: path, Record: "the tail", Problem: errTail.Error()})
			continue
		case errors.Is(f.err, errTail):
			aside, err := setAside(path)
			if err != nil {
				return nil, err
			}
			s.options.Log.Errorf("storage: %v; set aside as %s, and its messages are missing", f.err, aside)
			continue
		case f.err != nil:
			return nil, f.err
		}
		for _, lost := range f.lost {
			s.options.Log.Errorf("storage: %s: messages %d to %d can't be read, and are missing", path, lost.first, lost.last)
			s.found = append(s.found, DamageError{File: path, Record: fmt.Sprintf("messages %d to %d", lost.first, lost.last), Problem: "they can't be read"})
		}
		usable = append(usable, f)
	}
	return usable, nil
}

// resume makes the store ready to go on where its files end.
func (s *Store) resume() error {
	usable, err := s.findSealed()
	if err != nil {
		return err
	}
	found, err := s.usableTails()
	if err != nil {
		return err
	}
	if err := s.openTails(); err != nil {
		return err
	}
	s.written = s.blocksTo
	for _, f := range found {
		s.takeOver(f)
		if err := s.current.tail.sync(); err != nil { // a kill leaves messages that aren't synced
			return err
		}
	}
	if err := s.missPromised(); err != nil {
		return err
	}
	s.last, s.committed = s.written, s.written
	if err := s.resumeSegment(usable); err != nil {
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

// leastTailBytes is how small the tails are made where there is little room.
const leastTailBytes = 1 << 20

// openTails opens the tails. Both take half of the room at most; where there is little,
// rounds are smaller.
func (s *Store) openTails() (err error) {
	room := freeBytes(s.directory)
	for i := range s.tails {
		if info, err := os.Stat(tailPath(s.directory, i)); err == nil {
			room += info.Size() // theirs already
		}
	}
	for s.options.TailBytes > room/4 && s.options.TailBytes > leastTailBytes {
		s.options.TailBytes /= 2
	}
	for i := range s.tails {
		if s.tails[i], err = openTail(tailPath(s.directory, i), s.options.TailBytes+s.options.TailBytes/8); err != nil {
			return err
		}
	}
	return syncDirectory(s.directory) // their names
}

// takeOver makes a tail's messages the present round, and what was that the one to seal.
func (s *Store) takeOver(f foundTail) {
	t := s.tails[f.file]
	t.header, t.epoch, t.end, t.dirty = f.header, f.epoch, f.end, true
	s.sealing = s.current
	s.current = &round{tail: t, first: f.firstSequence(), began: time.Now()}
	s.current.add(f.records)
	s.written = s.current.last()
}

// findSealed finds out up to which message there are blocks, and the Merkle log up to
// there, from the newest segments. It reports whether the newest can be written on to.
func (s *Store) findSealed() (usable bool, err error) {
	s.history, usable = new(history), true
	for {
		g := s.segments.newest()
		if g == nil {
			break
		}
		err := s.examine(g)
		if err == nil {
			break
		}
		if !errors.As(err, new(*DamageError)) {
			return false, err
		}
		s.options.Log.WithError(err).Error("storage: the newest segment is damaged")
		usable = false
		if s.summary.last >= g.first || s.options.ReadOnly {
			break // what can be read of it stays where it is
		}
		if err := s.setAside(g); err != nil {
			return false, err
		}
	}
	s.blocksTo = s.summary.last
	return usable, s.recallHistory()
}

// examine reads what a segment says of its rounds.
func (s *Store) examine(g *segment) error {
	s.summary = emptySummary(g.first)
	return s.segments.read(g, func(f *pages.File) error {
		d := damage{}
		begun, err := decodeHistory(metaValue(f, keyHistory))
		if err != nil {
			d.note(g.path, "the segment", err.Error())
			begun = new(history)
		}
		eachRound(f, 0, func(record, problem string) { d.note(g.path, record, problem) }, func(r *sealedRound) bool {
			if begun, err = begun.with(r.record); err != nil {
				return false
			}
			s.summary.add(&r.manifest)
			return true
		})
		if err != nil {
			return err
		}
		s.history = begun
		return d.err()
	})
}

// recallHistory goes on with the Merkle log as the state has it, if that is longer: then
// segments are missing.
func (s *Store) recallHistory() error {
	noted, err := s.notedHistory()
	if err != nil || noted == nil || noted.size <= s.history.size {
		return err
	}
	s.options.Log.Errorf("storage: %s: the Merkle log had %d rounds, of which %d are here", s.directory, noted.size, s.history.size)
	s.history = noted
	return nil
}

// resumeSegment opens the newest segment to write, or a new one if there is none or it is
// damaged.
func (s *Store) resumeSegment(usable bool) error {
	if g := s.segments.newest(); g != nil && usable {
		err := s.segments.openToWrite(g)
		if err == nil {
			s.active = g
			return nil
		}
		if !errors.As(err, new(*DamageError)) {
			return err
		}
		s.options.Log.WithError(err).Error("storage: the newest segment is damaged; nothing more is written to it")
	}
	first := s.last + 1
	for _, r := range [...]*round{s.sealing, s.current} {
		if r != nil {
			first = min(first, r.first)
		}
	}
	if g := s.segments.newest(); g != nil && g.first >= first {
		if err := s.setAside(g); err != nil {
			return err
		}
	}
	return s.activateNew(first)
}
