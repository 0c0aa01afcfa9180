package storage

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"
)

const dayNanos = int64(24 * time.Hour)

// appendDays appends ten messages a day, each day's in a segment of its own.
func appendDays(t testing.TB, s *Store, days int) {
	t.Helper()
	for range days {
		batch := batchAfter(s.Last(), 10)
		day := int64(s.Last() / 10)
		for i := range batch {
			batch[i].Received = 1_700_000_000_000_000_000 + day*dayNanos + int64(i)
			batch[i].PreviousRead = 0
		}
		if err := s.Append(batch); err != nil {
			t.Fatal(err)
		}
		awaitSealed(t, s)
	}
}

func dayBegin(day int) int64 { return 1_700_000_000_000_000_000 + int64(day)*dayNanos }

func TestSegmentADay(t *testing.T) {
	s := openStore(t, t.TempDir(), Options{SealEvery: 1})
	appendDays(t, s, 4)
	var firsts []uint64
	for _, g := range s.segments.list() {
		firsts = append(firsts, g.first)
	}
	if want := []uint64{1, 11, 21, 31}; !slices.Equal(firsts, want) {
		t.Errorf("segments begin with %d, want %d", firsts, want)
	}
	// A query reads none of the days that it has no business with.
	have, err := sequences(t, s, Query{Since: dayBegin(2), Until: dayBegin(3)})
	if err != nil || len(have) != 10 || have[0] != 21 {
		t.Errorf("the third day is %d, %v, want 21 to 30", have, err)
	}
}

func TestExpire(t *testing.T) {
	directory := t.TempDir()
	s := openStore(t, directory, Options{SealEvery: 1})
	appendDays(t, s, 6)
	size := func(i int) int64 {
		info, err := os.Stat(s.segments.list()[i].path)
		if err != nil {
			t.Fatal(err)
		}
		return info.Size()
	}
	for _, tt := range []struct {
		name string
		keep Retention
		want uint64 // the first message that is left
	}{
		{"nothing said", Retention{}, 1},
		{"nothing so old", Retention{Since: dayBegin(0)}, 1},
		{"part of a segment", Retention{Since: dayBegin(0) + 5}, 1},
		{"two days", Retention{Since: dayBegin(2)}, 21},
		{"room for three", Retention{Bytes: size(2) + size(3) + size(5)}, 31},
		{"all", Retention{Since: dayBegin(100), Bytes: 1}, 51},
	} {
		before := len(s.segments.list())
		removed, err := s.Expire(tt.keep)
		if err != nil || before-len(removed) != len(s.segments.list()) {
			t.Errorf("%s: removed %+v, %v", tt.name, removed, err)
		}
		if have, err := sequences(t, s, Query{}); err != nil || have[0] != tt.want || have[len(have)-1] != 60 {
			t.Errorf("%s: %d, %v are left, want from %d on", tt.name, have, err, tt.want)
		}
		if _, found := verify(t, s, Inspection{}); len(found) > 0 {
			t.Errorf("%s: what was removed on purpose is found missing: %q", tt.name, found)
		}
	}
	s.Close()
	s = openStore(t, directory, Options{SealEvery: 1})
	appendDays(t, s, 1)
	if _, found := verify(t, s, Inspection{}); len(found) > 0 {
		t.Errorf("after a restart: %q", found)
	}
}

// archive archives a directory and returns what was done.
func archive(t testing.TB, from, to string, how Archiving) (all []Archived) {
	t.Helper()
	how.Done = func(a Archived) { all = append(all, a) }
	if err := Archive(t.Context(), from, to, how); err != nil {
		t.Fatal(err)
	}
	return all
}

