package simulation

import (
	"cmp"
	"container/heap"
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
	all := make([]iter.Seq[*message.Message], len(hosts))
	for i, h := range hosts {
		all[i] = h.Messages()
	}
	received := func(m *message.Message) int64 { return m.Received }
	return func(yield func(*message.Message) bool) {
		for _, m := range merge(all, received) {
			if !yield(m) {
				return
			}
		}
	}
}

// SendingsOf returns what several hosts put on the wire in order of arrival, each with the
// index of its host. The hosts start at the same time.
func SendingsOf(hosts ...*Host) iter.Seq2[int, Sending] {
	all := make([]iter.Seq[Sending], len(hosts))
	for i, h := range hosts {
		all[i] = h.Sendings()
	}
	return merge(all, func(s Sending) int64 { return int64(s.Received) })
}

// merge brings what rises by a key together, with the index of where it comes from. Of
// what is equal, that of the lower index comes first.
func merge[T any](all []iter.Seq[T], key func(T) int64) iter.Seq2[int, T] {
	return func(yield func(int, T) bool) {
		var front heads[T]
		for i, one := range all {
			next, stop := iter.Pull(one)
			defer stop()
			if item, ok := next(); ok {
				front = append(front, head[T]{item, key(item), i, next})
			}
		}
		heap.Init(&front)
		for len(front) > 0 {
			first := &front[0]
			if !yield(first.index, first.item) {
				return
			}
			var ok bool
			if first.item, ok = first.next(); ok {
				first.key = key(first.item)
				heap.Fix(&front, 0)
			} else {
				heap.Pop(&front)
			}
		}
	}
}

// A head is the next of what comes from one place.
type head[T any] struct {
	item  T
	key   int64
	index int
	next  func() (T, bool)
}

// heads implements heap.Interface.
type heads[T any] []head[T]

func (h heads[T]) Len() int { return len(h) }
func (h heads[T]) Less(i, j int) bool {
	return cmp.Or(cmp.Compare(h[i].key, h[j].key), cmp.Compare(h[i].index, h[j].index)) < 0
}
func (h heads[T]) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *heads[T]) Push(x any)   { *h = append(*h, x.(head[T])) }

func (h *heads[T]) Pop() any {
	last := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return last
}
