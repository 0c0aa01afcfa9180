package storage

import (
	"cmp"

	"github.com/skewatch/skewatch/collector/message"
)

// A merge passes on the messages of several blocks in order of Sequence. Its buffers are
// reused.
type merge struct {
	readers []*mergeReader // the first n are in use: a binary heap once begun
	n       int
	begun   bool
}

// A mergeReader is a block with its next message.
type mergeReader struct {
	blockReader
	first   uint64 // sequence that the block is kept under
	message message.Message
}

func (g *merge) reset() { g.n, g.begun = 0, false }

// add takes in a block, before the first call of next.
func (g *merge) add(first uint64, b []byte) error {
	i := g.n
	if err := g.room(i + 1)[i].open(b); err != nil {
		return err
	}
	return g.begin(i, first)
}

// room returns n readers at least, the first g.n of which are in use.
func (g *merge) room(n int) []*mergeReader {
	for len(g.readers) < n {
		g.readers = append(g.readers, new(mergeReader))
	}
	return g.readers
}

// begin takes in the block that reader i has opened, in the order of i.
func (g *merge) begin(i int, first uint64) error {
	r := g.readers[i]
	if !r.next(&r.message) {
		return cmp.Or(r.failed(), errBlockCoding)
	}
	r.first = first
	g.readers[i], g.readers[g.n] = g.readers[g.n], r
	g.n++
	return nil
}

// next returns the message with the least Sequence, nil at the end. It is valid until the
// next call. What is wrong with a block that ends too soon is passed to damaged.
func (g *merge) next(damaged func(first uint64, err error)) *message.Message {
	if !g.begun {
		g.begun = true
		for i := g.n/2 - 1; i >= 0; i-- {
			g.sink(i)
		}
	} else if g.n > 0 {
		g.advance(damaged)
	}
	if g.n == 0 {
		return nil
	}
	return &g.readers[0].message
}

// advance goes past the message that next returned last.
func (g *merge) advance(damaged func(first uint64, err error)) {
	if r := g.readers[0]; !r.next(&r.message) {
		if err := r.failed(); err != nil {
			damaged(r.first, err)
		}
		g.n--
		g.readers[0], g.readers[g.n] = g.readers[g.n], g.readers[0]
	}
	g.sink(0)
}

// sink restores the heap where reader i may be too early.
func (g *merge) sink(i int) {
	for {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < g.n; child++ {
			if g.readers[child].message.Sequence < g.readers[least].message.Sequence {
				least = child
			}
		}
		if least == i {
			return
		}
		g.readers[i], g.readers[least] = g.readers[least], g.readers[i]
		i = least
	}
}
