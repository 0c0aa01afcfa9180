package collector_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"testing"
	"time"

	"golang.org/x/net/ipv4"

	"github.com/skewatch/skewatch/collector/message"
)

// discard takes every message and keeps none.
type discard struct{}

func (discard) Put([]message.Message) error { return nil }

func (discard) Sync(context.Context) error { return nil }

const benchLine = "<13>1 2026-03-01T12:00:00.000000Z web1 app 123 - - a message of about the length that most have, 100 octets or so"

// BenchmarkUDP sends as fast as it can and reports how many messages a second
// were stored, and which share of those sent.
func BenchmarkUDP(b *testing.B) {
	c := listen(b, both(), discard{})
	run(b, c)
	out := ipv4.NewPacketConn(dialUDP(b, c).(*net.UDPConn))
	batch := make([]ipv4.Message, 64)
	for i := range batch {
		batch[i].Buffers = [][]byte{[]byte(benchLine)}
	}
	b.ReportAllocs()
	b.ResetTimer()
	for sent := 0; sent < b.N; {
		n, err := out.WriteBatch(batch[:min(len(batch), b.N-sent)], 0)
		if err != nil {
			b.Fatal(err)
		}
		sent += n
	}
	await(b, func() bool {
		got := c.Stats()[message.UDP]
		return got.Stored+got.DroppedByKernel == uint64(b.N)
	})
	stored := float64(c.Stats()[message.UDP].Stored)
	b.ReportMetric(stored/b.Elapsed().Seconds(), "stored/s")
	b.ReportMetric(100*stored/float64(b.N), "stored_%")
}

// BenchmarkTCP sends lines over one connection.
func BenchmarkTCP(b *testing.B) {
	c := listen(b, both(), discard{})
	run(b, c)
	conn := dialTCP(b, c)
	lines := bytes.Repeat([]byte(benchLine+"\n"), 500)
	b.ReportAllocs()
	b.SetBytes(int64(len(benchLine)))
	b.ResetTimer()
	for sent := 0; sent < b.N; sent += 500 {
		n := min(500, b.N-sent)
		if _, err := conn.Write(lines[:n*(len(benchLine)+1)]); err != nil {
			b.Fatal(err)
		}
	}
	await(b, func() bool { return c.Stats()[message.TCP].Stored == uint64(b.N) })
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "stored/s")
}

// await polls until done, and fails where that takes too long.
func await(b *testing.B, done func() bool) {
	for end := time.Now().Add(deadline); !done(); time.Sleep(100 * time.Microsecond) {
		if time.Now().After(end) {
			b.Fatal("the messages sent were not all accounted for in time")
		}
	}
}

// BenchmarkRELP sends over one connection, with 128 messages unacknowledged at most, to a
// Sink that is as good as no disk.
func BenchmarkRELP(b *testing.B) {
	const window = 128
	c := listen(b, relpOnly(), discard{})
	run(b, c)
	r := openRELP(b, c)
	b.ReportAllocs()
	b.SetBytes(int64(len(benchLine)))
	b.ResetTimer()
	for sent := 0; sent < b.N; {
		var frames []byte
		n := min(window, b.N-sent)
		for i := range n {
			frames = fmt.Appendf(frames, "%d syslog %d %s\n", sent+i+2, len(benchLine), benchLine)
		}
		write(b, r, string(frames))
		for range n {
			if _, err := r.answers.ReadSlice('\n'); err != nil {
				b.Fatal(err)
			}
		}
		sent += n
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "stored/s")
}
