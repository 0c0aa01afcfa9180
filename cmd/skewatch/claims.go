package main

import (
	"fmt"
	"io"

	"github.com/skewatch/skewatch/analysis/report"
	"github.com/skewatch/skewatch/ntpcheck"
)

// writeClaims writes what the kernel and chronyd say of our clock, beside what was measured,
// and which of it can't be true. Who says nothing isn't named.
func writeClaims(w io.Writer, s *ntpcheck.Status) {
	if rate := s.Reference.RatePPM; rate != nil {
		fmt.Fprintf(w, "Our clock's rate: it loses %+.3f ± %.3f ppm.\n", *rate, *s.Reference.RateBoundPPM)
	}
	if k := &s.Kernel; k.Synchronised != nil && *k.Synchronised {
		fmt.Fprintf(w, "Kernel: synchronised within %s.\n", unsigned(k.MaxErrorSeconds))
	} else if k.Synchronised != nil {
		fmt.Fprintln(w, "Kernel: not synchronised.")
	}
	if c := &s.Chronyd; c.Synchronised != nil && *c.Synchronised {
		fmt.Fprintf(w, "chronyd: synchronised to %s, our clock needs %s ± %s.\n", c.Source, signedMicro(c.OffsetSeconds), unsigned(c.BoundSeconds))
	} else if c.Synchronised != nil {
		fmt.Fprintln(w, "chronyd: not synchronised.")
	}
	for _, words := range s.Contradictions {
		fmt.Fprint(w, report.Wrap("  ", "Contradiction: "+words))
	}
}
