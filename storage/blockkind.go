package storage

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"hash/maphash"
	"time"

	"github.com/skewatch/skewatch/collector/message"
)

// A kind is all that messages of one application on one host have in common. It is
// stored as
//
//	flags, stampStyle, Format, Digits, unit, StampedBy, Transport, Trust (a byte each)
//	Priority, ZoneEast, MinRTT                                           (varints)
//	Source                                                  (uvarint length and bytes)
//	place of the stamp, place of the host, length of the host               (uvarints)
//	the host, if it isn't in the head
//	the head: the beginning of Raw without its stamp
type kind struct {
	hash   uint64
	key    []byte
	number int
	flags  byte
	group  byte
	shape  stampShape
	lag    int64 // of the kind's first message
}

// The flags of a kind, beside those of its messages.
const (
	kindCounted    = flagsEnd << iota // the rest of Raw contains textEnd
	kindHostInHead                    // Host is a part of the head
)

// kindFixed is the size of a kind's first part.
const kindFixed = 8

// A stampShape says in what unit a stamp's distance from its receipt is stored.
type stampShape struct {
	format message.StampFormat
	unit   uint8 // decimal digits of a second: 0 for seconds, 9 for nanoseconds; or noCivil
}

// noCivil is the unit of a stamp whose Civil is 0.
const noCivil = 10

var unitNS = [noCivil]int64{1e9, 1e8, 1e7, 1e6, 1e5, 1e4, 1e3, 1e2, 1e1, 1}

func shapeOf(s *message.Stamp) stampShape {
	switch {
	case s.Civil == 0:
		return stampShape{s.Format, noCivil}
	case s.Digits < 9 && s.Civil%unitNS[s.Digits] == 0:
		return stampShape{s.Format, s.Digits}
	}
	return stampShape{s.Format, 9}
}

// lag returns how many units civil lies before received. It may wrap around, and
// then wraps back in civil.
func (s stampShape) lag(received, civil int64) int64 {
	if s.unit >= noCivil {
		return 0
	}
	return received/unitNS[s.unit] - civil/unitNS[s.unit]
}

// civil is the inverse of lag.
func (s stampShape) civil(received, lag int64) int64 {
	if s.unit >= noCivil {
		return 0
	}
	return (received/unitNS[s.unit] - lag) * unitNS[s.unit]
}

// A lagTable has the lag of the newest kind of each shape, from which the next kind's
// is not far: RFC 3164 has the distance to YearUnknown in it.
type lagTable [8 * 16]int64

func (t *lagTable) at(s stampShape) *int64 { return &t[int(s.format)%8*16+int(s.unit)%16] }

var kindSeed = maphash.MakeSeed()

// A kindTable numbers the kinds of a block's messages.
type kindTable struct {
	kinds  []kind
	slots  []uint32 // 1 + number of a kind at its hash or behind; a power of 2, half empty
	keys   []byte   // the kinds as stored
	groups []byte
	apps   [][]byte // AppName of each group
	key    []byte
	text   []byte // of a stamp
	rows   int
	// crowded says that most messages are of a kind of their own, as when each has
	// another ProcID.
	crowded bool
	grown   bool // the last kindOf found a new kind
}

// kindOf returns the kind of m, valid until the next call, and the part of Raw that
// isn't in it.
func (t *kindTable) kindOf(m *message.Message, stamps *stampWriter) (k *kind, tail []byte) {
	t.rows++
	t.crowded = t.crowded || len(t.kinds) > 256+t.rows/2
	tail = t.setKey(m, stamps)
	hash := maphash.Bytes(kindSeed, t.key)
	if 2*len(t.kinds) >= len(t.slots) {
		t.grow()
	}
	at := hash & uint64(len(t.slots)-1)
	for t.slots[at] != 0 {
		k = &t.kinds[t.slots[at]-1]
		if k.hash == hash && bytes.Equal(k.key, t.key) {
			t.grown = false
			return k, tail
		}
		at = (at + 1) & uint64(len(t.slots)-1)
	}
	t.grown = true
	t.slots[at] = uint32(len(t.kinds) + 1)
	return t.addKind(hash, m), tail
}

