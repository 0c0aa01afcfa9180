package storage

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"math"

	"github.com/skewatch/skewatch/collector/message"
)

// recordBytes is how large a record grows before the next is begun; a single
// message may be larger. A commit rewrites the leaf page that it appends to,
// which holds two or three records, so large records multiply what is written
// when little comes in; small ones leave more of the file's pages empty.
const recordBytes = 8 << 10

// headerBytes is the size of a record's header, all numbers big-endian:
//
//	 0  4  CRC32C of the key and of bytes 4 to 28
//	 4  4  CRC32C of the messages
//	 8  4  number of messages
//	12  8  earliest Received, Unix nanoseconds
//	20  8  latest Received, Unix nanoseconds
//	28     the messages
//
// The header has its own sum, so that a query may pass over a record by its
// receive times without reading the rest.
const headerBytes = 28

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// A record holds consecutive messages that are committed together.
type record struct {
	first    uint64 // sequence of the first message
	count    uint32
	earliest int64
	latest   int64
	messages encoder // its buffer begins with room for the header
}

// reset makes r an empty record and keeps its buffer.
func (r *record) reset(first uint64) {
	if r.messages.buf == nil {
		r.messages.buf = make([]byte, headerBytes, recordBytes)
	}
	*r = record{
		first:    first,
		earliest: math.MaxInt64,
		latest:   math.MinInt64,
		messages: encoder{buf: r.messages.buf[:headerBytes]},
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

// seal fills in the header and returns the key and the value to store. The value
// is the record's buffer.
func (r *record) seal() (key, value []byte) {
	key = sequenceKey(r.first)
	value = r.messages.buf
	binary.BigEndian.PutUint32(value[4:], crc32.Checksum(value[headerBytes:], castagnoli))
	binary.BigEndian.PutUint32(value[8:], r.count)
	binary.BigEndian.PutUint64(value[12:], uint64(r.earliest))
	binary.BigEndian.PutUint64(value[20:], uint64(r.latest))
	binary.BigEndian.PutUint32(value, headerSum(key, value))
	return key, value
}

func headerSum(key, value []byte) uint32 {
	return crc32.Update(crc32.Checksum(key, castagnoli), castagnoli, value[4:headerBytes])
}

func sequenceKey(sequence uint64) []byte {
	return binary.BigEndian.AppendUint64(nil, sequence)
}

// sequenceOf is the inverse of sequenceKey; 0 for what isn't such a key.
func sequenceOf(key []byte) uint64 {
	if len(key) != 8 {
		return 0
	}
	return binary.BigEndian.Uint64(key)
}

// header is a stored record's header.
type header struct {
	count    uint32
	sum      uint32 // CRC32C of the messages
	earliest int64
	latest   int64
}

var (
	errHeader   = errors.New("its header fails its checksum")
	errMessages = errors.New("its messages fail their checksum")
	errTrailing = errors.New("bytes follow its last message")
)

func readHeader(key, value []byte) (header, error) {
	if len(key) != 8 || len(value) < headerBytes || binary.BigEndian.Uint32(value) != headerSum(key, value) {
		return header{}, errHeader
	}
	return header{
		sum:      binary.BigEndian.Uint32(value[4:]),
		count:    binary.BigEndian.Uint32(value[8:]),
		earliest: int64(binary.BigEndian.Uint64(value[12:])),
		latest:   int64(binary.BigEndian.Uint64(value[20:])),
	}, nil
}

// readMessages checks a stored record and calls fn with each of its messages. An
// error of fn ends it and is returned as failed; damaged says what is wrong with
// the record.
func readMessages(key, value []byte, fn func(*message.Message) error) (damaged, failed error) {
	h, err := readHeader(key, value)
	if err != nil {
		return err, nil
	}
	body := value[headerBytes:]
	if crc32.Checksum(body, castagnoli) != h.sum {
		return errMessages, nil
	}
	d := decoder{buf: body}
	first := sequenceOf(key)
	var m message.Message
	for i := range h.count {
		if err := d.next(&m); err != nil {
			return err, nil
		}
		m.Sequence = first + uint64(i)
		if err := fn(&m); err != nil {
			return nil, err
		}
	}
	if len(d.buf) > 0 {
		return errTrailing, nil
	}
	return nil, nil
}
