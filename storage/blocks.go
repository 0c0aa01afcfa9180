package storage

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"net/netip"

	"github.com/skewatch/skewatch/collector/message"
	"github.com/skewatch/skewatch/storage/pages"
)

// A Block is messages that are stored together, with what can be told of them without
// reading any. It is for who reads them in another order than that of storing.
type Block struct {
	Rows             int
	First            uint64 // Sequence of the first message
	Earliest, Latest int64  // Received, Unix nanoseconds

	// SentEarliest and SentLatest enclose the instants at which the messages say they
	// were sent, of those within a day of their receipt: a stamp without a zone is read
	// as UTC. Without any such message SentEarliest is greater. Outliers is how many have no
	// usable stamp, or one that is further off.
	SentEarliest, SentLatest int64
	Outliers                 int

	// Originators are the hashes of all hosts in the block, as HostHash returns them; nil
	// if there are many, or it isn't known which.
	Originators []uint32

	segment *segment
	key     chunkKey // of its first chunk
	size    int
	record  *record // that isn't sealed yet; nil for a block of a segment
}

// HostHash returns the hash under which blocks list a message's host.
func HostHash(m *message.Message) uint32 { return originatorHash(m.Host, m.Source) }

// A Reading is the messages that were stored when it was begun.
type Reading struct {
	store    *Store
	unsealed []*record
	sealed   uint64 // the newest message in a segment
}

// Read begins a reading. It must be closed.
func (s *Store) Read() (*Reading, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, ErrClosed
	}
	s.readers++
	return &Reading{s, s.unsealed(), s.blocksTo}, nil
}

// Close ends the reading. What was read isn't valid any more.
func (r *Reading) Close() { r.store.doneReading() }

// Blocks calls fn with each block that may hold what q selects, in the order of storing, as
// Messages would come to them. It goes by Since, Until, After and Host only; whatever
// else is asked for, ReadBlock goes by. Headers that can't be read are passed over as in
// Messages.
func (r *Reading) Blocks(ctx context.Context, q Query, fn func(*Block) error) error {
	l := blockLister{store: r.store, query: q, last: r.sealed, host: originatorHash([]byte(q.Host), netip.Addr{}), fn: fn}
	for _, g := range r.store.segments.from(q.After + 1) {
		if g.first > r.sealed {
			break
		}
		if err := l.segment(ctx, g); err != nil {
			return err
		}
	}
	if err := listUnsealed(r.unsealed, &q, fn); err != nil {
		return err
	}
	return l.damage.err()
}

// listUnsealed calls fn with records that aren't sealed yet, as blocks.
func listUnsealed(unsealed []*record, q *Query, fn func(*Block) error) error {
	for _, r := range unsealed {
		if r.last() <= q.After || !q.mayMatch(r.earliest, r.latest) {
			continue
		}
		b := Block{
			Rows: int(r.count), First: r.first, Earliest: r.earliest, Latest: r.latest, Outliers: int(r.count),
			SentEarliest: math.MaxInt64, SentLatest: math.MinInt64, record: r,
		}
		if err := fn(&b); err != nil {
			return err
		}
	}
	return nil
}

// A blockLister is one call of Blocks.
type blockLister struct {
	store  *Store
	query  Query
	host   uint32 // originatorHash of query.Host
	last   uint64 // the newest sealed message
	fn     func(*Block) error
	path   string // of the segment being read
	damage damage
	found  []Block // of a batch of rounds
}

// roundsAtOnce is how many rounds are looked at while nothing can be written.
const roundsAtOnce = 16

