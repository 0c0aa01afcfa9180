package storage

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"math"

	"github.com/skewatch/skewatch/collector/message"
)

// recordBytes is how large a record grows before the next is begun; a single
// message may be larger.
const recordBytes = 32 << 10

// headerBytes is the size of a record's header, all numbers big-endian:
//
//	 0  4  CRC32C of the tail's epoch (8 bytes) and of bytes 4 to 40
//	 4  4  CRC32C of the messages
//	 8  4  size of the messages
//	12  4  number of messages
//	16  8  Sequence of the first
//	24  8  earliest Received, Unix nanoseconds
//	32  8  latest Received, Unix nanoseconds
//	40     the messages
const headerBytes = 40

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// A record holds consecutive messages that are written together, in the coding of the
// tail.
type record struct {
	first    uint64 // sequence of the first message
	count    uint32
	earliest int64
	latest   int64
	messages encoder // its buffer begins with room for the header
}

// newRecord returns a record without messages, which will begin with first. It takes over
// room, if there is any.
func newRecord(first uint64, room []byte) *record {
	if room == nil {
		room = make([]byte, 0, recordBytes)
	}
	return &record{
		first:    first,
		earliest: math.MaxInt64,
		latest:   math.MinInt64,
		messages: encoder{buf: room[:headerBytes]},
	}
}

// hasRoom reports whether a message with n bytes in Raw should still go into r.
func (r *record) hasRoom(n int) bool {
	const coding = 96 // a little more than everything but Raw usually takes
	return r.count == 0 || r.size()+n+coding <= recordBytes
}

func (r *record) size() int { return len(r.messages.buf) }

func (r *record) last() uint64 { return r.first + uint64(r.count) - 1 }

func (r *record) add(m *message.Message) {
	r.count++
	r.earliest = min(r.earliest, m.Received)
	r.latest = max(r.latest, m.Received)
	r.messages.add(m)
}

// seal fills in the header for a tail of an epoch and returns what is to be written. It
// is the record's buffer.
func (r *record) seal(epoch uint64) []byte {
	b := r.messages.buf
	binary.BigEndian.PutUint32(b[4:], crc32.Checksum(b[headerBytes:], castagnoli))
	binary.BigEndian.PutUint32(b[8:], uint32(len(b)-headerBytes))
	binary.BigEndian.PutUint32(b[12:], r.count)
	binary.BigEndian.PutUint64(b[16:], r.first)
	binary.BigEndian.PutUint64(b[24:], uint64(r.earliest))
	binary.BigEndian.PutUint64(b[32:], uint64(r.latest))
	binary.BigEndian.PutUint32(b, headerSum(epoch, b))
	return b
}

func headerSum(epoch uint64, b []byte) uint32 {
	var prefix [8]byte
	binary.BigEndian.PutUint64(prefix[:], epoch)
	return crc32.Update(crc32.Checksum(prefix[:], castagnoli), castagnoli, b[4:headerBytes])
}

var (
	errHeader   = errors.New("its header fails its checksum")
	errMessages = errors.New("its messages fail their checksum")
	errTrailing = errors.New("bytes follow its last message")
)

// readRecord returns the record at the beginning of b, of a tail of an epoch. The
// record keeps that part of b.
func readRecord(b []byte, epoch uint64) (*record, error) {
	if len(b) < headerBytes || binary.BigEndian.Uint32(b) != headerSum(epoch, b) {
		return nil, errHeader
	}
	size := uint64(binary.BigEndian.Uint32(b[8:]))
	if size > uint64(len(b)-headerBytes) {
		return nil, errMessages
	}
	b = b[: headerBytes+size : headerBytes+size]
	if crc32.Checksum(b[headerBytes:], castagnoli) != binary.BigEndian.Uint32(b[4:]) {
		return nil, errMessages
	}
	return &record{
		first:    binary.BigEndian.Uint64(b[16:]),
		count:    binary.BigEndian.Uint32(b[12:]),
		earliest: int64(binary.BigEndian.Uint64(b[24:])),
		latest:   int64(binary.BigEndian.Uint64(b[32:])),
		messages: encoder{buf: b},
	}, nil
}

// each calls fn with each message of the record. An error of fn ends it and is returned
// as failed; damaged says that the messages can't be decoded. The message and its bytes
// are valid until fn returns.
func (r *record) each(fn func(*message.Message) error) (damaged, failed error) {
	d := decoder{cursor: cursor{buf: r.messages.buf[headerBytes:]}}
	var m message.Message
	for i := range r.count {
		if err := d.next(&m); err != nil {
			return err, nil
		}
		m.Sequence = r.first + uint64(i)
		if err := fn(&m); err != nil {
			return nil, err
		}
	}
	if len(d.buf) > 0 {
		return errTrailing, nil
	}
	return nil, nil
}
