package testbed

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/skewatch/skewatch/analysis/report"
)

// The reports that are printed in tests are made up: they have of everything that one may
// show.

var galleryEnd = time.Date(2026, 3, 8, 12, 0, 0, 0, time.UTC)

const galleryDays = 7

// orderly returns a report of so many hosts, all of which are in order.
func orderly(hosts int) *report.Report {
	since := galleryEnd.Add(-galleryDays * 24 * time.Hour)
	stratum, offset, bound := 2, -2e-6, 1e-3
	r := &report.Report{Header: report.Header{
		Generated: galleryEnd, Asked: report.Period{Since: &since}, Effective: report.Period{Since: &since},
		Collector: report.Collector{Host: "collector.example.net", Version: "v1.2.3", ConfigHash: "53a723da259d"},
		Reference: report.Reference{State: "synchronised", Source: "ntp1.example.net:123", Stratum: &stratum, Offset: &offset, Bound: &bound, Gaps: []report.Gap{}},
		Profile:   report.Profile{Name: "default", Warn: 1, Crit: 5}, Estimator: report.Estimator{LeastDelay: 0.05, MaxSkew: 200}, Notes: report.Notes(),
	}}
	for i := range hosts {
		r.Hosts = append(r.Hosts, galleryRow(fmt.Sprintf("web%03d.example.net", i), "in-sync", "pass", float64(i%7)*1e-3))
	}
	return r
}

func galleryRow(host, verdict, compliance string, offset float64) report.Row {
	low, high, skew, bound := offset-0.003, offset+0.048, 1.25, 0.1
	first, last := galleryEnd.Add(-galleryDays*24*time.Hour), galleryEnd.Add(-time.Second)
	return report.Row{
		Host: host, Source: "192.0.2.7", Trust: "handshake", Messages: 604_800, First: &first, Last: &last, StampFormat: "rfc5424", Zone: "+00:00",
		Offset: &offset, OffsetLow: &low, OffsetHigh: &high, Skew: &skew, SkewBound: &bound, OffsetP50: &offset, OffsetP95: &offset, OffsetMax: &offset,
		Verdict: verdict, Explanation: "within " + report.Offset(&low) + " s and " + report.Offset(&high) + " s", Compliance: compliance,
	}
}

// gallery returns a report with every verdict, many of them drawn, names that want to break
// the layout, and everything that may have happened to the collector's clock, before so many
// hosts that are in order.
func gallery(inOrder int) *report.Report {
	r := orderly(inOrder)
	r.Header.Reference.State, r.Header.Reference.Reason = "holdover", "no source has answered for 17 minutes"
	begin := galleryEnd.Add(-galleryDays * 24 * time.Hour)
	back := begin.Add(26 * time.Hour)
	r.Header.Reference.Gaps = []report.Gap{
		{From: begin.Add(25 * time.Hour), To: &back, State: "not running"}, {From: galleryEnd.Add(-17 * time.Minute), State: "holdover"}}
	r.Header.Reference.Moves = []report.Move{{At: back, Until: &galleryEnd, Seconds: 5, Moved: 30, Voters: 30,
		Text: "the collector's clock or its network moved by about 5.0 s: 30 of 30 peers moved together at 13:00:00 and seem ahead by that much"}}
	r.Header.Reference.Events = []report.ClockEvent{{At: back, Seconds: 0.5, Text: "our own clock was set forward by 0.500 s: the sources are asked again, and verdicts are held meanwhile"}}
	for i, v := range galleryVerdicts {
		row := galleryRow(v.host, v.verdict, v.compliance, v.offset)
		row.Explanation, row.OutOfTolerance = v.why, v.out
		if v.source != "" {
			row.Source = v.source
		}
		if v.verdict == "no-clock" || v.verdict == "silent" {
			row.Offset, row.OffsetLow, row.OffsetHigh, row.Skew = nil, nil, nil, nil
		} else {
			r.Series = append(r.Series, gallerySeries(&row, i))
		}
		happened(&row, v.steps, i)
		r.Hosts = append(r.Hosts, row)
	}
	return r
}

