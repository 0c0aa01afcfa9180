package config

import (
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/robfig/cron/v3"

	"github.com/skewatch/skewatch/analysis/report"
)

// A Report is one that is made by a schedule.
type Report struct {
	Name     string // none has another's
	Schedule Schedule
	Zone     Zone          // that Schedule is read in
	Period   time.Duration // that a run covers, up to its scheduled time; 0 for since the run before
	Format   string        // one of report.Formats
	Hosts    string        // a glob over host names in lower case; "" for all

	// Profile and the two after it are what compliance is reckoned by; "" for what the
	// server judges by.
	Profile   Profile
	Tolerance time.Duration
	Critical  time.Duration

	Sign      bool     // a signed note goes with each
	Directory string   // that they are written to; "" for none
	Keep      int      // how many stay there; 0 for all
	Mail      string   // the Notify of type email that carries them; "" for none
	To        []string // instead of that output's; empty for the same
}

// Next returns when the report is next due after a time.
func (r *Report) Next(after time.Time) time.Time { return r.Schedule.next(after, r.Zone) }

// Since returns where the period of a run begins.
func (r *Report) Since(run time.Time) time.Time {
	if r.Period > 0 {
		return run.Add(-r.Period)
	}
	return r.Schedule.before(run, r.Zone)
}

// A Schedule says when something is due: five fields as in crontab(5), or one of their
// short forms such as "@daily".
type Schedule struct {
	text string
	spec cron.Schedule
}

// String returns the schedule as it was written.
func (s Schedule) String() string { return s.text }

// next returns the first time after another, in UTC. A time of day that a zone leaves out in
// spring never comes on that day, and one that comes twice in autumn is met twice.
func (s Schedule) next(after time.Time, z Zone) time.Time {
	return s.spec.Next(after.In(z.Location())).UTC()
}

// furthest is how far back a run before is looked for: no schedule rests for longer.
const furthest = 8 * 366 * day

// before returns the last time before another.
func (s Schedule) before(at time.Time, z Zone) time.Time {
	for back := time.Minute; back < furthest; back *= 2 {
		var last time.Time
		for t := s.next(at.Add(-back-time.Second), z); !t.IsZero() && t.Before(at); t = s.next(t, z) {
			last = t
		}
		if !last.IsZero() {
			return last
		}
	}
	return at.Add(-furthest)
}

// The words for what a report covers and leaves on disk.
const (
	sinceLast = "since-last"
	all       = "all"
)

// reportItems makes room for n reports and returns the settings of each.
func (c *Config) reportItems(n int) [][]setting {
	c.Reports = make([]Report, n)
	for i := range c.Reports {
		c.Reports[i].Zone = Zone{"UTC", time.UTC}
		c.Reports[i].Format = "html"
	}
	return c.reportSettings()
}

// reportSettings declares what can be configured for each of the reports.
func (c *Config) reportSettings() [][]setting {
	tables := make([][]setting, len(c.Reports))
	for i := range c.Reports {
		r, at := &c.Reports[i], fmt.Sprintf("reports[%d].", i)
		tables[i] = []setting{
			{key: at + "name", binding: one(&r.Name, outputName)},
			{key: at + "schedule", binding: one(&r.Schedule, schedule)},
			{key: at + "zone", binding: one(&r.Zone, zone)},
			{key: at + "period", binding: one(&r.Period, reportPeriod)},
			{key: at + "format", binding: one(&r.Format, choice(word, report.Formats...))},
			{key: at + "hosts", binding: one(&r.Hosts, hostGlob)},
			{key: at + "profile", binding: one(&r.Profile, choice(word, ProfileDefault, ProfileSRG, ProfileFINRA, ProfileCustom))},
			{key: at + "tolerance", binding: one(&r.Tolerance, duration(time.Microsecond))},
			{key: at + "sign", binding: one(&r.Sign, choice(strconv.FormatBool, true, false))},
			{key: at + "directory", binding: one(&r.Directory, directory)},
			{key: at + "keep", binding: one(&r.Keep, or(all, count(1)))},
			{key: at + "mail", binding: one(&r.Mail, outputName)},
			{key: at + "to", binding: list(&r.To, mailAddress)},
		}
	}
	return tables
}

// checkReports finds what reports lack, and what in them can't work together.
func (l *loader) checkReports() {
	names := map[string]int{}
	for i := range l.config.Reports {
		r, at := &l.config.Reports[i], fmt.Sprintf("reports[%d].", i)
		if other, taken := names[r.Name]; taken {
			l.failItem(at, "name", r.Name, fmt.Sprintf("is reports[%d]'s name too", other), "give each report a name of its own")
		}
		names[r.Name] = i
		if r.Schedule.spec == nil {
			l.failItem(at, "schedule", "", "missing", scheduleHint)
		}
		if l.has(at+"profile") || l.has(at+"tolerance") {
			l.settle(at, &r.Profile, &r.Tolerance, &r.Critical)
		}
		l.checkDestination(r, at)
	}
}

