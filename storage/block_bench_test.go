package storage

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"github.com/skewatch/skewatch/collector/message"
	"github.com/skewatch/skewatch/collector/parse"
)

// A fleet makes up what hosts send, half of them in each format.
type fleet struct {
	*rand.Rand
	hosts      int
	processIDs bool // most applications have a new process for each message
}

func (f *fleet) body() (app string, priority int, text string) {
	ip := fmt.Sprintf("%d.%d.%d.%d", 10+f.IntN(90), f.IntN(256), f.IntN(256), 1+f.IntN(254))
	user := [...]string{"root", "admin", "carol", "dave", "deploy", "backup", "mysql", "guest", "www-data", "svn"}[f.IntN(10)]
	switch f.IntN(10) {
	case 0:
		return "sshd", 38, fmt.Sprintf("Failed password for invalid user %s from %s port %d ssh2", user, ip, 1024+f.IntN(60000))
	case 1:
		return "sshd", 38, fmt.Sprintf("Accepted publickey for %s from %s port %d ssh2: ED25519 SHA256:%x", user, ip, 1024+f.IntN(60000), f.Int64())
	case 2:
		return "CRON", 78, fmt.Sprintf("(%s) CMD (/opt/jobs/run-%d --part %d >/dev/null 2>&1)", user, f.IntN(50), f.IntN(1000))
	case 3:
		return "kernel", 4, fmt.Sprintf("[%d.%06d] IN=eth0 OUT= MAC=%012x SRC=%s DST=10.0.%d.%d LEN=%d TTL=%d ID=%d PROTO=TCP SPT=%d DPT=%d WINDOW=%d SYN",
			f.IntN(1e6), f.IntN(1e6), f.Int64N(1<<48), ip, f.IntN(256), f.IntN(256), 40+f.IntN(1400), 30+f.IntN(200), f.IntN(65536), f.IntN(65536), f.IntN(65536), f.IntN(65536))
	case 4, 5, 6:
		return "nginx", 190, fmt.Sprintf("%s - %s \"GET /shop/v%d/items/%d?session=%016x HTTP/1.1\" %d %d \"-\" \"Mozilla/5.0 (X11; Linux x86_64) rv:%d\" %d.%03d",
			ip, user, 1+f.IntN(3), f.IntN(1e6), f.Int64(), [...]int{200, 200, 200, 304, 404, 500}[f.IntN(6)], f.IntN(1e5), 90+f.IntN(50), f.IntN(3), f.IntN(1000))
	case 7:
		return "systemd", 30, fmt.Sprintf("Started Session %d of user %s.", f.IntN(1e5), user)
	case 8:
		return "postgres", 134, fmt.Sprintf("LOG:  duration: %d.%03d ms  statement: SELECT * FROM invoices WHERE customer = %d AND status = 'open' ORDER BY created DESC LIMIT %d",
			f.IntN(500), f.IntN(1000), f.IntN(1e7), 10*f.IntN(20))
	}
	return "dhclient", 30, fmt.Sprintf("DHCPACK of %s from 10.0.%d.1 (xid=0x%08x)", ip, f.IntN(256), f.Int32())
}

func (f *fleet) raw(host int, sent time.Time) []byte {
	app, priority, text := f.body()
	id := 1000 + host
	if f.processIDs {
		id = f.IntN(32768)
	}
	if host%2 == 0 {
		return fmt.Appendf(nil, "<%d>%s host%04d %s[%d]: %s", priority, sent.UTC().Format(time.Stamp), host, app, id, text)
	}
	return fmt.Appendf(nil, "<%d>1 %s host%04d.example.net %s %d - - %s", priority, sent.UTC().Format("2006-01-02T15:04:05.000000Z"), host, app, id, text)
}

// messages returns n messages of a 64th of the hosts, at 250,000 a second from all:
// over TCP in reads of 64 KiB from four connections, over UDP each on its own.
func (f *fleet) messages(n int, transport message.Transport) []message.Message {
	list := make([]message.Message, n)
	const step = 4 * time.Microsecond
	at := time.Date(2026, 11, 21, 10, 53, 29, 0, time.UTC)
	var sequence uint64
	var received, previous [4]int64
	for i := range list {
		gap := 1 + int(f.ExpFloat64()*63)
		sequence += uint64(gap)
		at = at.Add(time.Duration(gap)*step + time.Duration(f.IntN(1000)))
		host := f.IntN((f.hosts+63)/64) * 64 % f.hosts
		host += host / 64 % 2 // half of them in each format
		m := &list[i]
		parse.Parse(f.raw(host, at), m)
		m.Sequence, m.Received = sequence, at.UnixNano()+int64(20_000+f.ExpFloat64()*40_000)
		m.StampedBy, m.Source, m.Transport = message.StampedByKernel, netip.AddrFrom4([4]byte{10, 1, byte(host >> 8), byte(host)}), transport
		if transport == message.UDP {
			continue
		}
		c := f.IntN(len(received))
		if m.Received-received[c] > int64(400*4*step) {
			received[c], previous[c] = m.Received, received[c]
		}
		m.Received, m.PreviousRead = received[c], previous[c]
		m.MinRTT, m.Trust, m.Source = 43*time.Microsecond, message.TrustHandshake, netip.AddrFrom4([4]byte{127, 0, 0, 1})
	}
	return list
}

var fleets = []struct {
	name       string
	hosts      int
	transport  message.Transport
	processIDs bool
}{
	{"hosts=1000/tcp", 1000, message.TCP, false},
	{"hosts=1000/udp", 1000, message.UDP, false},
	{"hosts=1000/udp/processes", 1000, message.UDP, true},
	{"hosts=100000/udp", 100_000, message.UDP, false},
}

func (w *blockWriter) addAll(list []message.Message) {
	for i := range list {
		w.add(&list[i])
	}
}

// BenchmarkBlockSeal measures add and seal together, and the part of seal.
func BenchmarkBlockSeal(b *testing.B) {
	for _, bb := range fleets {
		b.Run(bb.name, func(b *testing.B) {
			f := fleet{rand.New(rand.NewPCG(42, 514)), bb.hosts, bb.processIDs}
			list := f.messages(4000, bb.transport)
			var w blockWriter
			var block []byte
			w.addAll(list)
			raw := w.rawBytes()
			block = w.seal(block)
			var sealing time.Duration
			b.ReportAllocs()
			for b.Loop() {
				w.addAll(list)
				start := time.Now()
				block = w.seal(block[:0])
				sealing += time.Since(start)
			}
			n := float64(len(list))
			b.ReportMetric(float64(sealing.Nanoseconds())/float64(b.N)/n, "sealing-ns/message")
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/message")
			b.ReportMetric(float64(len(block))/n, "bytes/message")
			b.ReportMetric(float64(raw)/n, "raw-bytes/message")
		})
	}
}

func BenchmarkBlockRead(b *testing.B) {
	for _, bb := range fleets {
		b.Run(bb.name, func(b *testing.B) {
			f := fleet{rand.New(rand.NewPCG(42, 514)), bb.hosts, bb.processIDs}
			var w blockWriter
			w.addAll(f.messages(4000, bb.transport))
			n := float64(w.rows())
			block := w.seal(nil)
			var r blockReader
			var m message.Message
			b.ReportAllocs()
			for b.Loop() {
				if err := r.open(block); err != nil {
					b.Fatal(err)
				}
				for r.next(&m) {
				}
			}
			b.ReportMetric(n*float64(b.N)/b.Elapsed().Seconds(), "messages/s")
		})
	}
}
