package storage

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io/fs"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/skewatch/skewatch/collector/message"
	bolt "go.etcd.io/bbolt"
)

// patience is how long a test waits for what must happen.
const patience = 20 * time.Second

// openStore opens a store that is closed when the test ends; then every file in
// the directory must pass bbolt's own check.
func openStore(t testing.TB, directory string, o Options) *Store {
	t.Helper()
	s, err := Open(directory, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		checkFiles(t, directory)
	})
	return s
}

func checkFiles(t testing.TB, directory string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(directory, segmentDirectory, "*.db"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range append(files, statePath(directory)) {
		checkFile(t, path)
	}
}

func checkFile(t testing.TB, path string) {
	t.Helper()
	db, err := bolt.Open(path, 0o600, &bolt.Options{ReadOnly: true, Timeout: time.Second, PreLoadFreelist: true})
	if err != nil {
		t.Errorf("%s: %v", path, err)
		return
	}
	defer db.Close()
	err = db.View(func(tx *bolt.Tx) error {
		for err := range tx.Check() {
			t.Errorf("%s: %v", path, err)
		}
		return nil
	})
	if err != nil {
		t.Errorf("%s: %v", path, err)
	}
}

// numbered returns a message all of whose stored fields follow from its
// sequence: any process can tell what the n-th message must look like.
func numbered(n uint64) message.Message {
	r := rand.New(rand.NewPCG(n, 514))
	raw := make([]byte, 16+r.IntN(300))
	for i := range raw {
		raw[i] = byte(r.Uint32())
	}
	binary.BigEndian.PutUint64(raw, n)
	received := 1_790_000_000_000_000_000 + int64(n)*1e6 - r.Int64N(5e6)
	m := message.Message{
		Sequence:     n,
		Received:     received,
		PreviousRead: received - r.Int64N(1e9),
		MinRTT:       time.Duration(r.Int64N(1e9)),
		Source:       netip.AddrFrom4([4]byte{10, 0, byte(r.IntN(4)), 1}),
		StampedBy:    message.StampedBy(r.IntN(2)),
		Transport:    message.Transport(r.IntN(5)),
		Trust:        message.Trust(r.IntN(3)),
		Truncated:    r.IntN(2) == 0,
		Priority:     message.Priority(r.IntN(193) - 1),
		Raw:          raw,
		Host:         raw[9:14],
		Sent: message.Stamp{
			Civil:      received - r.Int64N(1e14) + 5e13,
			ZoneEast:   int32(r.IntN(86400) - 43200),
			Format:     message.StampFormat(r.IntN(7)),
			Digits:     uint8(r.IntN(10)),
			HasYear:    r.IntN(2) == 0,
			HasZone:    r.IntN(2) == 0,
			LeapSecond: r.IntN(2) == 0,
		},
	}
	return m
}

// batchAfter returns the messages after sequence last, not numbered yet.
func batchAfter(last uint64, n int) []message.Message {
	batch := make([]message.Message, n)
	for i := range batch {
		batch[i] = numbered(last + uint64(i) + 1)
		batch[i].Sequence = 0
	}
	return batch
}

func appendNumbered(t testing.TB, s *Store, n int) {
	t.Helper()
	if err := s.Append(batchAfter(s.Last(), n)); err != nil {
		t.Fatal(err)
	}
}

func syncStore(t testing.TB, s *Store) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := s.Sync(ctx); err != nil {
		t.Fatal(err)
	}
}

// wantNumbered checks that the store holds exactly the messages 1 to last.
func wantNumbered(t testing.TB, s *Store, last uint64) {
	t.Helper()
	var n uint64
	err := s.Messages(context.Background(), Query{}, func(m *message.Message) error {
		n++
		wantMessage(t, *m, numbered(n))
		return nil
	})
	if err != nil {
		t.Errorf("Messages: %v", err)
	}
	if n != last {
		t.Errorf("have %d messages, want %d", n, last)
	}
}

func wantMessage(t testing.TB, have, want message.Message) {
	t.Helper()
	if !bytes.Equal(have.Raw, want.Raw) || !bytes.Equal(have.Host, want.Host) {
		t.Fatalf("message %d: have raw %x host %q, want raw %x host %q", want.Sequence, have.Raw, have.Host, want.Raw, want.Host)
	}
	have.Raw, have.Host, want.Raw, want.Host = nil, nil, nil, nil
	if !reflect.DeepEqual(have, want) {
		t.Fatalf("message %d:\nhave %+v\nwant %+v", want.Sequence, have, want)
	}
}

func sequences(t testing.TB, s *Store, q Query) (list []uint64, err error) {
	t.Helper()
	err = s.Messages(context.Background(), q, func(m *message.Message) error {
		list = append(list, m.Sequence)
		return nil
	})
	return list, err
}

// eventually waits until ok returns true.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within %v", what, patience)
		}
	}
}

