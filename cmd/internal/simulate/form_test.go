package simulate

import (
	"testing"
	"time"

	"github.com/skewatch/skewatch/analysis/simulation"
	"github.com/skewatch/skewatch/cmd/internal/config"
	"github.com/skewatch/skewatch/collector/message"
	"github.com/skewatch/skewatch/collector/parse"
)

// What a host writes is read as what it meant, in every format.
func TestForms(t *testing.T) {
	for format := range forms {
		model := config.NewFleetHost("web1.example")
		model.Format, model.Transport = format, config.FleetTCP
		model.Zone = config.FixedZone(-90 * time.Minute)
		model.Clock.Offset = 49 * time.Hour
		h := newHost(model, 7, time.Date(2026, 2, 28, 23, 59, 50, 0, time.UTC), 20*time.Second)
		n := uint64(0)
		for s := range h.Sendings() {
			n++
			var m message.Message
			parse.Parse(h.Raw(s, n), &m)
			if want := stampOf(s, format); m.Sent != want || string(m.Host) != "web1.example" {
				t.Errorf("%s: %s is read as %+v of %q, want %+v", format, m.Raw, m.Sent, m.Host, want)
			}
			if s.Stamp.Format == message.StampNone {
				continue
			}
			if off := offsetOf(&m, h.Start.Add(s.Sent)); h.Offset(s.Sent)-off < 0 || h.Offset(s.Sent)-off >= h.form.resolution {
				t.Errorf("%s: %s is off by %v, want %v", format, m.Raw, off, h.Offset(s.Sent))
			}
		}
		if n < 8 {
			t.Errorf("%s: %d messages, want about 20", format, n)
		}
	}
}

// stampOf returns how the parser gives back what was sent.
func stampOf(s simulation.Sending, format config.FleetFormat) message.Stamp {
	if format == config.FleetNoStamp {
		return message.Stamp{}
	}
	return s.Stamp
}

// offsetOf returns how far a stamp is ahead of the truth, read as UTC and of the year of
// that if it doesn't say otherwise.
func offsetOf(m *message.Message, truth time.Time) time.Duration {
	at := time.Unix(0, m.Sent.Civil).Add(-time.Duration(m.Sent.ZoneEast) * time.Second).UTC()
	if !m.Sent.HasYear {
		at = at.AddDate(truth.Year()-at.Year(), 0, 0)
	}
	return at.Sub(truth)
}

func TestWords(t *testing.T) {
	h := config.NewFleetHost("a")
	tests := []struct {
		change func()
		want   string
	}{
		{func() {}, "right"},
		{func() { h.Clock.Offset = -3200 * time.Millisecond }, "behind by 3.2 s"},
		{func() { h.Clock.Skew = -4 }, "behind by 3.2 s, gains -4 ppm"},
		{func() { h.Clock = config.FleetClock{StepAt: 90 * time.Minute, StepBy: -time.Second} }, "set by -1 s after 1h30m"},
		{func() { h.Clock = config.FleetClock{Offset: -365 * 24 * time.Hour} }, "behind by 365 days"},
		{func() { h.Zone = config.FixedZone(time.Hour) }, "behind by 365 days"},
		{func() { h.Clock, h.Format = config.FleetClock{}, config.FleetBSD }, "writes the time of +01:00 and doesn't say so"},
		{func() { h.Outage.For = time.Hour }, "writes the time of +01:00 and doesn't say so, cut off for 1h after 0 s, then sends what has queued up"},
	}
	for _, tt := range tests {
		tt.change()
		if have := words(&h); have != tt.want {
			t.Errorf("words are %q, want %q", have, tt.want)
		}
	}
}
