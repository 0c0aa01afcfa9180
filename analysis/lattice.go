package analysis

import (
	"cmp"
	"slices"
)

// The lattice keeps the highest leads of the past in buckets that widen with age:
// fine ones for the last minutes, 4.5 hours each for the last three days. It is all
// that the estimator remembers of the messages.
const levels = 6

var (
	bucketWidth = [levels]int64{16 * second, 64 * second, 256 * second, 1024 * second, 4096 * second, 16384 * second}
	bucketSlots = [levels]int{32, 16, 16, 16, 16, 16} // powers of two
)

// noLead stands for "no lead yet": below every other.
const noLead = -1 << 63

// A bucket holds the largest leads of the messages received in one interval.
type bucket struct {
	at       int64 // receive time of the message with the largest lead
	max      int64 // the largest lead
	second   int64 // the largest but one, or noLead
	n        uint32
	distinct uint32 // messages far enough apart to fall on different phases of the stamp's second
}

// raise takes a lead into the bucket without counting a message.
func (b *bucket) raise(lead, at int64) {
	switch {
	case lead > b.max:
		b.second = b.max
		b.max, b.at = lead, at
	case lead > b.second:
		b.second = lead
	}
}

// join merges what another bucket of the same interval saw. Ties go to the earlier
// message, so that the order of joining doesn't matter.
func (b *bucket) join(o bucket) {
	b.n += o.n
	b.distinct += o.distinct
	if o.max > b.max || o.max == b.max && o.at < b.at {
		*b, o = bucket{o.at, o.max, o.second, b.n, b.distinct}, *b
	}
	b.second = max(b.second, o.max)
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
func (t *lattice) current(at int64) *bucket {
	b := t.slot(0, at)
	if b.n > 0 && sameInterval(0, b.at, at) {
		return b
	}
	if b.n > 0 {
		if b.at > at {
			return nil
		}
		t.push(1, *b)
	}
	*b = bucket{at: at, max: noLead, second: noLead}
	return b
}

// push joins a bucket into level l or above. The newer of two intervals that meet
// in a slot keeps it, and the older moves up.
func (t *lattice) push(l int, b bucket) {
	for ; l < levels; l++ {
		s := t.slot(l, b.at)
		switch {
		case s.n == 0:
			*s = b
			return
		case sameInterval(l, s.at, b.at):
			s.join(b)
			return
		case s.at < b.at:
			*s, b = b, *s
		}
	}
}

func sameInterval(l int, a, b int64) bool { return a/bucketWidth[l] == b/bucketWidth[l] }

// points appends the buckets since a receive time, oldest first.
func (t *lattice) points(pts []point, since int64) []point {
	for l := range t {
		for _, b := range t[l] {
			if b.n > 0 && b.at >= since {
				pts = append(pts, point{bucket: b})
			}
		}
	}
	slices.SortFunc(pts, func(a, b point) int { return cmp.Compare(a.at, b.at) })
	return pts
}
