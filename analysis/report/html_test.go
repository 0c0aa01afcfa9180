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
