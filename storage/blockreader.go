package storage

import (
	"bytes"
	"hash/crc32"

	"github.com/skewatch/skewatch/collector/message"
)

// A blockReader decodes blocks. Its buffers are reused from block to block.
type blockReader struct {
	header   blockHeader
	row      uint32
	end      uint32 // the row at which next ends
	wanted   bitmap // the rows that next returns, once it is sifted
	sifted   bool
	bad      bool
	body     []byte // unpacked
	raw      []byte // of the messages read, with room for the others
	kinds    []readKind
	groups   []byte
	reads    []byte
	columns  readColumns
	texts    [textGroups]cursor
	stamps   stampWriter
	sequence uint64
	received int64
	previous int64
	lags     lagTable
}

type readColumns struct {
	sequence, kind, received, previous, sent, length planes
}

func (c *readColumns) all() [6]*planes {
	return [...]*planes{&c.sequence, &c.kind, &c.received, &c.previous, &c.sent, &c.length}
}

// open begins to read the block b, which must be all of it, and needs b no longer
// when it returns.
func (r *blockReader) open(b []byte) error {
	r.header.rows, r.row, r.end, r.bad, r.sifted = 0, 0, 0, false, false
	h, err := readBlockHeader(b)
	if err != nil {
		return err
	}
	packed := b[h.bodyOffset:]
	if uint64(len(packed)) != uint64(h.size) || crc32.Checksum(packed, castagnoli) != h.sum {
		return errBlockBody
	}
	if cap(r.body) < int(h.unpacked) {
		r.body = make([]byte, 0, h.unpacked)
	}
	r.body, err = unpacker().DecodeAll(packed, r.body[:0])
	if err != nil || len(r.body) != int(h.unpacked) {
		return errBlockCoding
	}
	if cap(r.raw) < int(h.rawBytes) {
		r.raw = make([]byte, 0, h.rawBytes)
	}
	r.raw = r.raw[:0]
	if !r.readDirectory(h) {
		return errBlockCoding
	}
	h.originators = nil // part of b
	r.header, r.end = h, h.rows
	return nil
}

// failed returns what is wrong with the block if next ended before its last message.
func (r *blockReader) failed() error {
	if r.bad {
		return errBlockCoding
	}
	return nil
}

// readDirectory finds the streams and decodes the kinds.
func (r *blockReader) readDirectory(h blockHeader) (ok bool) {
	c := cursor{buf: r.body}
	r.sequence, r.received, r.previous, r.lags = h.first-1, c.varint(), 0, lagTable{}
	kinds, keyBytes := c.uvarint(), c.uvarint()
	var lengths [textGroups]uint64
	for i := range lengths {
		lengths[i] = c.uvarint()
	}
	var widths [6]uint64 // as many as columns
	for i, p := range r.columns.all() {
		count := c.uvarint()
		widths[i] = uint64(c.byte())
		if count > uint64(h.rows) || widths[i] > 8 {
			return false
		}
		*p = planes{count: int(count)}
	}
	if r.columns.sequence.count != int(h.rows) || kinds > uint64(h.rows) {
		return false
	}
	keys := cursor{buf: c.bytes(keyBytes)}
	r.groups = c.bytes(kinds)
	r.reads = c.bytes(uint64(h.rows+7) / 8)
	for i, p := range r.columns.all() {
		p.bytes = c.bytes(uint64(p.count) * widths[i])
	}
	for i := range r.texts {
		r.texts[i] = cursor{buf: c.bytes(lengths[i])}
	}
	return !c.bad && len(c.buf) == 0 && r.readKinds(&keys, int(kinds))
}

func (r *blockReader) readKinds(keys *cursor, n int) (ok bool) {
	if cap(r.kinds) < n {
		r.kinds = make([]readKind, n)
	}
	r.kinds = r.kinds[:n]
	for i := range r.kinds {
		key := keys.counted()
		if r.groups[i] >= textGroups || !r.kinds[i].read(key) {
			return false
		}
	}
	return len(keys.buf) == 0
}

