package storage

import (
	"encoding/binary"
	"hash/crc32"
	"math"
	"net/netip"
	"testing"

	"github.com/skewatch/skewatch/collector/message"
)

func TestCoding(t *testing.T) {
	raw := []byte("<34>Oct 11 22:14:15 web1 su: 'su root' failed")
	tests := []struct {
		name string
		m    message.Message
	}{
		{"nothing known", message.Message{}},
		{"a datagram", message.Message{Received: 1e18, Source: netip.MustParseAddr("192.0.2.7"), Raw: raw, Host: raw[20:24], Priority: 34,
			Sent: message.Stamp{Civil: 971302455e9, Format: message.StampBSD}}},
		{"same origin as before", message.Message{Received: 1e18 + 1, Source: netip.MustParseAddr("192.0.2.7"), Raw: raw}},
		{"before the one before", message.Message{Received: 1e18 - 1e9, Raw: []byte{0}}},
		{"IPv6 with a zone", message.Message{Received: 1, Source: netip.MustParseAddr("fe80::1%eth0"), Trust: message.TrustHandshake}},
		{"host not in raw", message.Message{Raw: []byte("x"), Host: []byte("elsewhere")}},
		{"no priority", message.Message{Priority: message.NoPriority, Transport: message.RELPTLS, Truncated: true}},
		{"extreme times", message.Message{Received: math.MinInt64, PreviousRead: math.MaxInt64, MinRTT: math.MaxInt64,
			Sent: message.Stamp{Civil: math.MaxInt64, ZoneEast: math.MinInt32, Digits: 255, Format: 255}}},
		{"zone without the mark", message.Message{Sent: message.Stamp{ZoneEast: 3600, HasYear: true, LeapSecond: true}}},
	}
	for n := range uint64(1000) {
		tests = append(tests, struct {
			name string
			m    message.Message
		}{"random", numbered(n)})
	}

	var e encoder
	for i := range tests {
		e.add(&tests[i].m)
	}
	d := decoder{buf: e.buf}
	for _, tt := range tests {
		var have message.Message
		if err := d.next(&have); err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		have.Sequence = tt.m.Sequence
		wantMessage(t, have, tt.m)
	}
	if len(d.buf) != 0 {
		t.Errorf("%d bytes are left over", len(d.buf))
	}
}

func TestDecoderNeedsEveryByte(t *testing.T) {
	m := numbered(1)
	var e encoder
	e.add(&m)
	for n := range e.buf {
		d := decoder{buf: e.buf[:n]}
		if err := d.next(new(message.Message)); err == nil {
			t.Errorf("the first %d of %d bytes decode", n, len(e.buf))
		}
	}
}

func TestRecordDamageIsSeen(t *testing.T) {
	key, value := sampleRecord(3)
	for i := range value {
		for _, flip := range []byte{1, 0x80} {
			value[i] ^= flip
			if damaged, _ := readMessages(key, value, ignore); damaged == nil {
				t.Errorf("byte %d changed by %#x: no damage seen", i, flip)
			}
			value[i] ^= flip
		}
	}
	if damaged, _ := readMessages(sequenceKey(4711), value, ignore); damaged == nil {
		t.Error("under another key: no damage seen")
	}
	if damaged, _ := readMessages(key, value, ignore); damaged != nil {
		t.Errorf("unchanged: %v", damaged)
	}
}

func ignore(*message.Message) error { return nil }

func sampleRecord(n int) (key, value []byte) {
	var r record
	r.reset(1)
	for i := range n {
		m := numbered(uint64(i) + 1)
		r.add(&m)
	}
	return r.seal()
}

// FuzzReadMessages gives the decoder arbitrary bytes behind correct checksums.
func FuzzReadMessages(f *testing.F) {
	_, value := sampleRecord(3)
	f.Add(uint32(3), value[headerBytes:])
	f.Add(uint32(math.MaxUint32), []byte{flagSameOrigin | flagHostInRaw})
	f.Fuzz(func(t *testing.T, count uint32, body []byte) {
		value := append(make([]byte, headerBytes), body...)
		binary.BigEndian.PutUint32(value[4:], crc32.Checksum(body, castagnoli))
		binary.BigEndian.PutUint32(value[8:], count)
		key := sequenceKey(1)
		binary.BigEndian.PutUint32(value, headerSum(key, value))
		read := 0
		damaged, _ := readMessages(key, value, func(m *message.Message) error {
			read++
			if len(m.Raw)+len(m.Host) > 2*len(body) {
				t.Errorf("message of %d bytes out of %d", len(m.Raw)+len(m.Host), len(body))
			}
			return nil
		})
		if damaged == nil && read != int(count) {
			t.Errorf("read %d messages of %d without an error", read, count)
		}
	})
}
