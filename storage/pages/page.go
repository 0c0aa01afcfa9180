package pages

import "bytes"

// A page is a checked copy of one page and those that it runs on into.
type page struct {
	buf   []byte
	leaf  bool
	count int
}

const (
	branchFlag   = 0x01
	leafFlag     = 0x02
	freelistFlag = 0x10

	bucketFlag = 0x01 // of an element of a leaf: it is a bucket

	elementBytes = 16
	maxOverflow  = 1 << 14 // pages; no value of ours is near it
)

// read reads a page into buf, or as much more as it takes. The problem is "" if the page
// can be used.
func (f *File) read(id uint64, buf []byte) (b []byte, problem string) {
	if id < 2 || id >= f.count {
		return buf, "there is no such page"
	}
	b = resize(buf, f.pageSize)
	at := int64(id) * int64(f.pageSize)
	if n, _ := f.reader.ReadAt(b, at); n < len(b) {
		return b, "the file ends before it"
	}
	overflow := uint64(order.Uint32(b[12:]))
	switch {
	case order.Uint64(b) != id:
		return b, "another page stands in its place"
	case overflow == 0:
		return b, ""
	case overflow > maxOverflow || id+overflow >= f.count:
		return b, "its size is wrong"
	}
	b = resize(b, f.pageSize*int(1+overflow))
	if n, _ := f.reader.ReadAt(b, at); n < len(b) {
		return b, "the file ends within it"
	}
	return b, ""
}

func resize(b []byte, n int) []byte {
	if cap(b) < n {
		return make([]byte, n)
	}
	return b[:n]
}

// parse makes sure that each element of a page of keys lies in it, and the keys rise from
// low (nil for none) on and stay below high (nil for none).
func parse(b, low, high []byte) (p page, problem string) {
	if len(b) < headerBytes {
		return p, "it is too short"
	}
	p = page{buf: b, count: int(order.Uint16(b[10:]))}
	switch order.Uint16(b[8:]) {
	case leafFlag:
		p.leaf = true
	case branchFlag:
	default:
		return p, "it is no page of keys"
	}
	if headerBytes+p.count*elementBytes > len(b) || !p.leaf && p.count == 0 {
		return p, "its number of keys is wrong"
	}
	before := low
	for i := range p.count {
		k, ok := p.checkedKey(i)
		if !ok {
			return p, "one of its keys lies outside of it"
		}
		if c := bytes.Compare(before, k); c > 0 || c == 0 && i > 0 {
			return p, "its keys are out of order"
		}
		before = k
	}
	if high != nil && p.count > 0 && bytes.Compare(before, high) >= 0 {
		return p, "its keys are out of order"
	}
	return p, ""
}

// checkedKey returns a key, and whether it and what belongs to it lie in the page.
func (p *page) checkedKey(i int) ([]byte, bool) {
	at := headerBytes + i*elementBytes
	e := p.buf[at:]
	pos, size, more := uint64(order.Uint32(e)), uint64(order.Uint32(e[4:])), uint64(0)
	if p.leaf {
		pos, size, more = uint64(order.Uint32(e[4:])), uint64(order.Uint32(e[8:])), uint64(order.Uint32(e[12:]))
	}
	begin := uint64(at) + pos
	if begin+size+more > uint64(len(p.buf)) {
		return nil, false
	}
	return p.buf[begin : begin+size : begin+size], true
}

func (p *page) key(i int) []byte {
	k, _ := p.checkedKey(i) // parse has checked it
	return k
}

// value returns a value of a leaf, and the flags of its element.
func (p *page) value(i int) (value []byte, flags uint32) {
	at := headerBytes + i*elementBytes
	e := p.buf[at:]
	begin := at + int(order.Uint32(e[4:])) + int(order.Uint32(e[8:]))
	end := begin + int(order.Uint32(e[12:]))
	return p.buf[begin:end:end], order.Uint32(e)
}

// child returns the page that an element of a branch leads to.
func (p *page) child(i int) uint64 { return order.Uint64(p.buf[headerBytes+i*elementBytes+8:]) }

// search returns the number of keys that are at most key, or with below those less than it.
func (p *page) search(key []byte, below bool) int {
	from, to := 0, p.count
	for from < to {
		middle := (from + to) / 2
		if c := bytes.Compare(p.key(middle), key); c < 0 || c == 0 && !below {
			from = middle + 1
		} else {
			to = middle
		}
	}
	return from
}
