package analysis

import (
	"cmp"
	"slices"
	"time"
)

// The lattice keeps the highest leads of the past in buckets that widen with age:
// fine ones for the last minutes, 4.5 hours each for the last two days. It is all
// that the estimator remembers of the messages.
const levels = 6

// The finest level is written with each message: as constants its measures divide
// several times as fast.
const (
	finestWidth = 16 * second
	finestSlots = 32
)

var (
	bucketWidth = [levels]int64{finestWidth, 64 * second, 256 * second, 1024 * second, 4096 * second, 16384 * second}
	bucketSlots = [levels]int{finestSlots, 16, 16, 16, 16, 8} // powers of two
)

// maxPoints is how many buckets a lattice has.
const maxPoints = finestSlots + 4*16 + 8

// noLead stands for "no lead yet": below every other.
const noLead = -1 << 63

// A bucket holds the largest leads of the messages received in one interval.
type bucket struct {
	at       int64 // receive time of the message with the largest lead
	max      int64 // the largest lead
	second   int64 // the largest but one, or noLead
	n        uint32
	distinct uint16 // messages far enough apart to fall on different phases of the stamp's second
	spread   uint16 // how far the smallest that may be prompt lies below the largest, in spreadUnits of a resolution

	// The messages so far below the largest lead that another clock may have written
	// them: how many, and how far the best of them lies below, in milliseconds.
	lower uint32
	depth uint32
}

// voiceGap is how far apart, beyond a resolution, the leads of two clocks must lie to
// be told apart within a bucket.
const voiceGap = second

// add counts a message and takes in its lead.
func (b *bucket) add(lead, at, resolution int64) {
	apart := resolution + voiceGap
	switch {
	case b.n == 0:
		b.max, b.at = lead, at
	case lead > b.max:
		b.sink(lead-b.max, apart)
		b.second = b.max
		b.spread = spreadOf(b.reach(resolution)+lead-b.max, resolution)
		b.max, b.at = lead, at
	default:
		b.second = max(b.second, lead)
		below := b.max - lead
		b.spread = max(b.spread, spreadOf(below, resolution))
		if below > apart {
			b.put(1, below)
		}
	}
	b.n++
}

// spreadUnits is the precision of a bucket's spread.
const spreadUnits = 1 << 16

// spreadOf writes a distance as a share of a resolution; 0 if it is no less than one.
func spreadOf(below, resolution int64) uint16 {
	if below >= resolution {
		return 0
	}
	return uint16(below * spreadUnits / resolution)
}

// reach returns the spread in nanoseconds.
func (b *bucket) reach(resolution int64) int64 { return int64(b.spread) * resolution / spreadUnits }

// sink makes room for a largest lead that is higher by the difference given.
func (b *bucket) sink(higher, apart int64) {
	switch {
	case higher > apart: // all messages so far lie below now
		b.lower, b.depth = 0, 0
		b.put(b.n, higher)
	case b.lower > 0:
		b.depth = depthOf(b.below() + higher)
	}
}

// put counts messages in the lower group, the best of which lies so far below.
func (b *bucket) put(n uint32, below int64) {
	if d := depthOf(below); b.lower == 0 || d < b.depth {
		b.depth = d
	}
	b.lower += n
}

// below returns how far the best of the lower group lies below the largest lead, ns.
func (b *bucket) below() int64 { return int64(b.depth) * int64(time.Millisecond) }

// depthOf turns nanoseconds into milliseconds, 49 days at the most.
func depthOf(ns int64) uint32 { return uint32(min(ns/int64(time.Millisecond), 1<<32-1)) }

// join merges what another bucket of the same interval saw. Ties go to the earlier
// message, so that the order of joining doesn't matter.
func (b *bucket) join(o bucket, resolution int64) {
	if o.max > b.max || o.max == b.max && o.at < b.at {
		*b, o = o, *b
	}
	b.second = max(b.second, o.max)
	b.n += o.n
	b.distinct = uint16(min(uint32(b.distinct)+uint32(o.distinct), 1<<16-1))
	below := b.max - o.max
	b.spread = max(b.spread, spreadOf(below+o.reach(resolution), resolution))
	switch {
	case below > resolution+voiceGap:
		b.put(o.n, below)
	case o.lower > 0:
		b.put(o.lower, below+o.below())
	}
}

// A lattice is the buckets of all levels. A level is allocated when it is needed.
type lattice [levels][]bucket

