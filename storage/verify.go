package storage

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/skewatch/skewatch/storage/pages"
)

// An Inspection is how Verify goes about it. The zero value is a good one.
type Inspection struct {
	// Keys are the public keys that may have signed the history; nil for those that
	// the directory itself lists. Whoever can change the directory can change its
	// list: keep a copy elsewhere.
	Keys note.Verifiers

	// Heads are signed heads that were kept elsewhere: the history must be one that
	// goes on from each of them.
	Heads [][]byte

	// Progress, if not nil, is called from time to time with the sequence that has been
	// come to and the last.
	Progress func(at, last uint64)
}

// Verified is what Verify went through.
type Verified struct {
	Segments int    `json:"segments"`
	Rounds   int    `json:"rounds"`
	Blocks   int    `json:"blocks"`
	Messages uint64 `json:"messages"` // in segments
	Unsealed uint64 `json:"unsealed"` // messages that are still in a tail
	States   int    `json:"states"`   // entries of state.db
	Findings int    `json:"findings"` // calls of fn
	Head     string `json:"head"`     // newest signed head that holds; "" if there is none
}

// Verify goes through all files: their structure, the checksums and the decoding of every
// block and value, the sequence of messages without a gap, and the Merkle log with its
// signatures. It calls fn with each thing that is wrong, and returns what it has seen.
func (s *Store) Verify(ctx context.Context, how Inspection, fn func(*DamageError)) (Verified, error) {
	v := &inspector{
		store: s, how: how, fn: fn,
		told: make(map[string]bool), roots: make(map[int64]tlog.Hash), signed: make(map[int64]string),
	}
	if err := v.prepare(); err != nil {
		return Verified{}, fmt.Errorf("storage: verify %s: %w", s.directory, err)
	}
	for _, g := range s.segments.from(0) {
		if g.first > v.last+1 {
			break
		}
		if err := v.segment(ctx, g); err != nil {
			return Verified{}, err
		}
	}
	v.heads()
	v.tails()
	if err := v.state(); err != nil {
		return Verified{}, err
	}
	return v.seen, nil
}

// An inspector is one call of Verify.
type inspector struct {
	store    *Store
	how      Inspection
	fn       func(*DamageError)
	seen     Verified
	told     map[string]bool // what fn was called with
	last     uint64          // newest sealed message when it began
	unsealed []*record       // those behind it

	path    string
	next    uint64              // the sequence that should come next; 0 if that isn't known
	history *history            // up to the round before; nil if that isn't known
	reader  messageReader       // for its buffers
	roots   map[int64]tlog.Hash // that were signed, by size
	signed  map[int64]string    // what says so
}

func (v *inspector) note(record, problem string) { v.noteIn(v.path, record, problem) }

func (v *inspector) noteIn(path, record, problem string) {
	d := DamageError{File: path, Record: record, Problem: problem}
	if what := d.Error(); !v.told[what] {
		v.told[what] = true
		v.seen.Findings++
		v.fn(&d)
	}
}

func (v *inspector) notePages(damaged []pages.Damage) {
	for _, d := range damaged {
		v.note(d.Place(), d.Problem)
	}
}

// prepare finds the keys, the heads to hold the history against, and where it begins.
func (v *inspector) prepare() (err error) {
	s := v.store
	if v.how.Keys == nil {
		if v.how.Keys, err = ReadKeys(filepath.Join(s.directory, publicKeyName)); isGone(err) {
			v.noteIn(filepath.Join(s.directory, publicKeyName), "the public key", "it is gone, and no signature can be checked")
			v.how.Keys, err = note.VerifierList(), nil
		}
		if err != nil {
			return err
		}
	}
	for _, signed := range v.how.Heads {
		if err := v.expect(signed, "the head that was given"); err != nil {
			return fmt.Errorf("a head that was given: %w", err)
		}
	}
	if signed, err := s.notedHead(); err == nil && signed != nil {
		if err := v.expect(signed, "the newest head that was signed"); err != nil {
			v.noteIn(statePath(s.directory), "the newest head", err.Error())
		}
	}
	kept := v.kept()
	v.next = max(kept, 1)
	if all := s.segments.list(); len(all) > 0 && (all[0].first < kept || s.state == nil) {
		v.next = all[0].first // put back, or an archive
	}
	s.mu.Lock()
	v.last, v.unsealed = s.blocksTo, s.unsealed()
	s.mu.Unlock()
	if aside, err := filepath.Glob(filepath.Join(s.directory, "*.damaged-*")); err == nil {
		more, _ := filepath.Glob(filepath.Join(s.segments.directory, "*.damaged-*")) // as well formed as the first
		for _, path := range append(aside, more...) {
			v.noteIn(path, "the file", "it was set aside since it is damaged")
		}
	}
	return nil
}

// kept returns from which message on there are segments, since those before were removed.
func (v *inspector) kept() uint64 {
	kept, err := readRemoved(v.store.directory, v.how.Keys)
	if err != nil {
		v.noteIn(filepath.Join(v.store.directory, removedName), "the note of what was removed", err.Error())
	}
	return kept
}

// expect has the history held against a signed head once it has grown to its size.
func (v *inspector) expect(signed []byte, what string) error {
	h, err := openHead(signed, v.how.Keys)
	if err == nil {
		v.roots[h.size], v.signed[h.size] = h.root, fmt.Sprintf("%s, of %d rounds up to message %d", what, h.size, h.last)
	}
	return err
}

// heads tells of the signed heads that the history has never come to.
func (v *inspector) heads() {
	if v.history == nil {
		return
	}
	v.path = v.store.segments.directory
	for _, size := range slices.Sorted(maps.Keys(v.roots)) {
		if size > v.history.size {
			v.note("the history", fmt.Sprintf("it ends after %d rounds, short of %s", v.history.size, v.signed[size]))
		}
	}
}

// tails tells what was found in the tails when they were read.
func (v *inspector) tails() {
	s := v.store
	for _, d := range s.found {
		v.noteIn(d.File, d.Record, d.Problem)
	}
	v.path = s.directory
	for _, r := range v.unsealed {
		if r.first > v.next && v.next != 0 {
			v.missing(v.next, r.first-1)
		}
		v.next = r.last() + 1
		v.seen.Unsealed += uint64(r.count)
	}
}

// state goes through state.db.
func (v *inspector) state() error {
	s := v.store
	if s.state == nil {
		return nil
	}
	v.path = statePath(s.directory)
	var damaged []pages.Damage
	err := s.state.read(func(f *pages.File) error {
		f.Check(func(d pages.Damage) { damaged = append(damaged, d) })
		return nil
	})
	v.notePages(damaged)
	for _, bucket := range append([]string{bucketMeta}, stateBuckets...) {
		if err != nil {
			break
		}
		err = scan(context.Background(), s.state, bucket, []byte{}, func(pages.Damage) {}, func(k, value []byte) choice {
			if v.seen.States++; sound(k, value) {
				return pass
			}
			return take
		}, func(k, _ []byte) error {
			v.note(fmt.Sprintf("%s %q", bucket, k), failsChecksum)
			return nil
		})
	}
	var found *DamageError
	if errors.As(err, &found) {
		v.note(found.Record, found.Problem)
		return nil
	}
	return err
}
