package storage

import (
	"cmp"
	"context"
	"time"

	"github.com/skewatch/skewatch/collector/message"
)

// A queue holds the messages that wait for the disk, already in the form in
// which they will be written.
type queue struct {
	records []*record
	filling bool // the last record takes more messages
	bytes   int
	spare   [][]byte // room of records that nobody needs any longer
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
	var room []byte
	if n := len(q.spare); n > 0 {
		room, q.spare = q.spare[n-1], q.spare[:n-1]
	}
	r := newRecord(sequence, room)
	q.records = append(q.records, r)
	q.filling = true
	return r
}

// spareRecords is how much room is kept for records to come.
const spareRecords = 128

// reuse takes the room of records that were sealed and that nobody reads.
func (q *queue) reuse(records []*record) {
	for _, r := range records {
		if len(q.spare) < spareRecords && cap(r.messages.buf) == recordBytes { // others are large messages', or parts of a file
			q.spare = append(q.spare, r.messages.buf[:0])
		}
	}
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
	}
	q.records = append([]*record(nil), q.records[n:]...)
}

// Append takes a batch of messages and gives each its Sequence. It copies what
// it keeps and returns before the batch is on disk; Sync waits for that.
//
// While more than Options.MaxPending bytes wait for the disk, or sealing doesn't
// keep up, Append blocks: this is how a slow disk slows down the senders. When the
// latest commit failed, Append takes nothing of the batch and returns that failure.
// What was taken before is kept and tried again every Options.CommitEvery, and once
// that succeeds Append takes messages again.
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
		case s.overfull() && s.sealFailure != nil:
			return s.sealFailure
		case s.pending.bytes <= s.options.MaxPending && !s.overfull():
			return nil
		}
		s.requestCommit()
		changed := s.changed
		s.mu.Unlock()
		<-changed
		s.mu.Lock()
	}
}

// overfull reports whether the present round has grown to twice its size, since the one
// before it isn't sealed yet; or to its size, since that can't be sealed: what room the
// disk has is wanted for that. s.mu is held.
func (s *Store) overfull() bool {
	most := 2 * s.options.TailBytes
	if s.sealFailure != nil {
		most = s.options.TailBytes
	}
	return s.sealing != nil && s.current.bytes >= most
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
		s.syncWanted = s.syncWanted || !ready
		s.mu.Unlock()
		switch {
		case ready:
			return nil
		case err != nil:
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
			s.commit(true)
			close(s.rounds)
			<-s.sealDone
			return
		}
		s.commit(false)
	}
}

// commit writes what is pending to the tail, syncs it if somebody waits for that or it is
// time to, and tells whoever waits.
func (s *Store) commit(sync bool) {
	s.mu.Lock()
	records, blocked := s.pending.take(), error(nil)
	if len(records) > 0 && s.overfull() && s.sealFailure != nil {
		records, blocked = nil, s.sealFailure // they wait
	}
	sync = sync || s.syncWanted || time.Since(s.synced) >= syncEvery
	s.syncWanted = false
	s.mu.Unlock()
	if blocked == nil && len(records) == 0 && !(sync && s.current.tail.dirty) {
		s.turn()
		return
	}
	err := s.writeTail(records, sync)

	s.mu.Lock()
	s.logChange(cmp.Or(err, blocked))
	s.failure = cmp.Or(err, blocked)
	if err == nil {
		s.pending.written(len(records))
		s.current.add(records)
		s.written = max(s.written, s.current.last())
		if sync {
			s.committed, s.synced = s.written, time.Now()
		}
	}
	s.broadcast()
	s.mu.Unlock()
	s.turn()
}

// writeTail writes records to the present tail. After a sync that failed nobody knows what
// of the file is on disk, and a second one may say that all is (the kernel tells each
// failure once): all is written again then.
func (s *Store) writeTail(records []*record, sync bool) error {
	t := s.current.tail
	if t.unsure {
		if err := t.rewrite(s.current.records); err != nil {
			return err
		}
	}
	if err := t.write(records); err != nil || !sync {
		return err
	}
	return t.sync()
}

// turn ends the present round if it is time to, and logs when that begins to fail and when
// it goes on.
func (s *Store) turn() {
	err := s.endRound()
	switch {
	case err != nil && s.turnFailure == nil:
		s.options.Log.WithError(err).Error("storage: no new tail can be begun; writing on to the present one")
	case err == nil && s.turnFailure != nil:
		s.options.Log.Info("storage: a new tail could be begun")
	}
	s.turnFailure = err
}

// syncEvery is after how long what was written is synced, though nobody waits for it.
const syncEvery = time.Second

// logChange logs when commits begin to fail and when they go on. s.mu is held.
func (s *Store) logChange(err error) {
	switch {
	case err != nil && s.failure == nil:
		s.options.Log.WithError(err).Errorf("storage: messages can't be written; keeping %d of them in memory and trying on", s.last-s.written)
	case err == nil && s.failure != nil:
		s.options.Log.Info("storage: messages can be written again")
	}
}
