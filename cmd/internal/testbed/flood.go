package testbed

import (
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/ipv4"
)

// Flood sends n datagrams of about 160 octets, each from one of some hosts, to a UDP address
// on loopback: so many a second, or as fast as it goes for 0. It returns how long that took.
func Flood(t testing.TB, address string, n, rate int) time.Duration {
	t.Helper()
	const hosts, atOnce = 1000, 32
	conn, err := net.Dial("udp", address)
	if err != nil {
		t.Fatalf("testbed: %v", err)
	}
	defer conn.Close()
	batch := make([]ipv4.Message, atOnce)
	for i := range batch {
		batch[i].Buffers = [][]byte{nil}
	}
	out := ipv4.NewPacketConn(conn.(*net.UDPConn))
	lines := floodLines(hosts)
	began := time.Now()
	for sent := 0; sent < n; {
		if rate > 0 {
			due := began.Add(time.Duration(float64(sent) / float64(rate) * float64(time.Second)))
			time.Sleep(time.Until(due))
		}
		now := batch[:min(atOnce, n-sent)]
		for i := range now {
			now[i].Buffers[0] = lines[(sent+i)%hosts]
		}
		written, err := out.WriteBatch(now, 0)
		if err != nil {
			t.Fatalf("testbed: after %d datagrams: %v", sent, err)
		}
		sent += written
	}
	return time.Since(began)
}

func floodLines(hosts int) (lines [][]byte) {
	stamp := time.Now().UTC().Format("2006-01-02T15:04:05.000000Z")
	for i := range hosts {
		line := fmt.Sprintf("<38>1 %s flood%d app %d - - ", stamp, i, 1000+i)
		lines = append(lines, []byte(line+strings.Repeat("x", 160-len(line))))
	}
	return lines
}
