package report

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"flag"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the golden files anew")

func at(hour, minute, second int) *time.Time {
	t := time.Date(2026, time.March, 1, hour, minute, second, 0, time.UTC)
	return &t
}

// fixed returns a report in which everything that can be said is said, and one in
// which nothing is known.
func fixed() *Report {
	stratum, kind := 4, "phase"
	return &Report{
		Header: Header{
			Generated: *at(12, 34, 56), Asked: Period{Since: at(12, 1, 0)}, Effective: Period{Since: at(12, 0, 0)},
			Collector: Collector{Host: "logs", Version: "v0.1.0", ConfigHash: "0123456789ab"},
			Reference: Reference{State: "synchronised", Source: "192.0.2.1:123", Stratum: &stratum, Offset: number(-12e-6), Bound: number(3e-3),
				Gaps:  []Gap{{From: *at(12, 5, 0), To: at(12, 6, 0), State: "holdover"}},
				Moves: []Move{{At: *at(12, 7, 0), Until: at(12, 8, 0), Seconds: 5.01, Moved: 27, Voters: 30, Text: "our own clock was measured to have moved: that explains the move of 27 of 30 peers by about 5.0 s at 12:07:00"}}},
			Profile:   Profile{Name: "default", Warn: 1, Crit: 5},
			Estimator: Estimator{LeastDelay: 0.05, MaxSkew: 200},
			Notes:     Notes(),
		},
		Hosts: []Row{
			{
				Host: "ahead", Source: "192.0.2.7", Trust: "handshake", Messages: 12345678, First: at(12, 0, 1), Last: at(12, 30, 0),
				StampFormat: "bsd", Resolution: number(1), Zone: "Europe/Paris", Offset: number(37.5), OffsetLow: number(37.4991234), OffsetHigh: number(37.5567),
				BoundKind: &kind, Skew: number(-12.345), SkewBound: number(0.6), OffsetP50: number(37.5), OffsetP95: number(37.6), OffsetMax: number(37.7),
				Verdict: "ahead", Explanation: "ahead by 37.499 s at least, proved: messages arrived before the time they were stamped with",
				Steps:    []Step{{At: *at(12, 10, 0), Seconds: 37.25}},
				Backlogs: []Backlog{{From: *at(12, 20, 0), To: *at(12, 21, 0), Messages: 600, Oldest: 540.5}},
				Claims:   []string{`timeQuality: tzKnown=1 isSynced=1, "so it says"`}, OutOfTolerance: 1799, Compliance: "fail", Tolerance: 1,
				Check: "run `chronyc tracking` there: is it synchronised?",
			},
			{
				Host: "good, \"well\"\nkept", Source: "2001:db8:0:1:2:3:4:5", Trust: "udp", Messages: 4, First: at(12, 0, 0), Last: at(12, 0, 9),
				StampFormat: "rfc5424", Zone: "+00:00", Offset: number(0), OffsetLow: number(-0.0001), OffsetHigh: number(0.0502),
				OffsetP50: number(0), OffsetP95: number(0), OffsetMax: number(0), Verdict: "in-sync", Explanation: "within -0.000 s and +0.050 s",
				Steps: []Step{}, Backlogs: []Backlog{}, Claims: []string{}, Compliance: "pass", Tolerance: 1,
			},
			{
				Host: "mute", Source: "192.0.2.9", Trust: "udp", Messages: 1, First: at(12, 0, 0), Last: at(12, 0, 0), StampFormat: "none", Zone: "UTC",
				Verdict: "no-clock", Explanation: "its one message carries no usable stamp", Steps: []Step{}, Backlogs: []Backlog{}, Claims: []string{},
				Compliance: "insufficient", Tolerance: 0.05,
			},
		},
	}
}

