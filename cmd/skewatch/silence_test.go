package main

import (
	"bytes"
	"encoding/csv"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/skewatch/skewatch/analysis"
	"github.com/skewatch/skewatch/analysis/report"
	"github.com/skewatch/skewatch/cmd/internal/api"
)

// mutes are a silence, one that has ended, and an acknowledgement.
func someMutes() (lasts, over, seen api.Mute) {
	lasts = api.Mute{ID: 3, Kind: analysis.Silence, State: api.MuteLasts, Host: "web*", Verdicts: []string{"late", "drifting"},
		Made: noon, Begins: noon, Ends: noon.Add(2 * time.Hour), Author: "anna", Comment: "kernel update"}
	at := noon.Add(time.Hour)
	over = lasts
	over.ID, over.State, over.Verdicts, over.Ended, over.Why, over.EndedBy = 2, api.MuteEnded, nil, &at, analysis.Withdrawn, "carol"
	seen = api.Mute{ID: 4, Kind: analysis.Acknowledgement, State: api.MuteLasts, Host: "web1", Source: "192.0.2.7", Severity: "warn",
		Made: noon, Begins: noon, Ends: noon.Add(24 * time.Hour), Author: "bob", Comment: "mine"}
	return lasts, over, seen
}

func TestMutesArePrinted(t *testing.T) {
	lasts, over, seen := someMutes()
	tests := []struct{ format, want string }{
		{"table", `  ID STATE   HOST                           BEGINS               ENDS                 AUTHOR
   2 ended   web*                           2026-03-01T12:00:00Z 2026-03-01T14:00:00Z anna
     kernel update
     over at 2026-03-01T13:00:00Z: ended by carol
   3 lasts   web*                           2026-03-01T12:00:00Z 2026-03-01T14:00:00Z anna
     kernel update
     only late, drifting
   4 lasts   web1 (192.0.2.7)               2026-03-01T12:00:00Z 2026-03-02T12:00:00Z bob
     mine
     acknowledged as warn
`},
		{"csv", `id,kind,state,host,source,severity,verdicts,made,begins,ends,author,comment,ended,why,ended_by
2,silence,ended,web*,,,[],2026-03-01T12:00:00Z,2026-03-01T12:00:00Z,2026-03-01T14:00:00Z,anna,kernel update,2026-03-01T13:00:00Z,ended,carol
3,silence,lasts,web*,,,"[""late"",""drifting""]",2026-03-01T12:00:00Z,2026-03-01T12:00:00Z,2026-03-01T14:00:00Z,anna,kernel update,,,
4,acknowledgement,lasts,web1,192.0.2.7,warn,[],2026-03-01T12:00:00Z,2026-03-01T12:00:00Z,2026-03-02T12:00:00Z,bob,mine,,,
`},
	}
	for _, tt := range tests {
		var b bytes.Buffer
		if err := writeMutes(&b, analysis.Silence, []api.Mute{over, lasts, seen}, tt.format); err != nil || b.String() != tt.want {
			t.Errorf("%s: %v\n%s\nwant\n%s", tt.format, err, b.String(), tt.want)
		}
	}
	var b bytes.Buffer
	if err := writeMutes(&b, analysis.Acknowledgement, nil, "table"); err != nil || b.String() != "no acknowledgement\n" {
		t.Errorf("none: %q, %v", b.String(), err)
	}
}

func TestWarningsArePrinted(t *testing.T) {
	lasts, _, seen := someMutes()
	all := []api.Warning{
		{Host: "web1", Source: "192.0.2.7", Severity: "crit", Verdict: "ahead", Since: noon, Offset: number(37.5), OffsetLow: number(37), OffsetHigh: number(38),
			Text: "ahead by 37 s", Check: "chronyc tracking", Silenced: &lasts, Acknowledged: &seen},
		{Host: "quiet", Severity: "warn", Verdict: "silent", Since: noon, Text: "has said nothing", Told: true},
	}
	tests := []struct{ format, want string }{
		{"table", `SEVERITY HOST                       SOURCE          VERDICT         OFFSET s SINCE
crit     web1                       192.0.2.7       ahead            +37.500 2026-03-01T12:00:00Z
    ahead by 37 s
    Check: chronyc tracking
    silence 3 by anna until 2026-03-01T14:00:00Z: kernel update
    acknowledgement 4 by bob until 2026-03-02T12:00:00Z: mine
    nobody was told of it as it is now
warn     quiet                                      silent                 - 2026-03-01T12:00:00Z
    has said nothing

Offset: host clock minus true time; + is ahead.
`},
		{"csv", `host,source,severity,verdict,since,offset_seconds,offset_low_seconds,offset_high_seconds,text,told,silence,silenced_until,acknowledgement,acknowledged_until,acknowledged_by,check
web1,192.0.2.7,crit,ahead,2026-03-01T12:00:00Z,37.5,37,38,ahead by 37 s,false,3,2026-03-01T14:00:00Z,4,2026-03-02T12:00:00Z,bob,chronyc tracking
quiet,,warn,silent,2026-03-01T12:00:00Z,,,,has said nothing,true,,,,,,
`},
	}
	for _, tt := range tests {
		var b bytes.Buffer
		if err := writeWarnings(&b, all, request{Format: tt.format}); err != nil || b.String() != tt.want {
			t.Errorf("%s: %v\n%s\nwant\n%s", tt.format, err, b.String(), tt.want)
		}
	}
}

