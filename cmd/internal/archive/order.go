package archive

import (
	"cmp"
	"errors"
	"io"
	"slices"

	"github.com/skewatch/skewatch/collector/message"
)

// Window is how many lines InOrder looks ahead: an archive of no more comes out in
// perfect order, whatever it is sorted by, and in a longer one no line may stand more
// than half of them too late. They take 48 MiB.
const Window = 1 << 20

// A waiting line is one in the window. It holds no pointers, so that the garbage
// collector passes over the window.
type waiting struct {
	received int64
	number   int64
	sent     message.Stamp
	origin   uint32
}

// InOrder reads all lines and calls fn with those that are evidence in the order of
// their receipt, and bad with what is wrong with a line as soon as it is read. Lines
// that stand too far from where they belong come as they stand; Displaced counts
// those.
func (r *Reader) InOrder(fn func(*Line), bad func(*LineError)) error {
	window := make([]waiting, 0, r.window)
	for {
		l, err := r.Next()
		if errors.Is(err, io.EOF) {
			r.pass(window, len(window), fn)
			return nil
		}
		if err != nil {
			var lineError *LineError
			if !errors.As(err, &lineError) {
				return err
			}
			bad(lineError)
		}
		if l.Origin == nil {
			continue
		}
		window = append(window, waiting{l.Received, l.Number, l.Sent, l.Origin.index})
		if len(window) == r.window {
			r.pass(window, r.window/2, fn)
			window = window[:copy(window, window[r.window/2:])]
		}
	}
}

// pass sorts the window and passes its first n lines on.
func (r *Reader) pass(window []waiting, n int, fn func(*Line)) {
	if !slices.IsSortedFunc(window, byReceipt) {
		slices.SortFunc(window, byReceipt)
	}
	var l Line
	for _, w := range window[:n] {
		o := r.all[w.origin]
		if w.received < o.newest {
			r.displaced++
		}
		o.newest = max(o.newest, w.received)
		l = Line{Number: w.number, Origin: o, Sent: w.sent, Received: w.received}
		fn(&l)
	}
}

func byReceipt(a, b waiting) int {
	return cmp.Or(cmp.Compare(a.received, b.received), cmp.Compare(a.number, b.number))
}
