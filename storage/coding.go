package storage

import (
	"bytes"
	"encoding/binary"
	"errors"
	"net/netip"
	"time"

	"github.com/skewatch/skewatch/collector/message"
)

// The flags of a stored message. The numbers are stored.
const (
	flagTruncated    = 1 << iota // Message.Truncated
	flagYear                     // Stamp.HasYear
	flagZone                     // Stamp.HasZone
	flagLeap                     // Stamp.LeapSecond
	flagPreviousRead             // PreviousRead isn't 0
	flagsEnd                     // from here on, of one coding
)

// The flags of the tail's coding alone.
const (
	flagSameOrigin = flagsEnd << iota // origin is that of the message before
	flagCivil                         // Stamp.Civil isn't 0
	flagHostInRaw                     // Host is stored as its place in Raw
)

// flagSet gathers flags.
type flagSet byte

func (f *flagSet) set(flag flagSet, on bool) {
	if on {
		*f |= flag
	}
}

// flagsOf returns those flags of a message that every coding has.
func flagsOf(m *message.Message) byte {
	var f flagSet
	f.set(flagTruncated, m.Truncated)
	f.set(flagYear, m.Sent.HasYear)
	f.set(flagZone, m.Sent.HasZone)
	f.set(flagLeap, m.Sent.LeapSecond)
	f.set(flagPreviousRead, m.PreviousRead != 0)
	return byte(f)
}

// origin is what messages of one connection have in common.
type origin struct {
	source    netip.Addr
	stampedBy message.StampedBy
	transport message.Transport
	trust     message.Trust
	minRTT    time.Duration
}

func originOf(m *message.Message) origin {
	return origin{m.Source, m.StampedBy, m.Transport, m.Trust, m.MinRTT}
}

// An encoder writes the messages of one record, each as its difference from the
// one before.
type encoder struct {
	buf      []byte
	origin   origin
	received int64
}

// add appends m. Differences of times may wrap around, and then wrap back when
// they are decoded.
func (e *encoder) add(m *message.Message) {
	hostAt := bytes.Index(m.Raw, m.Host)
	flags := e.flags(m, hostAt)
	e.buf = append(e.buf, flags)
	if flags&flagSameOrigin == 0 {
		e.addOrigin(originOf(m))
	}
	e.buf = binary.AppendVarint(e.buf, m.Received-e.received)
	e.received = m.Received
	if flags&flagPreviousRead != 0 {
		e.buf = binary.AppendVarint(e.buf, m.Received-m.PreviousRead)
	}
	e.buf = binary.AppendVarint(e.buf, int64(m.Priority))
	e.addStamp(m)
	e.addBytes(m.Raw)
	e.addHost(m.Host, hostAt)
	rest := m.Raw[max(hostAt, 0):]
	for _, field := range [...][]byte{m.AppName, m.ProcID, m.MsgID} {
		rest = e.addField(field, rest)
	}
}

// addField adds the place of a field in what is left of Raw, and returns what is left
// behind it. The place helps to pack a message; without it nothing is lost.
func (e *encoder) addField(field, rest []byte) []byte {
	at := bytes.Index(rest, field)
	if len(field) == 0 || at < 0 {
		e.buf = append(e.buf, 0)
		return rest
	}
	e.buf = binary.AppendUvarint(e.buf, uint64(len(field)))
	e.buf = binary.AppendUvarint(e.buf, uint64(at))
	return rest[at+len(field):]
}

func (e *encoder) flags(m *message.Message, hostAt int) byte {
	f := flagSet(flagsOf(m))
	f.set(flagSameOrigin, originOf(m) == e.origin)
	f.set(flagCivil, m.Sent.Civil != 0)
	f.set(flagHostInRaw, hostAt >= 0)
	return byte(f)
}

func (e *encoder) addOrigin(o origin) {
	e.origin = o
	address, _ := o.source.MarshalBinary() // never fails
	e.addBytes(address)
	e.buf = append(e.buf, byte(o.stampedBy), byte(o.transport), byte(o.trust))
	e.buf = binary.AppendVarint(e.buf, int64(o.minRTT))
}

