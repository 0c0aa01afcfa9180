package storage

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/skewatch/skewatch/collector/message"
)

func TestCommitsByItself(t *testing.T) {
	s := openStore(t, t.TempDir(), Options{CommitEvery: 5 * time.Millisecond})
	appendNumbered(t, s, 3)
	eventually(t, "three messages committed", func() bool {
		list, err := sequences(t, s, Query{})
		return err == nil && len(list) == 3
	})
}

func TestSyncCommitsAtOnce(t *testing.T) {
	s := openStore(t, t.TempDir(), Options{CommitEvery: time.Hour})
	for i := range uint64(5) {
		appendNumbered(t, s, 2)
		syncStore(t, s)
		wantNumbered(t, s, 2*i+2)
	}
}

func TestSyncGivesUp(t *testing.T) {
	s := openStore(t, t.TempDir(), Options{})
	resume := stallDisk(t, s)
	defer resume()
	appendNumbered(t, s, 1)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := s.Sync(ctx); err != context.Canceled {
		t.Errorf("Sync: %v, want %v", err, context.Canceled)
	}
}

// stallDisk holds bbolt's writer lock: no sealing ends until resume is called.
func stallDisk(t testing.TB, s *Store) (resume func()) {
	t.Helper()
	db := s.active.db
	db.lock.RLock() // as a reader that isn't quick
	return sync.OnceFunc(db.lock.RUnlock)
}

func TestBackPressure(t *testing.T) {
	const tailBytes, batch = 64 << 10, 20
	s := openStore(t, t.TempDir(), Options{TailBytes: tailBytes, MaxPending: tailBytes, CommitEvery: time.Millisecond})
	resume := stallDisk(t, s)
	defer resume()

	const total = 3000 // half a megabyte
	done := make(chan error, 1)
	go func() {
		for range total / batch {
			if err := s.Append(batchAfter(s.Last(), batch)); err != nil {
				done <- err
				return
			}
			s.requestCommit()
		}
		done <- nil
	}()
	eventually(t, "a tail of twice its size", func() bool { return unsealedBytes(s) >= 2*tailBytes })
	select {
	case err := <-done:
		t.Fatalf("appending ended with %v while nothing could be sealed", err)
	case <-time.After(50 * time.Millisecond):
	}
	if n := unsealedBytes(s); n > 4*tailBytes {
		t.Errorf("%d bytes are unsealed, want at most a tail and one of twice its size", n)
	}

	resume()
	if err := wait(t, done); err != nil {
		t.Fatal(err)
	}
	syncStore(t, s)
	if n := pendingBytes(s); n != 0 {
		t.Errorf("%d bytes are pending after Sync, want 0", n)
	}
	wantNumbered(t, s, total)
}

func unsealedBytes(s *Store) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.current.bytes
}

func pendingBytes(s *Store) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.pending.bytes
}

func wait(t testing.TB, done <-chan error) error {
	t.Helper()
	select {
	case err := <-done:
		return err
	case <-time.After(patience):
		t.Fatalf("not done within %v", patience)
		return nil
	}
}

func TestCloseFreesBlockedAppend(t *testing.T) {
	s := openStore(t, t.TempDir(), Options{MaxPending: 1 << 10})
	resume := stallDisk(t, s)
	defer resume()
	appendNumbered(t, s, 100)
	blocked := make(chan error, 1)
	go func() { blocked <- s.Append(batchAfter(100, 1)) }()
	closed := make(chan error, 1)
	go func() { closed <- s.Close() }()
	if err := wait(t, blocked); err != ErrClosed {
		t.Errorf("Append: %v, want %v", err, ErrClosed)
	}
	resume()
	if err := wait(t, closed); err != nil {
		t.Error(err)
	}
	wantNumbered(t, openStore(t, s.directory, Options{}), 100)
}

