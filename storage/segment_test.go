package storage

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sirupsen/logrus"
	logrustest "github.com/sirupsen/logrus/hooks/test"

	"github.com/skewatch/skewatch/storage/pages"
)

func segmentFiles(t testing.TB, directory string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(directory, segmentDirectory, "*"))
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestSegmentsAreNamedByFirstSequence(t *testing.T) {
	directory := t.TempDir()
	s := openStore(t, directory, Options{SegmentBytes: 256 << 10, TailBytes: 64 << 10})
	last := fill(t, s)
	s.Close()
	files := segmentFiles(t, directory)
	if len(files) < 5 {
		t.Fatalf("%d segments, want several", len(files))
	}
	s = openStore(t, directory, Options{ReadOnly: true})
	for _, g := range s.segments.from(0) {
		if !slices.Contains(files, g.path) {
			t.Errorf("%s isn't among the files", g.path)
		}
		wantFirst(t, s, g.segment)
	}
	s.Close()
	s = openStore(t, directory, Options{})
	if n := wantGapless(t, s, Query{}); uint64(n) != last {
		t.Errorf("have %d messages, want %d", n, last)
	}
}

// wantFirst checks that a segment begins as its name says and stays within the
// limit of 256 KiB and a tail.
func wantFirst(t testing.TB, s *Store, g *segment) {
	t.Helper()
	err := s.segments.read(g, func(f *pages.File) error {
		var first uint64
		eachRound(f, 0, func(record, problem string) { t.Errorf("%s: %s: %s", g.path, record, problem) }, func(r *sealedRound) bool {
			first = r.first
			return false
		})
		if first != g.first {
			t.Errorf("%s begins with %d", g.path, first)
		}
		if f.Size() > 512<<10 {
			t.Errorf("%s uses %d bytes, want less than 512 KiB", g.path, f.Size())
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestUnfinishedSegment leaves behind what a power cut may leave while a segment
// is begun.
func TestUnfinishedSegment(t *testing.T) {
	directory := t.TempDir()
	s := openStore(t, directory, Options{SegmentBytes: 1})
	appendNumbered(t, s, 5)
	s.Close()
	unfinished := filepath.Join(directory, segmentDirectory, segmentName(6)+".new")
	if err := os.WriteFile(unfinished, []byte("torn"), 0o600); err != nil {
		t.Fatal(err)
	}
	s = openStore(t, directory, Options{SegmentBytes: 1})
	appendNumbered(t, s, 5)
	syncStore(t, s)
	wantNumbered(t, s, 10)
}

// TestLostSegments removes messages that were on disk: their numbers must not be given
// again.
func TestLostSegments(t *testing.T) {
	directory := t.TempDir()
	s := openStore(t, directory, Options{})
	appendNumbered(t, s, 100)
	checkpoint(t, s, Changes{Sequence: 70})
	s.Close()
	for _, file := range []string{segmentFiles(t, directory)[0], tailPath(directory, 0), tailPath(directory, 1)} {
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
	}
	log, seen := logrustest.NewNullLogger()
	s = openStore(t, directory, Options{Log: log})
	if e := seen.LastEntry(); e == nil || e.Level != logrus.WarnLevel {
		t.Errorf("logged %v, want a warning", e)
	}
	appendNumbered(t, s, 1)
	syncStore(t, s)
	if have, err := sequences(t, s, Query{}); err != nil || !slices.Equal(have, []uint64{101}) {
		t.Errorf("have %d, %v, want 101", have, err)
	}
}

func TestOneSegmentIsOpen(t *testing.T) {
	s := openStore(t, t.TempDir(), Options{SegmentBytes: 256 << 10, TailBytes: 64 << 10})
	fill(t, s)
	wantGapless(t, s, Query{})
	open := 0
	for _, g := range s.segments.from(0) {
		if g.db != nil {
			open++
		}
	}
	if open != 1 {
		t.Errorf("%d segments are open with nobody reading, want 1", open)
	}
	missing := &segment{path: filepath.Join(s.directory, "missing")}
	if err := s.segments.read(missing, func(*pages.File) error { return nil }); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("reading a missing file: %v, want %v", err, os.ErrNotExist)
	}
}

func TestClosedSegments(t *testing.T) {
	directory := t.TempDir()
	s := openStore(t, directory, Options{SegmentBytes: 256 << 10, TailBytes: 64 << 10})
	last := fill(t, s)
	closed, err := ClosedSegments(directory) // while the store is written
	if err != nil || len(closed) < 2 || closed[0].First != 1 || closed[len(closed)-1].Last > last {
		t.Fatalf("closed segments are %+v, %v", closed, err)
	}
	for i, c := range closed[1:] {
		if c.First != closed[i].Last+1 || c.Name != strings.TrimSuffix(segmentName(c.First), ".db") {
			t.Errorf("behind %+v comes %+v", closed[i], c)
		}
	}
}
