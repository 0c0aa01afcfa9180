package config

import (
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestReports(t *testing.T) {
	c := mustLoad(t, everything, nil, nil)
	for i := range c.Reports {
		c.Reports[i].Schedule.spec = nil // TestSchedule looks at these
	}
	utc := Zone{"UTC", time.UTC}
	paris, _ := parseZone("Europe/Paris")
	want := []Report{
		{Name: "weekly", Schedule: Schedule{text: "0 12 * * 5"}, Zone: paris, Period: 7 * day, Format: "csv", Hosts: "db*",
			Profile: ProfileSRG, Tolerance: time.Second, Critical: time.Second, Sign: true, Directory: "/srv/reports", Keep: 52},
		{Name: "minutes", Schedule: Schedule{text: "*/5 * * * *"}, Zone: utc, Format: "html",
			Profile: ProfileCustom, Tolerance: 20 * time.Millisecond, Critical: 100 * time.Millisecond, Mail: "mail", To: []string{"boss@example.net"}},
		{Name: "daily", Schedule: Schedule{text: "@daily"}, Zone: utc, Format: "html", Directory: "/srv/reports"},
	}
	if !reflect.DeepEqual(c.Reports, want) {
		t.Errorf("reports are\n%+v, want\n%+v", c.Reports, want)
	}
}

// TestSchedule shows when a report is due and what it covers, across changes of the clocks
// in its zone.
func TestSchedule(t *testing.T) {
	tests := []struct{ name, schedule, zone, after, next, since string }{
		{"a weekday", "0 12 * * 5", "UTC", "2026-11-21T00:00:00Z", "2026-11-27T12:00:00Z", "2026-11-20T12:00:00Z"},
		{"not at the time itself", "0 12 * * 5", "UTC", "2026-11-27T12:00:00Z", "2026-12-04T12:00:00Z", "2026-11-27T12:00:00Z"},
		{"a short form", "@daily", "UTC", "2026-11-21T00:00:01Z", "2026-11-22T00:00:00Z", "2026-11-21T00:00:00Z"},
		{"every minute", "* * * * *", "UTC", "2026-11-21T00:00:00.5Z", "2026-11-21T00:01:00Z", "2026-11-21T00:00:00Z"},
		{"a leap day", "0 0 29 2 *", "UTC", "2026-11-21T00:00:00Z", "2028-02-29T00:00:00Z", "2024-02-29T00:00:00Z"},
		{"the first or a Monday", "0 6 1 * 1", "UTC", "2026-11-24T00:00:00Z", "2026-11-30T06:00:00Z", "2026-11-23T06:00:00Z"},
		{"an offset", "0 0 * * *", "+05:30", "2026-11-21T00:00:00Z", "2026-11-21T18:30:00Z", "2026-11-20T18:30:00Z"},
		{"the day has 23 hours", "0 12 * * *", "Europe/Paris", "2026-03-28T12:00:00Z", "2026-03-29T10:00:00Z", "2026-03-28T11:00:00Z"},
		{"the day has 25 hours", "0 12 * * *", "Europe/Paris", "2026-10-24T12:00:00Z", "2026-10-25T11:00:00Z", "2026-10-24T10:00:00Z"},
		{"left out in spring", "30 2 * * *", "Europe/Paris", "2026-03-28T02:00:00Z", "2026-03-30T00:30:00Z", "2026-03-28T01:30:00Z"},
		{"first in autumn", "30 2 * * *", "Europe/Paris", "2026-10-24T22:00:00Z", "2026-10-25T00:30:00Z", "2026-10-24T00:30:00Z"},
		{"again in autumn", "30 2 * * *", "Europe/Paris", "2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z", "2026-10-25T00:30:00Z"},
		{"no midnight", "0 0 * * *", "America/Santiago", "2026-09-05T12:00:00Z", "2026-09-07T03:00:00Z", "2026-09-05T04:00:00Z"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, f := schedule.parse(tt.schedule)
			if f != nil {
				t.Fatalf("%q: %s", tt.schedule, f.problem)
			}
			z, f := parseZone(tt.zone)
			if f != nil {
				t.Fatalf("%q: %s", tt.zone, f.problem)
			}
			after, err := time.Parse(time.RFC3339, tt.after)
			if err != nil {
				t.Fatal(err)
			}
			r := Report{Schedule: s, Zone: z}
			next := r.Next(after)
			if got := next.Format(time.RFC3339); got != tt.next {
				t.Errorf("after %s, %q in %s is next due at %s, want %s", tt.after, tt.schedule, tt.zone, got, tt.next)
			}
			if got := r.Since(next).Format(time.RFC3339); got != tt.since {
				t.Errorf("what is due at %s covers the time since %s, want %s", tt.next, got, tt.since)
			}
			r.Period = 36 * time.Hour
			if got := r.Since(next); next.Sub(got) != r.Period {
				t.Errorf("with a period of %v it covers the time since %v", r.Period, got)
			}
		})
	}
}

