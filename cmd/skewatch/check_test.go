package main

import (
	"strings"
	"testing"
	"time"

	"github.com/skewatch/skewatch/analysis/report"
)

func TestCheckRow(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	number := func(v float64) *float64 { return &v }
	row := func(verdict string, low, high float64, ago time.Duration) report.Row {
		last := now.Add(-ago)
		return report.Row{Host: "web1", Verdict: verdict, Explanation: "so it is", OffsetLow: number(low), OffsetHigh: number(high), Last: &last}
	}
	for _, tt := range []struct {
		row  report.Row
		want exitCode
	}{
		{row("in-sync", -0.1, 0.1, 0), pluginOK},
		{row("stepped", -0.1, 0.1, 0), pluginOK},
		{row("backlog", -0.1, 0.1, 0), pluginOK},
		{row("ahead", 1.5, 2, 0), pluginWarning},
		{row("ahead", 5.5, 6, 0), pluginCritical},
		{row("late", -9, -8, 0), pluginCritical},
		{row("late", -9, -4, 0), pluginWarning},
		{row("drifting", -0.1, 0.4, 0), pluginWarning},
		{row("wrong-zone", 3599, 3601, 0), pluginCritical},
		{row("mixed", 0, 0, 0), pluginWarning},
		{row("silent", 0, 0, 0), pluginWarning},
		{row("stuck", 0, 0, 0), pluginCritical},
		{row("dead-rtc", 0, 0, 0), pluginCritical},
		{row("wrong-date", 0, 0, 0), pluginWarning},
		{row("insufficient", 0, 0, 0), pluginUnknown},
		{row("no-clock", 0, 0, 0), pluginUnknown},
		{row("in-sync", -0.1, 0.1, 25*time.Hour), pluginUnknown},
		{report.Row{Verdict: "silent"}, pluginWarning},
	} {
		if have := checkRow(&tt.row, 5, now, 24*time.Hour); have.code != tt.want {
			t.Errorf("%s: %s, %q; want %s", tt.row.Verdict, pluginWords[have.code], have.text, pluginWords[tt.want])
		}
	}
}

func TestWorstOf(t *testing.T) {
	good, vague := checked{"good", pluginOK, "in-sync"}, checked{"vague", pluginUnknown, "insufficient"}
	fast, stuck := checked{"fast", pluginWarning, "ahead"}, checked{"stuck", pluginCritical, "stuck"}
	for _, tt := range []struct {
		all  []checked
		want exitCode
		text string
	}{
		{nil, pluginUnknown, `no host that matches "web*" has sent anything for long`},
		{[]checked{good}, pluginOK, "good is in-sync"},
		{[]checked{good, good}, pluginOK, "2 of 2 clocks in order"},
		{[]checked{good, vague}, pluginUnknown, "1 of 2 clocks in order; vague is insufficient"},
		{[]checked{vague, fast, good}, pluginWarning, "1 of 3 clocks in order; fast is ahead; vague is insufficient"},
		{[]checked{fast, stuck}, pluginCritical, "0 of 2 clocks in order; stuck is stuck; fast is ahead"},
		{[]checked{fast, fast, fast, fast, fast, fast, fast}, pluginWarning, "0 of 7 clocks in order" + strings.Repeat("; fast is ahead", 5) + "; and 2 more"},
	} {
		if code, text := worstOf("web*", tt.all); code != tt.want || text != tt.text {
			t.Errorf("%s %q, want %s %q", pluginWords[code], text, pluginWords[tt.want], tt.text)
		}
	}
}

func TestHostsPerfdata(t *testing.T) {
	number := func(v float64) *float64 { return &v }
	rep := &report.Report{Header: report.Header{Profile: report.Profile{Warn: 1, Crit: 5}}, Hosts: []report.Row{
		{Host: "a", Offset: number(-40.25), OffsetLow: number(-41), OffsetHigh: number(-40), Skew: number(1.5), Tolerance: 1}}}
	if have, want := hostsPerfdata(rep), "offset=-40.25s;-1:1;-5:5;; offset_low=-41s;;;; offset_high=-40s;;;; skew_ppm=1.5;;;;"; have != want {
		t.Errorf("of one: %q, want %q", have, want)
	}
	for _, tt := range []struct {
		own  float64
		want string
	}{{0.05, "-0.05:0.05;-5:5"}, {30, "-30:30;-30:30"}} {
		rep.Hosts[0].Tolerance = tt.own
		if have := hostsPerfdata(rep); !strings.HasPrefix(have, "offset=-40.25s;"+tt.want+";; ") {
			t.Errorf("with a tolerance of its own of %g s the figures are %q, want the limits %s", tt.own, have, tt.want)
		}
	}
	rep.Hosts = append(rep.Hosts, report.Row{Host: "b", Offset: number(3), Tolerance: 1}, report.Row{Host: "c", Tolerance: 1})
	if have, want := hostsPerfdata(rep), "hosts=3;;;0; worst_offset=-40.25s;-30:30;-30:30;;"; have != want {
		t.Errorf("of several: %q, want %q", have, want)
	}
}