// grow doubles the slots.
func (t *kindTable) grow() {
	t.slots = make([]uint32, max(256, 2*len(t.slots)))
	for i := range t.kinds {
		at := t.kinds[i].hash & uint64(len(t.slots)-1)
		for t.slots[at] != 0 {
			at = (at + 1) & uint64(len(t.slots)-1)
		}
		t.slots[at] = uint32(i + 1)
	}
}

func (t *kindTable) addKind(hash uint64, m *message.Message) *kind {
	t.keys = binary.AppendUvarint(t.keys, uint64(len(t.key)))
	t.keys = append(t.keys, t.key...)
	k := kind{
		hash:   hash,
		key:    t.keys[len(t.keys)-len(t.key):],
		number: len(t.kinds),
		flags:  t.key[0],
		group:  t.group(m.AppName),
		shape:  stampShape{m.Sent.Format, t.key[4]},
	}
	t.groups = append(t.groups, k.group)
	t.kinds = append(t.kinds, k)
	return &t.kinds[k.number]
}

// group returns the text that an application's messages go to.
func (t *kindTable) group(app []byte) byte {
	for i := range t.apps {
		if bytes.Equal(t.apps[i], app) {
			return byte(i)
		}
	}
	if len(t.apps) < textGroups {
		t.apps = append(t.apps, bytes.Clone(app))
		return byte(len(t.apps) - 1)
	}
	return byte(crc32.Checksum(app, castagnoli) % textGroups)
}

func (t *kindTable) reset() {
	clear(t.slots)
	clear(t.kinds)
	clear(t.apps)
	t.rows, t.crowded = 0, false
	t.kinds, t.keys, t.groups, t.apps = t.kinds[:0], t.keys[:0], t.groups[:0], t.apps[:0]
}

// A readKind is a kind as its messages are decoded from it.
type readKind struct {
	common  message.Message // what is the same in all
	flags   byte
	begun   bool // a message of it was read
	suspect bool // what is looked for may begin in its head
	style   stampStyle
	shape   stampShape
	stampAt int
	hostAt  int
	hostLen int
	head    []byte // without the stamp
	lag     int64
}

// read decodes a kind and reports whether it could.
func (k *readKind) read(key []byte) (ok bool) {
	c := cursor{buf: key}
	f := c.bytes(kindFixed)
	if c.bad || f[4] > noCivil {
		return false
	}
	*k = readKind{flags: f[0], style: stampStyle(f[1]), shape: stampShape{message.StampFormat(f[2]), f[4]}}
	k.common = message.Message{
		StampedBy: message.StampedBy(f[5]),
		Transport: message.Transport(f[6]),
		Trust:     message.Trust(f[7]),
		Truncated: f[0]&flagTruncated != 0,
		Priority:  message.Priority(c.varint()),
		Sent: message.Stamp{
			Format:     message.StampFormat(f[2]),
			Digits:     f[3],
			HasYear:    f[0]&flagYear != 0,
			HasZone:    f[0]&flagZone != 0,
			LeapSecond: f[0]&flagLeap != 0,
			ZoneEast:   int32(c.varint()),
		},
		MinRTT: time.Duration(c.varint()),
	}
	if k.common.Source.UnmarshalBinary(c.counted()) != nil {
		return false
	}
	stampAt, hostAt, hostLen := c.uvarint(), c.uvarint(), c.uvarint()
	if f[0]&kindHostInHead == 0 {
		k.common.Host = c.bytes(hostLen)
		hostLen = 0
	}
	k.head = c.buf
	limit := uint64(len(c.buf) + maxHead) // the head with its stamp is shorter
	if c.bad || stampAt > uint64(len(c.buf)) || hostAt > limit || hostLen > limit {
		return false
	}
	k.stampAt, k.hostAt, k.hostLen = int(stampAt), int(hostAt), int(hostLen)
	return true
}
