package timeline

import (
	"math/rand/v2"
	"testing"
	"time"
)

const second = int64(time.Second)

// event returns one of a host, placed within half a second of a time in seconds, and what
// its stamp shows.
func event(at, stamp float64) Event {
	ns := int64(at * 1e9)
	return Event{Sent: int64(stamp * 1e9), Placing: Placing{At: ns, Low: ns - second/2, High: ns + second/2, ByStamp: true}}
}

func TestComparison(t *testing.T) {
	byReceipt := Event{Sent: 1, Placing: Received(11 * second)}
	tests := []struct {
		name                                string
		events                              []Event
		events0, wrong, elsewhere, decided0 int
		largest                             time.Duration
	}{
		{"right", []Event{event(1, 1), event(3, 3), event(5, 5)}, 3, 0, 0, 2, 0},
		{"all an hour ahead", []Event{event(1, 3601), event(3, 3603)}, 2, 0, 0, 1, 0},
		{"one is behind", []Event{event(100, 100), event(102, 82), event(104, 104), event(106, 86)}, 4, 2, 2, 3, 20 * time.Second},
		{"one is ahead, once", []Event{event(100, 200), event(102, 102), event(104, 104), event(106, 106)}, 4, 1, 1, 3, 100 * time.Second},
		{"undecided", []Event{event(1, 1), event(1.5, 0.5)}, 2, 0, 0, 0, 0},
		{"by receipt", []Event{event(10, 10), byReceipt, event(12, 12)}, 2, 0, 0, 0, 0},
		{"set back", []Event{event(10, 10), event(12, 2)}, 2, 1, 1, 1, 10 * time.Second},
		{"the same stamp", []Event{event(10, 10), event(12, 10), event(14, 10)}, 3, 0, 0, 2, 0},
	}
	for _, tt := range tests {
		var c Comparison
		for i, e := range tt.events {
			c.Add(e, i > 0 && Decided(&tt.events[i-1].Placing, &e.Placing, false))
		}
		if c.Events != tt.events0 || c.Wrong != tt.wrong || c.Elsewhere() != tt.elsewhere || c.Neighbours != tt.decided0 || c.Largest != tt.largest {
			t.Errorf("%s: %d events, %d of %d neighbours wrong, %d elsewhere, by %v; want %d, %d of %d, %d, %v", tt.name,
				c.Events, c.Wrong, c.Neighbours, c.Elsewhere(), c.Largest, tt.events0, tt.wrong, tt.decided0, tt.elsewhere, tt.largest)
		}
	}
}

// TestElsewhereIsTheLeast holds the count against all subsets of a few events.
func TestElsewhereIsTheLeast(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		var c Comparison
		n := 1 + r.IntN(9)
		for at := range n {
			e := event(float64(at)*0.7, float64(r.IntN(6)))
			e.Low -= int64(r.IntN(3)) * second
			e.High += int64(r.IntN(3)) * second
			c.Add(e, false)
		}
		if have, want := c.Elsewhere(), leastMoved(c.placed); have != want {
			t.Fatalf("%v: %d stand elsewhere, want %d", c.placed, have, want)
		}
	}
}

func leastMoved(all []span) int {
	most := 0
	for kept := range 1 << len(all) {
		n, fine := 0, true
		for i, a := range all {
			if kept>>i&1 == 0 {
				continue
			}
			n++
			for k, b := range all {
				fine = fine && (kept>>k&1 == 0 || a.high >= b.low || a.sent <= b.sent)
			}
		}
		if fine {
			most = max(most, n)
		}
	}
	return len(all) - most
}
