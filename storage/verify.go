package storage

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"path/filepath"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/skewatch/skewatch/collector/message"
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
		v.note(fmt.Sprintf("page %d", d.Page), d.Problem)
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
	kept, err := s.readRemoved(v.how.Keys)
	if err != nil {
		v.noteIn(filepath.Join(s.directory, removedName), "the note of what was removed", err.Error())
	}
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

// expect has the history held against a signed head once it has grown to its size.
func (v *inspector) expect(signed []byte, what string) error {
	h, err := openHead(signed, v.how.Keys)
	if err == nil {
		v.roots[h.size], v.signed[h.size] = h.root, fmt.Sprintf("%s, of %d rounds up to message %d", what, h.size, h.last)
	}
	return err
}

// segment goes through one segment.
func (v *inspector) segment(ctx context.Context, g segmentRange) error {
	v.path = g.path
	v.seen.Segments++
	var damaged []pages.Damage
	var begun []byte
	err := v.store.segments.read(g.segment, func(f *pages.File) error {
		f.Check(func(d pages.Damage) { damaged = append(damaged, d) })
		begun = bytes.Clone(metaValue(f, keyHistory))
		return nil
	})
	v.notePages(damaged)
	if err == nil {
		v.begin(begun)
	}
	for from := g.first; err == nil && from != 0; {
		if err := ctx.Err(); err != nil {
			return err
		}
		if v.how.Progress != nil {
			v.how.Progress(from-1, v.last)
		}
		var r *sealedRound
		err = v.store.segments.read(g.segment, func(f *pages.File) error {
			r = v.load(f, from, min(v.last, g.last))
			return nil
		})
		if from = 0; r != nil {
			v.round(r)
			from = r.last + 1
		}
	}
	if isGone(err) {
		return nil // removed meanwhile
	}
	var found *DamageError
	if errors.As(err, &found) {
		v.note(found.Record, found.Problem)
		v.history = nil
		return nil
	}
	return err
}

// begin compares where a segment says that the Merkle log stood with where it does.
func (v *inspector) begin(encoded []byte) {
	begun, err := decodeHistory(encoded)
	switch {
	case err != nil:
		v.note("the segment", errHistory.Error())
		v.history = nil
		return
	case v.history != nil && !bytes.Equal(v.history.encode(), encoded):
		v.note("the segment", fmt.Sprintf("it doesn't go on where the Merkle log ended: with %d rounds, not %d", v.history.size, begun.size))
	}
	v.history = begun
}

// load copies the round that holds a sequence or comes next, with all its blocks; nil if
// there is none up to last.
func (v *inspector) load(f *pages.File, from, last uint64) (r *sealedRound) {
	v.reader.blocks, v.reader.bytes = v.reader.blocks[:0], v.reader.bytes[:0]
	passed := false
	eachRound(f, from, func(record, problem string) {
		v.note(record, problem)
		passed = true
	}, func(found *sealedRound) bool {
		if found.first <= last {
			copied := *found
			copied.record, copied.head = bytes.Clone(found.record), bytes.Clone(found.head)
			copied.blocks = append([]blockEntry(nil), found.blocks...)
			r = &copied
			v.reader.copyRound(f, r.first)
		}
		return false
	})
	if passed {
		v.history = nil // a round is missing
	}
	return r
}

// round goes through one round: its place, its blocks, and its head.
func (v *inspector) round(r *sealedRound) {
	v.seen.Rounds++
	name := fmt.Sprintf("the round of messages %d to %d", r.first, r.last)
	if v.next != 0 && r.first != v.next {
		v.missing(v.next, r.first-1)
	}
	v.next = r.last + 1
	at := 0
	for _, e := range r.blocks {
		at = v.block(&e, at)
	}
	for ; at < len(v.reader.blocks); at++ {
		v.note(fmt.Sprintf("the block from message %d", v.reader.blocks[at].first), "it isn't in the round's manifest")
	}
	h, err := openHead(r.head, v.how.Keys)
	if err != nil {
		v.note(name, "its signature: "+err.Error())
	}
	if v.history == nil {
		return
	}
	next, failed := v.history.with(r.record)
	if failed != nil {
		v.note(name, failed.Error())
		v.history = nil
		return
	}
	v.history = next
	root, _ := next.root() // of its own hashes
	switch {
	case err == nil && (h.size != next.size || h.root != root || h.last != r.last):
		v.note(name, "the history up to it isn't the one that was signed")
	case err == nil:
		v.seen.Head = string(r.head)
	}
	if want, ok := v.roots[next.size]; ok {
		if want != root {
			v.note(name, "the history up to it isn't that of "+v.signed[next.size])
		}
		delete(v.roots, next.size)
	}
}

func (v *inspector) missing(first, last uint64) {
	if last < first {
		v.note(fmt.Sprintf("message %d", last+1), "it is there twice")
		return
	}
	v.note(fmt.Sprintf("messages %d to %d", first, last), "they are missing")
}

// block goes through one block of a round's manifest, and returns where the next one is
// among those that were read.
func (v *inspector) block(e *blockEntry, at int) int {
	v.seen.Blocks++
	name := fmt.Sprintf("the block from message %d", e.first)
	read := v.reader.blocks
	for at < len(read) && (read[at].partition < e.partition || read[at].partition == e.partition && read[at].first < e.first) {
		v.note(fmt.Sprintf("the block from message %d", read[at].first), "it isn't in the round's manifest")
		at++
	}
	if at == len(read) || read[at].partition != e.partition || read[at].first != e.first {
		v.note(name, "it is missing")
		return at
	}
	b := v.reader.bytes[read[at].start:read[at].end]
	n, err := countMessages(b)
	switch changed := uint32(len(b)) != e.size || sha256.Sum256(b) != e.sum; {
	case changed && err != nil:
		v.note(name, "it isn't what was sealed: "+err.Error())
	case changed:
		v.note(name, "it isn't what was sealed")
	case err != nil:
		v.note(name, err.Error())
	}
	v.seen.Messages += n
	return at + 1
}

// countMessages decodes all of a block.
func countMessages(b []byte) (n uint64, err error) {
	var r blockReader
	if err := r.open(b); err != nil {
		return 0, err
	}
	for m := new(message.Message); r.next(m); n++ {
	}
	return n, r.failed()
}
