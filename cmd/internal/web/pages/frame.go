package pages

import (
	"fmt"
	"math"
	"net/http"
	"os"
	"sync"

	"github.com/skewatch/skewatch/analysis/plot"
	"github.com/skewatch/skewatch/cmd/internal/access"
	"github.com/skewatch/skewatch/cmd/internal/api"
	"github.com/skewatch/skewatch/ntpcheck"
)

// A frame is what stands on every page.
type frame struct {
	Page      string // the template's name
	Collector string // this machine's name
	Clock     clockWords
	Warnings  int    // that stand
	User      string // who is logged in; "" where nobody needs to
	Simulated bool   // the hosts are made up
}

// clockWords says in plain words how the collector's own clock is.
type clockWords struct {
	Class string // ok, warn or crit
	Text  string
}

var hostName = sync.OnceValue(func() string {
	name, err := os.Hostname()
	if err != nil {
		return "collector"
	}
	return name
})

func (p *Pages) frame(r *http.Request, name string) frame {
	f := frame{Page: name, Collector: hostName()}
	if caller := access.Of(r.Context()); caller.Named() {
		f.User = caller.Name
	}
	status, err := p.desk.Sources(r.Context())
	if err != nil {
		f.Clock = clockWords{"crit", "what is known of this collector's clock can't be read: " + err.Error()}
		return f
	}
	f.Clock = wordsOf(&status)
	if view, err := p.board.look(r.Context()); err == nil {
		f.Simulated = view.simulated
	}
	if open, err := p.desk.Warnings(r.Context(), api.Query{}); err == nil {
		f.Warnings = len(open)
	}
	return f
}

// wordsOf says how good the collector's clock is, and what follows from it.
func wordsOf(s *ntpcheck.Status) clockWords {
	r := &s.Reference
	if r.OffsetSeconds == nil || r.BoundSeconds == nil || r.State == ntpcheck.Unsynchronised {
		text := "Nothing vouches for this collector's own clock, so no clock is judged."
		if r.Reason != "" {
			text += " " + sentence(r.Reason)
		}
		return clockWords{"crit", text}
	}
	within := span(math.Abs(*r.OffsetSeconds) + *r.BoundSeconds)
	switch {
	case r.State == ntpcheck.Holdover:
		return clockWords{"warn", fmt.Sprintf("No time source has answered for %s. This collector's own clock is right within %s, by how it ran before.", span(orZero(r.AgeSeconds)), within)}
	case r.Trusted:
		return clockWords{"warn", "This collector's own clock is taken to be right on the operator's word: nothing was measured."}
	case r.Source == ntpcheck.KernelSource:
		return clockWords{"ok", fmt.Sprintf("This collector's own clock is right within %s, by the kernel's word.", within)}
	}
	return clockWords{"ok", fmt.Sprintf("This collector's own clock is right within %s, measured against %s.", within, sourcesInUse(s))}
}

// sourcesInUse says how many sources make the reference.
func sourcesInUse(s *ntpcheck.Status) string {
	used := 0
	for i := range s.Sources {
		if state := s.Sources[i].State; state == ntpcheck.Selected || state == ntpcheck.Combined {
			used++
		}
	}
	if used == 1 {
		return "one time source"
	}
	return fmt.Sprintf("%d time sources", used)
}

func orZero(v *float64) float64 {
	if v == nil {
		return 0
	}
	return *v
}

// offset writes an offset for people, "" if it isn't known.
func offset(seconds *float64) string {
	if seconds == nil {
		return ""
	}
	return plot.Offset(*seconds)
}
