package server

import (
	"cmp"
	"container/heap"
	"context"
	"math"
	"slices"
	"time"

	"github.com/skewatch/skewatch/analysis"
	"github.com/skewatch/skewatch/analysis/timeline"
	"github.com/skewatch/skewatch/cmd/internal/config"
	"github.com/skewatch/skewatch/collector/message"
	"github.com/skewatch/skewatch/storage"
)

// A part of a timeline is put in order from the blocks of the store. Of each it is known
// before which moment none of its messages was written: it is opened when the order has come
// to that. What is known of a block is in its header, or, if that says too little, found out by
// placing its messages and forgetting them again.
type part struct {
	*authors
	reading *storage.Reading
	query   storage.Query
	choose  *chooser

	since, until int64
	unzoned      int64       // how far the zones of stamps that name none may lie from UTC
	waiting      []candidate // a heap
	open         []*opened   // a heap
	scratch      opened
}

// A candidate is a block that isn't open yet. Nothing in it was written before low.
type candidate struct {
	storage.Block
	low int64
}

// An opened block has its messages in order.
type opened struct {
	buffer storage.BlockBuffer
	rows   []row
	next   int
}

// A row is a message with its place.
type row struct {
	timeline.Placing
	author  *author
	parsed  bool
	message message.Message
}

func sentAt(m *message.Message, zone *time.Location) (int64, bool) {
	return analysis.Instant(m.Sent, m.Received, zone)
}

// list finds the blocks that may hold messages of the part.
func (p *part) list(ctx context.Context) error {
	ahead, behind := p.own.lead()
	q := p.query
	if p.since > 0 {
		q.Since = max(1, p.since-behind)
	}
	if p.zoned() {
		p.unzoned = int64(zoneReach)
	}
	var unsure []candidate
	err := p.reading.Blocks(ctx, q, func(b *storage.Block) error {
		c, all := candidate{Block: *b}, false
		if c.low, all = p.low(b, ahead); all && c.low >= p.until && b.Outliers == 0 {
			return nil // what was written in the part would be known
		}
		if err := p.learn(&c, ahead); err != nil {
			return err
		}
		switch {
		case b.Outliers > 0:
			unsure = append(unsure, c)
		case c.low < p.until:
			p.waiting = append(p.waiting, c)
		}
		return nil
	})
	if err := p.tolerate(err); err != nil {
		return err
	}
	for i := range unsure {
		if err := p.survey(ctx, &unsure[i]); err != nil {
			return err
		}
	}
	heap.Init((*waitingHeap)(p))
	return nil
}

// low returns before when none of a block's messages was written, those left out whose stamps
// are far from their receipt, and whether that rests on something known of all of its hosts.
func (p *part) low(b *storage.Block, ahead int64) (low int64, all bool) {
	low = b.Earliest - ahead
	most, all := p.most(b)
	if most > math.MinInt64 && b.SentEarliest <= b.SentLatest {
		low = min(low, b.SentEarliest-most-p.unzoned)
	}
	return low, all
}

// learn adds what is known of the clocks behind a block besides what is loaded: first of when
// it was received, if that isn't; and if its messages may have been held up for long and
// written in the part, of before, too.
func (p *part) learn(c *candidate, ahead int64) error {
	received := c.Earliest - ahead
	if p.to != math.MaxInt64 && received > p.to {
		if err := p.extend(&c.Block, (*authors).fetchAt); err != nil {
			return err
		}
		c.low, _ = p.low(&c.Block, ahead)
	}
	if c.low > received-heldUp || c.low >= p.until && c.Outliers == 0 {
		return nil
	}
	err := p.extend(&c.Block, (*authors).fetchBefore)
	c.low, _ = p.low(&c.Block, ahead)
	return err
}

// zoned reports whether stamps without a zone are read in another than UTC.
func (p *part) zoned() bool {
	if p.cfg.AssumeZone.Location().String() != "UTC" {
		return true
	}
	return slices.ContainsFunc(p.cfg.Hosts, func(h config.Host) bool { return !h.Zone.IsZero() })
}

// survey finds out when the first message of a block was written that belongs to the part.
func (p *part) survey(ctx context.Context, c *candidate) error {
	if err := p.read(ctx, c, &p.scratch); err != nil {
		return err
	}
	if len(p.scratch.rows) > 0 {
		c.low = p.scratch.rows[0].At
		p.waiting = append(p.waiting, *c)
	}
	return nil
}

