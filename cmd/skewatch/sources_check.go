package main

import (
	"context"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/skewatch/skewatch/analysis/report"
	"github.com/skewatch/skewatch/cmd/internal/api"
	"github.com/skewatch/skewatch/ntpcheck"
)

// checkSources asks a running server, and only that: files know nothing of now.
func (p *program) checkSources(cmd *cobra.Command, r *reading, timeout time.Duration) error {
	_, place, err := p.whom(r)
	if err != nil {
		return err
	}
	own, err := askWithin(cmd.Context(), place, timeout, p.ownClock)
	if err != nil {
		return p.plugin("SOURCES", pluginUnknown, err.Error(), "")
	}
	code, text := own.judge()
	return p.plugin("SOURCES", code, text, own.perfdata())
}

// An ownClock is how the collector's own clock stands, and by what hosts are judged.
type ownClock struct {
	ntpcheck.Status
	limits report.Profile
}

// noHost is a pattern that no host's name matches.
const noHost = "-"

// ownClock asks a server for both. The limits stand at the head of a report, here of a moment
// and of no host.
func (p *program) ownClock(ctx context.Context, d api.Desk) (own ownClock, err error) {
	if own.Status, err = d.Sources(ctx); err != nil {
		return own, err
	}
	rep, err := d.Report(ctx, api.ReportQuery{Query: api.Query{Host: noHost, Since: p.now()}})
	if err == nil {
		own.limits = rep.Header.Profile
	}
	return own, err
}

// wantedUsable is how many sources there must be to outvote a wrong one.
const wantedUsable = 3

// judge says how our own clock stands, as the plugins of monitoring systems do.
func (c *ownClock) judge() (exitCode, string) {
	ref := &c.Reference
	if ref.State == ntpcheck.Unsynchronised {
		return pluginCritical, "our clock is unsynchronised: " + ref.Reason
	}
	code, wrong := c.farOff()
	if doubts := c.doubts(); len(doubts) > 0 {
		code, wrong = max(code, pluginWarning), append(wrong, doubts...)
	}
	usable, _ := countSources(&c.Status)
	switch {
	case len(wrong) > 0:
		return code, strings.Join(wrong, "; ")
	case c.unmeasured():
		return pluginOK, "our clock is not measured" + report.TakenAsTrue
	}
	return pluginOK, fmt.Sprintf("synchronised to %s, %d of %d sources usable", ref.Source, usable, len(c.Sources))
}

// unmeasured reports whether the operator vouches for our clock, and wants it so: there are
// no sources that could be lost.
func (c *ownClock) unmeasured() bool { return c.Reference.Trusted && len(c.Sources) == 0 }

// farOff holds our own clock against what hosts' clocks are held against. They are judged by
// true time all the same, since the offset is known. But messages keep the receive times of
// our clock.
func (c *ownClock) farOff() (code exitCode, wrong []string) {
	if c.Reference.OffsetSeconds == nil {
		return pluginOK, nil
	}
	offset := *c.Reference.OffsetSeconds // to be added
	limit := c.limits.Warn
	switch {
	case math.Abs(offset) > c.limits.Crit:
		code, limit = pluginCritical, c.limits.Crit
	case math.Abs(offset) > c.limits.Warn:
		code = pluginWarning
	default:
		return pluginOK, nil
	}
	side := "behind"
	if offset < 0 {
		side = "ahead"
	}
	return code, []string{fmt.Sprintf("our clock is %.3f s %s, and so are stored receive times: more than %g s", math.Abs(offset), side, limit)}
}

// doubts lists what speaks against the reference.
func (c *ownClock) doubts() (wrong []string) {
	usable, liars := countSources(&c.Status)
	if c.Reference.State == ntpcheck.Holdover {
		wrong = append(wrong, "holdover: "+c.Reference.Reason)
	}
	if len(liars) > 0 {
		wrong = append(wrong, "falseticker: "+strings.Join(liars, " "))
	}
	if usable < wantedUsable && !c.unmeasured() {
		wrong = append(wrong, fmt.Sprintf("only %d of %d sources usable", usable, len(c.Sources)))
	}
	return append(wrong, c.Contradictions...)
}

// countSources returns how many sources can vote, and who is false.
func countSources(s *ntpcheck.Status) (usable int, liars []string) {
	for i := range s.Sources {
		switch x := &s.Sources[i]; x.State {
		case ntpcheck.Selected, ntpcheck.Combined, ntpcheck.Candidate:
			usable++
		case ntpcheck.Falseticker:
			liars = append(liars, x.Address)
		}
	}
	return usable, liars
}

// perfdata writes the figures that a monitoring system draws: label, value, unit;
// limits for a warning and for worse, least and most.
func (c *ownClock) perfdata() string {
	var figures []string
	if c.Reference.OffsetSeconds != nil {
		figures = append(figures, fmt.Sprintf("offset=%ss;%s;;", plain(c.Reference.OffsetSeconds), ranges(c.limits)))
	}
	if c.Reference.BoundSeconds != nil {
		figures = append(figures, "bound="+plain(c.Reference.BoundSeconds)+"s;;;0;")
	}
	least := fmt.Sprintf("%d:", wantedUsable)
	if c.unmeasured() {
		least = ""
	}
	usable, _ := countSources(&c.Status)
	return strings.Join(append(figures, fmt.Sprintf("usable=%d;%s;;0;%d", usable, least, len(c.Sources))), " ")
}

// ranges writes within what an offset is no warning, and not worse.
func ranges(p report.Profile) string { return fmt.Sprintf("-%[1]g:%[1]g;-%[2]g:%[2]g", p.Warn, p.Crit) }