func TestReportErrors(t *testing.T) {
	const email = "notify: [{name: m, type: email, smtp: 'm:25', from: a@b, to: [a@b]}]\n"
	tests := []struct{ before, item, want, hint string }{
		{"", "schedule: '@daily', directory: d", `config: reports[0].name: missing at :2`, `begin the item with it, such as "name: weekly"`},
		{"", "name: a, directory: d", `config: reports[0].schedule: missing at :2`, scheduleHint},
		{"", "name: a, directory: d, schedule: daily", `config: reports[0].schedule: not a schedule: expected exactly 5 fields, found 1: [daily] (got "daily") at :2`, scheduleHint},
		{"", "name: a, directory: d, schedule: 60 * * * *", `config: reports[0].schedule: not a schedule: end of range (60) above maximum (59): 60 (got "60 * * * *") at :2`, scheduleHint},
		{"", "name: a, directory: d, schedule: 0 0 31 2 *", `config: reports[0].schedule: never comes (got "0 0 31 2 *") at :2`, `name a day that the month has`},
		{"", "name: a, directory: d, schedule: '@every 6h'", `config: reports[0].schedule: counts from the server's start, so that each restart would move it (got "@every 6h") at :2`,
			`write "0 */6 * * *" for every six hours from midnight on`},
		{"", "name: a, directory: d, schedule: TZ=UTC", `config: reports[0].schedule: holds a zone (got "TZ=UTC") at :2`, `write it as "zone: Europe/Paris" beside it`},
		{"", "name: a, directory: d, schedule: '@daily', zone: CEST", `config: reports[0].zone: not a time zone (got "CEST") at :2`,
			`write "UTC", an offset such as "+02:00", or an IANA name such as "Europe/Paris"`},
		{"", "name: a, directory: d, schedule: '@daily', period: 1m", `config: reports[0].period: below the least of 5m (got "1m") at :2`, ``},
		{"", "name: a, directory: d, schedule: '@daily', period: week", `config: reports[0].period: not a span of time (got "week") at :2`,
			`write a number and a unit (s, m, h, d), such as "36h" or "7d"; at most some hundred years, or "since-last"`},
		{"", "name: a, directory: d, schedule: '@daily', format: pdf", `config: reports[0].format: not one of table, json, csv, md, html (got "pdf") at :2`, ``},
		{"", "name: a, directory: d, schedule: '@daily', hosts: '[a'", `config: reports[0].hosts: not a name pattern (got "[a") at :2`, `write a name with * and ? for any part, such as "web*"`},
		{"", "name: a, directory: d, schedule: '@daily', profile: custom", `config: reports[0].profile: needs a tolerance (got "custom") at :2`, `give one, such as "2s"`},
		{"", "name: a, directory: d, schedule: '@daily', profile: srg, tolerance: 2s", `config: reports[0].tolerance: contradicts profile srg, which allows 1s (got "2s") at :2`,
			`remove one of the two, or make the profile custom`},
		{"", "name: a, directory: d, schedule: '@daily', sign: maybe", `config: reports[0].sign: not one of true, false (got "maybe") at :2`, ``},
		{"", "name: a, directory: d, schedule: '@daily', keep: 0", `config: reports[0].keep: below the least of 1 (got "0") at :2`, ``},
		{"", "name: a, directory: d, schedule: '@daily', keep: few", `config: reports[0].keep: not a whole number (got "few") at :2`, `write digits only, from 1 to 10000000, or "all"`},
		{"", "name: a, schedule: '@daily'", `config: reports[0].directory: the report goes nowhere at :2`,
			`write "directory: /var/lib/skewatch/reports", or with "mail: …" the name of an output under notify`},
		{email, "name: a, schedule: '@daily', mail: m, keep: 3", `config: reports[0].keep: nothing is written that could be kept at :3`, `write "directory: …" beside it`},
		{"", "name: a, schedule: '@daily', directory: d, to: [a@b]", `config: reports[0].to: nothing carries the mail at :2`, `write "mail: …" beside it, the name of an output under notify`},
		{email, "name: a, schedule: '@daily', mail: m, to: [boss]", `config: reports[0].to[0]: not an e-mail address (got "boss") at :3`,
			`write it as "ops@example.net" or "Operations <ops@example.net>"`},
		{"", "name: a, schedule: '@daily', mail: m", `config: reports[0].mail: no output of type email is configured (got "m") at :2`, `write one under "notify"`},
		{email, "name: a, schedule: '@daily', mail: n", `config: reports[0].mail: no output of type email has this name (got "n") at :3`, `there are: m`},
		{"", "name: a, schedule: '@daily', directory: d}\n  - {name: a, schedule: '@daily', directory: d", `config: reports[1].name: is reports[0]'s name too (got "a") at :3`,
			`give each report a name of its own`},
	}
	for _, tt := range tests {
		_, err := load(t, tt.before+"reports:\n  - {"+tt.item+"}\n", nil, nil)
		checkError(t, tt.item, err, tt.want, tt.hint)
	}
}

func TestReportOddities(t *testing.T) {
	c := mustLoad(t, "retention: {age: 7d}\nreports: [{name: a, schedule: '@monthly', period: 31d, directory: reports}]", nil, nil)
	var odd []string
	for _, o := range c.Oddities() {
		if strings.HasPrefix(o.Field, "reports") {
			odd = append(odd, o.String())
		}
	}
	want := []string{"reports[0].period: 31d is longer than retention.age, 7d: the reports will lack their beginning",
		"reports[0].directory: depends on where the server is started from"}
	if !reflect.DeepEqual(odd, want) {
		t.Errorf("odd is %q, want %q", odd, want)
	}
}
