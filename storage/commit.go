package storage

import (
	"context"
	"fmt"
	"time"

	"github.com/skewatch/skewatch/collector/message"
)

// A queue holds the messages that wait for the disk, already in the form in
// which they will be written.
type queue struct {
	records []*record
	filling bool // the last record takes more messages
	bytes   int
	spare   []*record // written ones, for their buffers
}

// add appends m under the number it carries.
func (q *queue) add(m *message.Message) {
	r := q.tail(m.Sequence, len(m.Raw))
	before := r.size()
	r.add(m)
	q.bytes += r.size() - before
}

// tail returns the record to put a message of n bytes in.
func (q *queue) tail(sequence uint64, n int) *record {
	if q.filling {
		if r := q.records[len(q.records)-1]; r.hasRoom(n) {
			return r
		}
	}
	r := new(record)
	if k := len(q.spare) - 1; k >= 0 {
		r, q.spare = q.spare[k], q.spare[:k]
	}
	r.reset(sequence)
	q.records = append(q.records, r)
	q.filling = true
	return r
}

// take returns what is to be written now; it stays in the queue until written
// takes it away. What is added from now on goes to further records.
func (q *queue) take() []*record {
	q.filling = false
	return q.records[:len(q.records):len(q.records)]
}

// written takes away the first n records.
func (q *queue) written(n int) {
	for _, r := range q.records[:n] {
		q.bytes -= r.size() - headerBytes
		q.recycle(r)
	}
	q.records = append([]*record(nil), q.records[n:]...)
}

// recycle keeps buffers enough for busy times, and none that a huge message has
// blown up.
func (q *queue) recycle(r *record) {
	const keep = 1024
	if len(q.spare) < keep && cap(r.messages.buf) <= 2*recordBytes {
		q.spare = append(q.spare, r)
	}
}

// Append takes a batch of messages and gives each its Sequence. It copies what
// it keeps and returns before the batch is on disk; Sync waits for that.
//
// While more than Options.MaxPending bytes wait for the disk, Append blocks:
// this is how a slow disk slows down the senders. When the latest commit failed,
// Append takes nothing of the batch and returns that failure. What was taken
// before is kept and tried again every Options.CommitEvery, and once that
// succeeds Append takes messages again.
func (s *Store) Append(batch []message.Message) error {
	if s.options.ReadOnly {
		return ErrReadOnly
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.waitForRoom(); err != nil {
		return err
	}
	for i := range batch {
		s.last++
		batch[i].Sequence = s.last
		s.pending.add(&batch[i])
	}
	if s.pending.bytes > s.options.MaxPending/2 {
		s.requestCommit() // half may fill up while half is written
	}
	return nil
}

// waitForRoom returns, with s.mu held as before, when a batch may be taken.
func (s *Store) waitForRoom() error {
	for {
		switch {
		case s.closed:
			return ErrClosed
		case s.failure != nil:
			return s.failure
		case s.pending.bytes <= s.options.MaxPending:
			return nil
		}
		s.requestCommit()
		changed := s.changed
		s.mu.Unlock()
		<-changed
		s.mu.Lock()
	}
}

// Sync waits until every message that was appended before the call is on disk.
// It has a commit made at once; callers that wait at the same time share one.
// When the commit fails, Sync returns why, though a later commit may still
// write the messages.
func (s *Store) Sync(ctx context.Context) error {
	return s.waitCommitted(ctx, s.Last())
}

func (s *Store) waitCommitted(ctx context.Context, sequence uint64) error {
	for {
		s.mu.Lock()
		ready, err, changed := s.committed >= sequence, s.failure, s.changed
		s.mu.Unlock()
		if ready || err != nil {
			return err
		}
		s.requestCommit()
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (s *Store) requestCommit() {
	select {
	case s.wake <- struct{}{}:
	default: // one is asked for already
	}
}

// broadcast wakes everybody who waits for a change. s.mu is held.
func (s *Store) broadcast() {
	close(s.changed)
	s.changed = make(chan struct{})
}

func (s *Store) commitLoop() {
	defer close(s.done)
	ticker := time.NewTicker(s.options.CommitEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
		case <-s.wake:
		case <-s.stop:
			s.commit()
			return
		}
		s.commit()
	}
}

// commit writes what is pending and tells whoever waits.
func (s *Store) commit() {
	s.mu.Lock()
	records := s.pending.take()
	s.mu.Unlock()
	if len(records) == 0 {
		return
	}
	err := s.write(records)

	s.mu.Lock()
	defer s.mu.Unlock()
	s.logChange(err)
	s.failure = err
	if err == nil {
		s.committed = records[len(records)-1].last()
		s.pending.written(len(records))
	}
	s.broadcast()
}

// write commits records to the active segment, or to a new one when it is full.
func (s *Store) write(records []*record) error {
	size, err := usedBytes(s.activeDB)
	if err != nil {
		return fmt.Errorf("storage: %s: %w", s.active.path, err)
	}
	if size >= s.options.SegmentBytes {
		if err := s.startSegment(records[0].first); err != nil {
			return fmt.Errorf("storage: start a segment in %s: %w", s.segments.directory, err)
		}
	}
	if err := writeRecords(s.activeDB, records); err != nil {
		return fmt.Errorf("storage: write to %s: %w", s.active.path, err)
	}
	return nil
}

func (s *Store) startSegment(first uint64) error {
	full := s.active
	if err := s.activateNew(first); err != nil {
		return err
	}
	if err := s.segments.release(full); err != nil {
		s.options.Log.WithError(err).Warnf("storage: close %s", full.path)
	}
	return nil
}

// logChange logs when commits begin to fail and when they go on. s.mu is held.
func (s *Store) logChange(err error) {
	switch {
	case err != nil && s.failure == nil:
		s.options.Log.WithError(err).Errorf("storage: messages can't be written; keeping %d of them in memory and trying on", s.last-s.committed)
	case err == nil && s.failure != nil:
		s.options.Log.Info("storage: messages can be written again")
	}
}