// TestConcurrent has several writers, readers and checkpoints at work at once,
// over many small segments.
func TestConcurrent(t *testing.T) {
	const writers, batches, batch = 4, 50, 20
	s := openStore(t, t.TempDir(), Options{CommitEvery: time.Millisecond, SegmentBytes: 128 << 10, MaxPending: 64 << 10})
	var writing, reading sync.WaitGroup
	for w := range writers {
		writing.Go(func() {
			for range batches {
				b := batchAfter(uint64(w), batch)
				if err := s.Append(b); err != nil {
					t.Error(err)
				}
				for i := range b {
					if b[i].Sequence != b[0].Sequence+uint64(i) {
						t.Errorf("a batch has sequences %d and %d", b[0].Sequence, b[i].Sequence)
					}
				}
				if err := s.Checkpoint(Changes{Sequence: b[0].Sequence}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	stop := make(chan struct{})
	for range 2 {
		reading.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					wantGapless(t, s, Query{})
				}
			}
		})
	}
	writing.Wait()
	close(stop)
	reading.Wait()
	syncStore(t, s)
	if n := wantGapless(t, s, Query{}); n != writers*batches*batch {
		t.Errorf("%d messages are stored, want %d", n, writers*batches*batch)
	}
}

func wantGapless(t testing.TB, s *Store, q Query) (n int) {
	t.Helper()
	want := q.After
	err := s.Messages(context.Background(), q, func(m *message.Message) error {
		n++
		if want++; m.Sequence != want {
			t.Errorf("read sequence %d, want %d", m.Sequence, want)
		}
		return nil
	})
	if err != nil {
		t.Errorf("Messages: %v", err)
	}
	return n
}

// TestSlowReader stops a reader in its first message while the store grows.
func TestSlowReader(t *testing.T) {
	t.Run("over several segments", func(t *testing.T) {
		s := openStore(t, t.TempDir(), Options{SegmentBytes: 64 << 10, TailBytes: 32 << 10})
		growUnderReader(t, s)
		if n := len(s.segments.from(0)); n < 3 {
			t.Errorf("%d segments, want several", n)
		}
	})
	// Mapped as it grows, a file is mapped anew several times.
	t.Run("over a file's memory map", func(t *testing.T) {
		s := openStore(t, t.TempDir(), Options{TailBytes: 32 << 10})
		appendNumbered(t, s, 1)
		syncStore(t, s)
		s.segments.mapped = 0
		if err := s.startSegment(2); err != nil {
			t.Fatal(err)
		}
		growUnderReader(t, s)
	})
}

// growUnderReader has a reader wait until 40 commits are done. It is given what
// was there when it began, which is more than it copies at once.
func growUnderReader(t *testing.T, s *Store) {
	const there, commits, perCommit = 3000, 40, 500
	before := s.Last()
	appendNumbered(t, s, there)
	syncStore(t, s)
	reached, resume := make(chan struct{}), make(chan struct{})
	reader := make(chan error, 1)
	go func() {
		n := 0
		err := s.Messages(context.Background(), Query{After: before}, func(*message.Message) error {
			if n++; n == 1 {
				close(reached)
				<-resume
			}
			return nil
		})
		if err == nil && n != there {
			err = fmt.Errorf("the reader was given %d messages, want %d", n, there)
		}
		reader <- err
	}()
	<-reached
	defer func() {
		close(resume)
		if err := wait(t, reader); err != nil {
			t.Error(err)
		}
		wantNumbered(t, s, before+there+commits*perCommit)
	}()
	for range commits {
		appendNumbered(t, s, perCommit)
		syncStore(t, s)
	}
}

func TestCloseUnderReader(t *testing.T) {
	s := openStore(t, t.TempDir(), Options{SealEvery: 1})
	for range 40 { // more than a reader copies at once
		appendNumbered(t, s, 200)
		awaitSealed(t, s)
	}
	err := s.Messages(context.Background(), Query{}, func(m *message.Message) error {
		if m.Sequence == 1 {
			return s.Close()
		}
		return nil
	})
	if !errors.Is(err, ErrClosed) {
		t.Errorf("Messages: %v, want %v", err, ErrClosed)
	}
}
