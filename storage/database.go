package storage

import (
	"bytes"
	"errors"
	"fmt"
	"math/bits"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"sync"
	"time"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"github.com/skewatch/skewatch/storage/pages"
)

const (
	bucketMeta = "meta"
	keySchema  = "schema"
)

// A schema is what a file says it contains, and in which layout.
type schema string

const (
	schemaState   schema = "skewatch state 2"
	schemaSegment schema = "skewatch segment 3"
)

// A database is a bbolt file that is written. bbolt only writes: reading goes by package
// pages, between two transactions, since a damaged page has bbolt fault or recurse for
// ever.
type database struct {
	path string

	lock   sync.RWMutex // held to write by whoever writes or closes
	bolt   *bolt.DB     // nil if it is only read
	broken error        // what a transaction ran into; bbolt is left alone from then on
	closed bool
}

// bbolt tries a lock again every 50 ms; a shorter timeout makes it try once.
const tryOnce = time.Millisecond

// openDatabase opens a file of a schema to write. It refuses a damaged one with a
// *DamageError.
func openDatabase(path string, want schema, o bolt.Options) (*database, error) {
	err := readPages(path, func(f *pages.File) error {
		if err := checkSchema(f, path, want); err != nil {
			return err
		}
		d := pageDamage{path: path}
		f.Check(d.note)
		return d.err()
	})
	if err != nil {
		return nil, err
	}
	o.Timeout = tryOnce
	o.FreelistType = bolt.FreelistMapType
	db := &database{path: path}
	err = survive(path, func() (err error) {
		db.bolt, err = bolt.Open(path, 0o600, &o)
		return err
	})
	if errors.Is(err, bolterrors.ErrTimeout) {
		err = ErrInUse
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return db, nil
}

// createDatabase makes a file of a schema with empty buckets, and has init fill it. It gets
// its name only when it is complete, so that a power cut leaves either a good file or none.
func createDatabase(path string, is schema, init func(*bolt.Tx) error, buckets ...string) error {
	unfinished := path + ".new"
	if err := removeIfThere(unfinished); err != nil {
		return err
	}
	db, err := bolt.Open(unfinished, 0o600, &bolt.Options{Timeout: tryOnce, FreelistType: bolt.FreelistMapType})
	if err != nil {
		return err
	}
	err = db.Update(func(tx *bolt.Tx) error {
		for _, name := range append(buckets, bucketMeta) {
			if _, err := tx.CreateBucket([]byte(name)); err != nil {
				return fmt.Errorf("create bucket %s: %w", name, err)
			}
		}
		if err := putGuarded(tx.Bucket([]byte(bucketMeta)), []byte(keySchema), []byte(is)); err != nil {
			return err
		}
		return init(tx)
	})
	if err := errors.Join(err, db.Close()); err != nil {
		return err
	}
	if err := os.Rename(unfinished, path); err != nil {
		return err
	}
	return syncDirectory(filepath.Dir(path))
}

func removeIfThere(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// checkSchema makes sure that a file is ours and of the schema that we know.
func checkSchema(f *pages.File, path string, want schema) error {
	d := pageDamage{path: path}
	var k, v []byte
	if b, ok := f.Bucket(bucketMeta, d.note); ok {
		k, v = b.Cursor(d.note).Seek([]byte(keySchema))
	}
	have := schema("somebody else's")
	switch {
	case d.err() != nil:
		return d.err()
	case string(k) != keySchema:
	case sound(k, v) && schema(v[4:]) == want:
		return nil
	case sound(k, v):
		have = schema(v[4:])
	case bytes.HasPrefix(v, []byte("skewatch ")): // the first ones stood there unguarded
		have = schema(v)
	default:
		return &DamageError{File: path, Record: "the schema", Problem: failsChecksum}
	}
	return fmt.Errorf("%s: %w: is %q, this version reads %q", path, ErrSchema, have, want)
}

// update runs a transaction. If bbolt runs into damage, it is a *DamageError, and so are
// all further ones.
func (db *database) update(fn func(*bolt.Tx) error) error {
	db.lock.Lock()
	defer db.lock.Unlock()
	switch {
	case db.closed:
		return ErrClosed
	case db.broken != nil:
		return db.broken
	}
	err := survive(db.path, func() error { return db.bolt.Update(fn) })
	if errors.As(err, new(*DamageError)) {
		db.broken = err
	}
	return err
}

// read calls fn with the file between two transactions: fn must be quick.
func (db *database) read(fn func(*pages.File) error) error {
	db.lock.RLock()
	defer db.lock.RUnlock()
	if db.closed {
		return ErrClosed
	}
	return readPages(db.path, fn)
}

// readNow is read, but fails with ErrBusy rather than wait for a transaction.
func (db *database) readNow(fn func(*pages.File) error) error {
	if !db.lock.TryRLock() {
		return ErrBusy
	}
	defer db.lock.RUnlock()
	if db.closed {
		return ErrClosed
	}
	return readPages(db.path, fn)
}

// renew has fn put another file in the place of a broken one, and goes on with that.
func (db *database) renew(fn func() error, open func() (*database, error)) error {
	db.lock.Lock()
	defer db.lock.Unlock()
	if db.closed {
		return ErrClosed
	}
	if err := fn(); err != nil {
		return err
	}
	fresh, err := open()
	if err == nil {
		db.bolt, db.broken = fresh.bolt, nil
	}
	return err
}

// close closes the file. After damage it only lets go of it: bbolt may hold its own locks.
func (db *database) close() error {
	db.lock.Lock()
	defer db.lock.Unlock()
	if db.closed {
		return nil
	}
	db.closed = true
	if db.broken != nil || db.bolt == nil {
		return nil
	}
	return survive(db.path, db.bolt.Close)
}

// survive runs what works on a file that is mapped, and makes a *DamageError of the fault or
// panic that a damaged or shortened file causes.
func survive(path string, fn func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = &DamageError{File: path, Record: "the file", Problem: fmt.Sprint(p)}
		}
	}()
	return fn()
}

// readPages calls fn with a file as it is now.
func readPages(path string, fn func(*pages.File) error) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	f, err := pages.Open(file)
	if errors.Is(err, pages.ErrNotBbolt) {
		return &DamageError{File: path, Record: "the file", Problem: err.Error()}
	}
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return fn(f)
}

// pageDamage collects damaged pages of a file.
type pageDamage struct {
	path string
	damage
}

func (d *pageDamage) note(p pages.Damage) {
	d.damage.note(d.path, p.Place(), p.Problem)
}

// mapSize returns how much address space to map for a file expected to grow to
// size. bbolt maps a growing file anew each time it outgrows its map. Windows extends
// the file itself to the map's size, and 32 bits have no space to give away: there the
// file is mapped as it grows.
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
