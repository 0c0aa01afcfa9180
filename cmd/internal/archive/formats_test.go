package archive

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"
	"github.com/klauspost/compress/zstd"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 4000, time.UTC)

// readAll returns the lines of an archive as "host source sent received", and what is wrong with
// the bad ones.
func readAll(t *testing.T, format Format, text []byte) (good, bad []string) {
	t.Helper()
	r, err := NewReaderOf(format, bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	for {
		l, err := r.Next()
		if errors.Is(err, io.EOF) {
			return good, bad
		}
		var wrong *LineError
		if errors.As(err, &wrong) {
			bad = append(bad, fmt.Sprintf("%d: %v", wrong.Number, wrong))
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		source, sent := "", l.Sent.Format.String()
		if l.Origin.Source.IsValid() {
			source = l.Origin.Source.String()
		}
		if l.Sent.Usable() {
			sent += time.Unix(0, l.Sent.Civil).UTC().Format(" 15:04:05.999999")
		}
		good = append(good, fmt.Sprintf("%s|%s|%s|%s", l.Origin.Host, source, sent, time.Unix(0, l.Received).UTC().Format("15:04:05.999999")))
	}
}

func wantLines(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("%s is\n%s\nwant\n%s", what, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestDaemonLines(t *testing.T) {
	good, bad := readAll(t, Auto, []byte(`2026-03-01T12:00:00.000004+00:00 2026-03-01T12:00:40+00:00 web1 su: a
2026-03-01T13:00:00.000004+01:00 2026-03-01T12:00:40.5Z web1 192.0.2.1 su: a

2026-03-01T12:00:01Z Mar  1 12:00:41 db1 192.0.2.2
2026-03-01T12:00:02Z 192.0.2.3 <34>Mar  1 12:00:42 db1 su: a
2026-03-01T12:00:03Z <34>1 2026-03-01T12:00:43.25+02:00 db1 - - - - a
2026-03-01T12:00:04Z 2001:db8::1 <34>no header
2026-03-01T12:00:04Z
2026-03-01T12:00:05Z yesterday web1 a
somewhen 2026-03-01T12:00:05Z web1 a
2026-03-01T12:00:05Z <34>1 2026-13-01T00:00:00Z db1 - - - - a
`))
	wantLines(t, "read", good, "web1||rfc3339 12:00:40|12:00:00.000004", "web1|192.0.2.1|rfc3339 12:00:40.5|12:00:00.000004", "db1|192.0.2.2|bsd 12:00:41|12:00:01",
		"db1|192.0.2.3|bsd 12:00:42|12:00:02", "db1||rfc5424 12:00:43.25|12:00:03", "|2001:db8::1|none|12:00:04")
	wantLines(t, "bad", bad, `8: has no message behind the time of receipt (got "2026-03-01T12:00:04Z")`, `9: sent: not a stamp that can be read (got "yesterday")`,
		`10: received: not a time (got "somewhen")`, `11: sent: not a stamp that can be read (got "<34>1 2026-13-01T00:00:00Z db1 - - - - a")`)
}

// blob writes a field of journald's export whose value may hold anything.
func blob(name, value string) string {
	return name + "\n" + string(binary.LittleEndian.AppendUint64(nil, uint64(len(value)))) + value + "\n"
}

func TestJournal(t *testing.T) {
	at := noon.UnixMicro()
	good, bad := readAll(t, Auto, fmt.Appendf(nil, "__CURSOR=s=1\n__REALTIME_TIMESTAMP=%d\n_HOSTNAME=web1\n%sMESSAGE=a=b\n_SOURCE_REALTIME_TIMESTAMP=%d\n\n"+
		"\n__CURSOR=s=2\n_HOSTNAME=web1\n__REALTIME_TIMESTAMP=%d\n\n__CURSOR=s=3\n_HOSTNAME=web1\n\n"+
		"__CURSOR=s=4\n_SOURCE_REALTIME_TIMESTAMP=x\n__REALTIME_TIMESTAMP=%d\n\n%s__REALTIME_TIMESTAMP=%d\n_HOSTNAME=db1\n",
		at, blob("MESSAGE", "\n\nMESSAGE=\n__REALTIME_TIMESTAMP=1"), at-1000, at, at, blob("X", strings.Repeat("\n", maxLine+5)), at+1e6))
	wantLines(t, "read", good, "web1||epoch 11:59:59.999004|12:00:00.000004", "web1||none|12:00:00.000004", "db1||none|12:00:01.000004")
	wantLines(t, "bad", bad, "3: received: missing", `4: sent: not a number of microseconds (got "x")`)

	_, bad = readAll(t, Journal, []byte("A=b\nMESSAGE\n\x09\x00\x00\x00\x00\x00\x00\x00abc"))
	wantLines(t, "bad of one that ends", bad, "1: the archive ends in the middle of it")
}

func TestPacked(t *testing.T) {
	const text = "host,sent,received\nweb1,Mar  1 12:00:40,1772366400\n"
	var gz, zst bytes.Buffer
	g := gzip.NewWriter(&gz)
	z, err := zstd.NewWriter(&zst)
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range []io.WriteCloser{g, z} {
		if _, err := io.WriteString(w, text); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for name, packed := range map[string][]byte{"gzip": gz.Bytes(), "zstd": zst.Bytes()} {
		good, bad := readAll(t, Auto, packed)
		wantLines(t, name, append(good, bad...), "web1||bsd 12:00:40|12:00:00")
	}
}

// A tape is packets as they are captured, of one host to another over a link.
type tape struct {
	t    *testing.T
	link layers.LinkType
	v6   bool
	at   time.Time
	data [][]byte
	when []time.Time
}

func (p *tape) ip(protocol layers.IPProtocol) (network gopacket.NetworkLayer, below []gopacket.SerializableLayer) {
	kind := layers.EthernetTypeIPv4
	var over gopacket.SerializableLayer
	if p.v6 {
		kind = layers.EthernetTypeIPv6
		ip := &layers.IPv6{Version: 6, NextHeader: protocol, HopLimit: 64, SrcIP: net.ParseIP("2001:db8::1"), DstIP: net.ParseIP("2001:db8::2")}
		network, over = ip, ip
	} else {
		ip := &layers.IPv4{Version: 4, Protocol: protocol, TTL: 64, SrcIP: net.IP{192, 0, 2, 1}, DstIP: net.IP{192, 0, 2, 9}}
		network, over = ip, ip
	}
	mac := net.HardwareAddr{2, 0, 0, 0, 0, 1}
	switch p.link {
	case layers.LinkTypeEthernet:
		below = []gopacket.SerializableLayer{&layers.Ethernet{SrcMAC: mac, DstMAC: mac, EthernetType: layers.EthernetTypeDot1Q}, &layers.Dot1Q{VLANIdentifier: 7, Type: kind}}
	case layers.LinkTypeLinuxSLL:
		below = []gopacket.SerializableLayer{gopacket.Payload(append([]byte{0, 0, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0}, byte(kind>>8), byte(kind)))}
	case layers.LinkTypeLoop, layers.LinkTypeNull:
		below = []gopacket.SerializableLayer{&layers.Loopback{Family: layers.ProtocolFamilyIPv4}}
	}
	return network, append(below, over)
}

func (p *tape) put(layersOf ...gopacket.SerializableLayer) {
	p.t.Helper()
	b := gopacket.NewSerializeBuffer()
	if err := gopacket.SerializeLayers(b, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}, layersOf...); err != nil {
		p.t.Fatal(err)
	}
	p.data, p.when = append(p.data, bytes.Clone(b.Bytes())), append(p.when, p.at)
	p.at = p.at.Add(time.Second)
}

func (p *tape) udp(port uint16, text string) {
	network, below := p.ip(layers.IPProtocolUDP)
	u := &layers.UDP{SrcPort: 40000, DstPort: layers.UDPPort(port)}
	_ = u.SetNetworkLayerForChecksum(network)
	p.put(append(below, u, gopacket.Payload(text))...)
}

func (p *tape) tcp(from uint16, sequence uint32, flags, text string) {
	network, below := p.ip(layers.IPProtocolTCP)
	s := &layers.TCP{SrcPort: layers.TCPPort(from), DstPort: 514, Seq: sequence, SYN: strings.Contains(flags, "S"), FIN: strings.Contains(flags, "F"), ACK: true, Window: 1000}
	_ = s.SetNetworkLayerForChecksum(network)
	p.put(append(below, s, gopacket.Payload(text))...)
}

// pcap writes the tape as pcap, or pcapng.
func (p *tape) pcap(ng bool) []byte {
	p.t.Helper()
	var b bytes.Buffer
	var write func(gopacket.CaptureInfo, []byte) error
	flush := func() error { return nil }
	if ng {
		w, err := pcapgo.NewNgWriter(&b, p.link)
		if err != nil {
			p.t.Fatal(err)
		}
		write, flush = w.WritePacket, w.Flush
	} else {
		w := pcapgo.NewWriterNanos(&b)
		if err := w.WriteFileHeader(65536, p.link); err != nil {
			p.t.Fatal(err)
		}
		write = w.WritePacket
	}
	for i, data := range p.data {
		if err := write(gopacket.CaptureInfo{Timestamp: p.when[i], CaptureLength: len(data), Length: len(data)}, data); err != nil {
			p.t.Fatal(err)
		}
	}
	if err := flush(); err != nil {
		p.t.Fatal(err)
	}
	return b.Bytes()
}

func TestCaptureDatagrams(t *testing.T) {
	for _, link := range []layers.LinkType{layers.LinkTypeEthernet, layers.LinkTypeRaw, layers.LinkTypeLinuxSLL, layers.LinkTypeNull} {
		for _, ng := range []bool{false, true} {
			p := &tape{t: t, link: link, at: noon}
			p.udp(514, "<34>Mar  1 12:00:40 web1 su: a")
			p.udp(5514, "<34>1 2026-03-01T12:00:41.5Z web1 - - - - a")
			p.udp(53, "no syslog")
			p.udp(514, "no PRI")
			text := p.pcap(ng)
			good, bad := readAll(t, Auto, text)
			wantLines(t, fmt.Sprint(link, ng), append(good, bad...), "web1|192.0.2.1|bsd 12:00:40|12:00:00.000004", "web1|192.0.2.1|rfc5424 12:00:41.5|12:00:01.000004",
				"|192.0.2.1|none|12:00:03.000004")
			good, bad = readAll(t, Auto, text[:len(text)-3])
			if len(good) != 2 || len(bad) != 1 || !strings.Contains(bad[0], "nothing more can be read") {
				t.Errorf("of a capture that is cut off are read %v and %v", good, bad)
			}
		}
	}
	p := &tape{t: t, link: layers.LinkTypeEthernet, v6: true, at: noon}
	p.udp(514, "<34>Mar  1 12:00:40 web1 su: a")
	good, _ := readAll(t, Capture, p.pcap(false))
	wantLines(t, "IPv6", good, "web1|2001:db8::1|bsd 12:00:40|12:00:00.000004")
}

// TestCaptureStreams has segments come out of order, twice, and not at all.
func TestCaptureStreams(t *testing.T) {
	line := func(n int) string { return fmt.Sprintf("<34>Mar  1 12:00:%02d web%d su: a\n", n, n) }
	p := &tape{t: t, link: layers.LinkTypeEthernet, at: noon}
	all := line(1) + line(2) + line(3)
	begin := uint32(4294967291) // soon numbers begin anew
	p.tcp(1000, begin-1, "S", "")
	p.tcp(1000, begin, "", all[:10])
	p.tcp(1000, begin+40, "", all[40:]) // too early
	p.tcp(1000, begin, "", all[:20])    // again, and more
	p.tcp(1000, begin+20, "", all[20:40])
	counted := "31 <34>Mar  1 12:00:04 web4 su: a\n" + "30 <34>Mar  1 12:00:05 web5 su: b"
	p.tcp(1001, 77, "", counted[:50]) // the capture began later than the connection
	p.tcp(1001, 77+50, "F", counted[50:])
	p.tcp(1002, 1, "S", "")
	p.tcp(1002, 2, "", "GET / HTTP/1.1\r\n<34>")
	p.tcp(1003, 1, "S", "")
	p.tcp(1003, 2, "", line(6))
	p.tcp(1003, 100, "F", line(7)) // something is missing
	good, bad := readAll(t, Auto, p.pcap(false))
	wantLines(t, "read", good,
		"web1|192.0.2.1|bsd 12:00:01|12:00:04.000004", "web2|192.0.2.1|bsd 12:00:02|12:00:04.000004", "web3|192.0.2.1|bsd 12:00:03|12:00:04.000004",
		"web4|192.0.2.1|bsd 12:00:04|12:00:05.000004", "web5|192.0.2.1|bsd 12:00:05|12:00:06.000004", "web6|192.0.2.1|bsd 12:00:06|12:00:10.000004")
	wantLines(t, "bad", bad, "12: octets of a stream are missing in the capture")

	r, err := NewReader(bytes.NewReader(p.pcap(true)))
	if err != nil {
		t.Fatal(err)
	}
	for err == nil || errors.As(err, new(*LineError)) {
		_, err = r.Next()
	}
	if n := r.Passed(); n != 7 {
		t.Errorf("%d packets complete no message, want 7", n)
	}
}

// FuzzFormats reads anything in each format: every line is good or named, and what is read
// takes no more room than what is there.
func FuzzFormats(f *testing.F) {
	p := &tape{t: new(testing.T), link: layers.LinkTypeEthernet, at: noon}
	p.udp(514, "<34>Mar  1 12:00:40 web1 su: a")
	p.tcp(1, 1, "S", "<34>a\n")
	p.tcp(1, 9, "F", "<34>b\n")
	for _, seed := range [][]byte{
		p.pcap(false), p.pcap(true), []byte("2026-03-01T12:00:02Z 192.0.2.3 <34>Mar  1 12:00:42 db1 su: a\n"),
		[]byte("2026-03-01T12:00:02Z 2026-03-01T12:00:02Z web1 a\n"), []byte("__CURSOR=1\n__REALTIME_TIMESTAMP=1772366400000004\n" + blob("MESSAGE", "a\n") + "\n"),
	} {
		for format := range Formats {
			f.Add(uint8(format), seed)
		}
	}
	f.Fuzz(func(t *testing.T, of uint8, text []byte) {
		for _, format := range Formats[int(of)%len(Formats):][:1] {
			r, err := NewReaderOf(Format(format), bytes.NewReader(text))
			if err != nil {
				continue
			}
			lines := int64(0)
			for {
				l, err := r.Next()
				var bad *LineError
				switch {
				case err == nil && (l.Origin == nil || l.Received <= 0):
					t.Fatalf("%s: a line is %+v", format, l)
				case err == nil, errors.As(err, &bad):
					lines++
					continue
				}
				break
			}
			if lines != r.Read() || lines > int64(2*len(text)+2) {
				t.Fatalf("%s: %d lines of %d octets, %d counted", format, lines, len(text), r.Read())
			}
		}
	})
}
