package collector

import (
	"net/netip"
	"slices"
	"sync"

	"github.com/skewatch/skewatch/collector/message"
)

const (
	datagramsPerParcel = 512
	octetsPerParcel    = 128 << 10

	// mostParcels bounds the memory of a queue: about 64 MiB of datagrams, or a quarter of
	// a million of them.
	mostParcels = 512

	spareParcels = 16 // kept for use again
)

// A datagramQueue holds datagrams between a socket and the Sink, in the order of their
// arrival. One goroutine adds, another takes. When it is full, adding waits.
type datagramQueue struct {
	mu      sync.Mutex
	changed sync.Cond // there is more to take, or more room, or the end

	full  []*parcel // in order
	open  *parcel   // behind them; datagrams are added here
	free  []*parcel
	made  int // parcels there are
	ended bool
}

// A parcel is some datagrams and their octets, one behind the other.
type parcel struct {
	heads  []datagramHead
	octets []byte
}

// A datagramHead is what is known of a datagram besides its octets.
type datagramHead struct {
	source    netip.Addr
	received  int64 // Unix nanoseconds
	end       int   // in the parcel's octets; it begins where the one before ends
	stampedBy message.StampedBy
	cut       bool // it was longer
}

func newDatagramQueue() *datagramQueue {
	q := &datagramQueue{open: new(parcel), made: 1}
	q.changed.L = &q.mu
	return q
}

// add queues a datagram and copies its octets. The queue must be locked.
func (q *datagramQueue) add(head datagramHead, payload []byte) {
	if p := q.open; len(p.heads) == datagramsPerParcel || len(p.heads) > 0 && len(p.octets)+len(payload) > octetsPerParcel {
		q.close()
	}
	p := q.open
	p.octets = append(p.octets, payload...)
	head.end = len(p.octets)
	p.heads = append(p.heads, head)
}

// close begins a new parcel, and waits for an empty one when there are as many as may be.
func (q *datagramQueue) close() {
	q.full = append(q.full, q.open)
	q.open = nil
	q.changed.Broadcast()
	for len(q.free) == 0 && q.made >= mostParcels {
		q.changed.Wait()
	}
	q.open = q.empty()
}

// empty returns an empty parcel.
func (q *datagramQueue) empty() *parcel {
	if n := len(q.free); n > 0 {
		p := q.free[n-1]
		q.free = q.free[:n-1]
		return p
	}
	q.made++
	return new(parcel)
}

// take returns the next parcel, and waits if there is none; nil when none will come. It
// takes back the one that was taken before.
func (q *datagramQueue) take(before *parcel) *parcel {
	q.mu.Lock()
	defer q.mu.Unlock()
	if before != nil {
		q.giveBack(before)
	}
	for {
		switch {
		case len(q.full) > 0:
			p := q.full[0]
			q.full = slices.Delete(q.full, 0, 1)
			return p
		case q.open != nil && len(q.open.heads) > 0:
			p := q.open
			q.open = q.empty()
			return p
		case q.ended:
			return nil
		}
		q.changed.Wait()
	}
}

// giveBack makes room with a parcel that was taken.
func (q *datagramQueue) giveBack(p *parcel) {
	if len(q.free) == spareParcels {
		q.made--
	} else {
		p.heads, p.octets = p.heads[:0], p.octets[:0]
		q.free = append(q.free, p)
	}
	q.changed.Broadcast()
}

// end says that no more will be added.
func (q *datagramQueue) end() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.ended = true
	q.changed.Broadcast()
}

// putDatagrams puts what is queued until the queue ends. When the Sink fails it says so,
// and takes the rest to count it.
func (c *Collector) putDatagrams(q *datagramQueue, how reading, fail func(error)) {
	var err error
	batch := make([]message.Message, 0, datagramsPerParcel)
	n := &c.counts[message.UDP]
	for p := q.take(nil); p != nil; p = q.take(p) {
		if err != nil {
			n.reject(len(p.heads), RefusedBySink)
		} else if err = c.put(p.messages(batch, how), n); err != nil {
			fail(err)
		}
	}
}

// messages reads the datagrams in the space of batch.
func (p *parcel) messages(batch []message.Message, how reading) []message.Message {
	begin := 0
	for i := range p.heads {
		h := &p.heads[i]
		batch = append(batch, message.Message{
			Received:  h.received,
			StampedBy: h.stampedBy,
			Source:    h.source,
			Transport: message.UDP,
			Trust:     message.TrustUDP,
			Truncated: h.cut,
		})
		how.read(p.octets[begin:h.end], &batch[i])
		begin = h.end
	}
	return batch
}