func TestFormats(t *testing.T) {
	tests := []struct {
		golden string
		write  func(*Report, io.Writer) error
	}{
		{"report.txt", (*Report).WriteTable},
		{"compliance.txt", func(r *Report, w io.Writer) error {
			r.Compliance, r.Header.Profile = true, Profile{Name: "finra", Warn: 0.05, Crit: 0.05}
			r.Header.Reference.Trusted, r.Hosts[1].Claims = true, []string{"timeQuality: isSynced=0", "somebody else speaks as good, over udp from 192.0.2.66"}
			return r.WriteTable(w)
		}},
		{"empty.txt", func(r *Report, w io.Writer) error {
			r.Hosts, r.Header.Asked.Since = nil, nil
			return r.WriteTable(w)
		}},
		{"report.csv", (*Report).WriteCSV},
		{"report.json", (*Report).WriteJSON},
		{"report.md", (*Report).WriteMarkdown},
		{"report.html", func(r *Report, w io.Writer) error {
			r.Hosts[2].Host = "mute <script>alert(1)</script>\u202e | *x* [y](z)"
			r.Series = []Series{{Host: "ahead", Source: "192.0.2.7", Trust: "handshake", Points: []Point{
				{*at(12, 5, 0), -0.01, 0.24, 0.26}, {*at(12, 9, 59), 0.2, 0.25, 0.27}, {*at(12, 15, 0), 37.48, 37.5, 37.56}, {*at(12, 30, 0), 37.49, 37.5, 37.55}}}}
			return r.WriteHTML(w)
		}},
	}
	for _, tt := range tests {
		var have bytes.Buffer
		if err := tt.write(fixed(), &have); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join("testdata", tt.golden)
		if *update {
			if err := os.WriteFile(path, have.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if have.String() != string(want) {
			t.Errorf("%s is\n%s\nwant\n%s", tt.golden, &have, want)
		}
	}
}

// TestJSONIsReadBack proves that a client has the report that the server had.
func TestJSONIsReadBack(t *testing.T) {
	var b bytes.Buffer
	if err := fixed().WriteJSON(&b); err != nil {
		t.Fatal(err)
	}
	have := new(Report)
	if err := json.Unmarshal(b.Bytes(), have); err != nil {
		t.Fatal(err)
	}
	if want := fixed(); !reflect.DeepEqual(have, want) {
		t.Errorf("read back as %+v, want %+v", have, want)
	}
}

// TestCSVSaysWhatJSONSays reads the CSV as any program would, and holds each cell
// against the field of the same name in the JSON.
func TestCSVSaysWhatJSONSays(t *testing.T) {
	var inCSV, inJSON bytes.Buffer
	if err := fixed().WriteCSV(&inCSV); err != nil {
		t.Fatal(err)
	}
	if err := fixed().WriteJSON(&inJSON); err != nil {
		t.Fatal(err)
	}
	table, err := csv.NewReader(&inCSV).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var object struct{ Hosts []map[string]json.RawMessage }
	if err := json.Unmarshal(inJSON.Bytes(), &object); err != nil {
		t.Fatal(err)
	}
	if len(table) != 1+len(object.Hosts) || len(table[0]) != len(object.Hosts[0]) {
		t.Fatalf("the CSV has %d lines and %d columns, want %d and %d", len(table), len(table[0]), 1+len(object.Hosts), len(object.Hosts[0]))
	}
	for i, row := range table[1:] {
		for j, cell := range row {
			name := table[0][j]
			if want := plainOf(t, object.Hosts[i][name]); cell != want {
				t.Errorf("row %d, %s: the cell is %q, want %q", i, name, cell, want)
			}
		}
	}
}

// plainOf returns what a cell of CSV makes of a JSON value.
func plainOf(t *testing.T, raw json.RawMessage) string {
	t.Helper()
	var b bytes.Buffer
	if err := json.Compact(&b, raw); err != nil {
		t.Fatal(err)
	}
	var text string
	switch {
	case b.String() == "null":
		return ""
	case json.Unmarshal(raw, &text) == nil:
		return text
	}
	return b.String()
}

func TestInert(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"", ""}, {"web-1", "web-1"}, {"-3.25", "-3.25"}, {"+01:00", "+01:00"}, {"2026-03-01T12:00:00Z", "2026-03-01T12:00:00Z"},
		{`[{"at":"2026-03-01T12:00:00Z","seconds":-1.5}]`, `[{"at":"2026-03-01T12:00:00Z","seconds":-1.5}]`},
		{"offset -0.2 s; +1 ppm", "offset -0.2 s; +1 ppm"},
		{"=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"}, {"@SUM(A1)", "'@SUM(A1)"}, {"+1+2", "'+1+2"}, {"-2+3+cmd|' /C calc'!A0", "'-2+3+cmd|' /C calc'!A0"},
		{"\t=1", "'\t=1"}, {"\r=1", "'\r=1"}, {"＝1", "'＝1"}, {"-bash: x", "'-bash: x"},
		{"web1;=1+1;x", "web1;'=1+1;x"}, {"a\n=1", "a\n'=1"}, {"-", "-"},
	} {
		if have := Inert(tt.text); have != tt.want {
			t.Errorf("Inert(%q) = %q, want %q", tt.text, have, tt.want)
		}
	}
}

// hostile are texts that a sender may write in a name's place.
var hostile = []string{
	strings.Repeat("x", 500),
	strings.Repeat("long-name ", 40),
	"\x1b[31mred\x1b[0m\a\b\r\n\tno",
	"\u202eesrever\u202c\u200b",
	strings.Repeat("時計", 60),
	strings.Repeat("e\u0301\u0302", 60),
	strings.Repeat("\xff\xfe", 60),
	strings.Repeat("🕰", 80),
	"",
}

