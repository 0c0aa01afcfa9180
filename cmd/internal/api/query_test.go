package api

import (
	"errors"
	"math"
	"net/url"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/skewatch/skewatch/analysis"
	"github.com/skewatch/skewatch/analysis/report"
)

var (
	noon    = time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)
	instant = time.Date(2026, time.March, 1, 12, 0, 0, 123456789, time.UTC)
)

func TestQueryRoundTrip(t *testing.T) {
	for _, want := range []ReportQuery{
		{},
		{Query: Query{Since: noon}},
		{Query: Query{Until: instant, Host: "web*"}},
		{Query: Query{Since: noon, Until: instant, Host: "a&b=c d%?[x-z]é", Follow: true, Raw: true, After: math.MaxUint64}},
		{Query: Query{Clock: ClockSent, Grep: `a&b=\d+ é;(?i)x`, App: "ssh*", Severity: "err"}},
		{Profile: &report.Profile{Name: "custom", Warn: 0.1, Crit: 1.0 / 3}, Everyone: true},
	} {
		values, err := url.ParseQuery(want.Values().Encode())
		if err != nil {
			t.Fatal(err)
		}
		if have, err := ParseReportQuery(values); want.Grep == "" && (err != nil || !reflect.DeepEqual(have, want)) {
			t.Errorf("%q is read as %+v, %v, want %+v", values.Encode(), have, err, want)
		}
		if want.Profile != nil {
			continue
		}
		if have, err := ParseQuery(values); err != nil || !reflect.DeepEqual(have, want.Query) {
			t.Errorf("%q is read as %+v, %v, want %+v", values.Encode(), have, err, want.Query)
		}
	}
}

// TestQueryByHand reads what a person would type.
func TestQueryByHand(t *testing.T) {
	tests := []struct {
		text string
		want Query
	}{
		{"since=2026-03-01T14:00:00%2b02:00", Query{Since: noon}},
		{"host=WEB*&follow=1", Query{Host: "web*", Follow: true}},
		{"raw=false&after=0&host=", Query{}},
		{"clock=received&grep=&progress=false", Query{}},
		{"clock=sent&grep=a%2Bb", Query{Clock: ClockSent, Grep: "a+b"}},
	}
	for _, tt := range tests {
		values, err := url.ParseQuery(tt.text)
		if err != nil {
			t.Fatal(err)
		}
		have, err := ParseQuery(values)
		if err != nil || !have.Since.Equal(tt.want.Since) {
			t.Errorf("%q is read as %+v, %v, want %+v", tt.text, have, err, tt.want)
		}
		if have.Since = tt.want.Since; !reflect.DeepEqual(have, tt.want) {
			t.Errorf("%q is read as %+v, want %+v", tt.text, have, tt.want)
		}
	}
}

func TestBadQueries(t *testing.T) {
	const profile = "profile=custom&warn_seconds=1&crit_seconds=2"
	tests := []struct{ text, parameter, value string }{
		{"since=yesterday", "since", "yesterday"},
		{"since=", "since", ""},
		{"until=2026-03-01", "until", "2026-03-01"},
		{"host=%5Ba", "host", "[a"},
		{"follow=maybe", "follow", "maybe"},
		{"raw=", "raw", ""},
		{"after=-1", "after", "-1"},
		{"after=18446744073709551616", "after", "18446744073709551616"},
		{"sinze=2026-03-01T12:00:00Z", "sinze", "2026-03-01T12:00:00Z"},
		{"host=a&host=b", "host", "a"},
		{"warn_seconds=1", "warn_seconds", "1"},
		{"profile=custom", "warn_seconds", ""},
		{"profile=custom&warn_seconds=0&crit_seconds=2", "warn_seconds", "0"},
		{"profile=custom&warn_seconds=1&crit_seconds=NaN", "crit_seconds", "NaN"},
		{"profile=custom&warn_seconds=Inf&crit_seconds=1", "warn_seconds", "Inf"},
		{profile + "&since=x&host=%5B", "since", "x"},
	}
	for _, tt := range tests {
		values, err := url.ParseQuery(tt.text)
		if err != nil {
			t.Fatal(err)
		}
		_, err = ParseReportQuery(values)
		var bad *QueryError
		if !errors.As(err, &bad) || bad.Parameter != tt.parameter || bad.Value != tt.value || bad.Problem == "" {
			t.Errorf("%q: %v, want an error about %s, %q", tt.text, err, tt.parameter, tt.value)
		}
	}
	values, _ := url.ParseQuery(profile)
	if _, err := ParseQuery(values); err == nil {
		t.Error("a query that isn't for a report takes a profile")
	}
}

