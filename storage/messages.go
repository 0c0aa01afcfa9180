package storage

import (
	"context"
	"fmt"

	"github.com/skewatch/skewatch/collector/message"
	bolt "go.etcd.io/bbolt"
)

// A Query selects messages. The zero value selects all.
type Query struct {
	After uint64 // only messages with a Sequence greater than this
	Since int64  // only messages with Received at or after this, Unix ns; 0 for no limit
	Until int64  // only messages with Received before this, Unix ns; 0 for no limit
}

// mayMatch reports whether messages received between earliest and latest can
// match. Listeners and clock steps leave the records' ranges overlapping, so a
// record that is too late says nothing about the one after it.
func (q *Query) mayMatch(earliest, latest int64) bool {
	return (q.Since == 0 || latest >= q.Since) && (q.Until == 0 || earliest < q.Until)
}

func (q *Query) matches(m *message.Message) bool {
	return m.Sequence > q.After && q.mayMatch(m.Received, m.Received)
}

// Messages calls fn with each message that q selects, in order of Sequence, up
// to the last that was committed when Messages was called. The message and its
// bytes are valid until fn returns. An error of fn ends the reading and is
// returned as it is.
//
// fn may take its time: no transaction is open while it runs.
//
// Damaged records are passed over: Messages goes on behind them, and in the end
// returns a *DamageError.
func (s *Store) Messages(ctx context.Context, q Query, fn func(*message.Message) error) error {
	s.mu.Lock()
	last, closed := s.committed, s.closed
	s.mu.Unlock()
	if closed {
		return ErrClosed
	}
	r := messageReader{query: q, last: last, fn: fn}
	for _, g := range s.segments.from(q.After + 1) {
		if g.first > last {
			break
		}
		if err := s.readSegment(ctx, g, &r); err != nil {
			return err
		}
	}
	return r.damage.err()
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
	return r.read(ctx, db)
}

// A messageReader is one call of Messages.
type messageReader struct {
	query  Query
	last   uint64 // the newest message to read
	fn     func(*message.Message) error
	path   string // of the segment being read
	damage damage
}

func (r *messageReader) read(ctx context.Context, db *bolt.DB) error {
	from, err := recordOf(db, r.query.After+1)
	if err != nil {
		return fmt.Errorf("storage: read %s: %w", r.path, err)
	}
	return scan(ctx, db, bucketRecords, from, r.choose, r.readRecord)
}

// recordOf returns the key of the record that holds sequence, or else of the
// first behind it; nil if there is none.
func recordOf(db *bolt.DB, sequence uint64) (key []byte, err error) {
	err = view(db, func(tx *bolt.Tx) error {
		c := tx.Bucket(bucketRecords).Cursor()
		k, _ := c.Seek(sequenceKey(sequence))
		if k == nil || sequenceOf(k) > sequence {
			if before, _ := c.Prev(); before != nil {
				k = before
			}
		}
		key = append(key, k...)
		return nil
	})
	return key, err
}

func (r *messageReader) choose(key, value []byte) choice {
	h, err := readHeader(key, value)
	switch {
	case err != nil:
		return take // to have it reported
	case sequenceOf(key) > r.last:
		return finish
	case !r.query.mayMatch(h.earliest, h.latest):
		return pass
	}
	return take
}

func (r *messageReader) readRecord(key, value []byte) error {
	damaged, failed := readMessages(key, value, func(m *message.Message) error {
		if !r.query.matches(m) {
			return nil
		}
		return r.fn(m)
	})
	if damaged != nil {
		r.damage.note(r.path, fmt.Sprintf("the record from message %d", sequenceOf(key)), damaged.Error())
	}
	return failed
}
