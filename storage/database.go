package storage

import (
	"errors"
	"fmt"
	"math/bits"
	"os"
	"runtime"
	"time"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

var (
	bucketMeta = []byte("meta")
	keySchema  = []byte("schema")
)

// A schema is what a file says it contains, and in which layout.
type schema string

const (
	schemaState   schema = "skewatch state 1"
	schemaSegment schema = "skewatch segment 2"
)

// bbolt tries a lock again every 50 ms; a shorter timeout makes it try once.
const tryOnce = time.Millisecond

// openDatabase opens a bbolt file and checks its schema. An empty file is given
// the schema and the buckets.
func openDatabase(path string, want schema, o bolt.Options, buckets ...[]byte) (*bolt.DB, error) {
	o.Timeout = tryOnce
	o.FreelistType = bolt.FreelistMapType
	db, err := bolt.Open(path, 0o600, &o)
	if errors.Is(err, bolterrors.ErrTimeout) {
		return nil, ErrInUse
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if err := claim(db, want, buckets); err != nil {
		db.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return db, nil
}

// claim makes sure that the file is ours and of the schema we know.
func claim(db *bolt.DB, want schema, buckets [][]byte) error {
	have, empty, err := readSchema(db)
	switch {
	case err != nil:
		return err
	case empty && !db.IsReadOnly():
		return db.Update(func(tx *bolt.Tx) error { return writeSchema(tx, want, buckets) })
	case have != want:
		return fmt.Errorf("%w: is %q, this version reads %q", ErrSchema, have, want)
	}
	return nil
}

func readSchema(db *bolt.DB) (s schema, empty bool, err error) {
	err = db.View(func(tx *bolt.Tx) error {
		if meta := tx.Bucket(bucketMeta); meta != nil {
			s = schema(meta.Get(keySchema))
			return nil
		}
		first, _ := tx.Cursor().First()
		empty = first == nil
		return nil
	})
	return s, empty, err
}

func writeSchema(tx *bolt.Tx, s schema, buckets [][]byte) error {
	for _, name := range buckets {
		if _, err := tx.CreateBucket(name); err != nil {
			return fmt.Errorf("create bucket %s: %w", name, err)
		}
	}
	meta, err := tx.CreateBucket(bucketMeta)
	if err != nil {
		return fmt.Errorf("create bucket %s: %w", bucketMeta, err)
	}
	return meta.Put(keySchema, []byte(s))
}

// mapSize returns how much address space to map for a file expected to grow to
// size. bbolt maps a growing file anew each time it outgrows its map, and waits
// for every reader to do so. Windows extends the file itself to the map's size,
// and 32 bits have no space to give away: there the file is mapped as it grows.
func mapSize(size int64) int {
	if runtime.GOOS == "windows" || bits.UintSize == 32 {
		return 0
	}
	return int(size)
}

// syncDirectory makes a file's new name survive a power cut. Windows can't sync
// a directory and keeps names in a journal.
func syncDirectory(path string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
