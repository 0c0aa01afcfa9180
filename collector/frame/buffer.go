package frame

const (
	firstBuffer = 4 << 10  // most connections are quiet
	readBuffer  = 64 << 10 // the largest buffer for the sake of speed alone
)

// A buffer holds what of a stream has arrived and isn't cut yet. It grows with need.
type buffer struct {
	largest    int // octets that it may grow to
	buf        []byte
	start, end int  // buf[start:end] waits to be cut
	full       bool // the last read left no space: more was waiting
}

// newBuffer returns a buffer in which a frame of up to longest octets has room.
func newBuffer(longest int) buffer { return buffer{largest: max(longest, readBuffer)} }

// Space returns where to put the next octets of the stream. It has room for at
// least one as long as Next was called until it found no more.
func (b *buffer) Space() []byte {
	size := len(b.buf)
	if b.full || size == 0 {
		size = min(max(2*size, firstBuffer), b.largest)
	}
	b.moveDown(size)
	return b.buf[b.end:]
}

// moveDown brings what waits to the beginning of a buffer of the given size.
func (b *buffer) moveDown(size int) {
	to := b.buf
	if size > len(to) {
		to = make([]byte, size)
	}
	b.end = copy(to, b.buf[b.start:b.end])
	b.start, b.buf = 0, to
}

// Fill says that the stream's next n octets stand in what Space returned.
func (b *buffer) Fill(n int) {
	b.end += n
	b.full = b.end == len(b.buf)
}

func (b *buffer) waiting() []byte { return b.buf[b.start:b.end] }
