package storage

import "encoding/binary"

// A cursor takes apart what was encoded. After anything that can't be read, bad is set and
// every further read returns zero.
type cursor struct {
	buf []byte
	bad bool
}

func (c *cursor) byte() byte {
	if b := c.bytes(1); len(b) == 1 {
		return b[0]
	}
	return 0
}

func (c *cursor) uvarint() uint64 {
	v, n := binary.Uvarint(c.buf)
	return c.consume(v, n)
}

func (c *cursor) varint() int64 {
	v, n := binary.Varint(c.buf)
	return int64(c.consume(uint64(v), n))
}

// consume takes away the n bytes that v was read from; n <= 0 says that it couldn't be.
func (c *cursor) consume(v uint64, n int) uint64 {
	if n <= 0 {
		c.bad, c.buf = true, nil
		return 0
	}
	c.buf = c.buf[n:]
	return v
}

// bytes takes away n bytes.
func (c *cursor) bytes(n uint64) []byte {
	if n > uint64(len(c.buf)) {
		c.bad, c.buf = true, nil
		return nil
	}
	b := c.buf[:n:n]
	c.buf = c.buf[n:]
	return b
}

// counted takes away bytes behind their number.
func (c *cursor) counted() []byte { return c.bytes(c.uvarint()) }
