package api

import (
	"testing"
	"time"

	"github.com/skewatch/skewatch/analysis"
)

func TestCorrected(t *testing.T) {
	const ms = time.Millisecond
	tests := []struct {
		name              string
		offset, low, high time.Duration
		resolution        time.Duration
		at, bound         time.Duration // against Sent
	}{
		{"ahead, nanoseconds", 40 * time.Second, 40*time.Second - ms, 40*time.Second + 50*ms, 1, -40 * time.Second, 50 * ms},
		{"behind", -3 * time.Second, -3*time.Second - 2*ms, -3 * time.Second, 1, 3 * time.Second, 2*ms + 1},
		{"whole seconds", 0, 0, 50 * ms, time.Second, 0, time.Second},
	}
	for _, tt := range tests {
		e := Estimate{Known: true, Dated: true, Sent: 1e18, Resolution: tt.resolution, Interval: analysis.Interval{Offset: tt.offset, Low: tt.low, High: tt.high}}
		at, bound, ok := e.Corrected()
		if !ok || at != 1e18+int64(tt.at) || bound != tt.bound {
			t.Errorf("%s: corrected by %v ± %v, %v, want %v ± %v", tt.name, time.Duration(at-1e18), bound, ok, tt.at, tt.bound)
		}
	}
	for _, e := range []Estimate{{Dated: true}, {Known: true}} {
		if _, _, ok := e.Corrected(); ok {
			t.Errorf("%+v is corrected", e)
		}
	}
}
