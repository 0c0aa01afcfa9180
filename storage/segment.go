package storage

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"

	bolt "go.etcd.io/bbolt"
)

var bucketBlocks = []byte("blocks")

const segmentDirectory = "segments"

// A segment is one file of messages. Its bbolt bucket counts the messages: the
// bucket's own sequence is that of the last one sealed.
type segment struct {
	first uint64 // the least sequence that it may hold
	path  string

	db    *bolt.DB // nil while users is 0
	users int
}

// segments is the list of all segment files. The writer keeps the last one open;
// readers open the others while they need them.
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

// newest returns the last segment, nil if there is none.
func (s *segments) newest() *segment {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.all) == 0 {
		return nil
	}
	return s.all[len(s.all)-1]
}

// from returns the segments that may hold sequence or a later one.
func (s *segments) from(sequence uint64) []*segment {
	s.mu.Lock()
	defer s.mu.Unlock()
	i, found := slices.BinarySearchFunc(s.all, sequence, func(g *segment, n uint64) int {
		return cmp.Compare(g.first, n)
	})
	if !found && i > 0 {
		i--
	}
	return slices.Clone(s.all[i:])
}

// acquire opens a segment for reading, if it isn't open already. Each call is
// paired with one of release.
func (s *segments) acquire(g *segment) (*bolt.DB, error) {
	return s.open(g, bolt.Options{ReadOnly: true})
}

// acquireToWrite opens a segment for the writer.
func (s *segments) acquireToWrite(g *segment) (*bolt.DB, error) {
	return s.open(g, bolt.Options{InitialMmapSize: s.mapped})
}

func (s *segments) open(g *segment, o bolt.Options) (*bolt.DB, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, ErrClosed
	}
	if g.db == nil {
		db, err := openDatabase(g.path, schemaSegment, o, bucketBlocks)
		if err != nil {
			return nil, err
		}
		g.db = db
	}
	g.users++
	return g.db, nil
}

// release closes the segment's file after its last user.
func (s *segments) release(g *segment) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	g.users--
	if g.users > 0 || g.db == nil {
		return nil
	}
	db := g.db
	g.db = nil
	return db.Close()
}

// create makes the file of a segment that begins with first; add puts it into
// the list. The file gets its name only when it is complete, so that a power cut
// leaves either a good segment or none.
func (s *segments) create(first uint64) (*segment, error) {
	path := filepath.Join(s.directory, segmentName(first))
	unfinished := path + ".new"
	if err := os.Remove(unfinished); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	if err := initSegment(unfinished, first); err != nil {
		return nil, err
	}
	if err := os.Rename(unfinished, path); err != nil {
		return nil, err
	}
	if err := syncDirectory(s.directory); err != nil {
		return nil, err
	}
	return &segment{first: first, path: path}, nil
}

func (s *segments) add(g *segment) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = append(s.all, g)
}

func initSegment(path string, first uint64) error {
	db, err := openDatabase(path, schemaSegment, bolt.Options{}, bucketBlocks)
	if err != nil {
		return err
	}
	defer db.Close()
	return db.Update(func(tx *bolt.Tx) error {
		return tx.Bucket(bucketBlocks).SetSequence(first - 1)
	})
}

// close closes every open file, also under readers: they get ErrClosed.
func (s *segments) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	var errs []error
	for _, g := range s.all {
		if g.db != nil {
			errs = append(errs, g.db.Close())
			g.db = nil
		}
	}
	return errors.Join(errs...)
}

// lastSequence returns the newest message of a segment, first-1 if it is empty.
func lastSequence(db *bolt.DB) (last uint64, err error) {
	err = db.View(func(tx *bolt.Tx) error {
		last = tx.Bucket(bucketBlocks).Sequence()
		return nil
	})
	return last, err
}

// chunkBytes is how much of a block one value holds. bbolt rewrites the page that it
// appends to, and pages of values that are larger than a page hold little else: in
// chunks of half a page, it writes little more than it stores.
const chunkBytes = 2000

// A chunkKey says which part of a block a value is. It is stored as the first sequence of
// the round (8 bytes), the partition (1), the first sequence of the block (8) and the
// chunk's number in the block (2), all big-endian.
type chunkKey struct {
	round     uint64
	partition uint8
	block     uint64
	chunk     int
}

const chunkKeyBytes = 19

func (k chunkKey) encode() []byte {
	b := binary.BigEndian.AppendUint64(make([]byte, 0, chunkKeyBytes), k.round)
	b = binary.BigEndian.AppendUint64(append(b, k.partition), k.block)
	return binary.BigEndian.AppendUint16(b, uint16(k.chunk))
}

// readChunkKey is the inverse of encode; zeros for what isn't such a key.
func readChunkKey(b []byte) chunkKey {
	if len(b) != chunkKeyBytes {
		return chunkKey{}
	}
	return chunkKey{
		round:     binary.BigEndian.Uint64(b),
		partition: b[8],
		block:     binary.BigEndian.Uint64(b[9:]),
		chunk:     int(binary.BigEndian.Uint16(b[17:])),
	}
}

// writeBlocks appends the blocks of a round, of messages first to last, to a segment in
// one transaction.
func writeBlocks(db *bolt.DB, first, last uint64, set *blockSet) error {
	return db.Update(func(tx *bolt.Tx) error {
		b := tx.Bucket(bucketBlocks)
		b.FillPercent = 1 // keys only ever rise: nothing will be put between them
		for _, e := range set.sorted() {
			encoded := set.encoded(e)
			for chunk := 0; len(encoded) > 0; chunk++ {
				n := min(len(encoded), chunkBytes)
				key := chunkKey{first, e.partition, e.first, chunk}
				if err := b.Put(key.encode(), encoded[:n]); err != nil {
					return fmt.Errorf("block %d: %w", e.first, err)
				}
				encoded = encoded[n:]
			}
		}
		return b.SetSequence(last)
	})
}

// usedBytes returns how much of a segment's file is in use; the file itself is
// extended ahead of need.
func usedBytes(db *bolt.DB) (n int64, err error) {
	err = db.View(func(tx *bolt.Tx) error {
		n = tx.Size()
		return nil
	})
	return n, err
}
