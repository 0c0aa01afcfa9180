package analysis

import (
	"cmp"
	"container/heap"
	"strings"
)

// An agenda is the originators that are to be reviewed at some time, the next one
// first: an idle one costs nothing.
type agenda []*originator

// put enters an originator for a time, in Unix nanoseconds, unless it stands in the
// agenda for an earlier one.
func (a *agenda) put(o *originator, at int64) {
	switch {
	case o.place == 0:
		o.wake = at
		heap.Push(a, o)
	case at < o.wake:
		o.wake = at
		heap.Fix(a, o.place-1)
	}
}

// next takes the first originator whose time has come out of the agenda; nil without
// any.
func (a *agenda) next(now int64) *originator {
	if len(*a) == 0 || (*a)[0].wake > now {
		return nil
	}
	return heap.Pop(a).(*originator)
}

// remove takes an originator out of the agenda.
func (a *agenda) remove(o *originator) {
	if o.place > 0 {
		heap.Remove(a, o.place-1)
	}
}

// Len, Less, Swap, Push and Pop make the agenda a heap.Interface. place is one more
// than the index.
func (a agenda) Len() int { return len(a) }

func (a agenda) Less(i, j int) bool {
	return cmp.Or(cmp.Compare(a[i].wake, a[j].wake), strings.Compare(a[i].key, a[j].key)) < 0
}

func (a agenda) Swap(i, j int) {
	a[i], a[j] = a[j], a[i]
	a[i].place, a[j].place = i+1, j+1
}

func (a *agenda) Push(x any) {
	o := x.(*originator)
	*a = append(*a, o)
	o.place = len(*a)
}

func (a *agenda) Pop() any {
	last := len(*a) - 1
	o := (*a)[last]
	(*a)[last] = nil
	*a = (*a)[:last]
	o.place = 0
	return o
}
