package storage

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"

	bolt "go.etcd.io/bbolt"

	"github.com/skewatch/skewatch/storage/pages"
)

// The buckets of a segment, and what stands in its bucket meta. All values but the schema
// and the blocks' chunks are guarded by a CRC32C.
const (
	bucketBlocks = "blocks"
	bucketRounds = "rounds"

	keyHistory = "history" // the Merkle log as it was when the segment was begun
	keyClosed  = "closed"  // the summary, once nothing more is added
)

const segmentDirectory = "segments"

// A segment is one file of messages.
type segment struct {
	first uint64 // the least sequence that it may hold
	path  string
	db    *database // while it is written; nil otherwise, and then it never changes

	known   atomic.Bool // its schema is ours
	summary atomic.Pointer[summary]
}

// segments is the list of all segment files.
type segments struct {
	directory string
	mapped    int // address space for the segment being written

	mu     sync.Mutex
	all    []*segment // in order of first
	closed bool
}

// openSegments lists the files in directory, without opening one.
func openSegments(directory string) (*segments, error) {
	entries, err := os.ReadDir(directory)
	if err != nil {
		return nil, err
	}
	s := &segments{directory: directory}
	for _, e := range entries {
		var first uint64
		if n, err := fmt.Sscanf(e.Name(), "%020d.db", &first); n != 1 || err != nil || e.Name() != segmentName(first) {
			continue
		}
		s.all = append(s.all, &segment{first: first, path: filepath.Join(directory, e.Name())})
	}
	return s, nil
}

func segmentName(first uint64) string { return fmt.Sprintf("%020d.db", first) }

// list returns all segments, in order.
func (s *segments) list() []*segment {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.all)
}

// newest returns the last segment, nil if there is none.
func (s *segments) newest() *segment {
	if all := s.list(); len(all) > 0 {
		return all[len(all)-1]
	}
	return nil
}

// A segmentRange is a segment with the sequences that are read from it: a later one may
// hold again what a damaged one held.
type segmentRange struct {
	*segment
	last uint64
}

// from returns the segments that may hold sequence or a later one.
func (s *segments) from(sequence uint64) []segmentRange {
	all := s.list()
	i, found := slices.BinarySearchFunc(all, sequence, func(g *segment, n uint64) int {
		return cmp.Compare(g.first, n)
	})
	if !found && i > 0 {
		i--
	}
	var ranges []segmentRange
	for ; i < len(all); i++ {
		last := uint64(math.MaxUint64)
		if i+1 < len(all) {
			last = all[i+1].first - 1
		}
		ranges = append(ranges, segmentRange{all[i], last})
	}
	return ranges
}

// add puts a new segment at the end of the list.
func (s *segments) add(g *segment) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = append(s.all, g)
}

// drop takes a segment out of the list.
func (s *segments) drop(g *segment) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = slices.DeleteFunc(s.all, func(other *segment) bool { return other == g })
}

// written returns the database of a segment while it is written.
func (s *segments) written(g *segment) (*database, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, ErrClosed
	}
	return g.db, nil
}

// read calls fn with a segment's file. fn must be quick. The file may be gone: the error
// then is fs.ErrNotExist.
func (s *segments) read(g *segment, fn func(*pages.File) error) error {
	db, err := s.written(g)
	if err != nil {
		return err
	}
	if db != nil {
		err := db.read(fn)
		if !errors.Is(err, ErrClosed) {
			return err
		}
		if _, err := s.written(g); err != nil {
			return err
		}
	}
	return readPages(g.path, func(f *pages.File) error {
		if !g.known.Load() {
			if err := checkSchema(f, g.path, schemaSegment); err != nil {
				return err
			}
			g.known.Store(true)
		}
		return fn(f)
	})
}

// openToWrite opens a segment for the writer.
func (s *segments) openToWrite(g *segment) error {
	db, err := openDatabase(g.path, schemaSegment, bolt.Options{InitialMmapSize: s.mapped})
	if err != nil {
		return err
	}
	db.bolt.AllocSize = growBytes
	s.mu.Lock()
	defer s.mu.Unlock()
	g.db = db
	return nil
}

// growBytes is by how much a file grows at a time.
const growBytes = 4 << 20

// letGo ends the writing of a segment.
func (s *segments) letGo(g *segment) error {
	s.mu.Lock()
	db := g.db
	g.db = nil
	s.mu.Unlock()
	if db == nil {
		return nil
	}
	return db.close()
}

// create makes the file of a segment that begins with first; add puts it into the list.
func (s *segments) create(first uint64, h *history) (*segment, error) {
	path := filepath.Join(s.directory, segmentName(first))
	err := createDatabase(path, schemaSegment, func(tx *bolt.Tx) error {
		return putGuarded(tx.Bucket([]byte(bucketMeta)), []byte(keyHistory), h.encode())
	}, bucketBlocks, bucketRounds)
	if err != nil {
		return nil, err
	}
	return &segment{first: first, path: path}, nil
}

// close ends all reading and writing.
func (s *segments) close() error {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	var errs []error
	for _, g := range s.list() {
		errs = append(errs, s.letGo(g))
	}
	return errors.Join(errs...)
}

// A summary is what is known of a segment to which nothing more is added.
type summary struct {
	last     uint64 // Sequence of the newest message
	earliest int64  // Received, Unix nanoseconds; greater than latest if there are no messages
	latest   int64
}

// emptySummary returns that of a segment that begins with first and holds nothing.
func emptySummary(first uint64) summary {
	return summary{last: first - 1, earliest: math.MaxInt64, latest: math.MinInt64}
}

func (s *summary) add(m *manifest) {
	s.last = m.last
	s.earliest, s.latest = min(s.earliest, m.earliest), max(s.latest, m.latest)
}

func (s *summary) encode() []byte {
	b := binary.BigEndian.AppendUint64(nil, s.last)
	b = binary.BigEndian.AppendUint64(b, uint64(s.earliest))
	return binary.BigEndian.AppendUint64(b, uint64(s.latest))
}

// summaryOf returns the summary of a segment that is closed, nil for one that is written,
// or was left when it was damaged.
func (s *segments) summaryOf(g *segment) *summary {
	if db, err := s.written(g); db != nil || err != nil {
		return nil
	}
	if known := g.summary.Load(); known != nil {
		return known
	}
	_ = s.read(g, func(f *pages.File) error { // what is wrong shows when it is read
		if b := metaValue(f, keyClosed); len(b) == 24 {
			g.summary.Store(&summary{
				last:     binary.BigEndian.Uint64(b),
				earliest: int64(binary.BigEndian.Uint64(b[8:])),
				latest:   int64(binary.BigEndian.Uint64(b[16:])),
			})
		}
		return nil
	})
	return g.summary.Load()
}

// metaValue returns what putGuarded stored in the bucket meta, nil if it isn't there or
// damaged.
func metaValue(f *pages.File, key string) []byte {
	b, ok := f.Bucket(bucketMeta, nil)
	if !ok {
		return nil
	}
	k, v := b.Cursor(nil).Seek([]byte(key))
	if string(k) != key || !sound(k, v) {
		return nil
	}
	return v[4:]
}

// isGone reports whether a segment's file isn't there any more.
func isGone(err error) bool { return errors.Is(err, fs.ErrNotExist) }