// TestHostileMutes wants no text to become more than text, or a table to grow wide.
func TestHostileMutes(t *testing.T) {
	for _, text := range []string{"a\nb", "\x1b[2J", "\xff", "\u202eevil", "=cmd|x", "<script>", strings.Repeat("x", 3000), strings.Repeat("long ", 300)} {
		_, over, seen := someMutes()
		over.Host, over.Author, over.Comment, over.EndedBy = text, text, text, text
		seen.Host, seen.Source, seen.Author, seen.Comment = text, text, text, text
		w := api.Warning{Host: text, Source: text, Severity: "crit", Verdict: "ahead", Since: noon, Text: text, Silenced: &over, Acknowledged: &seen}
		var b bytes.Buffer
		if err := writeMutes(&b, analysis.Silence, []api.Mute{over, seen}, "table"); err != nil {
			t.Fatal(err)
		}
		if err := writeWarnings(&b, []api.Warning{w}, request{Format: "table"}); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(b.String()) {
			line = strings.TrimSuffix(line, "\n")
			if utf8.RuneCountInString(line) > report.TableWidth || strings.ContainsFunc(line, func(r rune) bool { return !unicode.IsPrint(r) }) {
				t.Errorf("%.20q makes the line %q", text, line)
			}
		}
		b.Reset()
		if err := writeMutes(&b, analysis.Silence, []api.Mute{over, seen}, "csv"); err != nil {
			t.Fatal(err)
		}
		if rows, err := csv.NewReader(&b).ReadAll(); err != nil || len(rows) != 3 {
			t.Errorf("%.20q makes %d rows of CSV, %v", text, len(rows), err)
		}
	}
}

// TestOrdersThatMakeNoSense wants them refused before any server is asked.
func TestOrdersThatMakeNoSense(t *testing.T) {
	tests := []struct{ args, says string }{
		{"silence", "missing: a glob over host names"},
		{"silence web*", "--for: missing: how long"},
		{"silence web1 web2 --for 1h", `takes one argument (got "web2")`},
		{"silence [ --for 1h", "HOST-GLOB: not a name pattern"},
		{"silence web* --for 0s", "--for: not a length of time up to a year"},
		{"silence web* --for 400d", "--for: not a length of time up to a year"},
		{"silence web* --for -2h", "--for: not a length of time up to a year"},
		{"silence web* --for soon", "--for: not a length of time up to a year"},
		{"silence web* --for 1h --until 2h", "--for: can't stand beside --until"},
		{"silence web* --until tomorrow", "--until: not a time"},
		{"silence web* --from yesterday --for 1h", "--from: not a time"},
		{"silence web* --for 1h --verdict slow", "--verdict: no such verdict"},
		{"silence end", "missing: its number"},
		{"silence end web1", "not a number"},
		{"silence list web1", "takes no arguments"},
		{"acknowledge", "missing: a host's name"},
		{"acknowledge web1", "--comment: missing"},
		{"acknowledge web1 --comment x --for 400d", "--for: not a length"},
		{"warnings web1", "takes no arguments"},
	}
	for _, tt := range tests {
		var stdout, stderr bytes.Buffer
		p := testProgram("LOGNAME=anna", "SKEWATCH_SERVER=http://127.0.0.1:1")
		p.stdout, p.stderr = &stdout, &stderr
		if code := p.run(strings.Fields(tt.args)); code != exitUsage || !strings.Contains(stderr.String(), tt.says) || !strings.Contains(stderr.String(), "\nhint: ") || stdout.Len() > 0 {
			t.Errorf("skewatch %s: exit code %d, %q, want %q", tt.args, code, stderr.String(), tt.says)
		}
	}
	for _, args := range []string{"silence --for 1h -- list", "silence web* --for 1h", "acknowledge web1 --comment x", "silence end 3", "acknowledge end 3", "silence list", "warnings"} {
		var stderr bytes.Buffer
		p := testProgram("LOGNAME=anna", "SKEWATCH_SERVER=http://127.0.0.1:1")
		p.stderr = &stderr
		if code := p.run(strings.Fields(args)); code != exitFailed || !strings.Contains(stderr.String(), "no server answers") {
			t.Errorf("skewatch %s: exit code %d, %q, want that no server answers", args, code, stderr.String())
		}
	}
}

func TestAuthor(t *testing.T) {
	for environ, want := range map[string]string{"SUDO_USER=anna LOGNAME=root USER=root": "anna", "LOGNAME=bob": "bob", "USER=carol": "carol"} {
		if have := testProgram(strings.Fields(environ)...).login(); have != want {
			t.Errorf("with %s the author is %q, want %q", environ, have, want)
		}
	}
	if testProgram().login() == "" {
		t.Error("without variables nobody is logged in")
	}
}

func TestLater(t *testing.T) {
	for text, want := range map[string]time.Time{"": {}, "90m": noon.Add(90 * time.Minute), "7d": noon.Add(7 * 24 * time.Hour), "2026-03-01T15:00:00+02:00": noon.Add(time.Hour)} {
		if have, err := later("--from", text, noon); err != nil || !have.Equal(want) {
			t.Errorf("later(%q) = %v, %v, want %v", text, have, err, want)
		}
	}
}
