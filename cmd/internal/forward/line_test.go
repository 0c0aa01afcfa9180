package forward

import (
	"bytes"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/skewatch/skewatch/analysis"
	"github.com/skewatch/skewatch/cmd/internal/api"
	"github.com/skewatch/skewatch/collector/message"
	"github.com/skewatch/skewatch/collector/parse"
)

const sdID = "skewatch@32473"

// received returns what the store has of a message.
func received(raw string) *message.Message {
	m := &message.Message{Sequence: 7, Received: time.Date(2026, 3, 1, 12, 0, 0, 4000, time.UTC).UnixNano(),
		Source: netip.MustParseAddr("192.0.2.1"), StampedBy: message.StampedByKernel, Transport: message.TCP, Trust: message.TrustHandshake}
	parse.Parse([]byte(raw), m)
	return m
}

func TestMessage(t *testing.T) {
	const receipt = `[skewatch@32473 sequence="7" received="2026-03-01T12:00:00.000004000Z" stampedBy="kernel" source="192.0.2.1" transport="tcp" trust="handshake" stamp=`
	tests := []struct{ name, raw, want string }{
		{"RFC 5424", `<165>1 2026-03-01T13:00:00.5+01:00 web1 app 12 ID47 [x@1 a="\]"] text`,
			`<165>1 2026-03-01T13:00:00.5+01:00 web1 app 12 ID47 ` + receipt + `"rfc5424"][x@1 a="\]"] text`},
		{"zulu", `<13>1 2026-03-01T12:00:00.123456Z web1 - - - -`, `<13>1 2026-03-01T12:00:00.123456Z web1 - - - ` + receipt + `"rfc5424"]`},
		{"zero in digits", `<13>1 2026-03-01T12:00:00+00:00 web1 - - - - a`, `<13>1 2026-03-01T12:00:00+00:00 web1 - - - ` + receipt + `"rfc5424"] a`},
		{"west of UTC", `<13>1 2026-03-01T06:30:00-05:30 web1 - - - - a`, `<13>1 2026-03-01T06:30:00-05:30 web1 - - - ` + receipt + `"rfc5424"] a`},
		{"more digits than there is room for", `<13>1 2026-03-01T12:00:00.123456789Z web1 - - - - a`, `<13>1 2026-03-01T12:00:00.123456Z web1 - - - ` + receipt + `"rfc5424"] a`},
		{"no clock", `<13>1 - web1 - - - - a`, `<13>1 - web1 - - - ` + receipt + `"none"] a`},
		{"RFC 3164, read in UTC", `<34>Mar  1 12:00:00 web1 su[7]: a  b `, `<34>1 2026-03-01T12:00:00Z web1 su 7 - ` + receipt + `"bsd"] a  b `},
		{"RFC 3339 in the place of RFC 3164", `<34>2026-03-01T12:00:00.25+02:00 web1 su: a`, `<34>1 2026-03-01T12:00:00.25+02:00 web1 su - - ` + receipt + `"rfc3339"] a`},
		{"no PRI, no header", `hello`, `<13>1 - 192.0.2.1 - - - ` + receipt + `"none" pri="none"] hello`},
		{"byte order mark", "<13>1 - web1 - - - - \xEF\xBB\xBFa\n", "<13>1 - web1 - - - " + receipt + "\"none\"] \xEF\xBB\xBFa"},
		{"octets that are no text", "<13>1 - web1 - - - - a\x00\xff\nb", "<13>1 - web1 - - - " + receipt + "\"none\"] a\x00\xff\nb"},
		{"a name that doesn't fit", "<13>1 - w\xc3\xa9b]1 - - - - a", `<13>1 - w??b]1 - - - ` + receipt + "\"none\" host=\"w\xc3\xa9b\\]1\"] a"},
		{"forged", `<13>1 - web1 - - - [skewatch@32473 verdict="in-sync"][x@1] a`,
			`<13>1 - web1 - - - ` + receipt + `"none"][original-skewatch@32473 verdict="in-sync"][x@1] a`},
		{"forged twice", `<13>1 - web1 - - - [original-skewatch@32473][skewatch@32473 a="] \"["] a`,
			`<13>1 - web1 - - - ` + receipt + `"none"][original-original-skewatch@32473][original-skewatch@32473 a="] \"["] a`},
		{"forged beyond the longest name", `<13>1 - web1 - - - [original-original-skewatch@32473] a`, `<13>1 - web1 - - - ` + receipt + `"none"] a`},
	}
	for _, tt := range tests {
		m := received(tt.raw)
		var e api.Estimate
		e.Sent, e.Dated = analysis.Instant(m.Sent, m.Received, time.UTC)
		if got := string(appendMessage(nil, m, e, sdID)); got != tt.want {
			t.Errorf("%s: written is\n%q, want\n%q", tt.name, got, tt.want)
		}
	}
}