func (e *encoder) addStamp(m *message.Message) {
	s := &m.Sent
	e.buf = append(e.buf, byte(s.Format), s.Digits)
	e.buf = binary.AppendVarint(e.buf, int64(s.ZoneEast))
	if s.Civil != 0 {
		e.buf = binary.AppendVarint(e.buf, m.Received-s.Civil)
	}
}

func (e *encoder) addHost(host []byte, at int) {
	if at < 0 {
		e.addBytes(host)
		return
	}
	e.buf = binary.AppendUvarint(e.buf, uint64(at))
	e.buf = binary.AppendUvarint(e.buf, uint64(len(host)))
}

func (e *encoder) addBytes(b []byte) {
	e.buf = binary.AppendUvarint(e.buf, uint64(len(b)))
	e.buf = append(e.buf, b...)
}

var errCoding = errors.New("its messages can't be decoded")

// A decoder reads what an encoder wrote.
type decoder struct {
	cursor
	origin   origin
	received int64
}

// next decodes one message into m, except for its Sequence. Its bytes are parts
// of the decoder's buffer. Each field is set by itself: to clear all of m first would
// take a third of the time.
func (d *decoder) next(m *message.Message) error {
	flags := d.byte()
	if flags&flagSameOrigin == 0 {
		d.readOrigin()
	}
	d.received += d.varint()
	m.Received, m.PreviousRead = d.received, 0
	m.Truncated = flags&flagTruncated != 0
	o := &d.origin
	m.Source, m.StampedBy, m.Transport, m.Trust, m.MinRTT = o.source, o.stampedBy, o.transport, o.trust, o.minRTT
	m.StructuredData, m.Text, m.TimeQuality = nil, nil, message.TimeQuality{}
	if flags&flagPreviousRead != 0 {
		m.PreviousRead = d.received - d.varint()
	}
	m.Priority = message.Priority(d.varint())
	m.Sent = d.stamp(flags)
	m.Raw = d.counted()
	var at uint64
	m.Host, at = d.host(flags, m.Raw)
	rest := m.Raw[at:]
	for _, field := range [...]*[]byte{&m.AppName, &m.ProcID, &m.MsgID} {
		*field, rest = d.field(rest)
	}
	if d.bad {
		return errCoding
	}
	return nil
}

func (d *decoder) readOrigin() {
	if err := d.origin.source.UnmarshalBinary(d.counted()); err != nil {
		d.bad = true
	}
	d.origin.stampedBy = message.StampedBy(d.byte())
	d.origin.transport = message.Transport(d.byte())
	d.origin.trust = message.Trust(d.byte())
	d.origin.minRTT = time.Duration(d.varint())
}

func (d *decoder) stamp(flags byte) message.Stamp {
	s := message.Stamp{
		HasYear:    flags&flagYear != 0,
		HasZone:    flags&flagZone != 0,
		LeapSecond: flags&flagLeap != 0,
		Format:     message.StampFormat(d.byte()),
		Digits:     d.byte(),
		ZoneEast:   int32(d.varint()),
	}
	if flags&flagCivil != 0 {
		s.Civil = d.received - d.varint()
	}
	return s
}

// host returns the host, and where it begins in Raw; 0 if it isn't in it.
func (d *decoder) host(flags byte, raw []byte) (host []byte, at uint64) {
	if flags&flagHostInRaw == 0 {
		return d.counted(), 0
	}
	at, n := d.uvarint(), d.uvarint()
	if at > uint64(len(raw)) || n > uint64(len(raw))-at {
		d.bad = true
		return nil, 0
	}
	return raw[at : at+n : at+n], at
}

// field returns a field in what is left of Raw, and what is left behind it.
func (d *decoder) field(rest []byte) (field, behind []byte) {
	n := d.uvarint()
	if n == 0 {
		return nil, rest
	}
	at := d.uvarint()
	if at > uint64(len(rest)) || n > uint64(len(rest))-at {
		d.bad = true
		return nil, nil
	}
	return rest[at : at+n : at+n], rest[at+n:]
}
