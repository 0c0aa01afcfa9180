package notify

import (
	"context"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/skewatch/skewatch/analysis/report"
	"github.com/skewatch/skewatch/cmd/internal/api"
	"github.com/skewatch/skewatch/cmd/internal/config"
)

// An alertmanager posts alerts to a Prometheus Alertmanager (API v2). There is one alert for
// each host and source, and one for each rule and what it was found of. Its labels stay the same from raise to clear, or it would never be
// resolved: what may change, such as verdict and severity, stands in annotations.
type alertmanager struct {
	*endpoint
	output string
	server func() string // the base of our own API; "" for none
}

// The names of alerts.
const (
	alertWrong  = "ClockWrong"        // a warning: lasts until it is cleared
	alertNotice = "ClockNotice"       // what is noticed beside a verdict, or of several hosts at once
	alertRule   = "RuleMatched"       // what a rule over messages found: lasts until it is cleared
	alertTest   = "SkewatchTestAlert" // nothing has happened
)

// How long alerts last that nobody tells more of. What lasts is told again each minute.
const (
	lastsUntold  = 5 * time.Minute
	noticeLasts  = time.Hour
	testLasts    = 2 * time.Minute
	alertPath    = "/api/v2/alerts"
	longestLabel = 255 // columns of a label
)

func newAlertmanager(n *config.Notify, server func() string) (*alertmanager, error) {
	e, err := newEndpoint(n, strings.TrimSuffix(strings.TrimSuffix(n.URL, "/"), alertPath)+alertPath)
	return &alertmanager{e, n.Name, server}, err
}

// An alert is as the API takes it.
type alert struct {
	Labels       map[string]string `json:"labels"`
	Annotations  map[string]string `json:"annotations"`
	StartsAt     time.Time         `json:"startsAt"`
	EndsAt       time.Time         `json:"endsAt"`
	GeneratorURL string            `json:"generatorURL,omitempty"`
}

func (a *alertmanager) send(ctx context.Context, events []api.Event) error {
	now := time.Now()
	alerts := make([]alert, len(events))
	for i, e := range events {
		alerts[i] = a.alert(e, now)
	}
	return a.post(ctx, encode(alerts), nil)
}

// remind tells again of what lasts.
func (a *alertmanager) remind(ctx context.Context, open []api.Event) error { return a.send(ctx, open) }

// alert returns the alert of an event. Its end lies in the future but for one that is
// cleared.
func (a *alertmanager) alert(e api.Event, now time.Time) alert {
	name, ends := alertWrong, now.Add(lastsUntold)
	switch {
	case isSample(e):
		name, ends = alertTest, now.Add(testLasts)
	case e.Event == cleared:
		ends = e.Time
	case !lasts(e):
		name, ends = alertNotice, now.Add(noticeLasts)
	}
	if e.Rule != "" {
		name = alertRule
	}
	if least := e.Since.Add(time.Millisecond); ends.Before(least) {
		ends = least // it must not end before it starts
	}
	labels := map[string]string{"alertname": name, "output": a.output}
	if e.Host != "" {
		labels["host"] = report.Clip(e.Host, longestLabel)
	}
	if e.Source != "" {
		labels["source"] = report.Clip(e.Source, longestLabel)
	}
	if e.Rule != "" {
		labels["rule"], labels["subject"] = e.Rule, report.Clip(e.Subject, longestLabel)
	}
	return alert{Labels: labels, Annotations: annotations(e), StartsAt: e.Since.UTC(), EndsAt: ends.UTC(), GeneratorURL: a.generator(e)}
}

func annotations(e api.Event) map[string]string {
	said := map[string]string{"summary": subjectLine(e), "description": report.Printable(e.Text), "verdict": e.Verdict, "severity": e.Severity}
	if e.Check != "" {
		said["check"] = report.Printable(e.Check)
	}
	for name, seconds := range map[string]*float64{"offset_seconds": e.Offset, "offset_low_seconds": e.OffsetLow, "offset_high_seconds": e.OffsetHigh} {
		if seconds != nil {
			said[name] = strconv.FormatFloat(*seconds, 'f', -1, 64)
		}
	}
	if e.Rule != "" {
		said["count"] = strconv.FormatUint(e.Count, 10)
	}
	return said
}

// generator returns where more can be read of the host.
func (a *alertmanager) generator(e api.Event) string {
	base := a.server()
	if base == "" {
		return ""
	}
	return base + api.PathReport + "?" + url.Values{"host": {e.Host}}.Encode()
}