func TestArchive(t *testing.T) {
	directory, to := t.TempDir(), t.TempDir()
	s := openStore(t, directory, Options{SealEvery: 1})
	appendDays(t, s, 5)

	if all := archive(t, directory, to, Archiving{Before: dayBegin(2)}); len(all) != 2 || !all[0].Copied || all[1].Last != 20 || all[1].Deleted {
		t.Errorf("archived %+v, want the first two days", all)
	}
	all := archive(t, directory, to, Archiving{Delete: true}) // under the store, which is open
	if len(all) != 4 || all[1].Copied || !all[2].Copied || !all[3].Deleted {
		t.Errorf("archived %+v, want four days, two of them known", all)
	}
	if have, err := sequences(t, s, Query{}); err != nil || len(have) != 10 || have[0] != 41 {
		t.Errorf("left are %d, %v, want the newest day", have, err)
	}
	if _, found := verify(t, s, Inspection{}); len(found) > 0 {
		t.Errorf("what was left: %q", found)
	}

	a, err := Open(to, Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	if have, err := sequences(t, a, Query{}); err != nil || len(have) != 40 || have[39] != 40 {
		t.Errorf("in the archive are %d, %v, want 1 to 40", have, err)
	}
	if v, found := verify(t, a, Inspection{}); len(found) > 0 || v.Messages != 40 || v.Head == "" {
		t.Errorf("the archive: %+v, %q, want 40 messages and a head", v, found)
	}
	a.Close()

	// What was archived is put back.
	s.Close()
	for _, file := range segmentFiles(t, to) {
		copyFile(t, file, filepath.Join(directory, segmentDirectory, filepath.Base(file)))
	}
	s = openStore(t, directory, Options{})
	wantSequences(t, s, 50)
	if _, found := verify(t, s, Inspection{}); len(found) > 0 {
		t.Errorf("after it was put back: %q", found)
	}
}

func wantSequences(t testing.TB, s *Store, last uint64) {
	t.Helper()
	have, err := sequences(t, s, Query{})
	if err != nil || uint64(len(have)) != last || have[0] != 1 || have[last-1] != last {
		t.Errorf("have %d, %v, want 1 to %d", have, err, last)
	}
}

func TestArchiveKeepsWhatIsThere(t *testing.T) {
	directory, other, to := t.TempDir(), t.TempDir(), t.TempDir()
	for _, d := range []string{directory, other} {
		s := openStore(t, d, Options{SealEvery: 1})
		appendDays(t, s, 2)
		s.Close()
	}
	archive(t, directory, to, Archiving{})
	if err := Archive(t.Context(), other, to, Archiving{Delete: true}); err == nil {
		t.Error("another collector's segment of the same name takes the place of the first")
	}
	if n := len(segmentFiles(t, other)); n != 2 {
		t.Errorf("%d segments are left where they couldn't be archived, want 2", n)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Archive(ctx, directory, t.TempDir(), Archiving{}); err == nil {
		t.Error("archiving goes on though its context has ended")
	}
}

// TestMonths opens two years of segments: memory doesn't grow with them.
func TestMonths(t *testing.T) {
	days := 60
	if os.Getenv("SKEWATCH_ACCEPTANCE") != "" {
		days = 730
	}
	directory := t.TempDir()
	s := openStore(t, directory, Options{SealEvery: 1})
	appendDays(t, s, 1)
	few := heapOfOpening(t, s, directory)
	s = openStore(t, directory, Options{SealEvery: 1})
	appendDays(t, s, days-1)
	many := heapOfOpening(t, s, directory)
	t.Logf("opening takes %d bytes with one segment, %d with %d", few, many, days)
	if perSegment := (many - few) / int64(days); perSegment > 1024 {
		t.Errorf("each segment takes %d bytes of memory, want less than 1 KiB", perSegment)
	}
}

// heapOfOpening closes a store, and returns the memory that opening it anew takes.
func heapOfOpening(t testing.TB, s *Store, directory string) int64 {
	t.Helper()
	s.Close()
	before := heap()
	s = mustOpen(t, directory, Options{SealEvery: time.Hour})
	after := heap()
	s.Close()
	return after - before
}

func heap() int64 {
	var m runtime.MemStats
	for range 3 { // pools last for two
		runtime.GC()
	}
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// TestExpireBehindDamage leaves a segment without its summary, as damage does: those behind
// it, and it with them, are removed all the same.
func TestExpireBehindDamage(t *testing.T) {
	directory := t.TempDir()
	s := openStore(t, directory, Options{SealEvery: 1})
	appendDays(t, s, 5)
	s.Close()
	editFile(t, filepath.Join(directory, segmentDirectory, segmentName(11)), func(tx *bolt.Tx) error {
		return tx.Bucket([]byte(bucketMeta)).Delete([]byte(keyClosed))
	})
	s = openStore(t, directory, Options{})
	for _, tt := range []struct {
		since int64
		want  uint64 // the first message that is left
	}{{dayBegin(2), 11}, {dayBegin(3), 31}} {
		if removed, err := s.Expire(Retention{Since: tt.since}); err != nil {
			t.Errorf("removed %+v, %v", removed, err)
		}
		if have, err := sequences(t, s, Query{}); err != nil || have[0] != tt.want {
			t.Errorf("%d, %v are left, want from %d on", have, err, tt.want)
		}
	}
}

// TestCloseThatWasCutOff has a segment say that it is closed, and goes on with it: what
// comes then is found by its time.
func TestCloseThatWasCutOff(t *testing.T) {
	directory := t.TempDir()
	o := Options{SealEvery: 1, SegmentSpan: 100 * 24 * time.Hour}
	s := openStore(t, directory, o)
	appendDays(t, s, 1)
	err := s.active.db.update(func(tx *bolt.Tx) error {
		return putGuarded(tx.Bucket([]byte(bucketMeta)), []byte(keyClosed), s.summary.encode())
	})
	if err != nil {
		t.Fatal(err)
	}
	second := Query{Since: dayBegin(1)}
	if have, err := sequences(t, s, second); err != nil || len(have) != 0 {
		t.Errorf("before the second day it is %d, %v", have, err)
	}
	appendDays(t, s, 1)
	for _, readOnly := range []bool{false, true} {
		if have, err := sequences(t, s, second); err != nil || len(have) != 10 {
			t.Errorf("read only %v: the second day is %d, %v, want 11 to 20", readOnly, have, err)
		}
		s.Close()
		s = openStore(t, directory, Options{ReadOnly: true})
	}
}
