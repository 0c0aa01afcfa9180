package plot

import (
	"math"
	"testing"
)

func TestAxis(t *testing.T) {
	tests := []struct{ offset, want float64 }{
		{0, 0}, {axisReach, 100}, {-axisReach, -100}, {1e12, 100}, {-math.MaxFloat64, -100},
	}
	for _, tt := range tests {
		if have := axisX(tt.offset); have != tt.want {
			t.Errorf("axisX(%g) = %g, want %g", tt.offset, have, tt.want)
		}
	}
	last := -101.0
	for _, v := range []float64{-90000, -3600, -60, -1, -1e-2, -1e-3, -1e-6, 0, 1e-6, 1e-3, 1e-2, 1, 60, 3600, 80000} {
		x := axisX(v)
		if x <= last {
			t.Errorf("axisX(%g) = %g, which isn't beyond the one before, %g", v, x, last)
		}
		last = x
	}
	if d := axisX(1) + axisX(-1); d != 0 {
		t.Errorf("the axis is lopsided by %g", d)
	}
	ticks := AxisTicks()
	for i := 1; i < len(ticks); i++ {
		if ticks[i].X-ticks[i-1].X < 10 {
			t.Errorf("the labels %s and %s are %g apart, want 10", ticks[i-1].Label, ticks[i].Label, ticks[i].X-ticks[i-1].X)
		}
	}
}

func TestSparkline(t *testing.T) {
	v := func(seconds float64) *float64 { return &seconds }
	tests := []struct {
		name      string
		offsets   []*float64
		tolerance float64
		want      string
	}{
		{"nothing", nil, 1, ""},
		{"nothing known", []*float64{nil, nil}, 1, ""},
		{"rising fills the height", []*float64{v(0), v(5), v(10)}, 1, "M0 19h0l4-9 4-9"},
		{"noise within the tolerance stays small", []*float64{v(0), v(1e-3), v(0)}, 1, "M0 10h0l4 0 4 0"},
		{"a gap breaks the line", []*float64{v(0), v(1), nil, v(1), v(0)}, 1, "M0 19h0l4-18M12 1h0l4 18"},
		{"one alone is a dot", []*float64{nil, v(3), nil}, 1, "M4 10h0"},
		{"the last alone is a dot", []*float64{nil, nil, v(3)}, 1, "M8 10h0"},
	}
	for _, tt := range tests {
		if have := Sparkline(tt.offsets, tt.tolerance); have != tt.want {
			t.Errorf("%s: the path is %q, want %q", tt.name, have, tt.want)
		}
	}
}

func TestAxisBar(t *testing.T) {
	path, x := AxisBar(-1e9, 0, 1)
	if path != "M-100 0H37.8" || x != "0" {
		t.Errorf("the bar is %q with its dot at %s", path, x)
	}
}
