package storage

import (
	"encoding/binary"
	"hash/crc32"
	"math"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"

	"github.com/skewatch/skewatch/collector/message"
	"github.com/skewatch/skewatch/collector/parse"
)

func sealed(list ...message.Message) []byte {
	var w blockWriter
	w.addAll(list)
	return w.seal(nil)
}

// readBlock returns the number of messages that can be read.
func readBlock(b []byte) (n int, err error) {
	var r blockReader
	if err := r.open(b); err != nil {
		return 0, err
	}
	for m := new(message.Message); r.next(m); n++ {
	}
	return n, r.failed()
}

func wantBlock(t *testing.T, w *blockWriter, r *blockReader, list []message.Message) {
	t.Helper()
	w.addAll(list)
	if w.rows() != len(list) {
		t.Errorf("rows() = %d, want %d", w.rows(), len(list))
	}
	block := w.seal([]byte("before"))[len("before"):]
	if err := r.open(block); err != nil {
		t.Fatal(err)
	}
	for i := range list {
		var have message.Message
		if !r.next(&have) {
			t.Fatalf("message %d of %d can't be read", i, len(list))
		}
		want := list[i]
		want.AppName, want.ProcID, want.MsgID, want.StructuredData, want.Text = nil, nil, nil, nil, nil
		want.TimeQuality = message.TimeQuality{}
		wantMessage(t, have, want)
	}
	if r.next(new(message.Message)) || r.failed() != nil {
		t.Errorf("after the last message: another, or %v", r.failed())
	}
}

func TestBlockRoundTrip(t *testing.T) {
	raw := []byte("<34>Oct 11 22:14:15 web1 su: 'su root' failed")
	xr := []byte("<189>7: xr1 RP/0/RP0/CPU0:Oct 11 22:14:15.250 UTC: bgp[1]: x")
	aruba := []byte("<187>Oct 11 22:14:15 2026 ap1 authmgr[4130]: x")
	meraki := []byte("<134>1 1791756855.123 mx1 events x")
	uptime := []byte("<189>29: sw1: 00:01:01: %SYS-5-RESTART: x")
	list := []message.Message{
		{},
		{Received: 1e18, Source: netip.MustParseAddr("192.0.2.7"), Raw: raw, Host: raw[20:24], Priority: 34,
			Sent: message.Stamp{Civil: 971302455e9, Format: message.StampBSD}},
		{Received: 1e18, Raw: xr, Host: xr[8:11], Sent: message.Stamp{Civil: 97130245525e7, Digits: 3, HasZone: true, Format: message.StampBSD}},
		{Received: 1e18, Raw: aruba, Host: aruba[26:29], Sent: message.Stamp{Civil: 1791756855e9, HasYear: true, Format: message.StampBSDYear}},
		{Received: 1e18, Raw: meraki, Host: meraki[22:25],
			Sent: message.Stamp{Civil: 1791756855123e6, Digits: 3, HasYear: true, HasZone: true, Format: message.StampEpoch}},
		{Received: 1e18, Raw: uptime, Host: uptime[9:12], AppName: uptime[24:38]},
		{Received: 1e18 + 1, PreviousRead: 1e18 + 1, Source: netip.MustParseAddr("192.0.2.7"), Raw: raw},
		{Received: 1e18 - 1e9, PreviousRead: 2e18, Raw: []byte{0}},
		{Received: 1, Source: netip.MustParseAddr("fe80::1%eth0"), Trust: message.TrustHandshake},
		{Received: 1, Source: netip.MustParseAddr("fe80::1%" + strings.Repeat("zone", 50))},
		{Source: netip.MustParseAddr("::ffff:1.2.3.4"), Raw: []byte("<13>")},
		{Raw: []byte("x"), Host: []byte("elsewhere"), AppName: []byte("y")},
		{Raw: []byte(strings.Repeat("x", 400) + "far"), Host: []byte("far")},
		{Raw: []byte(strings.Repeat("x", 100) + strings.Repeat("h", 500)), Host: []byte(strings.Repeat("h", 500))},
		{Raw: []byte(strings.Repeat(" ", 1<<16)), Sent: message.Stamp{Format: message.StampBSD, Civil: 1}},
		{Raw: []byte("\xff"), Host: []byte("\xff")},
		{Raw: []byte("a\xff\xff"), Truncated: true},
		{Priority: message.NoPriority, Transport: message.RELPTLS},
		{Received: math.MinInt64, PreviousRead: math.MaxInt64, MinRTT: math.MaxInt64, Priority: math.MinInt16,
			Sent: message.Stamp{Civil: math.MaxInt64, ZoneEast: math.MinInt32, Digits: 255, Format: 255}},
		{Received: math.MaxInt64, PreviousRead: math.MinInt64, MinRTT: math.MinInt64, Trust: 255, Transport: 255, StampedBy: 255,
			Sent: message.Stamp{Civil: math.MinInt64, ZoneEast: math.MaxInt32, Digits: 9, Format: message.StampBSD}},
		{Sent: message.Stamp{ZoneEast: 3600, HasYear: true, LeapSecond: true}},
	}
	for i := range list {
		list[i].Sequence = uint64(i)
	}
	list[len(list)-1].Sequence = math.MaxUint64
	var w blockWriter
	var r blockReader
	for i := range list {
		wantBlock(t, &w, &r, list[i:i+1])
	}
	wantBlock(t, &w, &r, list)
	for n := range uint64(4000) {
		m := numbered(n * n)
		m.AppName = m.Raw[14:15]
		list = append(list, m)
	}
	list[0].Sequence = 1
	wantBlock(t, &w, &r, list)
	if b := w.seal(nil); b != nil {
		t.Errorf("an empty block has %d bytes", len(b))
	}
}

