package collector_test

import (
	"bufio"
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"gopkg.in/mcuadros/go-syslog.v2/format"

	"github.com/skewatch/skewatch/collector"
	"github.com/skewatch/skewatch/collector/message"
)

// A gateFormat is somebody's own: "HH:MM:SS DD.MM.YYYY|host|text", ended by NUL. It panics
// on what has no bars.
type gateFormat struct{}

func (gateFormat) GetParser(line []byte) format.LogParser { return &gateParser{line: string(line)} }

func (gateFormat) GetSplitFunc() bufio.SplitFunc {
	return func(data []byte, atEnd bool) (int, []byte, error) {
		if n := bytes.IndexByte(data, 0); n >= 0 {
			return n + 1, data[:n], nil
		}
		if atEnd {
			return len(data), data, nil
		}
		return 0, nil, nil
	}
}

type gateParser struct {
	line  string
	parts format.LogParts
}

func (p *gateParser) Location(*time.Location) {}

func (p *gateParser) Parse() error {
	fields := strings.SplitN(p.line, "|", 3)
	at, err := time.Parse("02.01.2006 15:04:05", fields[0])
	p.parts = format.LogParts{"timestamp": at, "hostname": fields[1], "message": fields[2]}
	return err
}

func (p *gateParser) Dump() format.LogParts { return p.parts }

func TestCustomFormat(t *testing.T) {
	cfg := collector.Config{Stamps: message.StampedByKernel, Log: quiet(), Custom: []collector.Custom{
		{Transport: message.UDP, Address: "127.0.0.1:0", Format: gateFormat{}},
		{Transport: message.TCP, Address: "127.0.0.1:0", Format: gateFormat{}},
	}}
	var s store
	c := listen(t, cfg, &s)
	run(t, c)
	const good, bad = "20.11.2026 23:53:09|gate7|opened", "no bars at all"
	udp, tcp := dialUDP(t, c), dialTCP(t, c)
	write(t, udp, good)
	write(t, udp, bad)
	s.wait(t, 2)
	write(t, tcp, good+"\x00"+bad+"\x00"+good) // the last one without its end
	tcp.Close()
	got := s.wait(t, 5)
	if want := []string{good, bad, good, bad, good}; !slices.Equal(raws(got), want) {
		t.Fatalf("stored %q, want %q", raws(got), want)
	}
	for i, m := range got {
		if read := i%2 == 0; string(m.Host) != map[bool]string{true: "gate7"}[read] || m.Sent.Usable() != read {
			t.Errorf("message %d: host %q, stamp %v, want them read: %v", i, m.Host, m.Sent.Format, read)
		}
	}
	for _, transport := range []message.Transport{message.UDP, message.TCP} {
		if n := c.Stats()[transport].Unread; n != 1 {
			t.Errorf("%v: %d messages count as unread, want 1", transport, n)
		}
	}
}

// What a format's function can't cut ends its connection and nothing else.
func TestCustomFormatThatCannotCut(t *testing.T) {
	cfg := both()
	cfg.Custom = []collector.Custom{{Transport: message.TLS, Address: "127.0.0.1:0", Format: gateFormat{}}}
	if _, err := collector.Listen(cfg, &store{}); err == nil || !strings.Contains(err.Error(), "TLSConfig") {
		t.Errorf("Listen on TLS without a TLSConfig: %v", err)
	}
	cfg.Custom = []collector.Custom{{Transport: message.TCP, Address: "127.0.0.1:0", Format: gateFormat{}}}
	cfg.TCP, cfg.MaxMessage = nil, 480
	var s store
	c := listen(t, cfg, &s)
	run(t, c)
	conn := dialTCP(t, c)
	for range 100 { // no NUL comes
		if _, err := fmt.Fprint(conn, strings.Repeat("x", 1000)); err != nil {
			break
		}
	}
	mustBeClosed(t, conn, "a stream without an end of a message")
	awaitClosed(t, c, message.TCP, collector.FormatFailed, 1)
	write(t, dialUDP(t, c), "<13>a")
	s.wait(t, 1)
}

func TestCustomFormatOverRELP(t *testing.T) {
	for _, custom := range []collector.Custom{
		{Transport: message.RELP, Address: "127.0.0.1:0", Format: gateFormat{}},
		{Transport: message.UDP, Address: "127.0.0.1:0"},
	} {
		if _, err := collector.Listen(collector.Config{Log: quiet(), Custom: []collector.Custom{custom}}, &store{}); err == nil ||
			!strings.Contains(err.Error(), "Custom[0]") {
			t.Errorf("Listen(%+v) = %v, want a word about Custom[0]", custom, err)
		}
	}
}
