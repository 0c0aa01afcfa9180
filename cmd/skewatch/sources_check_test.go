package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/skewatch/skewatch/analysis/report"
	"github.com/skewatch/skewatch/ntpcheck"
)

func statusOf(state ntpcheck.State, sources ...ntpcheck.SourceState) *ntpcheck.Status {
	s := &ntpcheck.Status{Reference: ntpcheck.ReferenceStatus{State: state, Source: "a:123", Reason: "a|reason"}}
	if state != ntpcheck.Unsynchronised {
		s.Reference.OffsetSeconds, s.Reference.BoundSeconds = number(-1.5e-5), number(2e-3)
	}
	for i, state := range sources {
		s.Sources = append(s.Sources, ntpcheck.SourceStatus{Address: string(rune('a'+i)) + ":123", State: state})
	}
	return s
}

func TestCheckSources(t *testing.T) {
	const selected, combined, candidate = ntpcheck.Selected, ntpcheck.Combined, ntpcheck.Candidate
	contradicted := statusOf(ntpcheck.Synchronised, selected, combined, combined)
	contradicted.Contradictions = []string{"the kernel claims too much"}
	const figures = " | offset=-0.000015s;-0.05:0.05;-1:1;; bound=0.002s;;;0; "
	off := func(offset float64, sources ...ntpcheck.SourceState) *ntpcheck.Status {
		s := statusOf(ntpcheck.Synchronised, sources...)
		s.Reference.OffsetSeconds = number(offset)
		return s
	}
	trusted := func(sources ...ntpcheck.SourceState) *ntpcheck.Status {
		s := off(0, sources...)
		s.Reference.Trusted, s.Reference.Source = true, ntpcheck.KernelSource
		return s
	}
	for _, tt := range []struct {
		name   string
		status *ntpcheck.Status
		code   exitCode
		want   string
	}{
		{"all well", statusOf(ntpcheck.Synchronised, selected, combined, candidate), pluginOK,
			"OK - synchronised to a:123, 3 of 3 sources usable" + figures + "usable=3;3:;;0;3"},
		{"one is away", statusOf(ntpcheck.Synchronised, selected, combined, ntpcheck.Unreachable, combined), pluginOK,
			"OK - synchronised to a:123, 3 of 4 sources usable" + figures + "usable=3;3:;;0;4"},
		{"holdover", statusOf(ntpcheck.Holdover, candidate, candidate, candidate), pluginWarning, "WARNING - holdover: a/reason" + figures + "usable=3;3:;;0;3"},
		{"falseticker", statusOf(ntpcheck.Synchronised, selected, combined, ntpcheck.Falseticker, combined), pluginWarning,
			"WARNING - falseticker: c:123" + figures + "usable=3;3:;;0;4"},
		{"two left", statusOf(ntpcheck.Synchronised, selected, ntpcheck.Refused, combined), pluginWarning,
			"WARNING - only 2 of 3 sources usable" + figures + "usable=2;3:;;0;3"},
		{"the kernel contradicts", contradicted, pluginWarning,
			"WARNING - the kernel claims too much" + figures + "usable=3;3:;;0;3"},
		{"unsynchronised", statusOf(ntpcheck.Unsynchronised, candidate, candidate, candidate), pluginCritical,
			"CRITICAL - our clock is unsynchronised: a/reason | usable=3;3:;;0;3"},
		{"behind", off(0.0625, selected, combined, candidate), pluginWarning,
			"WARNING - our clock is 0.062 s behind, and so are stored receive times: more than 0.05 s" +
				" | offset=0.0625s;-0.05:0.05;-1:1;; bound=0.002s;;;0; usable=3;3:;;0;3"},
		{"far ahead, and two left", off(-5, selected, combined), pluginCritical,
			"CRITICAL - our clock is 5.000 s ahead, and so are stored receive times: more than 1 s; only 2 of 2 sources usable" +
				" | offset=-5s;-0.05:0.05;-1:1;; bound=0.002s;;;0; usable=2;3:;;0;2"},
		{"trusted", trusted(), pluginOK,
			"OK - our clock is not measured, taken as true on the operator's word" +
				" | offset=0s;-0.05:0.05;-1:1;; bound=0.002s;;;0; usable=0;;;0;0"},
		{"trusted, and the sources are lost", trusted(ntpcheck.Unreachable), pluginWarning,
			"WARNING - only 0 of 1 sources usable | offset=0s;-0.05:0.05;-1:1;; bound=0.002s;;;0; usable=0;3:;;0;1"},
	} {
		var b bytes.Buffer
		p := &program{stdout: &b}
		own := ownClock{*tt.status, report.Profile{Warn: 0.05, Crit: 1}}
		code, text := own.judge()
		err := p.plugin("SOURCES", code, text, own.perfdata())
		if have := strings.TrimSuffix(b.String(), "\n"); have != "SKEWATCH SOURCES "+tt.want || code != tt.code {
			t.Errorf("%s: code %d, %s\nwant %d, %s", tt.name, code, have, tt.code, tt.want)
		}
		if (err == nil) != (code == pluginOK) {
			t.Errorf("%s: error %v", tt.name, err)
		}
	}
}

func TestCheckWithoutServer(t *testing.T) {
	var stdout, stderr bytes.Buffer
	p := testProgram()
	p.stdout, p.stderr = &stdout, &stderr
	if code := p.run([]string{"sources", "--check", "--server", "http://127.0.0.1:1"}); code != 3 || stderr.Len() > 0 ||
		!strings.HasPrefix(stdout.String(), "SKEWATCH SOURCES UNKNOWN - no server answers at ") {
		t.Errorf("exit code %d, stdout %q, stderr %q", code, stdout.String(), stderr.String())
	}
	if code := p.run([]string{"sources", "--check", "--audit"}); code != int(pluginUnknown) {
		t.Errorf("--check with --audit: exit code %d, want %d", code, pluginUnknown)
	}
}

func TestAuditTable(t *testing.T) {
	results := []audited{
		{Address: "a:123", Monlist: auditedAnswer{Answers: true, Asked: 8, Answered: 4460, Packets: 10, Factor: 557.5}, Readvar: auditedAnswer{Refused: true, Asked: 12, Answered: 12, Factor: 1}, Remedy: remedyMonlist},
		{Address: "b:123", Monlist: auditedAnswer{Asked: 8}, Readvar: auditedAnswer{Asked: 12}},
		{Address: "c:123", Reason: "can't resolve the name: no such host"},
	}
	var b bytes.Buffer
	if err := writeAudit(&b, results, "table"); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"a:123\n  monlist (mode 7)  ANSWERS strangers: 4460 octets for 8, amplification 557.5\n  readvar (mode 6)  refused, by 12 octets for 12\n  change: in ntp.conf",
		"b:123\n  monlist (mode 7)  no answer\n  readvar (mode 6)  no answer\nc:123\n  not asked: can't resolve",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("the table is\n%swant\n%s", b.String(), want)
		}
	}
	for line := range strings.Lines(b.String()) {
		if len(line) > 101 {
			t.Errorf("%d columns: %s", len(line)-1, line)
		}
	}
	b.Reset()
	if err := writeAudit(&b, results, "csv"); err != nil || strings.Count(b.String(), "\n") != 4 || !strings.Contains(b.String(), "\na:123,true,8,4460,557.5,false,12,12,1,,") {
		t.Errorf("as CSV (%v)\n%s", err, b.String())
	}
}