// slot returns the bucket of level l for receive time at, which may hold an older
// (or, after reordering, a newer) interval.
func (t *lattice) slot(l int, at int64) *bucket {
	if t[l] == nil {
		t[l] = make([]bucket, bucketSlots[l])
	}
	return &t[l][int(at/bucketWidth[l])&(bucketSlots[l]-1)]
}

// current returns the finest bucket for receive time at, ready to be raised. Older
// evidence in its slot moves up; it returns nil when the slot holds newer evidence.
func (t *lattice) current(at, resolution int64) *bucket {
	if t[0] == nil {
		t[0] = make([]bucket, finestSlots)
	}
	b := &t[0][at/finestWidth&(finestSlots-1)]
	if b.n > 0 {
		if b.at/finestWidth == at/finestWidth {
			return b
		}
		if b.at > at {
			return nil
		}
		if t.clean(b, resolution); b.n > 0 {
			t.push(1, *b, resolution)
		}
	}
	*b = bucket{at: at, second: noLead}
	return b
}

// clean drops what stands alone in a bucket of the finest level that is about to leave
// it: leads far above all others near. They come from garbage stamps, and further up
// they would hide what the bucket has of the clock.
func (t *lattice) clean(b *bucket, resolution int64) {
	reach := garbageReach(resolution)
	if b.second != noLead && b.max-b.second <= reach {
		return
	}
	near, below := t.neighbours(b, reach)
	switch {
	case below < near || b.second == noLead && near < 2:
		return // supported, or nothing to compare with
	case b.second == noLead:
		b.n = 0
	default:
		b.drop()
		if near, below = t.neighbours(b, reach); near >= 2 && below == near {
			b.n = 0 // two of them in one bucket
		}
	}
}

// drop takes the largest lead for garbage.
func (b *bucket) drop() { b.sinkTo(b.second) }

// sinkTo takes all leads above a level for garbage.
func (b *bucket) sinkTo(level int64) {
	b.max, b.second, b.spread, b.lower, b.depth = level, noLead, 0, 0, 0
}

// garbageReach is how far above all others a lead must lie to be garbage.
func garbageReach(resolution int64) int64 { return resolution + 2*second }

// neighbours counts the finest buckets within three of b, and among them those that
// lie below it by more than reach. What lies as far above is garbage itself.
func (t *lattice) neighbours(b *bucket, reach int64) (near, below int) {
	at := b.at / finestWidth
	for _, k := range [...]int64{-3, -2, -1, 1, 2, 3} {
		o := &t[0][(at+k)&(finestSlots-1)]
		if o.n == 0 || o.at/finestWidth != at+k || o.max > b.max+reach {
			continue
		}
		near++
		if o.max < b.max-reach {
			below++
		}
	}
	return near, below
}

// push joins a bucket into level l or above. The newer of two intervals that meet
// in a slot keeps it, and the older moves up.
func (t *lattice) push(l int, b bucket, resolution int64) {
	for ; l < levels; l++ {
		s := t.slot(l, b.at)
		switch {
		case s.n == 0:
			*s = b
			return
		case sameInterval(l, s.at, b.at):
			s.join(b, resolution)
			return
		case s.at < b.at:
			*s, b = b, *s
		}
	}
}

func sameInterval(l int, a, b int64) bool { return a/bucketWidth[l] == b/bucketWidth[l] }

// points appends the buckets since a receive time, oldest first.
func (t *lattice) points(pts []point, since int64) []point {
	for l := levels - 1; l >= 0; l-- {
		oldest := oldestSlot(t[l])
		for i := range t[l] {
			if b := &t[l][(oldest+i)&(len(t[l])-1)]; b.n > 0 && b.at >= since {
				pts = append(pts, point{bucket: *b})
			}
		}
	}
	byTime := func(a, b point) int { return cmp.Compare(a.at, b.at) }
	if !slices.IsSortedFunc(pts, byTime) { // messages came out of order
		slices.SortFunc(pts, byTime)
	}
	return pts
}

// oldestSlot returns the slot of the oldest bucket of a level: those that follow it in
// the ring are newer.
func oldestSlot(buckets []bucket) int {
	oldest := 0
	for i := range buckets {
		if buckets[i].n > 0 && (buckets[oldest].n == 0 || buckets[i].at < buckets[oldest].at) {
			oldest = i
		}
	}
	return oldest
}