func TestBlockRoundTripOfFleets(t *testing.T) {
	var w blockWriter
	var r blockReader
	for _, tt := range fleets {
		f := fleet{rand.New(rand.NewPCG(1, 2)), tt.hosts, tt.processIDs}
		for _, n := range []int{1, 7, 500, 4000} {
			wantBlock(t, &w, &r, f.messages(n, tt.transport))
		}
	}
}

// A stamp whose text follows from Sent is stored once, and every other comes back too.
func TestBlockStamps(t *testing.T) {
	tests := []struct {
		raw  string
		once bool
	}{
		{"<34>1 2026-10-11T22:14:15.003Z web1 su - - - x", true},
		{"<34>1 2026-10-11T22:14:15.000003-07:30 web1 su - - - x", true},
		{"<34>1 1999-12-31T23:59:59.123456789+00:00 web1 su - - - x", true},
		{"<34>1 1969-12-31T23:59:59.5Z web1 su - - - x", true},
		{"<34>1 2026-10-11T22:14:15-00:00 web1 su - - - x", false},
		{"<34>1 2016-12-31T23:59:60.25Z web1 su - - - x", false},
		{"<34>1 2026-10-11T22:14:15.1234567890Z web1 su - - - x", false},
		{"<34>1 - web1 su - - - x", false},
		{"<34>1 2026-10-11T22:14:15Z - - - - -", true},
		{"<34>2026-10-11T22:14:15.003+02:00 web1 su: x", true},
		{"<34>2026-10-11 22:14:15.003+0200 web1 su: x", true},
		{"<34>2026-10-11T22:14:15.003 web1 su: x", true},
		{"<34>Oct 11 22:14:15 web1 su[12]: x", true},
		{"<34> Oct  1 22:14:15.123 web1 su: x", true},
		{"<34>Oct 01 22:14:15 web1 su: x", true},
		{"<34>Oct 1 22:14:15: web1 su: x", true},
		{"<34>Feb 29 00:00:00  web1 su: x", true},
		{"<34>Feb 30 00:00:00 web1 su: x", false},
		{"Oct 11 22:14:15", true},
		{"<34>Oct 11", false},
		{"<34", false},
	}
	var w blockWriter
	var r blockReader
	for _, tt := range tests {
		var m message.Message
		parse.Parse([]byte(tt.raw), &m)
		var kinds kindTable
		kinds.kindOf(&m, new(stampWriter))
		if once := kinds.key[1] != byte(styleLiteral); once != tt.once {
			t.Errorf("%q: stored once: %v, want %v", tt.raw, once, tt.once)
		}
		wantBlock(t, &w, &r, []message.Message{m, m})
	}
}