// TestMessageQueries reads what only messages can be asked for.
func TestMessageQueries(t *testing.T) {
	for _, tt := range []struct{ text, parameter, value, problem string }{
		{"grep=a%28b", "grep", "a(b", "not a regular expression: missing closing )"},
		{"grep=a%2A%2A", "grep", "a**", `not a regular expression: invalid nested repetition operator: "**"`},
		{"clock=host", "clock", "host", "neither received nor sent"},
		{"clock=", "clock", "", "neither received nor sent"},
		{"progress=50", "progress", "50", "neither true nor false"},
		{"severity=error", "severity", "error", "not a severity: known are emerg, alert, crit, err, warning, notice, info, debug"},
		{"app=%5Ba", "app", "[a", `not a name pattern such as "web*"`},
	} {
		values, err := url.ParseQuery(tt.text)
		if err != nil {
			t.Fatal(err)
		}
		_, err = ParseQuery(values)
		var bad *QueryError
		if !errors.As(err, &bad) || *bad != (QueryError{tt.parameter, tt.problem, tt.value}) {
			t.Errorf("%q: %v, want %s: %s", tt.text, err, tt.parameter, tt.problem)
		}
	}
	asked := url.Values{"progress": {"true"}}
	if q, err := ParseQuery(asked); err != nil || q.Progress == nil || q.Values().Encode() != asked.Encode() {
		t.Errorf("%v is read as %+v, %v, which asks for %v", asked, q, err, q.Values())
	}
	for _, name := range []string{"grep", "clock", "progress", "app", "severity"} {
		values := url.Values{name: {"sent"}}
		_, events := ParseEventQuery(values)
		_, report := ParseReportQuery(values)
		if events == nil || report == nil {
			t.Errorf("%s is taken for events: %v, for a report: %v", name, events, report)
		}
	}
}

// TestEventQueries reads what only events can be asked for.
func TestEventQueries(t *testing.T) {
	want := Query{Host: "web*", Follow: true, MinSeverity: analysis.Crit, Verdicts: []analysis.Verdict{analysis.Ahead, analysis.WrongZone}}
	if have, err := ParseEventQuery(want.Values()); err != nil || !reflect.DeepEqual(have, want) {
		t.Errorf("%v is read as %+v, %v, want %+v", want.Values(), have, err, want)
	}
	_, none := ParseVerdict("fast")
	for _, tt := range []struct{ text, parameter, value, problem string }{
		{"min_severity=error", "min_severity", "error", "neither warn nor crit"},
		{"min_severity=", "min_severity", "", "neither warn nor crit"},
		{"verdict=ahead&verdict=fast", "verdict", "fast", none.Error()},
		{"verdict=", "verdict", "", none.Error()},
		{"min_severity=warn&min_severity=crit", "min_severity", "warn", "given more than once"},
	} {
		values, err := url.ParseQuery(tt.text)
		if err != nil {
			t.Fatal(err)
		}
		_, err = ParseEventQuery(values)
		var bad *QueryError
		if !errors.As(err, &bad) || *bad != (QueryError{tt.parameter, tt.problem, tt.value}) {
			t.Errorf("%q: %v, want %s: %s", tt.text, err, tt.parameter, tt.problem)
		}
	}
	for name, value := range map[string]string{"min_severity": "crit", "verdict": "ahead"} {
		values := url.Values{name: {value}}
		_, messages := ParseQuery(values)
		_, report := ParseReportQuery(values)
		if messages == nil || report == nil {
			t.Errorf("%s is taken for messages: %v, for a report: %v", name, messages, report)
		}
	}
}

func TestVerifyQueries(t *testing.T) {
	q := VerifyQuery{Keys: "a+1+key\nb+2+key", Heads: []string{"one\n", "two"}, Progress: func(Progress) {}}
	have, err := ParseVerifyQuery(q.Values())
	if err != nil || have.Keys != q.Keys || !slices.Equal(have.Heads, q.Heads) || have.Progress == nil {
		t.Errorf("%+v is read as %+v, %v", q, have, err)
	}
	for _, wrong := range []url.Values{{"host": {"web1"}}, {"keys": {"a", "b"}}, {"progress": {"50"}}} {
		if _, err := ParseVerifyQuery(wrong); err == nil {
			t.Errorf("%v is taken", wrong)
		}
	}
}

func TestTimelineQueries(t *testing.T) {
	for _, want := range []TimelineQuery{
		{},
		{Query: Query{Since: noon, Until: instant, Host: "web*", Raw: true, Grep: "a.b", App: "ssh*", Severity: "warning"}},
		{Around: 7, Span: 90 * time.Second},
	} {
		if have, err := ParseTimelineQuery(want.Values()); err != nil || !reflect.DeepEqual(have, want) {
			t.Errorf("%+v is read as %+v, %v", want, have, err)
		}
	}
	for text, parameter := range map[string]string{
		"around=x": "around", "around=7": "span_seconds", "around=7&span_seconds=-1": "span_seconds", "span_seconds=1": "span_seconds",
		"follow=true": "follow", "after=7": "after", "clock=sent": "clock", "severity=bad": "severity",
	} {
		values, err := url.ParseQuery(text)
		if err != nil {
			t.Fatal(err)
		}
		var bad *QueryError
		if _, err := ParseTimelineQuery(values); !errors.As(err, &bad) || bad.Parameter != parameter {
			t.Errorf("%q: %v, want an error about %s", text, err, parameter)
		}
	}
}
