package server

import (
	"testing"

	"github.com/skewatch/skewatch/ntpcheck"
)

func TestTellsTime(t *testing.T) {
	seconds := func(s float64) *float64 { return &s }
	tests := []struct {
		name string
		ref  ntpcheck.ReferenceStatus
		want bool
	}{
		{"nothing known", ntpcheck.ReferenceStatus{}, false},
		{"synchronised", ntpcheck.ReferenceStatus{State: ntpcheck.Synchronised, OffsetSeconds: seconds(-0.01)}, true},
		{"holdover", ntpcheck.ReferenceStatus{State: ntpcheck.Holdover, OffsetSeconds: seconds(0.01)}, true},
		{"measured before", ntpcheck.ReferenceStatus{State: ntpcheck.Unsynchronised, OffsetSeconds: seconds(0.01)}, false},
		{"known to be hours behind", ntpcheck.ReferenceStatus{State: ntpcheck.Synchronised, OffsetSeconds: seconds(7200)}, false},
		{"known to be hours ahead", ntpcheck.ReferenceStatus{State: ntpcheck.Synchronised, OffsetSeconds: seconds(-7200)}, false},
		{"on the operator's word", ntpcheck.ReferenceStatus{Trusted: true}, true},
	}
	for _, tt := range tests {
		if got := tellsTime(tt.ref); got != tt.want {
			t.Errorf("%s: tellsTime = %v, want %v", tt.name, got, tt.want)
		}
	}
}
