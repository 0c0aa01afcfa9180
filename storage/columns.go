package storage

import (
	"math/bits"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// A column gathers one number of each row. It is stored as planes: the lowest byte
// of every number, then the next byte of every number, as many as the greatest
// needs. Noise stays in planes of its own and what repeats packs well.
type column struct {
	values []uint64
	all    uint64 // bits set in any value
}

func (c *column) add(v uint64) {
	c.values = append(c.values, v)
	c.all |= v
}

// addSigned adds v so that numbers near 0 are small, whatever their sign.
func (c *column) addSigned(v int64) { c.add(uint64(v)<<1 ^ uint64(v>>63)) }

func (c *column) width() int { return (bits.Len64(c.all) + 7) / 8 }

func (c *column) reset() { c.values, c.all = c.values[:0], 0 }

// appendPlane appends byte n of every value.
func (c *column) appendPlane(dst []byte, n int) []byte {
	for _, v := range c.values {
		dst = append(dst, byte(v>>(8*n)))
	}
	return dst
}

// planes reads a column.
type planes struct {
	bytes []byte
	count int
	next  int
}

// value returns the next number, 0 after the last.
func (p *planes) value() (v uint64) {
	at := p.next
	if at >= p.count {
		return 0
	}
	p.next++
	for shift := 0; at < len(p.bytes); shift += 8 {
		v |= uint64(p.bytes[at]) << shift
		at += p.count
	}
	return v
}

func (p *planes) signed() int64 {
	v := p.value()
	return int64(v>>1) ^ -int64(v&1)
}

// frameBytes is how much is at least packed as one zstd frame: unlike streams in
// frames of their own pack better and faster, but a frame takes about 10 bytes.
const frameBytes = 1 << 10

// A packer compresses streams that are read again as one.
type packer struct {
	zstd    *zstd.Encoder
	pending []byte // not packed yet
	packed  []byte
	size    int // of all streams, unpacked
}

var packers = sync.Pool{New: func() any {
	e, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1),
		zstd.WithEncoderCRC(false), zstd.WithWindowSize(1<<20), zstd.WithLowerEncoderMem(true),
		zstd.WithAllLitEntropyCompression(true))
	if err != nil {
		panic(err) // the options are constant
	}
	return &packer{zstd: e}
}}

// end ends a stream, which is what was appended to pending.
func (p *packer) end() {
	if len(p.pending) >= frameBytes {
		p.flush()
	}
}

func (p *packer) flush() {
	if len(p.pending) > 0 {
		p.add(p.pending)
		p.pending = p.pending[:0]
	}
}

// stream adds a stream.
func (p *packer) stream(b []byte) {
	if len(p.pending) == 0 && len(b) >= frameBytes {
		p.add(b)
		return
	}
	p.pending = append(p.pending, b...)
	p.end()
}

func (p *packer) add(b []byte) {
	p.size += len(b)
	p.packed = p.zstd.EncodeAll(b, p.packed)
}

// column adds the planes of c.
func (p *packer) column(c *column) {
	for n := range c.width() {
		p.pending = c.appendPlane(p.pending, n)
		p.end()
	}
}

// unpacker returns the decoder of all blocks. Each that unpacks at a time has its
// own buffers in it.
var unpacker = sync.OnceValue(func() *zstd.Decoder {
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(0), zstd.WithDecoderMaxMemory(maxBlockUnpacked))
	if err != nil {
		panic(err) // the options are constant
	}
	return d
})
