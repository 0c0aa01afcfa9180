package storage

import (
	"cmp"
	"slices"
	"time"

	"github.com/skewatch/skewatch/collector/message"
)

// A round is the messages of one tail, which are sealed together.
type round struct {
	tail    *tail
	first   uint64 // sequence of the first message
	began   time.Time
	records []*record // written ones
	bytes   int64     // of those
}

// last returns the sequence of the newest message, first-1 without any.
func (r *round) last() uint64 {
	if len(r.records) == 0 {
		return r.first - 1
	}
	return r.records[len(r.records)-1].last()
}

// add takes over records that were written.
func (r *round) add(records []*record) {
	for _, record := range records {
		r.bytes += int64(record.size())
	}
	r.records = append(r.records, records...)
}

// partitions is into how many blocks a round is divided, by originator: a search for
// one host reads few of them.
const partitions = 64

// A block holds so many messages, or bytes of them, at the most.
const (
	blockRows  = 4000
	blockBytes = 1 << 20
)

// A blockSet turns rounds into blocks. Its buffers are reused from round to round.
type blockSet struct {
	writers [partitions]blockWriter
	blocks  []encodedBlock // in the order of their keys, once filled
	bytes   []byte
}

// An encodedBlock is a place in a blockSet's bytes.
type encodedBlock struct {
	partition  uint8
	first      uint64 // sequence of its first message
	start, end int
}

// fill replaces the set's blocks by those of a round.
func (s *blockSet) fill(r *round) error {
	s.blocks, s.bytes = s.blocks[:0], s.bytes[:0]
	for _, record := range r.records {
		if err, _ := record.each(s.add); err != nil {
			return err // it was written from memory: this can't be
		}
	}
	for i := range s.writers {
		s.close(uint8(i))
	}
	slices.SortFunc(s.blocks, func(a, b encodedBlock) int { // as their keys
		return cmp.Or(cmp.Compare(a.partition, b.partition), cmp.Compare(a.first, b.first))
	})
	return nil
}

func (s *blockSet) add(m *message.Message) error {
	p := partitionOf(originatorHash(m.Host, m.Source))
	w := &s.writers[p]
	if w.rows() >= blockRows || w.rows() > 0 && w.rawBytes()+len(m.Raw) > blockBytes {
		s.close(p)
	}
	w.add(m)
	return nil
}

// partitionOf returns the partition of an originator, by its originatorHash.
func partitionOf(hash uint32) uint8 { return uint8(hash % partitions) }

// close ends the block of a partition.
func (s *blockSet) close(p uint8) {
	w := &s.writers[p]
	if w.rows() == 0 {
		return
	}
	b := encodedBlock{partition: p, first: w.header.first, start: len(s.bytes)}
	s.bytes = w.seal(s.bytes)
	b.end = len(s.bytes)
	s.blocks = append(s.blocks, b)
}

// encoded returns the bytes of a block.
func (s *blockSet) encoded(b encodedBlock) []byte { return s.bytes[b.start:b.end] }
