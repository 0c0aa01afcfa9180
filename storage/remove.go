package storage

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// removedName is the file that says from which message on there are segments, since
// those before were removed on purpose: a signed note. What is missing without it
// was cut out.
const removedName = "removed"

// writeRemoved notes that segments before a sequence are removed.
func writeRemoved(directory string, signer note.Signer, kept uint64) error {
	signed, err := note.Sign(&note.Note{Text: fmt.Sprintf("%s\nkept from message %d\n", signer.Name(), kept)}, signer)
	if err != nil {
		return err
	}
	return ReplaceFile(filepath.Join(directory, removedName), signed, 0o600)
}

var errRemoved = errors.New("it isn't a note of what was removed")

// readRemoved returns the sequence from which on there are segments, 0 if none was ever
// removed.
func readRemoved(directory string, keys note.Verifiers) (kept uint64, err error) {
	signed, err := os.ReadFile(filepath.Join(directory, removedName))
	if isGone(err) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	n, err := note.Open(signed, keys)
	if err != nil {
		return 0, err
	}
	_, text, found := strings.Cut(strings.TrimSpace(n.Text), "\nkept from message ")
	if !found {
		return 0, errRemoved
	}
	if kept, err = strconv.ParseUint(text, 10, 64); err != nil {
		return 0, errRemoved
	}
	return kept, nil
}

// A Retention says what is kept. The zero value keeps all.
type Retention struct {
	// Since has segments removed whose newest message was received before, Unix ns.
	// What a clock that is wrong says must not come here: it would remove everything.
	Since int64

	// Bytes is how much all segments may take; 0 for no limit. The newest is always kept.
	Bytes int64
}

// A Removed is a segment that was removed.
type Removed struct {
	File        string
	First, Last uint64 // sequences that it held
	Bytes       int64
}

// Expire removes whole segments, the oldest first, as far as r says. It stops at the first
// that is to be kept.
func (s *Store) Expire(r Retention) (removed []Removed, err error) {
	if s.options.ReadOnly {
		return nil, ErrReadOnly
	}
	all := s.segments.list()
	total := int64(0)
	sizes := make([]int64, len(all))
	for i, g := range all {
		if info, err := os.Stat(g.path); err == nil {
			sizes[i] = info.Size()
			total += sizes[i]
		}
	}
	old := s.segments.before(r.Since)
	for i := 0; i+1 < len(all); i++ {
		if i >= old && (r.Bytes == 0 || total <= r.Bytes) {
			break
		}
		if err := removeSegment(s.directory, s.signer, all[i], all[i+1].first); err != nil {
			return removed, fmt.Errorf("storage: remove %s: %w", all[i].path, err)
		}
		s.segments.drop(all[i])
		total -= sizes[i]
		removed = append(removed, Removed{all[i].path, all[i].first, all[i+1].first - 1, sizes[i]})
	}
	return removed, nil
}

// before returns how many segments, from the oldest on, hold nothing that was received at or
// after a time. One that was left when it was damaged is as old as the next one that tells.
func (s *segments) before(t int64) (n int) {
	for i, g := range s.list() {
		if known := s.summaryOf(g); known != nil && known.latest >= t {
			break
		} else if known != nil {
			n = i + 1
		}
	}
	return n
}

// removeSegment removes a segment's file, and notes that from the next one on all is kept.
// Somebody else may have removed more already.
func removeSegment(directory string, signer note.Signer, g *segment, kept uint64) error {
	keys, err := ReadKeys(filepath.Join(directory, publicKeyName))
	if err != nil {
		return err
	}
	noted, err := readRemoved(directory, keys)
	if err != nil {
		return err
	}
	if err := writeRemoved(directory, signer, max(kept, noted)); err != nil {
		return err
	}
	if err := removeIfThere(g.path); err != nil {
		return err
	}
	return syncDirectory(filepath.Dir(g.path))
}
