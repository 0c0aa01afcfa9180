package frame

const (
	firstBuffer = 4 << 10  // most connections are quiet
	readBuffer  = 64 << 10 // the largest buffer for the sake of speed alone

	// smallReads in a row, of less than a quarter of the buffer, are a sign that a burst is
	// over. A burst has small ones in between.
	smallReads = 8
)

// A buffer holds what of a stream has arrived and isn't cut yet. It grows with need, and
// shrinks when a burst is over: most connections are silent most of the time.
type buffer struct {
	largest    int // octets that it may grow to
	buf        []byte
	start, end int  // buf[start:end] waits to be cut
	small      int  // reads in a row that took less than a quarter of the buffer
	full       bool // the last read left no space: more was waiting
}

// newBuffer returns a buffer in which a frame of up to longest octets has room.
func newBuffer(longest int) buffer { return buffer{largest: max(longest, readBuffer)} }

// Space returns where to put the next octets of the stream. It has room for at
// least one as long as Next was called until it found no more.
func (b *buffer) Space() []byte {
	b.moveDown(b.size())
	return b.buf[b.end:]
}

// size returns how large the buffer should be for the next read.
func (b *buffer) size() int {
	size := len(b.buf)
	switch {
	case b.full || size == 0:
		return min(max(2*size, firstBuffer), b.largest)
	case b.small >= smallReads && b.start == b.end && size > firstBuffer:
		b.small = 0
		return max(size/4, firstBuffer)
	}
	return size
}

// moveDown brings what waits to the beginning of a buffer of the given size.
func (b *buffer) moveDown(size int) {
	to := b.buf
	if size != len(to) {
		to = make([]byte, size)
	}
	b.end = copy(to, b.buf[b.start:b.end])
	b.start, b.buf = 0, to
}

// Fill says that the stream's next n octets stand in what Space returned.
func (b *buffer) Fill(n int) {
	b.end += n
	if b.small++; 4*n > len(b.buf) {
		b.small = 0
	}
	b.full = b.end == len(b.buf)
}

func (b *buffer) waiting() []byte { return b.buf[b.start:b.end] }
