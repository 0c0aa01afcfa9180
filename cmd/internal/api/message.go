package api

import (
	"net/netip"
	"strings"
	"time"

	"github.com/skewatch/skewatch/analysis"
	"github.com/skewatch/skewatch/collector/message"
)

// A Message is a stored message in the form that `skewatch search` prints.
type Message struct {
	ID          uint64    `json:"id,omitempty"` // its place in the store; not printed
	Received    time.Time `json:"received"`
	Sent        *string   `json:"sent"` // RFC 3339, to the digit the sender wrote; null if the stamp is unusable
	Host        string    `json:"host"`
	Source      string    `json:"source"`
	Transport   string    `json:"transport"`
	Facility    string    `json:"facility"`
	Severity    string    `json:"severity"`
	App         string    `json:"app"`
	ProcID      string    `json:"procid"`
	MsgID       string    `json:"msgid"`
	StampFormat string    `json:"stamp_format"`
	StampedBy   string    `json:"stamped_by"`
	Message     string    `json:"message"`
	Raw         []byte    `json:"raw,omitempty"`

	Estimate *ClockEstimate `json:"estimate,omitempty"` // if it is asked for
}

// A ClockEstimate is an Estimate with the trust that it rests on, for printing.
type ClockEstimate struct {
	Trust      string     `json:"trust"`
	Corrected  *time.Time `json:"corrected"` // null if not known
	Bound      *float64   `json:"bound_seconds"`
	Verdict    string     `json:"verdict"`
	Offset     *float64   `json:"offset_seconds"`
	OffsetLow  *float64   `json:"offset_low_seconds"`
	OffsetHigh *float64   `json:"offset_high_seconds"`
	BoundKind  string     `json:"bound_kind,omitempty"`
}

// ClockEstimateOf returns an estimate for printing with its message.
func ClockEstimateOf(m *message.Message, e Estimate) *ClockEstimate {
	shown := ClockEstimate{Trust: m.Trust.String(), Verdict: e.Verdict}
	if at, bound, ok := e.Corrected(); ok {
		corrected, seconds := time.Unix(0, at).UTC(), bound.Seconds()
		shown.Corrected, shown.Bound = &corrected, &seconds
	}
	if e.Known {
		offset, low, high := e.Interval.Offset.Seconds(), e.Interval.Low.Seconds(), e.Interval.High.Seconds()
		shown.Offset, shown.OffsetLow, shown.OffsetHigh = &offset, &low, &high
		shown.BoundKind = e.Bounds.String()
	}
	return &shown
}

// MessageOf returns a message for printing. A stamp without zone is read in the one
// given, and one without year in the year nearest to its receipt. With raw the
// message carries its frame, bit for bit.
func MessageOf(m *message.Message, assumed *time.Location, raw bool) Message {
	return (*Texts)(nil).MessageOf(m, assumed, raw)
}

// Texts remembers the texts that most messages share, so that each is made once. The nil one
// remembers nothing. It is not safe for concurrent use.
type Texts struct {
	known   map[string]string
	sources map[netip.Addr]string
}

// mostTexts bounds what is remembered of each kind.
const mostTexts = 10_000

// NewTexts returns one that remembers nothing yet.
func NewTexts() *Texts { return &Texts{map[string]string{}, map[netip.Addr]string{}} }

// MessageOf is the function MessageOf.
func (t *Texts) MessageOf(m *message.Message, assumed *time.Location, raw bool) Message {
	shown := Message{
		ID: m.Sequence, Received: m.ReceivedTime(), Sent: sent(m, assumed), Host: t.text(m.Host), Source: t.source(m.Source),
		Transport: m.Transport.String(), Facility: m.Priority.Facility(), Severity: m.Priority.Severity(),
		App: t.text(m.AppName), ProcID: t.text(m.ProcID), MsgID: t.text(m.MsgID),
		StampFormat: m.Sent.Format.String(), StampedBy: m.StampedBy.String(), Message: text(m.Text),
	}
	if raw {
		shown.Raw = append([]byte{}, m.Raw...)
	}
	return shown
}

// text is the function text for a text that may come again.
func (t *Texts) text(b []byte) string {
	if t == nil || len(b) == 0 {
		return text(b)
	}
	known, ok := t.known[string(b)]
	if !ok {
		known = text(b)
		if len(t.known) < mostTexts {
			t.known[string(b)] = known
		}
	}
	return known
}

func (t *Texts) source(a netip.Addr) string {
	if t == nil {
		return a.String()
	}
	known, ok := t.sources[a]
	if !ok {
		known = a.String()
		if len(t.sources) < mostTexts {
			t.sources[a] = known
		}
	}
	return known
}

// text makes valid UTF-8 of what was sent.
func text(b []byte) string { return strings.ToValidUTF8(string(b), "\uFFFD") }

// sent writes the moment that a message's stamp names.
func sent(m *message.Message, assumed *time.Location) *string {
	at, ok := analysis.Instant(m.Sent, m.Received, assumed)
	if !ok {
		return nil
	}
	zone, east := assumed, 0
	switch {
	case m.Sent.HasZone && m.Sent.ZoneEast == 0:
		zone = time.UTC
	case m.Sent.HasZone:
		zone = time.FixedZone("", int(m.Sent.ZoneEast))
	}
	t := time.Unix(0, at).In(zone)
	if _, east = t.Zone(); east != 0 {
		written := t.Format(layouts[min(int(m.Sent.Digits), len(layouts)-1)])
		return &written
	}
	var room [len(time.RFC3339Nano) + 8]byte
	written := string(appendDigits(room[:0], t, int(m.Sent.Digits)))
	return &written
}

// layouts are those of a stamp by its digits after the second.
var layouts = func() (all [10]string) {
	all[0] = time.RFC3339
	for n := 1; n < len(all); n++ {
		all[n] = "2006-01-02T15:04:05." + strings.Repeat("0", n) + "Z07:00"
	}
	return all
}()