// next decodes the next message into m, if there is one. Its bytes are valid until
// the next open.
func (r *blockReader) next(m *message.Message) bool {
	for r.sifted && r.row < r.end && !r.bad && !r.wanted.has(r.row) {
		r.pass()
	}
	if r.row >= r.end || r.bad {
		return false
	}
	number := r.columns.kind.value()
	if number >= uint64(len(r.kinds)) {
		r.bad = true
		return false
	}
	k := &r.kinds[number]
	*m = k.common
	r.sequence += r.columns.sequence.value() + 1
	m.Sequence = r.sequence
	r.readTimes(m, k)
	if !r.readRaw(m, k, r.groups[number]) {
		r.bad = true
		return false
	}
	r.row++
	return true
}

// pass goes past a message without putting it together.
func (r *blockReader) pass() {
	number := r.columns.kind.value()
	if number >= uint64(len(r.kinds)) {
		r.bad = true
		return
	}
	k := &r.kinds[number]
	r.sequence += r.columns.sequence.value() + 1
	r.readReceived(k)
	if k.begun {
		r.columns.sent.next++
	} else {
		r.readLag(k)
	}
	if _, ok := r.tail(k, r.groups[number]); !ok {
		r.bad = true
		return
	}
	r.row++
}

func (r *blockReader) readTimes(m *message.Message, k *readKind) {
	r.readReceived(k)
	m.Received = r.received
	if k.flags&flagPreviousRead != 0 {
		m.PreviousRead = r.previous
	}
	m.Sent.Civil = k.shape.civil(r.received, r.readLag(k))
}

func (r *blockReader) readReceived(k *readKind) {
	if r.reads[r.row/8]>>(r.row%8)&1 == 0 {
		return
	}
	r.received += r.columns.received.signed()
	if k.flags&flagPreviousRead != 0 {
		r.previous = r.received - r.columns.previous.signed()
	}
}

func (r *blockReader) readLag(k *readKind) int64 {
	base := k.lag
	if !k.begun {
		base = *r.lags.at(k.shape)
	}
	lag := base + r.columns.sent.signed()
	if !k.begun {
		k.begun, k.lag, *r.lags.at(k.shape) = true, lag, lag
	}
	return lag
}

// readRaw puts Raw together and finds the host in it.
func (r *blockReader) readRaw(m *message.Message, k *readKind, group byte) (ok bool) {
	tail, ok := r.tail(k, group)
	start := len(r.raw)
	if !ok || cap(r.raw)-start < len(k.head)+len(tail) {
		return false
	}
	raw := append(r.raw, k.head[:k.stampAt]...)
	if k.style != styleLiteral {
		raw = r.stamps.appendTo(raw, &m.Sent, k.style)
	}
	raw = append(raw, k.head[k.stampAt:]...)
	raw = append(raw, tail...)
	if len(raw) > cap(r.raw) {
		return false
	}
	r.raw = raw
	m.Raw = raw[start:len(raw):len(raw)]
	if k.flags&kindHostInHead == 0 {
		return true
	}
	if k.hostAt+k.hostLen > len(m.Raw) {
		return false
	}
	m.Host = m.Raw[k.hostAt : k.hostAt+k.hostLen : k.hostAt+k.hostLen]
	return true
}

// tail returns what Raw has beyond the head.
func (r *blockReader) tail(k *readKind, group byte) (tail []byte, ok bool) {
	text := &r.texts[group]
	if k.flags&kindCounted != 0 {
		tail = text.bytes(r.columns.length.value())
		return tail, !text.bad
	}
	end := bytes.IndexByte(text.buf, textEnd)
	if end < 0 {
		return nil, false
	}
	tail, text.buf = text.buf[:end], text.buf[end+1:]
	return tail, true
}
