package storage

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/netip"

	"github.com/skewatch/skewatch/collector/message"
	"github.com/skewatch/skewatch/storage/pages"
)

// Messages calls fn with each message that q selects, in order of Sequence, up
// to the last that was written when Messages was called. The message and its
// bytes are valid until fn returns. An error of fn ends the reading and is
// returned as it is.
//
// fn may take its time: nothing waits for it.
//
// Damaged blocks are passed over: Messages goes on behind them, and in the end
// returns a *DamageError.
func (s *Store) Messages(ctx context.Context, q Query, fn func(*message.Message) error) error {
	s.mu.Lock()
	unsealed, sealed, closed := s.unsealed(), s.blocksTo, s.closed
	s.readers++
	s.mu.Unlock()
	defer s.doneReading()
	if closed {
		return ErrClosed
	}
	r := messageReader{store: s, query: q, last: sealed, fn: fn, host: originatorHash([]byte(q.Host), netip.Addr{})}
	for _, g := range s.segments.from(q.After + 1) {
		if g.first > sealed {
			break
		}
		if err := r.readSegment(ctx, g); err != nil {
			return err
		}
	}
	if err := r.readRecords(ctx, unsealed); err != nil {
		return err
	}
	return r.damage.err()
}

func (s *Store) doneReading() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.readers--
}

// unsealed returns the records that aren't in a segment yet. s.mu is held.
func (s *Store) unsealed() (records []*record) {
	if s.sealing != nil {
		records = append(records, s.sealing.records...)
	}
	return append(records, s.current.records...)
}

// A messageReader is one call of Messages.
type messageReader struct {
	store  *Store
	query  Query
	host   uint32 // originatorHash of query.Host
	last   uint64 // the newest sealed message to read
	fn     func(*message.Message) error
	path   string // of the segment being read
	damage damage

	blocks []storedBlock // of the round being read
	bytes  []byte        // theirs
	merge  merge
}

// A storedBlock is a place in a messageReader's bytes.
type storedBlock struct {
	partition  uint8
	first      uint64
	start, end int
}

// readSegment reads the rounds of a segment, one after the other. What can't be read of it
// is noted.
func (r *messageReader) readSegment(ctx context.Context, g segmentRange) error {
	if closed := r.store.segments.summaryOf(g.segment); closed != nil && !r.query.mayMatch(closed.earliest, closed.latest) {
		return nil
	}
	r.path = g.path
	last := min(r.last, g.last)
	for next := max(r.query.After+1, g.first); next != 0; {
		if err := ctx.Err(); err != nil {
			return err
		}
		r.query.progress(next-1, r.last)
		from := next
		err := r.store.segments.read(g.segment, func(f *pages.File) error {
			next = r.load(f, from, last)
			return nil
		})
		var found *DamageError
		switch {
		case isGone(err):
			r.store.segments.drop(g.segment)
			return nil
		case errors.As(err, &found):
			r.damage.note(found.File, found.Record, found.Problem)
			return nil
		case err != nil:
			return fmt.Errorf("storage: read segment: %w", err)
		}
		if err := r.readBlocks(); err != nil {
			return err
		}
	}
	return nil
}

// skipRounds is how many rounds are passed over at a time.
const skipRounds = 1000

// load copies those blocks of the first round that may hold what is asked for, from a
// sequence on, and returns from which one to go on; 0 if there are no more up to last.
func (r *messageReader) load(f *pages.File, from, last uint64) (next uint64) {
	r.blocks, r.bytes = r.blocks[:0], r.bytes[:0]
	skipped := 0
	eachRound(f, from, r.noteIn, func(round *sealedRound) bool {
		if next = 0; round.first > last {
			return false
		}
		if !r.query.mayMatch(round.earliest, round.latest) {
			if skipped++; skipped == skipRounds {
				next = round.last + 1
			}
			return next == 0
		}
		r.copyRound(f, round.first)
		next = round.last + 1
		return false
	})
	return next
}

// copyRound copies the blocks of a round that may hold what is asked for.
func (r *messageReader) copyRound(f *pages.File, round uint64) {
	note := func(d pages.Damage) { r.noteIn(d.Place(), d.Problem) }
	b, ok := f.Bucket(bucketBlocks, note)
	if !ok {
		return
	}
	from, to := chunkKey{round: round}, chunkKey{round: round + 1}
	if r.query.Host != "" {
		from.partition = partitionOf(r.host)
		to = chunkKey{round: round, partition: from.partition + 1}
	}
	r.copyBlocks(b.Cursor(note), from.encode(), to.encode())
}

// copyBlocks copies those blocks between two keys that may hold what is asked for.
func (r *messageReader) copyBlocks(c *pages.Cursor, from, to []byte) {
	wanted := false
	for k, v := c.Seek(from); k != nil && bytes.Compare(k, to) < 0; k, v = c.Next() {
		key := readChunkKey(k)
		if key.chunk == 0 {
			if wanted = r.mayHold(v); wanted {
				r.blocks = append(r.blocks, storedBlock{partition: key.partition, first: key.block, start: len(r.bytes)})
			}
		}
		if wanted {
			r.bytes = append(r.bytes, v...)
			r.blocks[len(r.blocks)-1].end = len(r.bytes)
		}
	}
}

// mayHold reports whether the block whose first chunk is given has to be read.
func (r *messageReader) mayHold(first []byte) bool {
	h, err := readBlockHeader(first)
	return err != nil || // to have it reported
		r.query.mayMatchBlock(&h) && (r.query.Host == "" || h.mayHold(r.host))
}

// readBlocks passes on the messages of the blocks that were loaded, in order.
func (r *messageReader) readBlocks() error {
	r.openBlocks()
	for {
		m := r.merge.next(r.note)
		if m == nil {
			return nil
		}
		if r.selected(m) {
			if err := r.fn(m); err != nil {
				return err
			}
		}
	}
}

func (r *messageReader) note(first uint64, err error) {
	r.noteIn(fmt.Sprintf("the block from message %d", first), err.Error())
}

func (r *messageReader) noteIn(record, problem string) { r.damage.note(r.path, record, problem) }

// readRecords passes on messages that aren't sealed yet.
func (r *messageReader) readRecords(ctx context.Context, records []*record) error {
	for _, record := range records {
		if err := ctx.Err(); err != nil {
			return err
		}
		if record.last() <= r.query.After || !r.query.mayMatch(record.earliest, record.latest) {
			continue
		}
		damaged, failed := record.each(func(m *message.Message) error {
			if !r.query.matches(m) {
				return nil
			}
			return r.fn(m)
		})
		if damaged != nil {
			r.damage.note("tail", fmt.Sprintf("the record from message %d", record.first), damaged.Error())
		}
		if failed != nil {
			return failed
		}
	}
	return nil
}
