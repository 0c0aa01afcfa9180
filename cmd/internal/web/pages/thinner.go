package pages

import (
	"time"

	"github.com/skewatch/skewatch/analysis/plot"
	"github.com/skewatch/skewatch/cmd/internal/api"
)

// A thinner leaves of single measurements what can be seen: in each column of a chart the
// least and the greatest. Measurements come in order of receipt.
type thinner struct {
	from      time.Time
	column    time.Duration
	at        int64 // the column that is gathered
	some      bool
	low, high plot.Dot
	dots      []plot.Dot
}

// add takes in a message: its lead is its stamp minus its receipt, which is the offset less
// the delay.
func (t *thinner) add(m *api.Message) {
	if m.Sent == nil {
		return
	}
	sent, err := time.Parse(time.RFC3339Nano, *m.Sent)
	if err != nil {
		return
	}
	d := plot.Dot{At: m.Received, Offset: sent.Sub(m.Received).Seconds()}
	if at := int64(m.Received.Sub(t.from) / t.column); !t.some || at != t.at {
		t.end()
		t.at, t.some, t.low, t.high = at, true, d, d
	}
	if d.Offset < t.low.Offset {
		t.low = d
	}
	if d.Offset > t.high.Offset {
		t.high = d
	}
}

// end closes the column.
func (t *thinner) end() {
	if !t.some {
		return
	}
	t.dots = append(t.dots, t.high)
	if t.low != t.high {
		t.dots = append(t.dots, t.low)
	}
	t.some = false
}

// flush returns what was left.
func (t *thinner) flush() []plot.Dot {
	t.end()
	return t.dots
}
