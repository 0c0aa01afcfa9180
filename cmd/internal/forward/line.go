package forward

import (
	"bytes"
	"strconv"
	"time"

	"github.com/skewatch/skewatch/cmd/internal/api"
	"github.com/skewatch/skewatch/collector/message"
)

// The longest fields of a header (RFC 5424, section 6), in octets, and the longest name of
// structured data.
const (
	longestHost    = 255
	longestAppName = 48
	longestProcID  = 128
	longestMsgID   = 32
	longestSDID    = 32
)

// assumedPriority is that of a message without one (RFC 3164, section 4.3.3): user.notice.
const assumedPriority message.Priority = 13

func priorityOf(m *message.Message) message.Priority {
	if m.Priority == message.NoPriority {
		return assumedPriority
	}
	return m.Priority
}

// hostOf returns the name that a message's host goes by.
func hostOf(m *message.Message) string {
	if len(m.Host) == 0 {
		return m.Source.String()
	}
	return string(m.Host)
}

// appendMessage writes a message as RFC 5424 has it. Its own structured data follows ours,
// and its text is as it was sent. A header field that RFC 5424 has no room for is cut or
// has "?" for what isn't printable, and stands whole in our structured data.
func appendMessage(b []byte, m *message.Message, e api.Estimate, sdID string) []byte {
	b = append(strconv.AppendUint(append(b, '<'), uint64(priorityOf(m)), 10), ">1 "...)
	b = append(appendStamp(b, m, &e), ' ')
	if len(m.Host) == 0 {
		b = m.Source.AppendTo(b)
	} else {
		b = appendField(b, m.Host, longestHost)
	}
	b = appendField(append(b, ' '), m.AppName, longestAppName)
	b = appendField(append(b, ' '), m.ProcID, longestProcID)
	b = appendField(append(b, ' '), m.MsgID, longestMsgID)
	b = append(append(b, " ["...), sdID...)
	b = appendReceipt(b, m)
	b = appendEstimate(b, &e)
	b = appendUnfit(b, "host", m.Host, longestHost)
	b = appendUnfit(b, "app", m.AppName, longestAppName)
	b = appendUnfit(b, "procid", m.ProcID, longestProcID)
	b = appendUnfit(b, "msgid", m.MsgID, longestMsgID)
	b = appendOriginal(append(b, ']'), m.StructuredData, sdID)
	if len(m.Text) > 0 {
		b = append(append(append(b, ' '), byteOrderMark(m)...), m.Text...)
	}
	return b
}

// layouts write a time to so many digits of the second.
var layouts = func() (all [10]string) {
	for digits := range all {
		all[digits] = "2006-01-02T15:04:05"
		if digits > 0 {
			all[digits] += "." + "000000000"[:digits]
		}
	}
	return all
}()

// mostDigits is how many digits of a second RFC 5424 has room for.
const mostDigits = 6

// appendStamp writes TIMESTAMP: as the host wrote it, where that names year and zone, else
// the moment that it is taken for, in UTC, or NILVALUE for no such.
func appendStamp(b []byte, m *message.Message, e *api.Estimate) []byte {
	layout := layouts[min(m.Sent.Digits, mostDigits)]
	if _, whole := m.Sent.Instant(); !whole {
		if !e.Dated {
			return append(b, '-')
		}
		return append(time.Unix(0, e.Sent).UTC().AppendFormat(b, layout), 'Z')
	}
	begin := len(b)
	b = time.Unix(0, m.Sent.Civil).UTC().AppendFormat(b, layout)
	if m.Sent.ZoneEast == 0 {
		if numeric := append(b, "+00:00"...); bytes.Contains(m.Raw, numeric[begin:]) {
			return numeric
		}
		return append(b, 'Z')
	}
	return appendZone(b, int(m.Sent.ZoneEast/60))
}

// appendZone writes how many minutes a zone lies east of UTC.
func appendZone(b []byte, minutes int) []byte {
	sign := byte('+')
	if minutes < 0 {
		sign, minutes = '-', -minutes
	}
	return append(b, sign, '0'+byte(minutes/600), '0'+byte(minutes/60%10), ':', '0'+byte(minutes%60/10), '0'+byte(minutes%10))
}

// appendField writes a header field, as far as there is room for it.
func appendField(b, field []byte, longest int) []byte {
	if len(field) == 0 {
		return append(b, '-')
	}
	for _, c := range field[:min(len(field), longest)] {
		if c <= ' ' || c > '~' {
			c = '?'
		}
		b = append(b, c)
	}
	return b
}

