package storage

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
)

// A manifest says what a round was sealed into. It is the round's record in the Merkle log,
// and by it a reader passes over rounds that it has no business with.
type manifest struct {
	first    uint64 // Sequence of the first message
	last     uint64 // of the last
	earliest int64  // Received, Unix nanoseconds
	latest   int64
	blocks   []blockEntry // in the order of their keys
}

// A blockEntry is a block as its manifest knows it.
type blockEntry struct {
	partition uint8
	first     uint64 // Sequence of its first message
	size      uint32
	sum       [sha256.Size]byte
}

// A manifest is stored as the four numbers of 8 bytes each, and for each block partition
// (1 byte), first (8), size (4) and SHA-256 (32), all numbers big-endian.
const (
	manifestBytes   = 32
	blockEntryBytes = 1 + 8 + 4 + sha256.Size
)

func (m *manifest) encode() []byte {
	b := make([]byte, 0, manifestBytes+len(m.blocks)*blockEntryBytes)
	for _, v := range [...]uint64{m.first, m.last, uint64(m.earliest), uint64(m.latest)} {
		b = binary.BigEndian.AppendUint64(b, v)
	}
	for i := range m.blocks {
		e := &m.blocks[i]
		b = binary.BigEndian.AppendUint64(append(b, e.partition), e.first)
		b = binary.BigEndian.AppendUint32(b, e.size)
		b = append(b, e.sum[:]...)
	}
	return b
}

var errManifest = errors.New("the round's manifest can't be decoded")

// decode replaces m by what encode wrote.
func (m *manifest) decode(b []byte) error {
	if len(b) < manifestBytes || (len(b)-manifestBytes)%blockEntryBytes != 0 {
		return errManifest
	}
	m.first = binary.BigEndian.Uint64(b)
	m.last = binary.BigEndian.Uint64(b[8:])
	m.earliest = int64(binary.BigEndian.Uint64(b[16:]))
	m.latest = int64(binary.BigEndian.Uint64(b[24:]))
	m.blocks = m.blocks[:0]
	for b = b[manifestBytes:]; len(b) > 0; b = b[blockEntryBytes:] {
		m.blocks = append(m.blocks, blockEntry{
			partition: b[0],
			first:     binary.BigEndian.Uint64(b[1:]),
			size:      binary.BigEndian.Uint32(b[9:]),
			sum:       [sha256.Size]byte(b[13:blockEntryBytes]),
		})
	}
	return nil
}

// sealedRound is what the bucket of rounds has for each: its manifest, and the signed head
// of the Merkle log with it.
type sealedRound struct {
	manifest
	record []byte // the manifest as it is stored
	head   []byte
}

func (r *sealedRound) encode() []byte {
	b := binary.AppendUvarint(nil, uint64(len(r.record)))
	return append(append(b, r.record...), r.head...)
}

// decode replaces r by what encode wrote. It keeps parts of b.
func (r *sealedRound) decode(b []byte) error {
	c := cursor{buf: b}
	r.record = c.counted()
	r.head = c.buf
	if c.bad {
		return errManifest
	}
	return r.manifest.decode(r.record)
}
