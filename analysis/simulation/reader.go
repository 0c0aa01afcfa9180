package simulation

import (
	"iter"
	"math/rand/v2"
	"time"
)

// A Reader is the collector's end of a stream. All that has arrived when it reads is
// one read, and bears the stamp of the last segment of it.
type Reader struct {
	Busy time.Duration // from one read to the next at least

	// Now and then the reader is held up, because what comes after it is: in the mean
	// StallEvery after the last time, for about StallFor.
	StallEvery time.Duration
	StallFor   time.Duration
}

// read gives flights in order of arrival the stamps of the reads they come in.
func (rd *Reader) read(r *rand.Rand, flights iter.Seq[flight]) iter.Seq[flight] {
	return func(yield func(flight) bool) {
		var batch []flight
		var previous time.Duration // stamp of the read before
		var reads time.Duration    // when the reader takes the batch
		ready := time.Duration(0)  // when it could at the earliest
		stall := exponential(r, max(rd.StallEvery, 1))
		for f := range flights {
			if len(batch) > 0 && f.received > reads {
				if !together(batch, previous, yield) {
					return
				}
				previous, ready, batch = batch[len(batch)-1].received, reads+rd.Busy, batch[:0]
			}
			if len(batch) == 0 {
				reads = max(ready, f.received)
				if rd.StallEvery > 0 && reads >= stall {
					reads += exponential(r, rd.StallFor)
					stall = reads + exponential(r, rd.StallEvery)
				}
			}
			batch = append(batch, f)
		}
		together(batch, previous, yield)
	}
}

// together yields the messages of one read.
func together(batch []flight, previous time.Duration, yield func(flight) bool) bool {
	for i, f := range batch {
		last := batch[len(batch)-1].received
		f.received, f.previous = last, previous
		if i == len(batch)-1 && previous != 0 {
			f.previous = last
		}
		if !yield(f) {
			return false
		}
	}
	return true
}