// fits reports whether a header field can be written as it is.
func fits(field []byte, longest int) bool {
	for _, c := range field {
		if c <= ' ' || c > '~' {
			return false
		}
	}
	return len(field) <= longest
}

// appendReceipt writes how a message was received.
func appendReceipt(b []byte, m *message.Message) []byte {
	b = append(strconv.AppendUint(append(b, ` sequence="`...), m.Sequence, 10), `" received="`...)
	b = append(m.ReceivedTime().AppendFormat(b, layouts[9]), `Z" stampedBy="`...)
	b = append(append(b, m.StampedBy.String()...), `" source="`...)
	b = append(m.Source.AppendTo(b), `" transport="`...)
	b = append(append(b, m.Transport.String()...), `" trust="`...)
	b = append(append(b, m.Trust.String()...), `" stamp="`...)
	b = append(append(b, m.Sent.Format.String()...), '"')
	if m.Priority == message.NoPriority {
		b = append(b, ` pri="none"`...)
	}
	if m.Truncated {
		b = append(b, ` truncated="1"`...)
	}
	return b
}

// appendEstimate writes what is known of the host's clock. Offsets are seconds, positive
// where the host is ahead.
func appendEstimate(b []byte, e *api.Estimate) []byte {
	if e.Verdict == "" {
		return b
	}
	b = append(append(append(b, ` verdict="`...), e.Verdict...), '"')
	if !e.Known {
		return b
	}
	b = appendSeconds(b, "offset", e.Interval.Offset)
	b = appendSeconds(b, "low", e.Interval.Low)
	b = appendSeconds(b, "high", e.Interval.High)
	b = append(append(append(b, ` boundKind="`...), e.Bounds.String()...), '"')
	if at, bound, ok := e.Corrected(); ok {
		b = append(b, ` corrected="`...)
		b = append(time.Unix(0, at).UTC().AppendFormat(b, layouts[mostDigits]), `Z"`...)
		b = appendSeconds(b, "correctedBound", bound)
	}
	return b
}

func appendSeconds(b []byte, name string, d time.Duration) []byte {
	b = append(append(append(b, ' '), name...), `="`...)
	return append(strconv.AppendFloat(b, d.Seconds(), 'f', mostDigits, 64), '"')
}

// appendUnfit writes a header field that doesn't fit there as a parameter of structured data
// (RFC 5424, section 6.3.3).
func appendUnfit(b []byte, name string, value []byte, longest int) []byte {
	if fits(value, longest) {
		return b
	}
	b = append(append(append(b, ' '), name...), `="`...)
	for _, c := range bytes.ToValidUTF8(value, []byte("\uFFFD")) {
		if c == '"' || c == '\\' || c == ']' {
			b = append(b, '\\')
		}
		b = append(b, c)
	}
	return append(b, '"')
}

// original stands before the name of structured data that a message bore under our own: it
// came through another skewatch, or somebody wants it to seem so.
const original = "original-"

// appendOriginal writes a message's own structured data. No name may stand twice in a
// message, and ours must be by us.
func appendOriginal(b, data []byte, sdID string) []byte {
	if !bytes.Contains(data, []byte(sdID)) {
		return append(b, data...)
	}
	for len(data) > 0 {
		end := elementEnd(data)
		element := data[:end]
		data = data[end:]
		id := bytes.TrimRight(element[1:], "]")
		if n := bytes.IndexByte(element, ' '); n > 0 {
			id = element[1:n]
		}
		own := string(id) == sdID || bytes.HasSuffix(id, []byte("-"+sdID))
		switch {
		case !own:
			b = append(b, element...)
		case len(id)+len(original) <= longestSDID:
			b = append(append(append(b, '['), original...), element[1:]...)
		}
	}
	return b
}

// elementEnd returns where the first element of structured data ends, which follows the
// grammar.
func elementEnd(data []byte) int {
	quoted := false
	for i := 0; i < len(data); i++ {
		switch c := data[i]; {
		case c == '\\' && quoted:
			i++
		case c == '"':
			quoted = !quoted
		case c == ']' && !quoted:
			return i + 1
		}
	}
	return len(data)
}

var bom = []byte("\xEF\xBB\xBF")

// byteOrderMark returns the mark that stood before a message's text, if it did.
func byteOrderMark(m *message.Message) []byte {
	body := bytes.TrimRight(m.Raw, "\r\n\x00")
	if before, ok := bytes.CutSuffix(body, m.Text); ok && bytes.HasSuffix(before, bom) {
		return bom
	}
	return nil
}
