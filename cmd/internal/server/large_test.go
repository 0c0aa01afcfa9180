package server

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/skewatch/skewatch/analysis"
	"github.com/skewatch/skewatch/collector/message"
	"github.com/skewatch/skewatch/collector/parse"
)

// largeSize is the variable that says how many messages the large benchmarks store.
const largeSize = "SKEWATCH_LARGE"

// A crowd makes up a day of many hosts' messages, the same each time: about 160 bytes
// each, half of the hosts write in each format, and one in a hundred has a clock that is
// ahead.
type crowd struct {
	*rand.Rand
	hosts, messages int
}

// day is when a crowd's day begins.
var day = noon.Add(-24 * time.Hour)

func (c *crowd) at(i int) time.Time {
	return day.Add(time.Duration(float64(i) / float64(c.messages) * float64(24*time.Hour)))
}

// next returns the i-th message.
func (c *crowd) next(i int) (m message.Message) {
	host := i * 7919 % c.hosts // a prime: all take turns
	received := c.at(i)
	sent := received.Add(-time.Duration(c.ExpFloat64() * float64(2*time.Millisecond)))
	if host%100 == 1 {
		sent = sent.Add(30 * time.Second)
	}
	m = message.Message{
		Received: received.UnixNano(), StampedBy: message.StampedByKernel, Transport: message.TCP, Trust: message.TrustHandshake,
		Source: netip.AddrFrom4([4]byte{10, byte(host >> 16), byte(host >> 8), byte(host)}), MinRTT: 200 * time.Microsecond,
	}
	parse.Parse(c.raw(host, sent), &m)
	return m
}

func (c *crowd) raw(host int, sent time.Time) []byte {
	var raw []byte
	app, id := [...]string{"sshd", "nginx", "postgres", "kernel", "systemd"}[c.IntN(5)], 1000+host%30000
	if host%2 == 0 {
		raw = append(append(append(raw, "<38>"...), sent.Format(time.Stamp)...), fmt.Sprintf(" host%06d %s[%d]: ", host, app, id)...)
	} else {
		raw = sent.AppendFormat(append(raw, "<38>1 "...), "2006-01-02T15:04:05.000000Z")
		raw = fmt.Appendf(raw, " host%06d %s %d - - ", host, app, id)
	}
	n := c.Uint64()
	switch n % 4 {
	case 0:
		return fmt.Appendf(raw, "Failed password for invalid user u%d from 10.%d.%d.%d port %d ssh2: session %016x, attempt %d", n>>8%1000, n>>18%256, n>>26%256, n>>34%256, n>>42%65536, c.Uint64(), n>>58)
	case 1:
		return fmt.Appendf(raw, "Accepted publickey for deploy from 10.%d.%d.%d port %d ssh2: ED25519 SHA256:%016x%016x", n>>18%256, n>>26%256, n>>34%256, n>>42%65536, n, c.Uint64())
	case 2:
		return fmt.Appendf(raw, "10.%d.%d.%d \"GET /shop/v%d/items/%d?session=%016x HTTP/1.1\" 200 %d \"-\" \"Mozilla/5.0 (X11; Linux x86_64)\"", n>>18%256, n>>26%256, n>>34%256, n>>42%4, n>>44%100000, c.Uint64(), n>>8%100000)
	}
	return fmt.Appendf(raw, "duration: %d.%03d ms  statement: SELECT * FROM invoices WHERE customer = %d AND status = 'open' LIMIT %d", n>>8%500, n>>18%1000, n>>28%10000000, n>>52%200)
}

// What a crowd's server does, in the time that the messages tell. It writes checkpoints
// less often than a running one: a day of those would take hours.
const (
	crowdJudges  = 10 * time.Second
	crowdWrites  = time.Hour
	crowdBatches = 1000
)

// messagesStored returns how many messages the large benchmarks store.
func messagesStored(b *testing.B) int {
	text := os.Getenv(largeSize)
	if text == "" {
		return 200_000
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		b.Fatalf("%s: %v", largeSize, err)
	}
	return n
}

// live stores a crowd's day and judges its clocks as time goes by.
func (c *crowd) live(b *testing.B, h *history) {
	judged, written := day, day
	batch := make([]message.Message, 0, crowdBatches)
	put := func() {
		if err := h.Put(batch); err != nil {
			b.Fatal(err)
		}
		batch = batch[:0]
	}
	for i := range c.messages {
		batch = append(batch, c.next(i))
		now := c.at(i)
		if now.Sub(judged) >= crowdJudges {
			put()
			h.at(now)
			h.judge((*analysis.Fleet).Tick)
			judged = now
		}
		if now.Sub(written) >= crowdWrites {
			h.commit()
			written = now
		}
		if len(batch) == cap(batch) {
			put()
		}
	}
	put()
	h.at(noon)
	h.judge((*analysis.Fleet).Tick)
	h.commit()
}