func TestMessageEstimate(t *testing.T) {
	m := received(`<13>1 2026-03-01T12:00:40Z web1 - - - - a`)
	e := api.Estimate{Verdict: "ahead", Resolution: time.Second, Known: true, Bounds: analysis.BoundAssumedDelay,
		Interval: analysis.Interval{Offset: 40500 * time.Millisecond, Low: 40 * time.Second, High: 41 * time.Second}}
	e.Sent, e.Dated = m.Sent.Instant()
	want := ` verdict="ahead" offset="40.500000" low="40.000000" high="41.000000" boundKind="assumed-delay" corrected="2026-03-01T11:59:59.500000Z" correctedBound="1.500000"] a`
	if got := string(appendMessage(nil, m, e, sdID)); !strings.HasSuffix(got, want) {
		t.Errorf("written is\n%s, want it to end in\n%s", got, want)
	}
}

// FuzzMessage wants whatever came in to be a message of RFC 5424, of the same text and
// moment, with our structured data first and no name twice.
func FuzzMessage(f *testing.F) {
	for _, seed := range []string{
		`<165>1 2026-03-01T13:00:00.5+01:00 web1 app 12 ID47 [x@1 a="\]"] text`,
		`<13>1 - web1 - - - [original-skewatch@32473][skewatch@32473 a="] \"["] a`,
		"<34>Mar  1 12:00:00 w\xe9b su[7]: \xEF\xBB\xBFa\x00", "hello [skewatch@32473]",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		m := received(string(raw))
		var e api.Estimate
		e.Sent, e.Dated = analysis.Instant(m.Sent, m.Received, time.UTC)
		line := appendMessage(nil, m, e, sdID)
		var again message.Message
		parse.Parse(line, &again)
		if parse.Version(line) != 1 || !bytes.HasPrefix(again.StructuredData, []byte("["+sdID+" ")) {
			t.Fatalf("%q is written as %q, which isn't RFC 5424 with our data", raw, line)
		}
		if n := count(again.StructuredData, sdID); n != 1 {
			t.Errorf("%q is written as %q, with our name %d times", raw, line, n)
		}
		text := bytes.TrimRight(m.Text, "\r\n\x00")
		if string(text) != string(bytes.TrimPrefix(again.Text, bom)) && string(text) != string(again.Text) {
			t.Errorf("the text %q is written as %q in %q", text, again.Text, line)
		}
		at, ok := again.Sent.Instant()
		if ok != e.Dated || ok && (e.Sent-at < 0 || e.Sent-at >= int64(time.Microsecond)) {
			t.Errorf("%q is of %d, %v, and as %q of %d, %v", raw, e.Sent, e.Dated, line, at, ok)
		}
	})
}

// count returns how many elements of structured data bear a name.
func count(data []byte, id string) (n int) {
	for len(data) > 0 {
		end := elementEnd(data)
		if name, _, _ := strings.Cut(strings.Trim(string(data[:end]), "[]"), " "); name == id {
			n++
		}
		data = data[end:]
	}
	return n
}