// checkDestination wants a report to go somewhere, and nothing to be said of where it
// doesn't go.
func (l *loader) checkDestination(r *Report, at string) {
	if r.Directory == "" && r.Mail == "" && !l.unread(at+"mail") {
		l.failItem(at, "directory", "", "the report goes nowhere",
			`write "directory: /var/lib/skewatch/reports", or with "mail: …" the name of an output under notify`)
	}
	if r.Directory == "" && l.has(at+"keep") && !l.unread(at+"directory") {
		l.failItem(at, "keep", "", "nothing is written that could be kept", `write "directory: …" beside it`)
	}
	switch {
	case l.unread(at+"mail", "notify"):
	case r.Mail == "" && len(r.To) > 0:
		l.failItem(at, "to", "", "nothing carries the mail", `write "mail: …" beside it, the name of an output under notify`)
	case r.Mail != "":
		l.checkCarrier(r, at)
	}
}

// checkCarrier wants the output that a report names to send mails.
func (l *loader) checkCarrier(r *Report, at string) {
	var mailing []string
	for _, n := range l.config.Notify {
		if n.Type == NotifyEmail {
			mailing = append(mailing, n.Name)
		}
	}
	switch {
	case len(mailing) == 0:
		l.failItem(at, "mail", r.Mail, "no output of type email is configured", `write one under "notify"`)
	case !slices.Contains(mailing, r.Mail):
		l.failItem(at, "mail", r.Mail, "no output of type email has this name", "there are: "+strings.Join(mailing, ", "))
	}
}

// has reports whether a setting was given.
func (l *loader) has(key string) bool { return l.config.origins[key] != origin{} }

// failItem reports what is wrong with a setting of an item whose keys begin with at. What
// isn't there is missed where the item begins.
func (l *loader) failItem(at, name, value, problem, hint string) {
	from := l.config.origins[at+name]
	if from == (origin{}) {
		from = l.config.origins[at+"name"]
	}
	l.fail(at+name, from, value, fault{problem: problem, hint: hint})
}

// scheduleHint shows how a schedule is written.
const scheduleHint = `write minute, hour, day of month, month and day of week: "0 12 * * 5" is Friday noon; or "@daily"`

// schedule is the kind of schedules.
var schedule = kind[Schedule]{format: Schedule.String, parse: func(text string) (Schedule, *fault) {
	switch {
	case strings.HasPrefix(text, "@every"):
		return Schedule{}, &fault{problem: "counts from the server's start, so that each restart would move it",
			hint: `write "0 */6 * * *" for every six hours from midnight on`}
	case strings.Contains(text, "TZ="):
		return Schedule{}, &fault{problem: "holds a zone", hint: `write it as "zone: Europe/Paris" beside it`}
	}
	spec, err := cron.ParseStandard(text)
	if err != nil {
		return Schedule{}, &fault{problem: "not a schedule: " + err.Error(), hint: scheduleHint}
	}
	s := Schedule{text, spec}
	if s.next(time.Unix(0, 0), Zone{"UTC", time.UTC}).IsZero() {
		return Schedule{}, &fault{problem: "never comes", hint: "name a day that the month has"}
	}
	return s, nil
}}

// reportPeriod is the kind of periods of reports.
var reportPeriod = kind[time.Duration]{
	format: func(d time.Duration) string {
		if d == 0 {
			return sinceLast
		}
		return formatAge(d)
	},
	parse: func(text string) (time.Duration, *fault) {
		if text == sinceLast {
			return 0, nil
		}
		d, f := span(5 * time.Minute).parse(text)
		if f != nil && f.hint != "" {
			f.hint += `, or "since-last"`
		}
		return d, f
	},
}

// reportOddities finds reports whose runs reach back further than messages are kept, and
// directories that nobody may find again.
func (c *Config) reportOddities() []Oddity {
	var odd []Oddity
	for i := range c.Reports {
		r := &c.Reports[i]
		if age := c.Retention.Age; age > 0 && r.Period > age {
			odd = append(odd, Oddity{fmt.Sprintf("reports[%d].period", i),
				fmt.Sprintf("%s is longer than retention.age, %s: the reports will lack their beginning", formatAge(r.Period), formatAge(age)),
				"write less, or keep messages for longer"})
		}
		if r.Directory != "" && !filepath.IsAbs(r.Directory) {
			odd = append(odd, Oddity{fmt.Sprintf("reports[%d].directory", i),
				"depends on where the server is started from", "write the whole path"})
		}
	}
	return odd
}
