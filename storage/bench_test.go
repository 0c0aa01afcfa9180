package storage

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/skewatch/skewatch/collector/message"
	"github.com/skewatch/skewatch/storage/pages"
)

// lines returns n messages as rsyslog forwards them, about 160 bytes each, from
// 50 hosts that share connections.
func lines(n int) []message.Message {
	batch := make([]message.Message, n)
	for i := range batch {
		raw := fmt.Appendf(nil, "<86>2026-11-20T23:53:09.%06d+00:00 web%02d sshd[%d]: Accepted publickey for deploy from 192.0.2.%d port %d ssh2: ED25519 SHA256:nThbg6kXUpJWGl7E1IGOCspRomTxdCARLviKw6E5SY8",
			i*7%1000000, i/64%50, 1000+i%977, i%250, 1024+i*31%60000)
		batch[i] = message.Message{
			Received:     1_790_000_000_000_000_000 + int64(i)*2000,
			PreviousRead: 1_790_000_000_000_000_000 + int64(i)*2000 - 31_000,
			MinRTT:       43 * time.Microsecond,
			Source:       netip.AddrFrom4([4]byte{10, 0, 0, byte(i / 64 % 50)}),
			StampedBy:    message.StampedByKernel,
			Transport:    message.TCP,
			Trust:        message.TrustHandshake,
			Priority:     86,
			Raw:          raw,
			Host:         raw[37:42],
			Sent:         message.Stamp{Civil: 1_790_000_000_000_000_000 + int64(i)*2000 - 90_000, Format: message.StampRFC3339, Digits: 6, HasYear: true, HasZone: true},
		}
	}
	return batch
}

// BenchmarkAppend takes messages of 1,000 hosts as fast as they come, with a commit every
// 100 ms, and seals them.
func BenchmarkAppend(b *testing.B) {
	directory := b.TempDir()
	s := openStore(b, directory, Options{})
	f := fleet{rand.New(rand.NewPCG(1, 2)), 1000, false}
	all := f.messages(200_000, message.TCP) // more than a round: no block sees one twice
	b.ReportAllocs()
	b.ResetTimer()
	const size = 1000
	for n := 0; n < b.N; n += size {
		at := n % len(all)
		if err := s.Append(all[at : at+size]); err != nil {
			b.Fatal(err)
		}
	}
	syncStore(b, s)
	b.StopTimer()
	b.ReportMetric(float64(s.Last())/b.Elapsed().Seconds(), "messages/s")
	if sealed := awaitSealer(s); sealed > 0 {
		b.ReportMetric(float64(diskBytes(b, s))/float64(sealed), "disk-bytes/message")
	}
}

// awaitSealer waits until no round is being sealed and returns the newest message in a
// segment.
func awaitSealer(s *Store) uint64 {
	for {
		s.mu.Lock()
		idle, sealed := s.sealing == nil, s.blocksTo
		s.mu.Unlock()
		if idle {
			return sealed
		}
		time.Sleep(time.Millisecond)
	}
}

// BenchmarkCommit measures what a small commit costs, as with one
// acknowledgement at a time.
func BenchmarkCommit(b *testing.B) {
	for _, size := range []int{1, 10, 128} {
		b.Run(fmt.Sprintf("messages=%d", size), func(b *testing.B) {
			s := openStore(b, b.TempDir(), Options{})
			batch := lines(size)
			written := writtenBytes(b)
			b.ResetTimer()
			for range b.N {
				if err := s.Append(batch); err != nil {
					b.Fatal(err)
				}
				syncStore(b, s)
			}
			b.StopTimer()
			b.ReportMetric(float64(writtenBytes(b)-written)/float64(s.Last()), "written-bytes/message")
		})
	}
}

// diskBytes returns how much of the segment files is in use.
func diskBytes(b *testing.B, s *Store) (total int64) {
	b.Helper()
	for _, g := range s.segments.from(0) {
		err := s.segments.read(g.segment, func(f *pages.File) error {
			total += f.Size()
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	return total
}

// writtenBytes returns what this process has sent to the disk, 0 where the
// system doesn't tell.
func writtenBytes(b *testing.B) (n int64) {
	b.Helper()
	text, _ := os.ReadFile("/proc/self/io")
	for line := range strings.Lines(string(text)) {
		fmt.Sscanf(line, "write_bytes: %d", &n)
	}
	return n
}

// BenchmarkAcknowledged measures one stream whose sender waits for each 128 messages to be
// on disk before it sends more, as RELP's do.
func BenchmarkAcknowledged(b *testing.B) {
	const window = 128
	s := openStore(b, b.TempDir(), Options{})
	batch := lines(window)
	took := make([]time.Duration, 0, b.N/window+1)
	b.ResetTimer()
	for n := 0; n < b.N; n += window {
		begun := time.Now()
		if err := s.Append(batch); err != nil {
			b.Fatal(err)
		}
		syncStore(b, s)
		took = append(took, time.Since(begun))
	}
	b.StopTimer()
	slices.Sort(took)
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "messages/s")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms/commit")
}

// BenchmarkTrickle measures what a hundred messages a second cost over five minutes of
// them, in a tenth of the time.
func BenchmarkTrickle(b *testing.B) {
	const perSecond, seconds = 1000, 30
	for range b.N {
		s := openStore(b, b.TempDir(), Options{SealEvery: 30 * time.Second, CommitEvery: 10 * time.Millisecond})
		all, written := lines(perSecond*seconds), writtenBytes(b)
		tick := time.NewTicker(time.Second / 100)
		for ; len(all) > 0; all = all[perSecond/100:] {
			<-tick.C
			if err := s.Append(all[:perSecond/100]); err != nil {
				b.Fatal(err)
			}
		}
		tick.Stop()
		var sealed uint64
		for sealed == 0 { // the last are sealed later
			time.Sleep(time.Second)
			sealed = awaitSealer(s)
		}
		b.ReportMetric(float64(writtenBytes(b)-written)/float64(s.Last()), "written-bytes/message")
		b.ReportMetric(float64(diskBytes(b, s))/float64(sealed), "disk-bytes/message")
	}
}

func BenchmarkMessages(b *testing.B) {
	s := openStore(b, b.TempDir(), Options{SealEvery: time.Second})
	f := fleet{rand.New(rand.NewPCG(1, 2)), 1000, false}
	if err := s.Append(f.messages(300_000, message.TCP)); err != nil {
		b.Fatal(err)
	}
	awaitSealed(b, s)
	for _, bb := range []struct {
		name string
		q    Query
	}{
		{"all", Query{}},
		{"all by time", Query{Since: 1}},
		{"none by time", Query{Until: 1}},
	} {
		b.Run(bb.name, func(b *testing.B) {
			b.ReportAllocs()
			read := 0
			for range b.N {
				err := s.Messages(context.Background(), bb.q, func(*message.Message) error { read++; return nil })
				if err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(s.Last())*float64(b.N)/b.Elapsed().Seconds(), "messages/s")
		})
	}
}
