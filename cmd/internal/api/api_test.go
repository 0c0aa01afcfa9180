package api

import (
	"encoding/json"
	"net/netip"
	"testing"
	"time"

	"github.com/skewatch/skewatch/analysis"
	"github.com/skewatch/skewatch/collector/message"
	"github.com/skewatch/skewatch/collector/parse"
)

func received(raw string) *message.Message {
	m := &message.Message{
		Sequence: 7, Received: instant.UnixNano(), Source: netip.MustParseAddr("192.0.2.7"),
		StampedBy: message.StampedByKernel, Transport: message.TCP, Trust: message.TrustHandshake,
	}
	parse.Parse([]byte(raw), m)
	return m
}

func TestSent(t *testing.T) {
	paris, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, raw string
		assumed   *time.Location
		want      string // "" for null
	}{
		{"to the microsecond", "<14>1 2026-03-01T12:00:00.100000Z web1 a - - - x", paris, "2026-03-01T12:00:00.100000Z"},
		{"in its own zone", "<14>1 2026-03-01T14:00:00+02:00 web1 a - - - x", paris, "2026-03-01T14:00:00+02:00"},
		{"BSD, in the assumed zone", "<14>Mar  1 13:00:00 web1 a: x", paris, "2026-03-01T13:00:00+01:00"},
		{"BSD, in UTC", "<14>Mar  1 12:00:00 web1 a: x", time.UTC, "2026-03-01T12:00:00Z"},
		{"BSD, of last year", "<14>Dec 31 23:59:59 web1 a: x", time.UTC, "2025-12-31T23:59:59Z"},
		{"none", "<14>1 - web1 a - - - x", time.UTC, ""},
		{"no such day", "<14>1 2026-02-29T12:00:00Z web1 a - - - x", time.UTC, ""},
	}
	for _, tt := range tests {
		m := MessageOf(received(tt.raw), tt.assumed, false)
		switch {
		case m.Sent == nil && tt.want != "":
			t.Errorf("%s: sent is null, want %q", tt.name, tt.want)
		case m.Sent != nil && *m.Sent != tt.want:
			t.Errorf("%s: sent is %q, want %q", tt.name, *m.Sent, tt.want)
		}
	}
}

func TestMessageInJSON(t *testing.T) {
	m := received("<165>1 2026-03-01T12:00:00.25Z Web\xff1 app 42 ID7 - \xef\xbb\xbfna\xefve")
	tests := []struct {
		raw  bool
		want string
	}{
		{false, `{"id":7,"received":"2026-03-01T12:00:00.123456789Z","sent":"2026-03-01T12:00:00.25Z","host":"Web�1","source":"192.0.2.7",` +
			`"transport":"tcp","facility":"local4","severity":"notice","app":"app","procid":"42","msgid":"ID7","stamp_format":"rfc5424",` +
			`"stamped_by":"kernel","message":"na�ve"}`},
		{true, `{"id":7,"received":"2026-03-01T12:00:00.123456789Z","sent":"2026-03-01T12:00:00.25Z","host":"Web�1","source":"192.0.2.7",` +
			`"transport":"tcp","facility":"local4","severity":"notice","app":"app","procid":"42","msgid":"ID7","stamp_format":"rfc5424",` +
			`"stamped_by":"kernel","message":"na�ve","raw":"PDE2NT4xIDIwMjYtMDMtMDFUMTI6MDA6MDAuMjVaIFdlYv8xIGFwcCA0MiBJRDcgLSDvu79uYe92ZQ=="}`},
	}
	for _, tt := range tests {
		have, err := json.Marshal(MessageOf(m, time.UTC, tt.raw))
		if err != nil || string(have) != tt.want {
			t.Errorf("raw %v: %s, %v, want %s", tt.raw, have, err, tt.want)
		}
	}
}

func TestMessageKeepsNothing(t *testing.T) {
	m := received("<14>1 2026-03-01T12:00:00Z web1 app - - - text")
	shown := MessageOf(m, time.UTC, true)
	clear(m.Raw)
	if shown.Host != "web1" || shown.Message != "text" || string(shown.Raw) != "<14>1 2026-03-01T12:00:00Z web1 app - - - text" {
		t.Errorf("%+v has changed with the bytes that it was made of", shown)
	}
}

func TestEventOf(t *testing.T) {
	if e, ok := EventOf(&analysis.Finding{Step: &analysis.Step{}}); ok {
		t.Errorf("a step is the event %+v", e)
	}
	found := &analysis.Finding{Host: "web1", Source: "192.0.2.7", Event: &analysis.Event{
		Time: instant, Kind: analysis.Raise, Severity: analysis.Crit, Verdict: analysis.Ahead, Previous: analysis.InSync,
		Interval: analysis.Interval{Offset: 37500 * time.Millisecond, Low: 37 * time.Second, High: 38 * time.Second}, Since: noon, Text: "why", Check: "what",
	}}
	const figures = `"offset_seconds":37.5,"offset_low_seconds":37,"offset_high_seconds":38`
	const unknown = `"offset_seconds":null,"offset_low_seconds":null,"offset_high_seconds":null`
	const before = `{"time":"2026-03-01T12:00:00.123456789Z","host":"web1","source":"192.0.2.7","event":"raise","severity":"crit",` +
		`"verdict":"ahead","previous":"in-sync",`
	const after = `,"since":"2026-03-01T12:00:00Z","text":"why","check":"what"}`
	for _, want := range []string{before + figures + after, before + unknown + after} {
		e, ok := EventOf(found)
		have, err := json.Marshal(e)
		if !ok || err != nil || string(have) != want {
			t.Errorf("%s, %v, %v, want %s", have, ok, err, want)
		}
		found.Event.Interval = analysis.Interval{}
	}
}