func (l *blockLister) segment(ctx context.Context, g segmentRange) error {
	if closed := l.store.segments.summaryOf(g.segment); closed != nil && !l.query.mayMatch(closed.earliest, closed.latest) {
		return nil
	}
	l.path = g.path
	last := min(l.last, g.last)
	for next := max(l.query.After+1, g.first); next != 0; {
		if err := ctx.Err(); err != nil {
			return err
		}
		from := next
		err := l.store.segments.read(g.segment, func(f *pages.File) error {
			next = l.rounds(f, g.segment, from, last)
			return nil
		})
		var found *DamageError
		switch {
		case isGone(err):
			l.store.segments.drop(g.segment)
			return nil
		case errors.As(err, &found):
			l.damage.note(found.File, found.Record, found.Problem)
			return nil
		case err != nil:
			return fmt.Errorf("storage: read segment: %w", err)
		}
		for i := range l.found {
			if err := l.fn(&l.found[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

// rounds lists the blocks of some rounds, from a sequence on, and returns from which one to
// go on; 0 if there are no more up to last.
func (l *blockLister) rounds(f *pages.File, g *segment, from, last uint64) (next uint64) {
	l.found = l.found[:0]
	note := func(d pages.Damage) { l.damage.note(l.path, d.Place(), d.Problem) }
	b, ok := f.Bucket(bucketBlocks, note)
	if !ok {
		return 0
	}
	c := b.Cursor(note)
	listed := 0
	eachRound(f, from, func(record, problem string) { l.damage.note(l.path, record, problem) }, func(r *sealedRound) bool {
		if next = 0; r.first > last {
			return false
		}
		if listed++; l.query.mayMatch(r.earliest, r.latest) {
			l.round(c, g, r)
		}
		next = r.last + 1
		return listed < roundsAtOnce
	})
	if listed < roundsAtOnce {
		return 0
	}
	return next
}

// round lists the blocks of a round.
func (l *blockLister) round(c *pages.Cursor, g *segment, r *sealedRound) {
	for _, e := range r.blocks {
		if l.query.Host != "" && e.partition != partitionOf(l.host) {
			continue
		}
		key := chunkKey{r.first, e.partition, e.first, 0}
		at := key.encode()
		k, v := c.Seek(at)
		if string(k) != string(at) {
			l.damage.note(l.path, fmt.Sprintf("the block from message %d", e.first), "it is gone")
			continue
		}
		h, err := readBlockHeader(v)
		if err != nil {
			l.damage.note(l.path, fmt.Sprintf("the block from message %d", e.first), err.Error())
			continue
		}
		if h.last <= l.query.After || !l.query.mayMatch(h.earliest, h.latest) || l.query.Host != "" && !h.mayHold(l.host) {
			continue
		}
		l.found = append(l.found, blockOf(&h, g, key, int(e.size)))
	}
}

func blockOf(h *blockHeader, g *segment, key chunkKey, size int) Block {
	b := Block{
		Rows: int(h.rows), First: h.first, Earliest: h.earliest, Latest: h.latest,
		SentEarliest: h.sentEarliest, SentLatest: h.sentLatest, Outliers: int(h.sentOutliers),
		segment: g, key: key, size: size,
	}
	if !h.any {
		b.Originators = make([]uint32, 0, len(h.originators)/4)
		for o := h.originators; len(o) >= 4; o = o[4:] {
			b.Originators = append(b.Originators, binary.BigEndian.Uint32(o))
		}
	}
	return b
}

// A BlockBuffer is what a block is read into. It is reused from block to block.
type BlockBuffer struct {
	reader blockReader
	packed []byte
}

// ReadBlock calls fn with each message of a block that q selects. The message is valid until
// fn returns, its bytes until the buffer is used again or the reading closed. What is damaged is a *DamageError,
// after what could be read; a block that retention has removed meanwhile has no messages.
func (r *Reading) ReadBlock(b *Block, q *Query, into *BlockBuffer, fn func(*message.Message) error) error {
	if b.record != nil {
		return readRecordBlock(b.record, q, fn)
	}
	path := b.segment.path
	err := r.store.segments.read(b.segment, func(f *pages.File) error { return into.load(f, path, b) })
	switch {
	case isGone(err):
		return nil
	case err != nil:
		return err
	}
	return into.reader.each(q, fn, func(err error) error {
		return &DamageError{File: path, Record: fmt.Sprintf("the block from message %d", b.First), Problem: err.Error()}
	}, into.packed)
}

// each opens a block and calls fn with each message that q selects. What is wrong with the
// block goes through damaged.
func (r *blockReader) each(q *Query, fn func(*message.Message) error, damaged func(error) error, packed []byte) error {
	if err := r.open(packed); err != nil {
		return damaged(err)
	}
	if q.Pattern != nil {
		if err := r.sift(q); err != nil {
			return damaged(err)
		}
	}
	var m message.Message
	for r.next(&m) {
		if q.Pattern == nil && !q.matches(&m) { // sifting has found out
			continue
		}
		if err := fn(&m); err != nil {
			return err
		}
	}
	if err := r.failed(); err != nil {
		return damaged(err)
	}
	return nil
}

// load puts the chunks of a block together.
func (u *BlockBuffer) load(f *pages.File, path string, b *Block) error {
	var damage damage
	note := func(d pages.Damage) { damage.note(path, d.Place(), d.Problem) }
	in, ok := f.Bucket(bucketBlocks, note)
	if !ok {
		return damage.err()
	}
	u.packed = u.packed[:0]
	c := in.Cursor(note)
	key := b.key
	for k, v := c.Seek(key.encode()); k != nil && len(u.packed) < b.size; k, v = c.Next() {
		at := readChunkKey(k)
		if at.round != key.round || at.partition != key.partition || at.block != key.block {
			break
		}
		u.packed = append(u.packed, v...)
	}
	return damage.err()
}

// readRecordBlock is ReadBlock of messages that aren't sealed.
func readRecordBlock(r *record, q *Query, fn func(*message.Message) error) error {
	damaged, failed := r.each(func(m *message.Message) error {
		if !q.matches(m) {
			return nil
		}
		return fn(m)
	})
	if damaged != nil {
		return &DamageError{File: "tail", Record: fmt.Sprintf("the record from message %d", r.first), Problem: damaged.Error()}
	}
	return failed
}