func TestBlockHeader(t *testing.T) {
	const at, hour = 1_790_000_000_000_000_000, 3600e9 // 2026-09-21 14:13:20 UTC
	stamp := func(civil int64, east int32) message.Stamp {
		return message.Stamp{Civil: civil, ZoneEast: east, HasZone: east != 0, HasYear: true, Format: message.StampRFC5424}
	}
	bsd := message.Stamp{Civil: 969545600e9, Format: message.StampBSD} // 2000-09-21 14:13:20
	newYear := message.Stamp{Civil: 978307199e9, Format: message.StampBSD}
	tests := []struct {
		name             string
		received         int64
		sent             message.Stamp
		earliest, latest int64
		outliers         uint32
	}{
		{"no stamp", at, message.Stamp{}, math.MaxInt64, math.MinInt64, 1},
		{"no zone", at, stamp(at-hour, 0), at - hour, at - hour, 0},
		{"a zone", at, stamp(at, 7200), at - 2*hour, at - 2*hour, 0},
		{"a day late", at, stamp(at-24*hour, 0), at - 24*hour, at - 24*hour, 0},
		{"more than a day late", at, stamp(at-24*hour-1, 0), math.MaxInt64, math.MinInt64, 1},
		{"more than a day ahead", at, stamp(at+24*hour+1, 0), math.MaxInt64, math.MinInt64, 1},
		{"no year", at + 5e9, bsd, at, at, 0},
		{"no year, much later", at + 25*hour, bsd, math.MaxInt64, math.MinInt64, 1},
		{"no year, before new year", 1_798_761_601e9, newYear, 1_798_761_599e9, 1_798_761_599e9, 0},
	}
	for _, tt := range tests {
		h, err := readBlockHeader(sealed(message.Message{Sequence: 5, Received: tt.received, Sent: tt.sent}))
		if err != nil {
			t.Fatal(err)
		}
		if h.sentEarliest != tt.earliest || h.sentLatest != tt.latest || h.sentOutliers != tt.outliers {
			t.Errorf("%s: sent from %d to %d, %d outliers, want %d, %d, %d", tt.name,
				h.sentEarliest, h.sentLatest, h.sentOutliers, tt.earliest, tt.latest, tt.outliers)
		}
	}

	h, err := readBlockHeader(sealed(message.Message{Sequence: 5, Received: 9, Raw: []byte("ab")}, message.Message{Sequence: 7, Received: -3}))
	if err != nil || h.rows != 2 || h.first != 5 || h.last != 7 || h.earliest != -3 || h.latest != 9 || h.rawBytes != 2 {
		t.Errorf("have %+v, %v", h, err)
	}
}

func TestBlockMayHold(t *testing.T) {
	source := netip.MustParseAddr("192.0.2.1")
	for _, n := range []int{1, 64, 65} {
		var list []message.Message
		for i := range n {
			list = append(list, message.Message{Sequence: uint64(i), Host: []byte{'W', 'e', 'b', byte(i)}, Source: source})
		}
		list[0].Host = nil
		h, err := readBlockHeader(sealed(list...))
		if err != nil {
			t.Fatal(err)
		}
		for _, tt := range []struct {
			host   string
			source netip.Addr
			want   bool
		}{
			{"", source, true},
			{"wEb\x01", netip.Addr{}, n > 1},
			{"web", source, n > 64},
			{"", netip.MustParseAddr("192.0.2.2"), n > 64},
		} {
			if have := h.mayHold(originatorHash([]byte(tt.host), tt.source)); have != tt.want {
				t.Errorf("%d originators: mayHold(%q, %v) = %v, want %v", n, tt.host, tt.source, have, tt.want)
			}
		}
	}
}

func TestBlockDamageIsSeen(t *testing.T) {
	f := fleet{rand.New(rand.NewPCG(1, 2)), 1000, false}
	block := sealed(f.messages(20, message.TCP)...)
	for i := range block {
		for bit := range 8 {
			block[i] ^= 1 << bit
			if _, err := readBlock(block); err == nil {
				t.Errorf("bit %d of byte %d flipped: no damage seen", bit, i)
			}
			block[i] ^= 1 << bit
		}
	}
	for n := range block {
		if _, err := readBlock(block[:n]); err == nil {
			t.Errorf("cut to %d of %d bytes: no damage seen", n, len(block))
		}
	}
	if _, err := readBlock(append(block, 0)); err == nil {
		t.Error("a byte more: no damage seen")
	}
	if n, err := readBlock(block); n != 20 || err != nil {
		t.Errorf("unchanged: %d messages, %v", n, err)
	}
}

func FuzzBlock(f *testing.F) {
	m := numbered(1)
	f.Add(sealed(m))
	f.Add(sealed(m, numbered(2)))
	f.Fuzz(func(_ *testing.T, b []byte) { readBlock(b) })
}

// FuzzBlockBody gives the decoder arbitrary streams behind correct checksums.
func FuzzBlockBody(f *testing.F) {
	fl := fleet{rand.New(rand.NewPCG(1, 2)), 1000, false}
	for _, n := range []int{1, 3, 20} {
		block := sealed(fl.messages(n, message.TCP)...)
		var r blockReader
		if err := r.open(block); err != nil {
			f.Fatal(err)
		}
		f.Add(uint32(n), uint32(cap(r.raw)), r.body)
	}
	f.Fuzz(func(t *testing.T, rows, raw uint32, body []byte) {
		h := blockHeader{rows: rows, rawBytes: raw % (1 << 20), first: 1, unpacked: uint32(len(body)), any: true}
		p := packers.Get().(*packer)
		defer packers.Put(p)
		p.packed = make([]byte, blockHeaderBytes)
		p.add(body)
		h.size, h.sum = uint32(len(p.packed)-blockHeaderBytes), crc32.Checksum(p.packed[blockHeaderBytes:], castagnoli)
		h.write(p.packed[:blockHeaderBytes])
		n, err := readBlock(p.packed)
		if err == nil && uint32(n) != binary.BigEndian.Uint32(p.packed[24:]) {
			t.Errorf("read %d messages of %d without an error", n, rows)
		}
	})
}
