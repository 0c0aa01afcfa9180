package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/skewatch/skewatch/cmd/internal/api"
	"github.com/skewatch/skewatch/ntpcheck"
)

// checkSources asks a running server, and only that: files know nothing of now.
func (p *program) checkSources(cmd *cobra.Command, r *reading, timeout time.Duration) error {
	_, place, err := p.whom(r)
	if err != nil {
		return err
	}
	status, err := askWithin(cmd.Context(), place, timeout, func(ctx context.Context, d api.Desk) (ntpcheck.Status, error) { return d.Sources(ctx) })
	if err != nil {
		return p.plugin("SOURCES", pluginUnknown, err.Error(), "")
	}
	code, text := judgeSources(&status)
	return p.plugin("SOURCES", code, text, perfdata(&status))
}

// wantedUsable is how many sources there must be to outvote a wrong one.
const wantedUsable = 3

// judgeSources says how our own clock stands, as the plugins of monitoring systems do.
func judgeSources(s *ntpcheck.Status) (exitCode, string) {
	ref := &s.Reference
	if ref.State == ntpcheck.Unsynchronised {
		return pluginCritical, "our clock is unsynchronised: " + ref.Reason
	}
	usable, liars := countSources(s)
	var wrong []string
	if ref.State == ntpcheck.Holdover {
		wrong = append(wrong, "holdover: "+ref.Reason)
	}
	if len(liars) > 0 {
		wrong = append(wrong, "falseticker: "+strings.Join(liars, " "))
	}
	if usable < wantedUsable {
		wrong = append(wrong, fmt.Sprintf("only %d of %d sources usable", usable, len(s.Sources)))
	}
	wrong = append(wrong, s.Contradictions...)
	if len(wrong) > 0 {
		return pluginWarning, strings.Join(wrong, "; ")
	}
	return pluginOK, fmt.Sprintf("synchronised to %s, %d of %d sources usable", ref.Source, usable, len(s.Sources))
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
func perfdata(s *ntpcheck.Status) string {
	var figures []string
	if s.Reference.OffsetSeconds != nil {
		figures = append(figures, "offset="+plain(s.Reference.OffsetSeconds)+"s;;;;")
	}
	if s.Reference.BoundSeconds != nil {
		figures = append(figures, "bound="+plain(s.Reference.BoundSeconds)+"s;;;0;")
	}
	usable, _ := countSources(s)
	return strings.Join(append(figures, fmt.Sprintf("usable=%d;%d:;;0;%d", usable, wantedUsable, len(s.Sources))), " ")
}
