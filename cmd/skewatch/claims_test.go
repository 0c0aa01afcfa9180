package main

import (
	"strings"
	"testing"

	"github.com/skewatch/skewatch/ntpcheck"
)

func TestClaims(t *testing.T) {
	yes, no, small, offset, rate, wander := true, false, 20e-3, -40e-3, 19.7, 1.4
	for _, tt := range []struct {
		name   string
		status ntpcheck.Status
		want   string
	}{
		{"nobody says anything", ntpcheck.Status{}, ""},
		{"all do", ntpcheck.Status{
			Reference: ntpcheck.ReferenceStatus{RatePPM: &rate, RateBoundPPM: &wander},
			Kernel:    ntpcheck.KernelStatus{Synchronised: &yes, MaxErrorSeconds: &small},
			Chronyd:   ntpcheck.ChronydStatus{Synchronised: &yes, OffsetSeconds: &offset, BoundSeconds: &small, Source: "192.0.2.1"},
		}, `Our clock's rate: it loses +19.700 ± 1.400 ppm.
Kernel: synchronised within 20ms.
chronyd: synchronised to 192.0.2.1, our clock needs -40ms ± 20ms.
`},
		{"they say that they don't know", ntpcheck.Status{
			Kernel: ntpcheck.KernelStatus{Synchronised: &no}, Chronyd: ntpcheck.ChronydStatus{Synchronised: &no},
		}, "Kernel: not synchronised.\nchronyd: not synchronised.\n"},
		{"they are wrong", ntpcheck.Status{Contradictions: []string{"chronyd says something else"}}, "  Contradiction: chronyd says something else\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var b strings.Builder
			writeClaims(&b, &tt.status)
			have := b.String()
			if have != tt.want {
				t.Errorf("have\n%s\nwant\n%s", have, tt.want)
			}
		})
	}
}