// happened adds steps, and to every third row a backlog and claims.
func happened(row *report.Row, steps, i int) {
	for s := range steps {
		row.Steps = append(row.Steps, report.Step{At: galleryEnd.Add(-time.Duration(galleryDays*24*(steps-s)/(steps+1)) * time.Hour), Seconds: 1.25})
	}
	if i%3 == 0 {
		row.Backlogs = []report.Backlog{{From: galleryEnd.Add(-30 * time.Hour), To: galleryEnd.Add(-29 * time.Hour), Messages: 7200, Oldest: 3605}}
		row.Claims = []string{"timeQuality: tzKnown=1 isSynced=1", "somebody else speaks as " + row.Host + ", over udp from 198.51.100.66"}
	}
}

// gallerySeries returns the course of an offset: a slow wave, a line or a step, with an
// outage of two hours.
func gallerySeries(row *report.Row, shape int) report.Series {
	s := report.Series{Host: row.Host, Source: row.Source, Trust: row.Trust}
	const points = galleryDays * 24 * 12
	for i := range points {
		if i > 1200 && i < 1224 {
			continue
		}
		offset := *row.Offset
		switch shape % 3 {
		case 0:
			offset += 0.02 * math.Sin(float64(i)/100)
		case 1:
			offset *= float64(i) / points
		case 2:
			if i < points/3 {
				offset = 0.01
			}
		}
		at := galleryEnd.Add(-time.Duration(points-i) * 5 * time.Minute)
		s.Points = append(s.Points, report.Point{At: at, Low: offset - 0.003, Offset: offset, High: offset + 0.048})
	}
	return s
}

var galleryVerdicts = []struct {
	host, source, verdict, compliance string
	offset, out                       float64
	steps                             int
	why                               string
}{
	{"cam7", "", "ahead", "fail", 37.5, 604_799, 0, "ahead by 37.483 s at least, proved: messages arrived before the time they were stamped with"},
	{"db1.production.eu-west-1.compute.internal.example.net", "2001:db8:1111:2222:3333:4444:5555:6666", "late", "fail", -3.2, 7_200, 1,
		"behind, or its messages are delayed, by 3.148 s at least; one-way stamps can't tell which (δ 50 ms assumed)"},
	{"mail1", "", "wrong-zone", "fail", 3600, 604_799, 0, "offset +3600.000 s: the zone is 1 h east of where it should be: it reads ahead; or DST is not as it should be"},
	{"printer", "", "wrong-date", "fail", -7_776_000, 604_799, 0, "off by 90 days: the date is wrong"},
	{"plc-17", "", "dead-rtc", "fail", -1_772_971_200, 604_799, 0, "it shows 1970-01-01T00:02:11Z: a clock that lost its power"},
	{"ups", "", "stuck", "insufficient", -86_400, 3_600, 0, "one stamp has been repeated over 400 messages"},
	{"set.example.net", "", "stepped", "pass", 0.004, 86_400, 40, "it was set by +1.250 s at 2026-03-08T11:55:00Z"},
	{"lonely", "", "drifting", "insufficient", 0.9, 0, 0, "gains 200.3 ppm, 17.3 s a day, for 7 days: nothing disciplines it"},
	{"vpn-gw", "", "backlog", "pass", 0.002, 0, 0, "a queue is being flushed: the oldest message is 1h0m5s old"},
	{"localhost", "10.0.0.1", "mixed", "insufficient", 0.2, 0, 0, "two clocks speak under this name, 7200.000 s apart"},
	{strings.Repeat("unbreakable", 6), "", "ahead", "fail", 1.5, 60, 0, "ahead by 1.497 s at least, proved"},
	{"=cmd|' /C calc'!A0", "", "ahead", "fail", 2.5, 60, 0, "ahead by 2.497 s at least, proved"},
	{"<script>alert(1)</script>\u202e", "", "late", "fail", -1.5, 60, 0, "behind"},
	{"quiet", "", "silent", "insufficient", 0, 0, 0, "nothing heard for 26h0m0s, and expected every 1h0m0s"},
	{"mute", "", "no-clock", "insufficient", 0, 0, 0, "none of 4 messages carries a usable stamp"},
	{"vague", "", "insufficient", "insufficient", 0.7, 0, 0, "the interval from -0.200 s to +1.200 s straddles the tolerance"},
}
