package main

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/skewatch/skewatch/analysis/report"
	"github.com/skewatch/skewatch/cmd/internal/api"
	"github.com/skewatch/skewatch/cmd/internal/config"
)

func (p *program) checkCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:  "check",
		Args: noArguments,
		Long: `Be a plugin of Nagios, Icinga or the like: one line about the clocks of the hosts that
match, or with --reference about the collector's own, and exit codes: 0 (OK), 1 (WARNING:
a clock is out of its tolerance, runs free, or its zone is wrong), 2 (CRITICAL: it is off by
more than the critical tolerance, or stands still) or 3 (UNKNOWN: too little evidence, nothing
heard for --max-age, no such host, no answer within --timeout, a flag that makes no sense). Of
several hosts the worst counts. Hosts that have said nothing for a week, or --max-age if that
is longer, are forgotten.

Usage:
  skewatch check --host GLOB [FLAG ...]
  skewatch check --reference [FLAG ...]`,
		Example:     "  $ skewatch check --host web1",
		Annotations: map[string]string{pluginOf: "CLOCKS"},
	}
	r := &reading{format: new(choice)}
	r.addPlace(cmd)
	flags := cmd.Flags()
	flags.StringVar(&r.host, "host", "", "the hosts whose names match this `GLOB`, such as 'web*'")
	maxAge := flags.Duration("max-age", 24*time.Hour, "UNKNOWN if the newest message is older than this `TIME`")
	timeout := flags.Duration("timeout", pluginTimeout, "UNKNOWN if the server doesn't answer within this `TIME`")
	reference := flags.Bool("reference", false, "the collector's own clock: as sources --check")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		switch {
		case *reference && r.host != "":
			return &config.Error{Field: "--host", Problem: "can't be given together with --reference", Hint: "call it twice"}
		case *maxAge <= 0:
			return &config.Error{Field: "--max-age", Problem: "not a time that can pass", Value: maxAge.String(), Hint: "write one such as 24h"}
		case *timeout <= 0:
			return &config.Error{Field: "--timeout", Problem: "not a time that can pass", Value: timeout.String(), Hint: "write one such as 10s"}
		case *reference:
			return p.checkSources(cmd, r, *timeout)
		case r.host == "":
			return &config.Error{Field: "--host", Problem: "missing", Hint: "write --host 'web*', or --reference for the collector's own clock"}
		}
		return p.checkHosts(cmd, r, *timeout, *maxAge)
	}
	return cmd
}

// checkHosts asks a running server, and only that: files know nothing of now.
func (p *program) checkHosts(cmd *cobra.Command, r *reading, timeout, maxAge time.Duration) error {
	q, place, err := p.whom(r)
	if err != nil {
		return err
	}
	rep, err := askWithin(cmd.Context(), place, timeout, func(ctx context.Context, d api.Desk) (*report.Report, error) {
		return p.present(ctx, d, q.Host, maxAge)
	})
	if err != nil {
		return p.plugin("CLOCKS", pluginUnknown, err.Error(), "")
	}
	verdicts := make([]checked, len(rep.Hosts))
	for i := range rep.Hosts {
		verdicts[i] = checkRow(&rep.Hosts[i], critOf(&rep.Hosts[i], rep), rep.Header.Generated, maxAge)
	}
	code, text := worstOf(q.Host, verdicts)
	return p.plugin("CLOCKS", code, text, hostsPerfdata(rep))
}

// How far back a plugin looks for hosts. A name that was heard a moment ago is looked for no
// further: a report of all history, each minute for each host, would be much to ask.
const (
	longForgotten = 7 * 24 * time.Hour
	momentAgo     = time.Hour
)