func TestSequencesContinueAfterRestart(t *testing.T) {
	directory := filepath.Join(t.TempDir(), "new", "data")
	var want uint64
	for range 4 {
		s, err := Open(directory, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if s.Last() != want {
			t.Errorf("Last() = %d after opening, want %d", s.Last(), want)
		}
		for _, n := range []int{1, 0, 700, 3} {
			batch := batchAfter(want, n)
			if err := s.Append(batch); err != nil {
				t.Fatal(err)
			}
			for _, m := range batch {
				if want++; m.Sequence != want {
					t.Fatalf("Append gave sequence %d, want %d", m.Sequence, want)
				}
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		checkFiles(t, directory)
	}
	wantNumbered(t, openStore(t, directory, Options{}), want)
}

func TestReadOnly(t *testing.T) {
	directory := t.TempDir()
	if _, err := Open(filepath.Join(directory, "missing"), Options{ReadOnly: true}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Open of a missing directory: %v, want %v", err, fs.ErrNotExist)
	}
	writer, err := Open(directory, Options{})
	if err != nil {
		t.Fatal(err)
	}
	appendNumbered(t, writer, 10)
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	s := openStore(t, directory, Options{ReadOnly: true})
	openStore(t, directory, Options{ReadOnly: true}) // readers share
	wantNumbered(t, s, 10)
	if err := s.Append(batchAfter(10, 1)); err != ErrReadOnly {
		t.Errorf("Append: %v, want %v", err, ErrReadOnly)
	}
	if err := s.Checkpoint(Changes{}); err != ErrReadOnly {
		t.Errorf("Checkpoint: %v, want %v", err, ErrReadOnly)
	}
	if have := s.Last(); have != 10 {
		t.Errorf("Last() = %d, want 10", have)
	}
}

func TestClosed(t *testing.T) {
	s := openStore(t, t.TempDir(), Options{})
	appendNumbered(t, s, 1)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Append(batchAfter(1, 1)); err != ErrClosed {
		t.Errorf("Append: %v, want %v", err, ErrClosed)
	}
	if _, err := sequences(t, s, Query{}); err != ErrClosed {
		t.Errorf("Messages: %v, want %v", err, ErrClosed)
	}
	if err := s.Checkpoint(Changes{}); !errors.Is(err, ErrClosed) {
		t.Errorf("Checkpoint: %v, want %v", err, ErrClosed)
	}
	if err := s.RollUps(0, 0, nil); err != ErrClosed {
		t.Errorf("RollUps: %v, want %v", err, ErrClosed)
	}
	if err := s.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
}

func TestUnknownSchema(t *testing.T) {
	set := func(bucket, key, value string) func(*bolt.Tx) error {
		return func(tx *bolt.Tx) error {
			b, err := tx.CreateBucketIfNotExists([]byte(bucket))
			if err != nil {
				return err
			}
			return b.Put([]byte(key), []byte(value))
		}
	}
	first := filepath.Join(segmentDirectory, segmentName(1))
	for _, tt := range []struct {
		name, file string
		change     func(*bolt.Tx) error
		want       string
	}{
		{"state of another version", "state.db", set("meta", "schema", "skewatch state 1"), `"skewatch state 1"`},
		{"segment of another version", first, set("meta", "schema", "skewatch segment 2"), `"skewatch segment 2"`},
		{"segment in the state's place", "state.db", func(tx *bolt.Tx) error {
			return putGuarded(tx.Bucket([]byte(bucketMeta)), []byte(keySchema), []byte(schemaSegment))
		}, `"skewatch segment 3"`},
		{"somebody else's database", "state.db", func(tx *bolt.Tx) error {
			return errors.Join(tx.DeleteBucket([]byte(bucketMeta)), set("widgets", "a", "b")(tx))
		}, `somebody else's`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			directory := t.TempDir()
			openStore(t, directory, Options{}).Close()
			editFile(t, filepath.Join(directory, tt.file), tt.change)
			for _, readOnly := range []bool{false, true} {
				_, err := Open(directory, Options{ReadOnly: readOnly})
				if !errors.Is(err, ErrSchema) || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), tt.file) {
					t.Errorf("Open(ReadOnly: %t): %v, want %v with %s and %s", readOnly, err, ErrSchema, tt.file, tt.want)
				}
			}
		})
	}
}

// editFile changes a bbolt file behind the store's back.
func editFile(t testing.TB, path string, change func(*bolt.Tx) error) {
	t.Helper()
	db, err := bolt.Open(path, 0o600, &bolt.Options{Timeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(db.Update(change), db.Close()); err != nil {
		t.Fatal(err)
	}
}

func TestDirectoryIsPrivate(t *testing.T) {
	directory := filepath.Join(t.TempDir(), "data")
	openStore(t, directory, Options{})
	for _, path := range []string{directory, statePath(directory)} {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if os.PathSeparator == '/' && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v, want nothing for group and others", path, info.Mode())
		}
	}
}