// read places the messages of a block and puts those of the part in order. Damage is told and
// passed over.
func (p *part) read(ctx context.Context, c *candidate, into *opened) error {
	into.rows, into.next = into.rows[:0], 0
	err := p.reading.ReadBlock(&c.Block, &p.query, &into.buffer, func(m *message.Message) error {
		one := p.of(m)
		if !one.wanted {
			return nil
		}
		placing := p.place(one, m)
		if placing.At < p.since || placing.At >= p.until {
			return nil
		}
		ok, parsed := p.choose.takes(m)
		if ok {
			into.rows = append(into.rows, row{placing, one, parsed, *m})
		}
		return nil
	})
	slices.SortFunc(into.rows, func(a, b row) int {
		return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.message.Sequence, b.message.Sequence))
	})
	return cmp.Or(p.tolerate(err), ctx.Err())
}

// readAhead is how many blocks are read before the order has come to them.
const readAhead = 4

// A readied block has been read. err is why it couldn't be.
type readied struct {
	*opened
	low int64
	err error
}

// ready reads the blocks in the order of their beginnings, while others are put in order, until
// the context ends.
func (p *part) ready(ctx context.Context, spare <-chan *opened) <-chan readied {
	out := make(chan readied, readAhead)
	go func() {
		defer close(out)
		for len(p.waiting) > 0 {
			c := heap.Pop((*waitingHeap)(p)).(candidate)
			r := readied{new(opened), c.low, nil}
			select {
			case r.opened = <-spare:
			default:
			}
			r.err = p.read(ctx, &c, r.opened)
			select {
			case out <- r:
			case <-ctx.Done():
				return
			}
		}
	}()
	return out
}

// merge calls fn with the messages in order. A row is valid until fn returns.
func (p *part) merge(ctx context.Context, fn func(*row) error) error {
	reading, stop := context.WithCancel(ctx)
	spare := make(chan *opened, 2*readAhead)
	blocks := p.ready(reading, spare)
	defer func() {
		stop()
		for range blocks { // until nobody reads any more
		}
	}()
	next, more := <-blocks
	for {
		for ; more && (len(p.open) == 0 || next.low <= p.open[0].first().At); next, more = <-blocks {
			if next.err != nil {
				return next.err
			}
			if len(next.rows) > 0 {
				heap.Push((*openHeap)(p), next.opened)
			}
		}
		if len(p.open) == 0 {
			return ctx.Err()
		}
		if err := p.pass(fn, spare); err != nil {
			return err
		}
	}
}

// pass passes on the first message of the open blocks.
func (p *part) pass(fn func(*row) error, spare chan<- *opened) error {
	o := p.open[0]
	if err := fn(o.first()); err != nil {
		return err
	}
	if o.next++; o.next < len(o.rows) {
		heap.Fix((*openHeap)(p), 0)
		return nil
	}
	heap.Pop((*openHeap)(p))
	select {
	case spare <- o:
	default:
	}
	return nil
}

func (o *opened) first() *row { return &o.rows[o.next] }

// waitingHeap is the blocks that wait, the one that comes first in front.
type waitingHeap part

func (h *waitingHeap) Len() int           { return len(h.waiting) }
func (h *waitingHeap) Less(i, k int) bool { return h.waiting[i].low < h.waiting[k].low }
func (h *waitingHeap) Swap(i, k int)      { h.waiting[i], h.waiting[k] = h.waiting[k], h.waiting[i] }
func (h *waitingHeap) Push(v any)         { h.waiting = append(h.waiting, v.(candidate)) }
func (h *waitingHeap) Pop() any {
	last := len(h.waiting) - 1
	v := h.waiting[last]
	h.waiting = h.waiting[:last]
	return v
}

// openHeap is the open blocks, the one with the earliest message in front.
type openHeap part

func (h *openHeap) Len() int { return len(h.open) }
func (h *openHeap) Less(i, k int) bool {
	a, b := h.open[i].first(), h.open[k].first()
	return a.At < b.At || a.At == b.At && a.message.Sequence < b.message.Sequence
}
func (h *openHeap) Swap(i, k int) { h.open[i], h.open[k] = h.open[k], h.open[i] }
func (h *openHeap) Push(v any)    { h.open = append(h.open, v.(*opened)) }
func (h *openHeap) Pop() any {
	last := len(h.open) - 1
	v := h.open[last]
	h.open = h.open[:last]
	return v
}
