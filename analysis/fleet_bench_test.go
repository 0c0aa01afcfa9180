package analysis

import (
	"fmt"
	"net/netip"
	"runtime"
	"testing"
	"time"

	"github.com/skewatch/skewatch/collector/message"
)

const crowd = 100_000

// crowdMessages returns a message of each of n hosts, all with clocks that are
// right.
func crowdMessages(n int) []message.Message {
	all := make([]message.Message, n)
	for i := range all {
		all[i] = message.Message{
			Source: netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), Trust: message.TrustHandshake,
			Host: []byte(fmt.Sprintf("host%d.example.net", i)),
			Sent: message.Stamp{Format: message.StampRFC5424, Digits: 6, HasYear: true, HasZone: true},
		}
	}
	return all
}

// oneSecond lets each host say something and the fleet be ticked.
func oneSecond(f *Fleet, all []message.Message, at int64) {
	for i := range all {
		m := &all[i]
		m.Received = at + int64(i)*second/int64(len(all))
		m.Sent.Civil = m.Received - int64(200+i%100)*1000
		f.Observe(m)
	}
	f.Tick(at+second, synchronised)
}

// BenchmarkObserve is the cost of taking in a message where 100,000 hosts speak, so
// that nothing of any host is in the processor's caches.
func BenchmarkObserve(b *testing.B) {
	f, all := newFleet(), crowdMessages(crowd)
	oneSecond(f, all, epoch)
	b.ResetTimer()
	for i := range b.N {
		m := &all[i%crowd]
		m.Received += second
		m.Sent.Civil += second
		f.Observe(m)
	}
}

// BenchmarkHour is the whole cost of a message, evaluations included, where 2,000
// hosts have sent one a second for an hour.
func BenchmarkHour(b *testing.B) {
	f, all := newFleet(), crowdMessages(crowd/50)
	at := epoch
	for range 3600 {
		oneSecond(f, all, at)
		at += second
	}
	b.ResetTimer()
	for range b.N {
		oneSecond(f, all, at)
		at += second
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(all)), "ns/message")
}

// BenchmarkIdleTick is the cost of a tick while 100,000 hosts say nothing.
func BenchmarkIdleTick(b *testing.B) {
	f, all := newFleet(), crowdMessages(crowd)
	oneSecond(f, all, epoch)
	at := epoch + minute
	f.Tick(at, synchronised)
	b.ResetTimer()
	for range b.N {
		at += second
		f.Tick(at, synchronised)
	}
}

// BenchmarkInvented is the cost of a message under a name that is sent once, while there
// are too many of those.
func BenchmarkInvented(b *testing.B) {
	f, x := newShelf().fleet(crowd), flood{perSecond: crowd, peers: true}
	x.second(f, 0)
	x.perSecond = b.N
	b.ReportAllocs()
	b.ResetTimer()
	x.second(f, time.Second)
}

// BenchmarkLook is the cost of finding out who of 100,000 originators may be evicted: at
// most once a second.
func BenchmarkLook(b *testing.B) {
	f, all := newShelf().fleet(crowd*2), crowdMessages(crowd)
	oneSecond(f, all, epoch)
	b.ResetTimer()
	for range b.N {
		f.look(epoch + 2*hour)
	}
}

// BenchmarkMemory is what a host takes that has spoken for more than a day: all of the
// fleet's memory, in bytes a host.
func BenchmarkMemory(b *testing.B) {
	all := crowdMessages(crowd / 50)
	for b.Loop() {
		before := liveBytes()
		f, at := newFleet(), epoch
		for n := range 900 {
			oneSecond(f, all, at)
			if at += 120 * second; n > 800 {
				at -= 104 * second
			}
			f.Ended()
		}
		b.ReportMetric(float64(liveBytes()-before)/float64(len(all)), "B/host")
		runtime.KeepAlive(f)
	}
}

// liveBytes returns how much of it is live.
func liveBytes() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
