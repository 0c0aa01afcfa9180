package storage

import (
	"bytes"
	"context"
	"fmt"
	"net/netip"

	"github.com/skewatch/skewatch/collector/message"
	bolt "go.etcd.io/bbolt"
)

// Messages calls fn with each message that q selects, in order of Sequence, up
// to the last that was written when Messages was called. The message and its
// bytes are valid until fn returns. An error of fn ends the reading and is
// returned as it is.
//
// fn may take its time: no transaction is open while it runs.
//
// Damaged blocks are passed over: Messages goes on behind them, and in the end
// returns a *DamageError.
func (s *Store) Messages(ctx context.Context, q Query, fn func(*message.Message) error) error {
	s.mu.Lock()
	unsealed, sealed, closed := s.unsealed(), s.blocksTo, s.closed
	s.mu.Unlock()
	if closed {
		return ErrClosed
	}
	r := messageReader{query: q, last: sealed, fn: fn, host: originatorHash([]byte(q.Host), netip.Addr{})}
	for _, g := range s.segments.from(q.After + 1) {
		if g.first > sealed {
			break
		}
		if err := s.readSegment(ctx, g, &r); err != nil {
			return err
		}
	}
	if err := r.readRecords(ctx, unsealed); err != nil {
		return err
	}
	return r.damage.err()
}

// unsealed returns the records that aren't in a segment yet. s.mu is held.
func (s *Store) unsealed() (records []*record) {
	if s.sealing != nil {
		records = append(records, s.sealing.records...)
	}
	return append(records, s.current.records...)
}

// readSegment has r read one segment. The file stays open meanwhile, though no
// transaction does.
func (s *Store) readSegment(ctx context.Context, g *segment, r *messageReader) error {
	db, err := s.segments.acquire(g)
	if err != nil {
		return fmt.Errorf("storage: read segment: %w", err)
	}
	defer s.segments.release(g)
	r.path = g.path
	return r.readRounds(ctx, db)
}

// A messageReader is one call of Messages.
type messageReader struct {
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
	first      uint64
	start, end int
}

// readRounds reads the rounds of a segment, one after the other.
func (r *messageReader) readRounds(ctx context.Context, db *bolt.DB) error {
	next, err := roundOf(db, r.query.After+1)
	for next != 0 && next <= r.last && err == nil {
		if err = ctx.Err(); err != nil {
			return err
		}
		r.query.progress(next-1, r.last)
		if next, err = r.load(db, next); err == nil {
			err = r.readBlocks()
		}
	}
	return err
}

// roundOf returns the round that holds a sequence, or else the first behind it; 0 if
// there is none.
func roundOf(db *bolt.DB, sequence uint64) (round uint64, err error) {
	err = view(db, func(tx *bolt.Tx) error {
		c := tx.Bucket(bucketBlocks).Cursor()
		k, _ := c.Seek(chunkKey{round: sequence + 1}.encode())
		if k == nil {
			k, _ = c.Last()
		} else if before, _ := c.Prev(); before != nil {
			k = before
		}
		round = readChunkKey(k).round
		return nil
	})
	return round, err
}

// load copies those blocks of a round that may hold what is asked for, and returns the
// round that follows, 0 if none does.
func (r *messageReader) load(db *bolt.DB, round uint64) (next uint64, err error) {
	r.blocks, r.bytes = r.blocks[:0], r.bytes[:0]
	err = view(db, func(tx *bolt.Tx) error {
		c := tx.Bucket(bucketBlocks).Cursor()
		from, to := chunkKey{round: round}, chunkKey{round: round + 1}
		if r.query.Host != "" {
			from.partition = partitionOf(r.host)
			to = chunkKey{round: round, partition: from.partition + 1}
		}
		r.copyBlocks(c, from.encode(), to.encode())
		k, _ := c.Seek(chunkKey{round: round + 1}.encode())
		next = readChunkKey(k).round
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("storage: read %s: %w", r.path, err)
	}
	return next, nil
}

// copyBlocks copies those blocks between two keys that may hold what is asked for.
func (r *messageReader) copyBlocks(c *bolt.Cursor, from, to []byte) {
	wanted := false
	for k, v := c.Seek(from); k != nil && bytes.Compare(k, to) < 0; k, v = c.Next() {
		key := readChunkKey(k)
		if key.chunk == 0 {
			if wanted = r.mayHold(v); wanted {
				r.blocks = append(r.blocks, storedBlock{first: key.block, start: len(r.bytes)})
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
	r.merge.reset()
	for _, b := range r.blocks {
		if err := r.merge.add(b.first, r.bytes[b.start:b.end]); err != nil {
			r.note(b.first, err)
		}
	}
	for {
		m := r.merge.next(r.note)
		if m == nil {
			return nil
		}
		if r.query.matches(m) {
			if err := r.fn(m); err != nil {
				return err
			}
		}
	}
}

func (r *messageReader) note(first uint64, err error) {
	r.damage.note(r.path, fmt.Sprintf("the block from message %d", first), err.Error())
}

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
