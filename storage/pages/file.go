package pages

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
)

// A File is a bbolt file as of its newest whole transaction.
type File struct {
	reader io.ReaderAt
	meta
}

// meta is what a meta page says. The places of its fields are those of metaBytes.
type meta struct {
	pageSize int
	root     uint64 // page of the bucket of buckets
	freelist uint64
	count    uint64 // of pages, meta pages included
	txid     uint64
}

// The layout of a page and of a meta page, all numbers in the machine's own byte order.
const (
	headerBytes = 16 // id (8), flags (2), count (2), overflow (4)
	metaBytes   = 64 // magic, version, page size, flags (4 each), then 8 each:
	metaRoot    = 16
	metaList    = 32
	metaCount   = 40
	metaTxid    = 48
	metaSum     = 56 // FNV-1a of what stands before it

	magic   = 0xED0CDAED
	version = 2

	minPageSize = 1 << 10
	maxPageSize = 1 << 16
)

var order = binary.NativeEndian

// ErrNotBbolt says that a file has no whole meta page.
var ErrNotBbolt = errors.New("it is no bbolt file, or both its meta pages are damaged")

// Open reads the meta pages of a bbolt file. The reader must stay open.
func Open(r io.ReaderAt) (*File, error) {
	newest, err := readMeta(r, 0)
	sizes := []int{newest.pageSize}
	if err != nil {
		sizes = nil
		for size := minPageSize; size <= maxPageSize; size *= 2 {
			sizes = append(sizes, size)
		}
	}
	for _, size := range sizes {
		second, failed := readMeta(r, int64(size))
		if failed == nil && second.pageSize == size && (err != nil || second.txid > newest.txid) {
			newest, err = second, nil
		}
	}
	if err != nil {
		return nil, err
	}
	return &File{r, newest}, nil
}

// readMeta reads the meta page at a place in the file.
func readMeta(r io.ReaderAt, at int64) (meta, error) {
	var b [metaBytes]byte
	if n, err := r.ReadAt(b[:], at+headerBytes); n < metaBytes {
		if err != nil && !errors.Is(err, io.EOF) {
			return meta{}, err
		}
		return meta{}, ErrNotBbolt
	}
	sum := fnv.New64a()
	sum.Write(b[:metaSum]) // never fails
	m := meta{
		pageSize: int(order.Uint32(b[8:])),
		root:     order.Uint64(b[metaRoot:]),
		freelist: order.Uint64(b[metaList:]),
		count:    order.Uint64(b[metaCount:]),
		txid:     order.Uint64(b[metaTxid:]),
	}
	if order.Uint32(b[0:]) != magic || order.Uint32(b[4:]) != version || order.Uint64(b[metaSum:]) != sum.Sum64() ||
		m.pageSize < minPageSize || m.pageSize > maxPageSize {
		return meta{}, ErrNotBbolt
	}
	return m, nil
}

// Size returns how many bytes of the file are in use.
func (f *File) Size() int64 { return int64(f.count) * int64(f.pageSize) }

// A Bucket is a place where a File keeps keys.
type Bucket struct {
	file     *File
	root     uint64 // 0 for a bucket in a single page that stands in inline
	inline   []byte
	sequence uint64
}

// Bucket returns a bucket of the first level, and whether there is one of that name. What
// is in the way is told to damaged, as by a Cursor.
func (f *File) Bucket(name string, damaged func(Damage)) (Bucket, bool) {
	c := f.buckets().Cursor(damaged)
	k, v := c.Seek([]byte(name))
	if string(k) != name || !c.isBucket() {
		return Bucket{}, false
	}
	return f.bucket(v)
}

// Sequence returns the number that the bucket's NextSequence gave last.
func (b Bucket) Sequence() uint64 { return b.sequence }

// Buckets calls fn with each bucket of the first level.
func (f *File) Buckets(damaged func(Damage), fn func(name string, b Bucket)) {
	c := f.buckets().Cursor(damaged)
	for k, v := c.First(); k != nil; k, v = c.Next() {
		if b, ok := f.bucket(v); ok && c.isBucket() {
			fn(string(k), b)
		}
	}
}

// buckets returns the bucket of buckets.
func (f *File) buckets() Bucket { return Bucket{file: f, root: f.root} }

// bucket reads the value that stands for a bucket: its root page and its sequence, 8 bytes
// each, and with a root of 0 the page itself.
func (f *File) bucket(value []byte) (b Bucket, ok bool) {
	if len(value) < 16 {
		return Bucket{}, false
	}
	b = Bucket{file: f, root: order.Uint64(value), sequence: order.Uint64(value[8:])}
	if b.root == 0 {
		b.inline = append(b.inline, value[16:]...)
	}
	return b, true
}

// Damage is a page that can't be used. What is behind it in the tree is passed over.
type Damage struct {
	Page    uint64
	Problem string
}

// Place names the page.
func (d Damage) Place() string { return fmt.Sprintf("page %d", d.Page) }

func (d Damage) String() string { return d.Place() + ": " + d.Problem }
