package storage

import (
	"cmp"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/skewatch/skewatch/collector/message"
)

// openBlocks has the merge take in the blocks that were loaded. With a pattern they are
// sifted before, several at a time: that takes many times as long as reading them.
func (r *messageReader) openBlocks() {
	r.merge.reset()
	if r.query.Pattern != nil {
		r.siftBlocks()
		return
	}
	for _, b := range r.blocks {
		if err := r.merge.add(b.first, r.bytes[b.start:b.end]); err != nil {
			r.note(b.first, err)
		}
	}
}

func (r *messageReader) siftBlocks() {
	readers := r.merge.room(len(r.blocks))
	errs := make([]error, len(r.blocks))
	var taken atomic.Int64
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(r.blocks)) {
		wg.Go(func() {
			for i := int(taken.Add(1)) - 1; i < len(r.blocks); i = int(taken.Add(1)) - 1 {
				b := r.blocks[i]
				if errs[i] = readers[i].open(r.bytes[b.start:b.end]); errs[i] == nil {
					errs[i] = readers[i].sift(&r.query)
				}
			}
		})
	}
	wg.Wait()
	for i, b := range r.blocks {
		err := errs[i]
		if readers[i].end > 0 {
			err = cmp.Or(err, r.merge.begin(i, b.first))
		}
		if err != nil {
			r.note(b.first, err)
		}
	}
}

// selected reports whether the query selects a message that the merge has passed on.
func (r *messageReader) selected(m *message.Message) bool {
	return r.query.Pattern != nil || r.query.matches(m) // sifting has found out
}
