package storage

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"

	bolt "go.etcd.io/bbolt"

	"github.com/skewatch/skewatch/storage/pages"
)

// chunkBytes is how much of a block one value holds. bbolt rewrites the page that it
// appends to, and pages of values that are larger than a page hold little else: in
// chunks of half a page, it writes little more than it stores.
const chunkBytes = 2000

// A chunkKey says which part of a block a value is. It is stored as the first sequence of
// the round (8 bytes), the partition (1), the first sequence of the block (8) and the
// chunk's number in the block (2), all big-endian.
type chunkKey struct {
	round     uint64
	partition uint8
	block     uint64
	chunk     int
}

const chunkKeyBytes = 19

func (k chunkKey) encode() []byte {
	b := binary.BigEndian.AppendUint64(make([]byte, 0, chunkKeyBytes), k.round)
	b = binary.BigEndian.AppendUint64(append(b, k.partition), k.block)
	return binary.BigEndian.AppendUint16(b, uint16(k.chunk))
}

// readChunkKey is the inverse of encode; zeros for what isn't such a key.
func readChunkKey(b []byte) chunkKey {
	if len(b) != chunkKeyBytes {
		return chunkKey{}
	}
	return chunkKey{
		round:     binary.BigEndian.Uint64(b),
		partition: b[8],
		block:     binary.BigEndian.Uint64(b[9:]),
		chunk:     int(binary.BigEndian.Uint16(b[17:])),
	}
}

// putRound appends a sealed round with its blocks to a segment.
func putRound(tx *bolt.Tx, r *sealedRound, set *blockSet) error {
	b := tx.Bucket([]byte(bucketBlocks))
	b.FillPercent = 1 // keys only ever rise: nothing will be put between them
	for _, e := range set.blocks {
		encoded := set.encoded(e)
		for chunk := 0; len(encoded) > 0; chunk++ {
			n := min(len(encoded), chunkBytes)
			key := chunkKey{r.first, e.partition, e.first, chunk}
			if err := b.Put(key.encode(), encoded[:n]); err != nil {
				return fmt.Errorf("block %d: %w", e.first, err)
			}
			encoded = encoded[n:]
		}
	}
	if err := tx.Bucket([]byte(bucketMeta)).Delete([]byte(keyClosed)); err != nil { // a close that was cut off
		return err
	}
	b = tx.Bucket([]byte(bucketRounds))
	b.FillPercent = 1
	return putGuarded(b, sequenceKey(r.first), r.encode())
}

// manifestOf returns the manifest of a round whose blocks are in the set.
func manifestOf(r *round, set *blockSet) manifest {
	m := manifest{first: r.first, last: r.last(), earliest: math.MaxInt64, latest: math.MinInt64}
	for _, record := range r.records {
		m.earliest, m.latest = min(m.earliest, record.earliest), max(m.latest, record.latest)
	}
	for _, e := range set.blocks {
		encoded := set.encoded(e)
		m.blocks = append(m.blocks, blockEntry{e.partition, e.first, uint32(len(encoded)), sha256.Sum256(encoded)})
	}
	return m
}

// eachRound calls fn with the rounds of a segment, from the one that holds a sequence on,
// and tells damaged of those that can't be read.
func eachRound(f *pages.File, from uint64, damaged func(record, problem string), fn func(*sealedRound) (more bool)) {
	note := func(d pages.Damage) { damaged(d.Place(), d.Problem) }
	b, ok := f.Bucket(bucketRounds, note)
	if !ok {
		damaged("the list of rounds", "it is gone")
		return
	}
	var r sealedRound
	c := b.Cursor(note)
	k, v := c.Floor(sequenceKey(from))
	if k == nil {
		k, v = c.First()
	}
	for ; k != nil; k, v = c.Next() {
		if !sound(k, v) || r.decode(v[4:]) != nil || len(k) != 8 || binary.BigEndian.Uint64(k) != r.first || r.last < r.first {
			damaged(fmt.Sprintf("the round %x", k), failsChecksum)
			continue
		}
		if r.last >= from && !fn(&r) {
			return
		}
	}
}
