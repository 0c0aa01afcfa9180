package main

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/skewatch/skewatch/analysis/report"
	"github.com/skewatch/skewatch/cmd/internal/api"
	"github.com/skewatch/skewatch/ntpcheck"
)

func number(v float64) *float64 { return &v }

func TestEventsArePrinted(t *testing.T) {
	raise := api.Event{
		ID: 7, Time: noon, Host: "web1", Source: "192.0.2.7", Event: "raise", Severity: "crit", Verdict: "ahead", Previous: "in-sync",
		Offset: number(37.5), OffsetLow: number(37.4), OffsetHigh: number(37.6), Since: noon.Add(-10 * time.Second), Text: "ahead by 37.400 s, <proved>", Check: "`chronyc tracking`",
	}
	cleared := raise
	cleared.Event, cleared.Verdict, cleared.Previous, cleared.Offset, cleared.OffsetLow, cleared.OffsetHigh, cleared.Check = "clear", "in-sync", "ahead", nil, nil, nil, ""
	cleared.Muted = "silence 3"
	tests := []struct {
		format string
		color  bool
		want   string
	}{
		{"table", false, `2026-03-01T12:00:00Z raise crit  web1 (192.0.2.7)                     ahead        +37.500 s
    ahead by 37.400 s, <proved>
    between +37.400 s and +37.600 s, since 2026-03-01T11:59:50Z
    Check: ` + "`chronyc tracking`" + `
2026-03-01T12:00:00Z clear       web1 (192.0.2.7)                     in-sync      - s
    ahead by 37.400 s, <proved>
    nobody was told: silence 3
`},
		{"table", true, "2026-03-01T12:00:00Z " + red + "raise crit " + plainText + " web1 (192.0.2.7)                     ahead        +37.500 s\n" +
			"    ahead by 37.400 s, <proved>\n" +
			"    between +37.400 s and +37.600 s, since 2026-03-01T11:59:50Z\n" +
			"    Check: `chronyc tracking`\n" +
			"2026-03-01T12:00:00Z " + green + "clear      " + plainText + " web1 (192.0.2.7)                     in-sync      - s\n" +
			"    ahead by 37.400 s, <proved>\n    nobody was told: silence 3\n"},
		{"csv", false, `time,host,source,event,severity,verdict,previous,offset_seconds,offset_low_seconds,offset_high_seconds,since,text,muted,check,rule,subject,count
2026-03-01T12:00:00Z,web1,192.0.2.7,raise,crit,ahead,in-sync,37.5,37.4,37.6,2026-03-01T11:59:50Z,"ahead by 37.400 s, <proved>",,` + "`chronyc tracking`" + `,,,
2026-03-01T12:00:00Z,web1,192.0.2.7,clear,crit,in-sync,ahead,,,,2026-03-01T11:59:50Z,"ahead by 37.400 s, <proved>",silence 3,,,,
`},
		{"json", false, `{"time":"2026-03-01T12:00:00Z","host":"web1","source":"192.0.2.7","event":"raise","severity":"crit","verdict":"ahead",` +
			`"previous":"in-sync","offset_seconds":37.5,"offset_low_seconds":37.4,"offset_high_seconds":37.6,"since":"2026-03-01T11:59:50Z",` +
			`"text":"ahead by 37.400 s, <proved>","check":"` + "`chronyc tracking`" + `"}
{"time":"2026-03-01T12:00:00Z","host":"web1","source":"192.0.2.7","event":"clear","severity":"crit","verdict":"in-sync",` +
			`"previous":"ahead","offset_seconds":null,"offset_low_seconds":null,"offset_high_seconds":null,"since":"2026-03-01T11:59:50Z",` +
			`"text":"ahead by 37.400 s, <proved>","muted":"silence 3"}
`},
	}
	for _, tt := range tests {
		var b bytes.Buffer
		print := eventPrinter(&b, request{Format: tt.format, Color: tt.color})
		for _, e := range []api.Event{raise, cleared} {
			if err := print(e); err != nil {
				t.Fatal(err)
			}
		}
		if b.String() != tt.want {
			t.Errorf("%s, colour %v: %q, want %q", tt.format, tt.color, b.String(), tt.want)
		}
	}
}

