package archive

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/netip"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"

	"github.com/skewatch/skewatch/collector/message"
	"github.com/skewatch/skewatch/collector/parse"
)

// captureMagics begin captures: pcap in either order of octets, with micro- or nanoseconds,
// and pcapng.
var captureMagics = [...]string{"\xd4\xc3\xb2\xa1", "\xa1\xb2\xc3\xd4", "\x4d\x3c\xb2\xa1", "\xa1\xb2\x3c\x4d", "\x0a\x0d\x0d\x0a"}

func isCapture(start []byte) bool {
	for _, magic := range captureMagics {
		if string(start) == magic {
			return true
		}
	}
	return false
}

// A capture reads syslog out of captured packets: datagrams and streams over TCP, over IPv4
// and IPv6, by every link that the library knows. The time of receipt is that of the capture;
// of a message in a stream that of the segment that completed it.
//
// A datagram is syslog if it begins with a PRI or goes to port 514, and a stream if its first
// octets are a PRI or a count and a PRI. Other packets are passed over and counted.
type capture struct {
	packets packetSource
	linkOf  func(gopacket.CaptureInfo) layers.LinkType
	flows   map[flowKey]*flow
	ready   []found // of the packet that was read last
	number  int64   // of that packet, from 1
	passed  int64
	ended   bool
}

// found is a message, or what is wrong with a packet.
type found struct {
	entry
	err error
}

type packetSource interface {
	ReadPacketData() ([]byte, gopacket.CaptureInfo, error)
}

func newCapture(from *bufio.Reader) (*capture, error) {
	c := &capture{flows: map[flowKey]*flow{}}
	magic, _ := from.Peek(4)
	if string(magic) == captureMagics[4] {
		r, err := pcapgo.NewNgReader(from, pcapgo.NgReaderOptions{WantMixedLinkType: true, SkipUnknownVersion: true})
		if err != nil {
			return nil, noCapture(err)
		}
		c.packets = r
		c.linkOf = func(i gopacket.CaptureInfo) layers.LinkType {
			if len(i.AncillaryData) > 0 {
				if link, ok := i.AncillaryData[0].(layers.LinkType); ok {
					return link
				}
			}
			return r.LinkType()
		}
		return c, nil
	}
	r, err := pcapgo.NewReader(from)
	if err != nil {
		return nil, noCapture(err)
	}
	if r.Snaplen() > maxLine {
		r.SetSnaplen(maxLine)
	}
	c.packets, c.linkOf = r, func(gopacket.CaptureInfo) layers.LinkType { return r.LinkType() }
	return c, nil
}

func noCapture(err error) error {
	return &HeaderError{"can't be read as a capture: " + err.Error(), "capture with tcpdump -w FILE, or leave --input-format out"}
}

func (c *capture) next() (e entry, number int64, err error) {
	for len(c.ready) == 0 {
		if c.ended {
			return e, c.number, io.EOF
		}
		if err := c.read(); err != nil {
			return e, c.number, err
		}
	}
	f := c.ready[0]
	c.ready = c.ready[1:]
	var bad *LineError
	if errors.As(f.err, &bad) {
		bad.Number = c.number
	}
	return f.entry, c.number, f.err
}

// read takes the next packet apart. A capture that ends in the middle of a packet, or goes on
// with something else, is bad from there on.
func (c *capture) read() error {
	data, info, err := c.packets.ReadPacketData()
	switch {
	case errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF):
		c.ended = true
		c.finish()
		return nil
	case err != nil:
		c.ended = true
		c.number++
		c.fault("nothing more can be read: " + err.Error())
		return nil
	}
	c.number++
	before := len(c.ready)
	if c.decode(data, info); len(c.ready) == before {
		c.passed++
	}
	return nil
}

func (c *capture) fault(problem string) {
	c.ready = append(c.ready, found{err: &LineError{Problem: problem}})
}

// decode finds the messages that a packet completes.
func (c *capture) decode(data []byte, info gopacket.CaptureInfo) {
	p := gopacket.NewPacket(data, c.linkOf(info), gopacket.DecodeOptions{Lazy: true, NoCopy: true})
	from, to := addressesOf(p)
	if !from.IsValid() {
		return
	}
	switch t := p.TransportLayer().(type) {
	case *layers.UDP:
		if isSyslog(t.Payload) || t.DstPort == portOfSyslog && len(t.Payload) > 0 {
			c.message(t.Payload, from, info.Timestamp)
		}
	case *layers.TCP:
		key := flowKey{netip.AddrPortFrom(from, uint16(t.SrcPort)), netip.AddrPortFrom(to, uint16(t.DstPort))}
		c.segment(key, t, info.Timestamp)
	default:
		if p.Layer(gopacket.LayerTypeFragment) != nil {
			c.fault("a fragment of a packet: they aren't put together")
		}
	}
}

const portOfSyslog = 514

// addressesOf returns whence and where to a packet goes; the zero Addr if not over IP.
func addressesOf(p gopacket.Packet) (from, to netip.Addr) {
	network := p.NetworkLayer()
	if network == nil {
		return from, to
	}
	source, destination := network.NetworkFlow().Endpoints()
	from, _ = netip.AddrFromSlice(source.Raw())
	to, _ = netip.AddrFromSlice(destination.Raw())
	return from, to
}

// isSyslog reports whether a message begins with a PRI.
func isSyslog(b []byte) bool {
	end := bytes.IndexByte(b[:min(len(b), 5)], '>')
	if end < 2 || b[0] != '<' {
		return false
	}
	_, ok := readDigits(b[1:end])
	return ok
}

// message takes a message.
func (c *capture) message(raw []byte, from netip.Addr, at time.Time) {
	var m message.Message
	parse.Parse(raw, &m)
	e := entry{received: at.UnixNano(), stamped: true, sent: m.Sent}
	e.fields[fieldHost], e.fields[fieldSource] = bytes.Clone(m.Host), from.AppendTo(nil)
	e.fields[fieldSent] = bytes.Clone(raw[:min(len(raw), 40)])
	if e.received == 0 {
		e.received = -1 // a clock that shows 1970 isn't right
	}
	c.ready = append(c.ready, found{entry: e})
}
