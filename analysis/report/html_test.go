package report

import (
	"bytes"
	"strings"
	"testing"
)

// What a host sends is text wherever it stands.
func TestPagesHoldNoMarkupOfHosts(t *testing.T) {
	r := fixed()
	const hostile = "<script>alert(1)</script>\u202e\x1b[31m |*x*[y](javascript:z)&\"'`"
	h := &r.Hosts[0]
	h.Host, h.Explanation, h.Claims = hostile, hostile, []string{hostile}
	r.Series = []Series{{Host: hostile, Source: h.Source, Trust: h.Trust, Points: []Point{{*at(12, 0, 0), 0, 0, 1}}}}
	for name, write := range map[string]func(*bytes.Buffer) error{
		"HTML":     func(b *bytes.Buffer) error { return r.WriteHTML(b) },
		"Markdown": func(b *bytes.Buffer) error { return r.WriteMarkdown(b) },
	} {
		var b bytes.Buffer
		if err := write(&b); err != nil {
			t.Fatal(err)
		}
		for _, bad := range []string{"<script", "\u202e", "\x1b", " |*x*", "[y](java"} {
			if name == "HTML" && strings.ContainsAny(bad, "|[") {
				continue // means nothing there
			}
			if strings.Contains(b.String(), bad) {
				t.Errorf("%s holds %q:\n%s", name, bad, b.String())
			}
		}
	}
}

func TestWorstFirst(t *testing.T) {
	row := func(host, compliance, verdict string, offset float64) Row {
		return Row{Host: host, Compliance: compliance, Verdict: verdict, Offset: &offset}
	}
	r := &Report{Hosts: []Row{
		row("good", "pass", "in-sync", 0.1), row("vague", "insufficient", "insufficient", 0.5), row("late", "fail", "late", -3),
		row("far", "fail", "ahead", 40), row("backlog", "pass", "backlog", 0), row("mute", "insufficient", "no-clock", 0),
	}}
	var order []string
	for _, h := range r.worstFirst() {
		order = append(order, h.Host)
	}
	if have, want := strings.Join(order, " "), "far late backlog vague mute good"; have != want {
		t.Errorf("worst first: %s, want %s", have, want)
	}
}

// TestLegendNamesWhatIsShown wants pages for people to name no field that only JSON and CSV
// have, and each figure of their table.
func TestLegendNamesWhatIsShown(t *testing.T) {
	r := fixed()
	for _, format := range []string{"html", "md"} {
		var page strings.Builder
		if err := r.Write(&page, format); err != nil {
			t.Fatal(err)
		}
		text := strings.ReplaceAll(page.String(), `\_`, "_")
		_, foot, found := strings.Cut(text, "What these figures mean")
		if !found {
			t.Fatalf("%s: no legend in %s", format, text)
		}
		for _, column := range []string{"Offset", "Low", "High", "Skew", "Out of tolerance", "Compliance"} {
			if !strings.Contains(foot, column) {
				t.Errorf("%s: the legend doesn't say what %s is: %s", format, column, foot)
			}
		}
		for _, name := range append(columns(), "offset_p50", "offset_low", "least_delay_seconds") {
			if strings.Contains(name, "_") && strings.Contains(foot, name) {
				t.Errorf("%s: the legend names %s, which isn't shown: %s", format, name, foot)
			}
		}
	}
}