func TestMessagesArePrinted(t *testing.T) {
	sent := "2026-03-01T12:00:00+00:00"
	m := api.Message{
		ID: 7, Received: noon.Add(1234567 * time.Nanosecond), Sent: &sent, Host: "web1", Source: "192.0.2.7", Transport: "tcp", Facility: "user",
		Severity: "info", App: "app", ProcID: "42", StampFormat: "rfc3339", StampedBy: "kernel", Message: "one\n\x1b[31mtwo", Raw: []byte("<14>\x00raw"),
	}
	bare := api.Message{Received: noon, Source: "192.0.2.7", Message: " text", Raw: []byte{}}
	tests := []struct {
		format string
		raw    bool
		want   string
	}{
		{"table", false, "2026-03-01T12:00:00.001234Z sent 2026-03-01T12:00:00+00:00 web1 app[42]: one\\n\\x1b[31mtwo\n" +
			"2026-03-01T12:00:00.000000Z sent - 192.0.2.7 text\n"},
		{"csv", false, "received,sent,host,source,transport,facility,severity,app,procid,msgid,stamp_format,stamped_by,message\n" +
			"2026-03-01T12:00:00.001234567Z,2026-03-01T12:00:00+00:00,web1,192.0.2.7,tcp,user,info,app,42,,rfc3339,kernel,\"one\n\x1b[31mtwo\"\n" +
			"2026-03-01T12:00:00Z,,,192.0.2.7,,,,,,,,,\" text\"\n"},
		{"table", true, "<14>\x00raw\n\n"},
		{"csv", true, "<14>\x00raw\n\n"},
	}
	for _, tt := range tests {
		var b bytes.Buffer
		print := messagePrinter(&b, tt.format, tt.raw)
		for _, m := range []api.Message{m, bare} {
			if err := print(m); err != nil {
				t.Fatal(err)
			}
		}
		if b.String() != tt.want {
			t.Errorf("%s, raw %v: %q, want %q", tt.format, tt.raw, b.String(), tt.want)
		}
	}
}

// TestPrintersFail prints to a disk that is full.
func TestPrintersFail(t *testing.T) {
	for _, format := range []string{"table", "json", "csv"} {
		if err := eventPrinter(broken{}, request{Format: format})(api.Event{}); err == nil {
			t.Errorf("an event in %s is printed to a full disk", format)
		}
		if err := messagePrinter(broken{}, format, false)(api.Message{}); err == nil {
			t.Errorf("a message in %s is printed to a full disk", format)
		}
		if err := writeSources(broken{}, hostileStatus(), format); err == nil {
			t.Errorf("sources in %s are printed to a full disk", format)
		}
	}
}

// hostileStatus is of sources whose names and figures are as long as can be.
func hostileStatus() *ntpcheck.Status {
	long := strings.Repeat("ntp.", 60) + "example.net:123"
	huge, stratum := number(-9.2e9), 16
	s := &ntpcheck.Status{Reference: ntpcheck.ReferenceStatus{
		State: ntpcheck.Holdover, Source: long, OffsetSeconds: huge, BoundSeconds: huge, Reason: strings.Repeat("no answer; ", 40)}}
	for _, state := range []ntpcheck.SourceState{ntpcheck.Falseticker, ntpcheck.Unreachable} {
		s.Sources = append(s.Sources, ntpcheck.SourceStatus{
			Address: long, State: state, Stratum: &stratum, PollSeconds: 131072, Reach: "377", OffsetSeconds: huge, DelaySeconds: number(12),
			JitterSeconds: number(3.5e-3), RootDistanceSeconds: number(9.99), Reason: strings.Repeat("lookup of "+long+" failed; ", 5)})
	}
	return s
}

func TestTablesFit(t *testing.T) {
	long := strings.Repeat("long host name ", 30) + "\x1b[31m"
	var b bytes.Buffer
	for _, write := range []func(io.Writer) error{
		func(w io.Writer) error { return writeSources(w, hostileStatus(), "table") },
		func(w io.Writer) error {
			return printEvent(w, api.Event{Time: noon, Host: long, Source: "2001:db8:1111:2222:3333:4444:5555:6666", Event: "change", Severity: "warn",
				Verdict: "insufficient", Offset: number(-9.2e9), OffsetLow: number(-9.2e9), OffsetHigh: number(9.2e9), Since: noon, Text: long, Check: long}, false)
		},
	} {
		if err := write(&b); err != nil {
			t.Fatal(err)
		}
	}
	for line := range strings.Lines(b.String()) {
		if n := len([]rune(strings.TrimSuffix(line, "\n"))); n > report.TableWidth {
			t.Errorf("%d columns: %s", n, line)
		}
	}
	if strings.Contains(b.String(), "\x1b") {
		t.Errorf("what a host is called colours the terminal: %q", b.String())
	}
}

func TestUnits(t *testing.T) {
	tests := []struct {
		seconds          *float64
		signed, unsigned string
	}{
		{nil, "-", "-"},
		{number(0), "+0ns", "0ns"},
		{number(-1.4e-9), "-1ns", "-1ns"},
		{number(9.9994e-6), "+9999ns", "9999ns"},
		{number(9.9996e-6), "+10us", "10us"},
		{number(-0.0123), "-12ms", "-12ms"},
		{number(1.5), "+1500ms", "1500ms"},
		{number(-37), "-37s", "-37s"},
	}
	for _, tt := range tests {
		if signed, unsigned := signedMicro(tt.seconds), unsigned(tt.seconds); signed != tt.signed || unsigned != tt.unsigned {
			t.Errorf("%q and %q, want %q and %q", signed, unsigned, tt.signed, tt.unsigned)
		}
	}
}
