package storage

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/skewatch/skewatch/collector/message"
	"github.com/skewatch/skewatch/storage/pages"
)

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
	if isGone(err) { // removed meanwhile
		v.next, v.history = max(v.next, v.kept()), nil
		return nil
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