// TestTableFits lays out what is longest, and names that want to break the layout.
func TestTableFits(t *testing.T) {
	r := fixed()
	r.Header.Reference.Source = strings.Repeat("ntp.", 60) + "example.net:123"
	r.Header.Reference.Reason = strings.Repeat("no answer within 1 s; ", 20)
	year := 365.25 * 86400.0
	for i, name := range hostile {
		r.Hosts = append(r.Hosts, Row{
			Host: name, Source: "2001:db8:1111:2222:3333:4444:5555:6666", Messages: uint64(1) << (4 * i), Verdict: "insufficient", Compliance: "insufficient",
			Offset: number(-292 * year), OffsetLow: number(-99999.9994), OffsetHigh: number(292 * year), Skew: number(-899.96),
			Explanation: "somebody else speaks as " + name, Claims: []string{name, "somebody else speaks as " + name},
			Check: "find who else sends as " + name,
		})
	}
	var b bytes.Buffer
	for _, r.Compliance = range []bool{false, true} {
		if err := r.WriteTable(&b); err != nil {
			t.Fatal(err)
		}
	}
	for line := range strings.Lines(b.String()) {
		line = strings.TrimSuffix(line, "\n")
		if n := cells(line); n > TableWidth {
			t.Errorf("%d columns: %q", n, line)
		}
		if strings.ContainsFunc(line, func(r rune) bool { return r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 || r == 0x202e || r == 0x200b }) {
			t.Errorf("moves the cursor: %q", line)
		}
	}
}

// cells counts columns as a terminal does, for the characters of this test.
func cells(line string) (n int) {
	for _, r := range line {
		switch r {
		case '時', '計', '🕰':
			n++
		}
		n++
	}
	return n
}

func TestWrap(t *testing.T) {
	word := strings.Repeat("w", 97)
	tests := []struct{ name, indent, text, want string }{
		{"nothing", "  ", "", ""},
		{"one line", "  ", "a  b\tc\n", "  a b c\n"},
		{"exactly full", "", word + " xx", word + " xx\n"},
		{"one too many", "", word + " xxx", word + "\n  xxx\n"},
		{"indented", "    ", word[:94] + " y z", "    " + word[:94] + " y\n      z\n"},
		{"unbreakable", "", word + word[:4] + " end", word + "w\n  www end\n"},
		{"unbreakable and wide", "", strings.Repeat("時", 60), strings.Repeat("時", 49) + "\n  " + strings.Repeat("時", 11) + "\n"},
	}
	for _, tt := range tests {
		if have := Wrap(tt.indent, tt.text); have != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, have, tt.want)
		}
	}
}

func TestCell(t *testing.T) {
	tests := []struct{ text, want string }{
		{"", "      "},
		{"web1", "web1  "},
		{"web123", "web123"},
		{"web1234", "web12…"},
		{"時計", "時計  "},
		{"時計時計", "時計… "},
		{"a\x1bb", `a\x1bb`},
		{"a\u202e", `a\u20…`},
		{"a\xffb", `a\xffb`},
	}
	for _, tt := range tests {
		if have := Cell(tt.text, 6); have != tt.want {
			t.Errorf("Cell(%q, 6) = %q, want %q", tt.text, have, tt.want)
		}
	}
}

func TestPrintable(t *testing.T) {
	tests := []struct{ text, want string }{
		{"", ""},
		{`C:\web "1" é 時`, `C:\web "1" é 時`},
		{"\x1b[31mweb1\x1b]0;x\x07", `\x1b[31mweb1\x1b]0;x\a`},
		{"we\x00b\r\n1\t", `we\x00b\r\n1\t`},
		{"\u202eweb1\u2066\u200d", `\u202eweb1\u2066\u200d`},
		{"\u009b31m\x7f\u00a0", `\u009b31m\x7f\u00a0`},
		{"web\xff\xc0\xaf", `web\xff\xc0\xaf`},
		{"\U000e0041", `\U000e0041`},
		{"\uFFFD", "\uFFFD"},
	}
	for _, tt := range tests {
		if have := Printable(tt.text); have != tt.want {
			t.Errorf("Printable(%q) = %s, want %s", tt.text, have, tt.want)
		}
	}
}

func TestNumbers(t *testing.T) {
	tests := []struct{ have, want string }{
		{Offset(nil), "-"},
		{Offset(number(0)), "+0.000"},
		{Offset(number(-0.0004)), "-0.000"},
		{Offset(number(99999.5)), "+99999.500"},
		{Offset(number(-1.5e9)), "-1500000000"},
		{span(0), "0s"},
		{span(86_399), "23h59m59s"},
		{span(86_400), "1d"},
		{span(604_799), "6d 23h59m"},
		{count(9_999_999), "9999999"},
		{count(10_000_000), "10.0M"},
		{count(12_340_000_000), "12.3G"},
	}
	for _, tt := range tests {
		if tt.have != tt.want {
			t.Errorf("%q, want %q", tt.have, tt.want)
		}
	}
}

// A report of made-up hosts says so in every format that has a header, and before anything else.
func TestSimulated(t *testing.T) {
	r := fixed()
	for format, mark := range map[string]string{"table": "SIMULATED: ", "md": "- **Simulated**: ", "html": "<dt>Simulated</dt>", "json": `"simulated": true`} {
		var plain, marked bytes.Buffer
		r.Header.Simulated = false
		if err := r.Write(&plain, format); err != nil || strings.Contains(plain.String(), mark) {
			t.Errorf("%s: of real hosts it says %q: %v", format, mark, err)
		}
		r.Header.Simulated = true
		if err := r.Write(&marked, format); err != nil || strings.Count(marked.String(), mark) != 1 {
			t.Errorf("%s: it doesn't say %q once: %v", format, mark, err)
		}
	}
}
