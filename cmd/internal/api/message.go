package api

import (
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
}

// MessageOf returns a message for printing. A stamp without zone is read in the one
// given, and one without year in the year nearest to its receipt. With raw the
// message carries its frame, bit for bit.
func MessageOf(m *message.Message, assumed *time.Location, raw bool) Message {
	shown := Message{
		ID: m.Sequence, Received: m.ReceivedTime(), Sent: sent(m, assumed), Host: text(m.Host), Source: m.Source.String(),
		Transport: m.Transport.String(), Facility: m.Priority.Facility(), Severity: m.Priority.Severity(),
		App: text(m.AppName), ProcID: text(m.ProcID), MsgID: text(m.MsgID),
		StampFormat: m.Sent.Format.String(), StampedBy: m.StampedBy.String(), Message: text(m.Text),
	}
	if raw {
		shown.Raw = append([]byte{}, m.Raw...)
	}
	return shown
}

// text makes valid UTF-8 of what was sent.
func text(b []byte) string { return strings.ToValidUTF8(string(b), "\uFFFD") }

// sent writes the moment that a message's stamp names.
func sent(m *message.Message, assumed *time.Location) *string {
	at, ok := analysis.Instant(m.Sent, m.Received, assumed)
	if !ok {
		return nil
	}
	zone := assumed
	if m.Sent.HasZone {
		zone = time.FixedZone("", int(m.Sent.ZoneEast))
	}
	layout := "2006-01-02T15:04:05"
	if m.Sent.Digits > 0 {
		layout += "." + strings.Repeat("0", int(m.Sent.Digits))
	}
	written := time.Unix(0, at).In(zone).Format(layout + "Z07:00")
	return &written
}
