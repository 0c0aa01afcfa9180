package storage

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"math"
	"net/netip"
)

// blockVersion names the coding of a block.
const blockVersion = 1

// blockHeaderBytes is the size of a block's header without its originators, all
// numbers big-endian:
//
//	 0  4  CRC32C of the header from byte 4 on, originators included
//	 4  1  blockVersion
//	 5  1  number of originators, or anyOriginator
//	 6  2  0
//	 8  4  CRC32C of the body
//	12  4  size of the body
//	16  4  size of the body unpacked
//	20  4  bytes of Raw in all messages
//	24  4  number of messages
//	28  8  first Sequence
//	36  8  last Sequence
//	44  8  earliest Received, Unix nanoseconds
//	52  8  latest Received, Unix nanoseconds
//	60  8  earliest instant sent, Unix nanoseconds
//	68  8  latest instant sent, Unix nanoseconds
//	76  4  number of messages without an instant in that range
//	80  4  originatorHash of each originator, rising
//	…      the body
const blockHeaderBytes = 80

const (
	maxBlockRows        = 1 << 16
	maxBlockUnpacked    = 64 << 20
	maxBlockOriginators = 64
	anyOriginator       = 255
)

var (
	errBlockHeader  = errors.New("the block's header fails its checksum")
	errBlockVersion = errors.New("the block is of an unknown version")
	errBlockBody    = errors.New("the block's body fails its checksum")
	errBlockCoding  = errors.New("the block's messages can't be decoded")
)

// A blockHeader is what a reader needs to know to pass over a block.
type blockHeader struct {
	rows     uint32
	first    uint64 // Sequence
	last     uint64
	earliest int64 // Received, Unix nanoseconds
	latest   int64

	// sentEarliest and sentLatest enclose the instants at which the messages say they
	// were sent, of those within a day of their receipt: Civil less ZoneEast, if
	// there is a zone, in the year nearest to Received, if there is none. Where there
	// is no such message, sentEarliest is greater.
	sentEarliest int64
	sentLatest   int64
	sentOutliers uint32 // messages that are further off or have no usable stamp

	originators []byte // originatorHash of each, rising, big-endian; part of the block
	any         bool   // there are too many originators to list

	rawBytes   uint32 // of all messages
	unpacked   uint32 // size of the body unpacked
	size       uint32 // of the body
	sum        uint32 // CRC32C of the body
	bodyOffset int
}

// readBlockHeader reads the header that b begins with. What follows it need not be
// complete.
func readBlockHeader(b []byte) (blockHeader, error) {
	if len(b) < blockHeaderBytes {
		return blockHeader{}, errBlockHeader
	}
	h := blockHeader{bodyOffset: blockHeaderBytes, any: b[5] == anyOriginator}
	if !h.any {
		h.bodyOffset += 4 * int(b[5])
	}
	if len(b) < h.bodyOffset || binary.BigEndian.Uint32(b) != crc32.Checksum(b[4:h.bodyOffset], castagnoli) {
		return blockHeader{}, errBlockHeader
	}
	if b[4] != blockVersion {
		return blockHeader{}, errBlockVersion
	}
	h.originators = b[blockHeaderBytes:h.bodyOffset]
	h.sum = binary.BigEndian.Uint32(b[8:])
	h.size = binary.BigEndian.Uint32(b[12:])
	h.unpacked = binary.BigEndian.Uint32(b[16:])
	h.rawBytes = binary.BigEndian.Uint32(b[20:])
	h.rows = binary.BigEndian.Uint32(b[24:])
	h.first = binary.BigEndian.Uint64(b[28:])
	h.last = binary.BigEndian.Uint64(b[36:])
	h.earliest = int64(binary.BigEndian.Uint64(b[44:]))
	h.latest = int64(binary.BigEndian.Uint64(b[52:]))
	h.sentEarliest = int64(binary.BigEndian.Uint64(b[60:]))
	h.sentLatest = int64(binary.BigEndian.Uint64(b[68:]))
	h.sentOutliers = binary.BigEndian.Uint32(b[76:])
	if h.rows > maxBlockRows || h.unpacked > maxBlockUnpacked || h.rawBytes > maxBlockUnpacked {
		return blockHeader{}, errBlockHeader
	}
	return h, nil
}

// write fills in b, the header's place in a block; its length gives the number of
// originators, which it contains already.
func (h *blockHeader) write(b []byte) {
	b[4], b[5] = blockVersion, anyOriginator
	if !h.any {
		b[5] = byte((len(b) - blockHeaderBytes) / 4)
	}
	binary.BigEndian.PutUint32(b[8:], h.sum)
	binary.BigEndian.PutUint32(b[12:], h.size)
	binary.BigEndian.PutUint32(b[16:], h.unpacked)
	binary.BigEndian.PutUint32(b[20:], h.rawBytes)
	binary.BigEndian.PutUint32(b[24:], h.rows)
	binary.BigEndian.PutUint64(b[28:], h.first)
	binary.BigEndian.PutUint64(b[36:], h.last)
	binary.BigEndian.PutUint64(b[44:], uint64(h.earliest))
	binary.BigEndian.PutUint64(b[52:], uint64(h.latest))
	binary.BigEndian.PutUint64(b[60:], uint64(h.sentEarliest))
	binary.BigEndian.PutUint64(b[68:], uint64(h.sentLatest))
	binary.BigEndian.PutUint32(b[76:], h.sentOutliers)
	binary.BigEndian.PutUint32(b, crc32.Checksum(b[4:], castagnoli))
}

// emptyRanges begins the ranges of an empty block.
func (h *blockHeader) emptyRanges() {
	h.earliest, h.latest = math.MaxInt64, math.MinInt64
	h.sentEarliest, h.sentLatest = math.MaxInt64, math.MinInt64
}

// mayHold reports whether a message of the originator with that originatorHash can
// be in the block.
func (h *blockHeader) mayHold(hash uint32) bool {
	if h.any {
		return true
	}
	for b := h.originators; len(b) >= 4; b = b[4:] {
		if binary.BigEndian.Uint32(b) == hash {
			return true
		}
	}
	return false
}

// originatorHash returns the hash under which blocks list an originator: that of the
// host's name, case folded, or of the peer's address if there is no name.
func originatorHash(host []byte, source netip.Addr) uint32 {
	var room [64]byte
	if len(host) == 0 {
		host = source.AppendTo(room[:0])
	}
	hash := uint32(2166136261) // FNV-1a
	for _, c := range host {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		hash = (hash ^ uint32(c)) * 16777619
	}
	return hash
}
