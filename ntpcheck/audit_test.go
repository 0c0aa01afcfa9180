package ntpcheck_test

import (
	"net"
	"strings"
	"testing"
	"time"

	"github.com/skewatch/skewatch/ntpcheck"
	"github.com/skewatch/skewatch/ntpcheck/chronydtest"
)

// serveControl answers datagrams of a mode as a test wants.
func serveControl(t *testing.T, answers map[byte][][]byte) string {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	go func() {
		request := make([]byte, 1024)
		for {
			_, peer, err := conn.ReadFrom(request)
			if err != nil {
				return
			}
			for _, datagram := range answers[request[0]&7] {
				conn.WriteTo(datagram, peer)
			}
		}
	}()
	return conn.LocalAddr().String()
}

// packet is a datagram of a size that begins with a head.
func packet(size int, head ...byte) []byte { return append(head, make([]byte, size-len(head))...) }

func TestAudit(t *testing.T) {
	clients := packet(440, 0xd7, 0, 3, 42, 0, 6)
	for _, tt := range []struct {
		name    string
		answers map[byte][][]byte
		want    ntpcheck.Exposure
		factor  float64
		any     bool
	}{
		{"answers both", map[byte][][]byte{7: {clients, clients, clients}, 6: {packet(480, 0x16, 0x82, 0, 1), packet(120, 0x16, 0x82, 0, 1)}},
			ntpcheck.Exposure{Monlist: ntpcheck.ControlAnswer{Asked: 8, Octets: 1320, Packets: 3}, Readvar: ntpcheck.ControlAnswer{Asked: 12, Octets: 600, Packets: 2}}, 165, true},
		{"refuses both", map[byte][][]byte{7: {packet(8, 0x97, 0, 3, 42, 0x40)}, 6: {packet(12, 0x16, 0xc2, 0, 1)}},
			ntpcheck.Exposure{Monlist: ntpcheck.ControlAnswer{Asked: 8, Octets: 8, Packets: 1, Refused: true}, Readvar: ntpcheck.ControlAnswer{Asked: 12, Octets: 12, Packets: 1, Refused: true}}, 1, false},
		{"echoes", map[byte][][]byte{7: {packet(8, 0x17, 0, 3, 42)}, 6: {packet(12, 0x16, 2, 0, 1), {}}},
			ntpcheck.Exposure{Monlist: ntpcheck.ControlAnswer{Asked: 8}, Readvar: ntpcheck.ControlAnswer{Asked: 12}}, 0, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			have, err := ntpcheck.Audit(t.Context(), serveControl(t, tt.answers))
			if err != nil || have != tt.want || have.Any() != tt.any || have.Monlist.Factor() != tt.factor {
				t.Errorf("%+v, factor %v, any %v (%v); want %+v", have, have.Monlist.Factor(), have.Any(), err, tt.want)
			}
		})
	}
}

func TestAuditOfChronyd(t *testing.T) {
	server := chronydtest.Start(t, chronydtest.Options{})
	began := time.Now()
	have, err := ntpcheck.Audit(t.Context(), server.Addr())
	if err != nil || have.Any() || have.Monlist.Packets+have.Readvar.Packets != 0 {
		t.Errorf("%+v (%v) after %v, want that it answers neither", have, err, time.Since(began))
	}
	server.Stop()
	if _, err := ntpcheck.Audit(t.Context(), server.Addr()); err == nil || !strings.Contains(err.Error(), "nothing listens there") {
		t.Errorf("a stopped one gives %v", err)
	}
}
