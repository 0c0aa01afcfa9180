package simulation

import (
	"iter"
	"time"

	"github.com/skewatch/skewatch/collector/message"
)

func (f *flight) whenSent() time.Duration     { return f.sent }
func (f *flight) whenDeparted() time.Duration { return f.departed }
func (f *flight) whenReceived() time.Duration { return f.received }

// inOrderOf puts flights that come in the order of one time into that of another,
// which is never earlier. It holds back no more than it must.
func inOrderOf(flights iter.Seq[flight], from, to func(*flight) time.Duration) iter.Seq[flight] {
	return func(yield func(flight) bool) {
		waiting := queue{key: to}
		for f := range flights {
			for waiting.len() > 0 && to(waiting.first()) <= from(&f) {
				if !yield(waiting.pop()) {
					return
				}
			}
			waiting.push(f)
		}
		for waiting.len() > 0 {
			if !yield(waiting.pop()) {
				return
			}
		}
	}
}

// A queue is a binary heap of flights, the first in front. Flights of the same time
// leave it in the order in which they came.
type queue struct {
	key   func(*flight) time.Duration
	heap  []queued
	count uint64
}

type queued struct {
	flight
	key    time.Duration
	number uint64
}

func (q *queue) len() int       { return len(q.heap) }
func (q *queue) first() *flight { return &q.heap[0].flight }

func (q *queue) before(i, j int) bool {
	a, b := &q.heap[i], &q.heap[j]
	return a.key < b.key || a.key == b.key && a.number < b.number
}

func (q *queue) push(f flight) {
	q.count++
	q.heap = append(q.heap, queued{f, q.key(&f), q.count})
	for i := len(q.heap) - 1; i > 0; {
		parent := (i - 1) / 2
		if !q.before(i, parent) {
			return
		}
		q.heap[i], q.heap[parent] = q.heap[parent], q.heap[i]
		i = parent
	}
}

func (q *queue) pop() flight {
	first, last := q.heap[0].flight, len(q.heap)-1
	q.heap[0] = q.heap[last]
	q.heap = q.heap[:last]
	for i := 0; ; {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < last; child++ {
			if q.before(child, least) {
				least = child
			}
		}
		if least == i {
			return first
		}
		q.heap[i], q.heap[least] = q.heap[least], q.heap[i]
		i = least
	}
}

// Together returns the messages of several hosts in order of receipt. The message is
// only good until the next one.
func Together(hosts ...*Host) iter.Seq[*message.Message] {
	return func(yield func(*message.Message) bool) {
		next := make([]func() (*message.Message, bool), len(hosts))
		heads := make([]*message.Message, len(hosts))
		for i, h := range hosts {
			pull, stop := iter.Pull(h.Messages())
			defer stop()
			next[i] = pull
			heads[i], _ = pull()
		}
		for {
			i := earliest(heads)
			if i < 0 || !yield(heads[i]) {
				return
			}
			heads[i], _ = next[i]()
		}
	}
}

// earliest returns the index of the message that was received first, -1 without any.
func earliest(heads []*message.Message) int {
	best := -1
	for i, m := range heads {
		if m != nil && (best < 0 || m.Received < heads[best].Received) {
			best = i
		}
	}
	return best
}
