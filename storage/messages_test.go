package storage

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/skewatch/skewatch/collector/message"
	bolt "go.etcd.io/bbolt"
)

// fill stores the messages 1 to 60*200 in many records and several segments.
func fill(t testing.TB, s *Store) (last uint64) {
	t.Helper()
	for range 60 {
		appendNumbered(t, s, 200)
		syncStore(t, s)
	}
	return s.Last()
}

func TestQuery(t *testing.T) {
	s := openStore(t, t.TempDir(), Options{SegmentBytes: 64 << 10, TailBytes: 32 << 10})
	last := fill(t, s)
	if n := len(s.segments.from(0)); n < 3 {
		t.Fatalf("%d segments, want several", n)
	}
	at := func(n uint64) int64 { m := numbered(n); return m.Received }
	for _, tt := range []struct {
		name string
		q    Query
	}{
		{"everything", Query{}},
		{"after the first", Query{After: 1}},
		{"after one in the middle of a record", Query{After: 4711}},
		{"after the last but one", Query{After: last - 1}},
		{"after the last", Query{After: last}},
		{"after what is to come", Query{After: last + 1000}},
		{"since", Query{Since: at(9000)}},
		{"until", Query{Until: at(3000)}},
		{"between", Query{Since: at(5000), Until: at(5100)}},
		{"after and between", Query{After: 5050, Since: at(5000), Until: at(5100)}},
		{"one instant", Query{Since: at(77), Until: at(77) + 1}},
		{"nothing", Query{Since: at(77), Until: at(77)}},
	} {
		have, err := sequences(t, s, tt.q)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
		var want []uint64
		for n := uint64(1); n <= last; n++ {
			r := at(n)
			if n > tt.q.After && (tt.q.Since == 0 || r >= tt.q.Since) && (tt.q.Until == 0 || r < tt.q.Until) {
				want = append(want, n)
			}
		}
		if !slices.Equal(have, want) {
			t.Errorf("%s: have %d messages, want %d", tt.name, len(have), len(want))
		}
	}
}

// TestReceivedGoesBack queries messages whose receive times fall from record to
// record, as they may after our own clock was set back.
// A query for one host finds its messages, sealed or not, and no others.
func TestQueryByHost(t *testing.T) {
	f := fleet{rand.New(rand.NewPCG(1, 2)), 300, false}
	s := openStore(t, t.TempDir(), Options{TailBytes: 64 << 10})
	want := map[string][]uint64{}
	for range 20 {
		batch := f.messages(200, message.UDP)
		if err := s.Append(batch); err != nil {
			t.Fatal(err)
		}
		for i := range batch {
			name := string(batch[i].Host)
			want[name] = append(want[name], batch[i].Sequence)
		}
		syncStore(t, s)
	}
	for name, numbers := range want {
		have, err := sequences(t, s, Query{Host: strings.ToUpper(name)})
		if err != nil || !slices.Equal(have, numbers) {
			t.Fatalf("%s: have %d, %v, want %d", name, have, err, numbers)
		}
	}
	if have, err := sequences(t, s, Query{Host: "nobody"}); err != nil || len(have) > 0 {
		t.Errorf("nobody: have %d, %v, want none", have, err)
	}
}

func TestReceivedGoesBack(t *testing.T) {
	s := openStore(t, t.TempDir(), Options{})
	for i := range int64(10) {
		m := message.Message{Received: 1e9 * (100 - i), Raw: []byte("x")}
		if err := s.Append([]message.Message{m}); err != nil {
			t.Fatal(err)
		}
		syncStore(t, s)
	}
	have, err := sequences(t, s, Query{Since: 93e9, Until: 96e9})
	if want := []uint64{6, 7, 8}; err != nil || !slices.Equal(have, want) {
		t.Errorf("have %d, %v, want %d", have, err, want)
	}
}

func TestMessagesEndsEarly(t *testing.T) {
	s := openStore(t, t.TempDir(), Options{})
	appendNumbered(t, s, 100)
	syncStore(t, s)
	enough := errors.New("enough")
	n := 0
	err := s.Messages(context.Background(), Query{}, func(*message.Message) error {
		if n++; n == 7 {
			return enough
		}
		return nil
	})
	if err != enough || n != 7 {
		t.Errorf("fn's error: have %v after %d messages, want it after 7", err, n)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := s.Messages(ctx, Query{}, ignore); err != context.Canceled {
		t.Errorf("cancelled: %v, want %v", err, context.Canceled)
	}
}

func TestDamagedBlock(t *testing.T) {
	directory := t.TempDir()
	s := openStore(t, directory, Options{SealEvery: 1})
	for range 5 {
		appendNumbered(t, s, 10)
		awaitSealed(t, s)
	}
	s.Close()
	path := filepath.Join(directory, segmentDirectory, segmentName(1))
	flipInBlocks(t, path, 11)
	flipInBlocks(t, path, 31)

	s = openStore(t, directory, Options{})
	have, err := sequences(t, s, Query{})
	var damaged *DamageError
	if !errors.As(err, &damaged) {
		t.Fatalf("Messages: %v, want a DamageError", err)
	}
	if damaged.File != path || damaged.Further == 0 {
		t.Errorf("have %+v, want damage in %s", *damaged, path)
	}
	if len(have) != 30 || slices.Contains(have, 15) || !slices.Contains(have, 50) {
		t.Errorf("read %d, want all but 11 to 20 and 31 to 40", have)
	}

	// A block that the query has no business with isn't even looked into.
	last := numbered(50)
	if have, err := sequences(t, s, Query{Since: last.Received, Until: last.Received + 1}); err != nil || len(have) != 1 {
		t.Errorf("query beside the damage: %d, %v, want one message and no error", have, err)
	}
}

// awaitSealed waits until all messages are in a segment.
func awaitSealed(t testing.TB, s *Store) {
	t.Helper()
	syncStore(t, s)
	deadline := time.Now().Add(patience)
	for {
		s.mu.Lock()
		sealed := s.blocksTo == s.last
		s.mu.Unlock()
		if sealed {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("the messages are never sealed")
		}
		s.requestCommit()
		time.Sleep(time.Millisecond)
	}
}

// flipInBlocks changes a bit in each block of the round that begins with a message.
func flipInBlocks(t testing.TB, path string, round uint64) {
	t.Helper()
	editFile(t, path, func(tx *bolt.Tx) error {
		b := tx.Bucket([]byte(bucketBlocks))
		changed := map[string][]byte{}
		c := b.Cursor()
		for k, v := c.Seek(chunkKey{round: round}.encode()); k != nil; k, v = c.Next() {
			if readChunkKey(k).round == round {
				changed[string(k)] = bytes.Clone(v)
				changed[string(k)][len(v)-1] ^= 1
			}
		}
		for k, v := range changed {
			if err := b.Put([]byte(k), v); err != nil {
				return err
			}
		}
		return nil
	})
}

// flipByte changes a bit in the middle of raw wherever a file holds it: pages
// that bbolt has given up may hold copies.
func flipByte(t testing.TB, path string, raw []byte) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	damaged := bytes.Clone(raw)
	damaged[len(raw)/2] ^= 1
	data = bytes.ReplaceAll(data, raw, damaged)
	if !bytes.Contains(data, damaged) {
		t.Fatalf("%s doesn't hold %x", path, raw)
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}