// present asks for the hosts as they are now.
func (p *program) present(ctx context.Context, d api.Desk, host string, maxAge time.Duration) (rep *report.Report, err error) {
	spans := []time.Duration{max(longForgotten, maxAge)}
	if !strings.ContainsAny(host, `*?[\`) {
		spans = []time.Duration{momentAgo, spans[0]}
	}
	for _, span := range spans {
		rep, err = d.Report(ctx, api.ReportQuery{Query: api.Query{Host: host, Since: p.now().Add(-span)}})
		if err != nil || len(rep.Hosts) > 0 {
			break
		}
	}
	return rep, err
}

// checked is what a plugin says of one host.
type checked struct {
	host string
	code exitCode
	text string
}

// checkRow grades a host.
func checkRow(row *report.Row, crit float64, now time.Time, maxAge time.Duration) checked {
	c := checked{host: row.Host, text: row.Verdict + ": " + row.Explanation}
	switch {
	case row.Last != nil && now.Sub(*row.Last) > maxAge:
		c.code, c.text = pluginUnknown, fmt.Sprintf("nothing heard for %v", now.Sub(*row.Last).Round(time.Second))
	case row.Verdict == "insufficient", row.Verdict == "no-clock":
		c.code = pluginUnknown
	case row.Verdict == "in-sync", row.Verdict == "stepped", row.Verdict == "backlog":
		c.code = pluginOK
	case row.Verdict == "stuck", row.Verdict == "dead-rtc", beyond(row, crit):
		c.code = pluginCritical
	default:
		c.code = pluginWarning
	}
	return c
}

// critOf returns the offset beyond which a host's clock is critical, in seconds: never less
// than its tolerance.
func critOf(row *report.Row, rep *report.Report) float64 {
	return max(row.Tolerance, rep.Header.Profile.Crit)
}

// limitsOf writes what a host's offset is held against.
func limitsOf(row *report.Row, rep *report.Report) string {
	return fmt.Sprintf("-%[1]g:%[1]g;-%[2]g:%[2]g", row.Tolerance, critOf(row, rep))
}

// beyond reports whether a clock is certainly off by more than a number of seconds.
func beyond(row *report.Row, limit float64) bool {
	return row.OffsetLow != nil && row.OffsetHigh != nil && (*row.OffsetLow > limit || *row.OffsetHigh < -limit)
}

// gravity orders the codes: what is known to be wrong comes before what isn't known.
var gravity = map[exitCode]int{pluginOK: 0, pluginUnknown: 1, pluginWarning: 2, pluginCritical: 3}

// mostListed is how many hosts a plugin's line tells of.
const mostListed = 5

// worstOf returns the code and the words for all hosts that match.
func worstOf(glob string, all []checked) (exitCode, string) {
	if len(all) == 0 {
		return pluginUnknown, fmt.Sprintf("no host that matches %q has sent anything for long", glob)
	}
	slices.SortStableFunc(all, func(a, b checked) int { return cmp.Compare(gravity[b.code], gravity[a.code]) })
	if len(all) == 1 {
		return all[0].code, all[0].host + " is " + all[0].text
	}
	var words []string
	wrong := 0
	for _, c := range all {
		if c.code == pluginOK {
			continue
		}
		if wrong++; wrong <= mostListed {
			words = append(words, c.host+" is "+c.text)
		}
	}
	if wrong > mostListed {
		words = append(words, fmt.Sprintf("and %d more", wrong-mostListed))
	}
	return all[0].code, strings.Join(append([]string{fmt.Sprintf("%d of %d clocks in order", len(all)-wrong, len(all))}, words...), "; ")
}

// hostsPerfdata writes what a monitoring system draws: of one host its offset in seconds,
// with its bounds, and its skew, in ppm by its label, since that is no unit that plugins may
// name; of several how many they are and the largest offset. The limits are the host's own.
func hostsPerfdata(rep *report.Report) string {
	if len(rep.Hosts) != 1 {
		figures := fmt.Sprintf("hosts=%d;;;0;", len(rep.Hosts))
		var worst *report.Row
		for i := range rep.Hosts {
			if row := &rep.Hosts[i]; row.Offset != nil && (worst == nil || math.Abs(*row.Offset) > math.Abs(*worst.Offset)) {
				worst = row
			}
		}
		if worst != nil {
			figures += fmt.Sprintf(" worst_offset=%ss;%s;;", plain(worst.Offset), limitsOf(worst, rep))
		}
		return figures
	}
	row := &rep.Hosts[0]
	var figures []string
	for _, f := range []struct {
		label  string
		value  *float64
		unit   string
		limits string
	}{
		{"offset", row.Offset, "s", limitsOf(row, rep)}, {"offset_low", row.OffsetLow, "s", ";"}, {"offset_high", row.OffsetHigh, "s", ";"}, {"skew_ppm", row.Skew, "", ";"},
	} {
		if f.value != nil {
			figures = append(figures, fmt.Sprintf("%s=%s%s;%s;;", f.label, plain(f.value), f.unit, f.limits))
		}
	}
	return strings.Join(figures, " ")
}
