package storage

import (
	"encoding/binary"
	"hash/crc32"
	"slices"

	"github.com/skewatch/skewatch/collector/message"
)

// A block's body, unpacked, is a sequence of streams:
//
//	directory   first Received (varint); number of kinds, bytes of kinds, bytes of
//	            each text (uvarints); then the count (uvarint) and the width (a byte)
//	            of each column
//	kinds       uvarint of its length and bytes of each kind, in order of their
//	            first messages; see kind
//	groups      one byte for each kind: the text that its messages continue in
//	reads       one bit for each message, the lowest first: it came in another read
//	            of its socket than the message before
//	columns     see blockColumns
//	texts       what messages have beyond their kinds' heads, each closed by textEnd
//
// It is packed as zstd frames, which end where streams do.

// textGroups is how many texts there are. Messages of one application are alike and
// pack better and faster among themselves.
const textGroups = 16

// textEnd closes a message in its text. It occurs in no UTF-8; a message that has it
// has its length stored.
const textEnd = 0xFF

// blockColumns are the numbers of the messages.
type blockColumns struct {
	sequence column // less that of the message before, less 1
	kind     column
	received column // of each read: nanoseconds after that of the read before
	previous column // of each read on a stream: nanoseconds from PreviousRead to Received
	sent     column // nanoseconds or digits from Sent to Received, less what its kind began with
	length   column // of the text of each message that contains textEnd
}

func (c *blockColumns) all() [6]*column {
	return [...]*column{&c.sequence, &c.kind, &c.received, &c.previous, &c.sent, &c.length}
}

// A blockWriter gathers the messages of one block. Its zero value is an empty one.
type blockWriter struct {
	header   blockHeader
	columns  blockColumns
	reads    []byte
	texts    [textGroups][]byte
	kinds    kindTable
	stamps   stampWriter
	years    yearFinder
	origin   int64 // Received of the first message
	received int64 // of the message before
	previous int64 // PreviousRead of the last message that has one
	lags     lagTable
	senders  []uint32 // originatorHash of each, rising; one more than can be listed
}

// add takes in a message and keeps none of its bytes. Its Sequence is greater than
// that of the message before, and there are fewer than maxBlockRows. AppName, ProcID
// and MsgID need not be set, but let the block pack better.
func (w *blockWriter) add(m *message.Message) {
	if w.header.rows == 0 {
		w.begin(m)
	}
	k, tail := w.kinds.kindOf(m, &w.stamps)
	lag := k.shape.lag(m.Received, m.Sent.Civil)
	base := k.lag
	if w.kinds.grown {
		w.addSender(originatorHash(m.Host, m.Source))
		base, k.lag = *w.lags.at(k.shape), lag
		*w.lags.at(k.shape) = lag
	}
	w.columns.sequence.add(m.Sequence - w.header.last - 1)
	w.columns.kind.add(uint64(k.number))
	w.addRead(m)
	w.columns.sent.addSigned(lag - base)
	w.addText(k, tail)
	w.addToHeader(m)
}

func (w *blockWriter) begin(m *message.Message) {
	w.header.emptyRanges()
	w.header.first, w.header.last = m.Sequence, m.Sequence-1
	w.origin, w.received, w.previous = m.Received, m.Received, 0
}

func (w *blockWriter) rows() int { return int(w.header.rows) }

// rawBytes returns the bytes of Raw in all messages.
func (w *blockWriter) rawBytes() int { return int(w.header.rawBytes) }

// addRead adds the receive stamps, unless they are those of the message before.
func (w *blockWriter) addRead(m *message.Message) {
	row := w.header.rows
	if row%8 == 0 {
		w.reads = append(w.reads, 0)
	}
	if m.Received == w.received && (m.PreviousRead == 0 || m.PreviousRead == w.previous) {
		return
	}
	w.reads[row/8] |= 1 << (row % 8)
	w.columns.received.addSigned(m.Received - w.received)
	w.received = m.Received
	if m.PreviousRead != 0 {
		w.columns.previous.addSigned(m.Received - m.PreviousRead)
		w.previous = m.PreviousRead
	}
}

func (w *blockWriter) addText(k *kind, tail []byte) {
	text := append(w.texts[k.group], tail...)
	if k.flags&kindCounted != 0 {
		w.columns.length.add(uint64(len(tail)))
	} else {
		text = append(text, textEnd)
	}
	w.texts[k.group] = text
}

func (w *blockWriter) addToHeader(m *message.Message) {
	h := &w.header
	h.rows++
	h.rawBytes += uint32(len(m.Raw))
	h.last = m.Sequence
	h.earliest, h.latest = min(h.earliest, m.Received), max(h.latest, m.Received)
	if m.Sent.Usable() {
		sent := w.years.instant(&m.Sent, m.Received)
		if off := sent - m.Received; -dayNS <= off && off <= dayNS {
			h.sentEarliest, h.sentLatest = min(h.sentEarliest, sent), max(h.sentLatest, sent)
			return
		}
	}
	h.sentOutliers++
}

func (w *blockWriter) addSender(hash uint32) {
	at, found := slices.BinarySearch(w.senders, hash)
	if !found && len(w.senders) <= maxBlockOriginators {
		w.senders = slices.Insert(w.senders, at, hash)
	}
}

// seal appends the block to dst and empties w; it appends nothing if w is empty.
func (w *blockWriter) seal(dst []byte) []byte {
	if w.header.rows == 0 {
		return dst
	}
	start := len(dst)
	dst = append(dst, make([]byte, blockHeaderBytes)...)
	w.header.any = len(w.senders) > maxBlockOriginators
	if !w.header.any {
		for _, hash := range w.senders {
			dst = binary.BigEndian.AppendUint32(dst, hash)
		}
	}
	body := len(dst)
	dst = w.appendBody(dst)
	w.header.size = uint32(len(dst) - body)
	w.header.sum = crc32.Checksum(dst[body:], castagnoli)
	w.header.write(dst[start:body])
	w.reset()
	return dst
}

func (w *blockWriter) appendBody(dst []byte) []byte {
	p := packers.Get().(*packer)
	defer packers.Put(p)
	p.packed, p.size = dst, 0
	p.pending = w.appendDirectory(p.pending[:0])
	p.stream(w.kinds.keys)
	p.stream(w.kinds.groups)
	p.stream(w.reads)
	for _, c := range w.columns.all() {
		p.column(c)
	}
	for _, text := range w.texts {
		p.stream(text)
	}
	p.flush()
	w.header.unpacked = uint32(p.size)
	dst, p.packed = p.packed, nil
	return dst
}

func (w *blockWriter) appendDirectory(dst []byte) []byte {
	dst = binary.AppendVarint(dst, w.origin)
	dst = binary.AppendUvarint(dst, uint64(len(w.kinds.kinds)))
	dst = binary.AppendUvarint(dst, uint64(len(w.kinds.keys)))
	for _, text := range w.texts {
		dst = binary.AppendUvarint(dst, uint64(len(text)))
	}
	for _, c := range w.columns.all() {
		dst = binary.AppendUvarint(dst, uint64(len(c.values)))
		dst = append(dst, byte(c.width()))
	}
	return dst
}

func (w *blockWriter) reset() {
	for _, c := range w.columns.all() {
		c.reset()
	}
	for i := range w.texts {
		w.texts[i] = w.texts[i][:0]
	}
	w.kinds.reset()
	w.header, w.reads, w.senders, w.lags = blockHeader{}, w.reads[:0], w.senders[:0], lagTable{}
}
