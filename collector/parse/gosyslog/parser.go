package gosyslog

import (
	"time"

	"gopkg.in/mcuadros/go-syslog.v2/format"

	"github.com/skewatch/skewatch/collector/message"
	"github.com/skewatch/skewatch/collector/parse"
)

// Parser reads one message. It implements format.LogParser.
type Parser struct {
	line []byte
	zone *time.Location
	m    message.Message
}

var _ format.LogParser = (*Parser)(nil)

// Location sets the zone assumed for a stamp that names a year and no zone; nil
// assumes none.
func (p *Parser) Location(zone *time.Location) { p.zone = zone }

// Parse reads the message. It always returns nil.
func (p *Parser) Parse() error {
	parse.Parse(p.line, &p.m)
	return nil
}

// Dump returns the parts of the message under the keys that the package comment
// lists. Parse comes first.
func (p *Parser) Dump() format.LogParts {
	parts := format.LogParts{
		"priority":  int(p.m.Priority),
		"facility":  -1,
		"severity":  -1,
		"timestamp": sent(p.m.Sent, p.zone),
		"hostname":  string(p.m.Host),
		"proc_id":   string(p.m.ProcID),

		"skewatch.stamp_format": p.m.Sent.Format.String(),
		"skewatch.sent_civil":   sentCivil(p.m.Sent),
	}
	if p.m.Priority != message.NoPriority {
		parts["facility"] = int(p.m.Priority) / 8
		parts["severity"] = int(p.m.Priority) % 8
	}
	if version := parse.Version(p.line); version > 0 {
		parts["version"] = version
		parts["app_name"] = string(p.m.AppName)
		parts["msg_id"] = string(p.m.MsgID)
		parts["structured_data"] = string(p.m.StructuredData)
		parts["message"] = string(p.m.Text)
	} else {
		parts["tag"] = string(p.m.AppName)
		parts["content"] = string(p.m.Text)
	}
	return parts
}

// sent returns the moment a stamp names, in its own zone or else in assumed, or the
// zero time if it names none.
func sent(s message.Stamp, assumed *time.Location) time.Time {
	if nano, ok := s.Instant(); ok {
		return time.Unix(0, nano).In(zoneOf(s))
	}
	if !s.Usable() || !s.HasYear || assumed == nil {
		return time.Time{}
	}
	civil := time.Unix(0, s.Civil).UTC()
	year, month, day := civil.Date()
	hour, minute, second := civil.Clock()
	return time.Date(year, month, day, hour, minute, second, civil.Nanosecond(), assumed)
}

func zoneOf(s message.Stamp) *time.Location {
	if s.ZoneEast == 0 {
		return time.UTC
	}
	return time.FixedZone("", int(s.ZoneEast))
}

// sentCivil writes a stamp's date and time with the digits that the sender wrote.
func sentCivil(s message.Stamp) string {
	if !s.Usable() {
		return ""
	}
	layout := "2006-01-02T15:04:05"
	if s.Digits > 0 {
		layout += ".000000000"[:1+s.Digits]
	}
	if !s.HasYear {
		layout = layout[len("2006-"):]
	}
	return time.Unix(0, s.Civil).UTC().Format(layout)
}
