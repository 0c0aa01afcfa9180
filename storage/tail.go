package storage

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
)

// A tail is a file of messages that have arrived and aren't sealed into blocks yet. It
// is preallocated, and written from the beginning again when its messages are sealed.
// There are two, written in turn: while one is sealed the other takes what comes.
//
// It begins with a header, all numbers big-endian:
//
//	 0  8  "skewtail"
//	 8  4  tailVersion
//	12  4  CRC32C of the other bytes of the header
//	16  8  epoch: a random number, new each time that it is begun anew
//	24  8  Sequence of the first message
//	32     records
//
// Each record is checked against the epoch, so that those of an earlier one, which
// stand behind the newest, are never taken for the present one's.
type tail struct {
	path  string
	file  *os.File
	size  int64 // preallocated
	epoch uint64
	end   int64 // where the next record goes
	dirty bool  // written since the last sync

	header []byte
	unsure bool // a sync failed: what was written before may not be on disk
}

const (
	tailMagic       = "skewtail"
	tailVersion     = 1
	tailHeaderBytes = 32
)

func tailPath(directory string, i int) string {
	return filepath.Join(directory, fmt.Sprintf("tail.%d", i))
}

// openTail opens a tail's file to write, and gives it its size.
func openTail(path string, size int64) (*tail, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := preallocate(f, size); err != nil {
		return nil, errors.Join(fmt.Errorf("preallocate %s: %w", path, err), f.Close())
	}
	return &tail{path: path, file: f, size: size}, nil
}

// begin makes the tail empty, for messages from first on.
func (t *tail) begin(first uint64) error {
	if t.end > t.size { // it outgrew its place while the other was sealed
		if err := t.file.Truncate(t.size); err != nil {
			return fmt.Errorf("storage: begin a tail: %w", err)
		}
	}
	epoch := rand.Uint64()
	h := make([]byte, tailHeaderBytes)
	copy(h, tailMagic)
	binary.BigEndian.PutUint32(h[8:], tailVersion)
	binary.BigEndian.PutUint64(h[16:], epoch)
	binary.BigEndian.PutUint64(h[24:], first)
	binary.BigEndian.PutUint32(h[12:], tailSum(h))
	if _, err := t.file.WriteAt(h, 0); err != nil {
		return fmt.Errorf("storage: begin a tail: %w", err)
	}
	t.header, t.epoch, t.end, t.dirty, t.unsure = h, epoch, tailHeaderBytes, true, false
	return nil
}

// rewrite writes again all that the tail holds.
func (t *tail) rewrite(records []*record) error {
	if _, err := t.file.WriteAt(t.header, 0); err != nil {
		return fmt.Errorf("storage: write a tail again: %w", err)
	}
	t.end = tailHeaderBytes
	if err := t.write(records); err != nil {
		return err
	}
	t.unsure = false
	return nil
}

func tailSum(h []byte) uint32 {
	return crc32.Update(crc32.Checksum(h[:12], castagnoli), castagnoli, h[16:tailHeaderBytes])
}

// write appends records. After an error the next call writes over what it wrote.
func (t *tail) write(records []*record) error {
	end := t.end
	for _, r := range records {
		b := r.seal(t.epoch)
		if _, err := t.file.WriteAt(b, end); err != nil {
			return fmt.Errorf("storage: write a tail: %w", err)
		}
		end += int64(len(b))
	}
	t.end, t.dirty = end, true
	return nil
}

// sync makes what was written survive a power cut.
func (t *tail) sync() error {
	if !t.dirty {
		return nil
	}
	if err := syncData(t.file); err != nil {
		t.unsure = true
		return fmt.Errorf("storage: sync a tail: %w", err)
	}
	t.dirty = false
	return nil
}

// readTailFile reads a tail that may not be there yet.
func readTailFile(path string) (tailContent, error) {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return tailContent{}, nil
	}
	if err != nil {
		return tailContent{}, err
	}
	defer f.Close()
	c, err := readTail(f)
	if err != nil {
		err = fmt.Errorf("%s: %w", path, err)
	}
	return c, err
}

// A tailContent is what a tail holds.
type tailContent struct {
	header  []byte
	epoch   uint64
	end     int64 // of the last whole record
	records []*record
	lost    []lostRange
}

// A lostRange is messages that stood before others in a tail and can't be read.
type lostRange struct{ first, last uint64 }

// errTail says that a file is no tail.
var errTail = errors.New("its header is damaged, or it is no tail")

// readTail reads a tail up to its last whole record: what a power cut took follows there,
// or what an earlier epoch left. It passes over records that are damaged.
func readTail(r io.Reader) (c tailContent, err error) {
	b, err := io.ReadAll(r)
	switch {
	case err != nil:
		return c, err
	case isZero(b[:min(len(b), tailHeaderBytes)]), len(b) < tailHeaderBytes && isBegun(b):
		return c, nil // not begun yet, or a power cut tore its header, before it held anything
	case len(b) < tailHeaderBytes:
		return c, errTail
	case binary.BigEndian.Uint32(b[12:]) != tailSum(b) || string(b[:8]) != tailMagic:
		return c, errTail
	}
	if v := binary.BigEndian.Uint32(b[8:]); v != tailVersion {
		return c, fmt.Errorf("%w: is a tail of version %d, this version reads %d", ErrSchema, v, tailVersion)
	}
	c.header, c.epoch, c.end = bytes.Clone(b[:tailHeaderBytes]), binary.BigEndian.Uint64(b[16:]), tailHeaderBytes
	next := binary.BigEndian.Uint64(b[24:])
	for {
		r, at := findRecord(b, c.end, c.epoch, next)
		if r == nil {
			return c, nil
		}
		if r.first > next {
			c.lost = append(c.lost, lostRange{next, r.first - 1})
		}
		c.records = append(c.records, r)
		c.end = at + int64(r.size())
		next = r.last() + 1
	}
}

// isBegun reports whether the beginning of a header is like a tail's.
func isBegun(b []byte) bool {
	n := min(len(b), len(tailMagic))
	return string(b[:n]) == tailMagic[:n]
}

// zeros returns how many bytes b begins with that are 0, in whole pages.
func zeros(b []byte) (n int64) {
	for len(b) >= len(zeroPage) && bytes.Equal(b[:len(zeroPage)], zeroPage[:]) {
		b = b[len(zeroPage):]
		n += int64(len(zeroPage))
	}
	return n
}

var zeroPage [4096]byte

func isZero(b []byte) bool {
	for _, v := range b {
		if v != 0 {
			return false
		}
	}
	return true
}

// findRecord returns the first whole record at or behind a place whose messages are next
// or later ones, and where it is; nil if there is none.
func findRecord(b []byte, at int64, epoch, next uint64) (*record, int64) {
	const reach = 1 << 32 // further on no number of the same tail can be
	for ; at+headerBytes <= int64(len(b)); at++ {
		first := binary.BigEndian.Uint64(b[at+16:])
		if first == 0 {
			at += zeros(b[at+24:]) // to where the number of a message may begin
		}
		if first < next || first-next > reach {
			continue
		}
		if r, err := readRecord(b[at:], epoch); err == nil && r.count > 0 {
			return r, at
		}
	}
	return nil, 0
}
