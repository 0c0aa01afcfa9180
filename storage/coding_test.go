package storage

import (
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
	d := decoder{cursor: cursor{buf: e.buf}}
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
		d := decoder{cursor: cursor{buf: e.buf[:n]}}
		if err := d.next(new(message.Message)); err == nil {
			t.Errorf("the first %d of %d bytes decode", n, len(e.buf))
		}
	}
}

func TestRecordDamageIsSeen(t *testing.T) {
	const epoch = 7
	value := sampleRecord(3).seal(epoch)
	for i := range value {
		for _, flip := range []byte{1, 0x80} {
			value[i] ^= flip
			if _, err := readRecord(value, epoch); err == nil {
				t.Errorf("byte %d changed by %#x: no damage seen", i, flip)
			}
			value[i] ^= flip
		}
	}
	for n := range value {
		if _, err := readRecord(value[:n], epoch); err == nil {
			t.Errorf("cut to %d bytes: no damage seen", n)
		}
	}
	if _, err := readRecord(value, epoch+1); err == nil {
		t.Error("of another epoch: no damage seen")
	}
	if _, err := readRecord(value, epoch); err != nil {
		t.Errorf("unchanged: %v", err)
	}
}

func ignore(*message.Message) error { return nil }

func sampleRecord(n int) *record {
	r := newRecord(1, nil)
	for i := range n {
		m := numbered(uint64(i) + 1)
		r.add(&m)
	}
	return r
}

// FuzzReadRecord gives the decoder arbitrary bytes behind correct checksums.
func FuzzReadRecord(f *testing.F) {
	f.Add(uint32(3), sampleRecord(3).messages.buf[headerBytes:])
	f.Add(uint32(math.MaxUint32), []byte{flagSameOrigin | flagHostInRaw})
	f.Fuzz(func(t *testing.T, count uint32, body []byte) {
		r := newRecord(1, nil)
		r.messages.buf = append(r.messages.buf, body...)
		r.count = count
		read, err := readRecord(r.seal(0), 0)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		damaged, _ := read.each(func(m *message.Message) error {
			n++
			if len(m.Raw)+len(m.Host) > 2*len(body) {
				t.Errorf("message of %d bytes out of %d", len(m.Raw)+len(m.Host), len(body))
			}
			return nil
		})
		if damaged == nil && n != int(count) {
			t.Errorf("read %d messages of %d without an error", n, count)
		}
	})
}
