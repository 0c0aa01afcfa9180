package ntpcheck

import (
	"testing"
	"time"
)

// around makes intervals of pairs of offset and root distance in milliseconds.
func around(pairs ...[2]int) []interval {
	var intervals []interval
	for _, p := range pairs {
		e := estimate{offset: time.Duration(p[0]) * ms, distance: time.Duration(p[1]) * ms}
		intervals = append(intervals, e.interval())
	}
	return intervals
}

func TestMajority(t *testing.T) {
	for _, tt := range []struct {
		name      string
		intervals []interval
		low, high int
		ok        bool
	}{
		{"none", nil, 0, 0, false},
		{"one alone", around([2]int{5, 2}), 3, 7, true},
		{"two agree", around([2]int{0, 10}, [2]int{5, 10}), -5, 10, true},
		{"two touch", around([2]int{0, 5}, [2]int{10, 5}), 5, 5, true},
		{"two contradict", around([2]int{0, 5}, [2]int{100_000, 5}), 0, 0, false},
		{"a liar among three", around([2]int{0, 5}, [2]int{100_000, 5}, [2]int{1, 5}), -4, 5, true},
		{"a liar below", around([2]int{-2_500, 5}, [2]int{0, 5}, [2]int{1, 5}), -4, 5, true},
		{"a near liar among five", around([2]int{0, 5}, [2]int{1, 5}, [2]int{200, 5}, [2]int{-1, 5}, [2]int{2, 5}), -3, 4, true},
		{"two different liars among five", around([2]int{0, 5}, [2]int{100_000, 5}, [2]int{1, 5}, [2]int{-2_500, 5}, [2]int{2, 5}), -3, 5, true},
		{"two against two", around([2]int{0, 5}, [2]int{1, 5}, [2]int{100, 5}, [2]int{101, 5}), 0, 0, false},
		{"all different", around([2]int{0, 1}, [2]int{100, 1}, [2]int{200, 1}), 0, 0, false},
		{"three liars in concert beat two", around([2]int{0, 5}, [2]int{1, 5}, [2]int{100, 5}, [2]int{101, 5}, [2]int{102, 5}), 97, 105, true},
		{"a vague one joins any", around([2]int{0, 5}, [2]int{1, 5}, [2]int{40, 100}), -4, 5, true},
		{"honest ones behind asymmetric paths", around([2]int{10, 15}, [2]int{-8, 16}), -5, 8, true},
		{"a chain without a common point", around([2]int{5, 5}, [2]int{13, 5}, [2]int{21, 5}), 0, 0, false},
		{"three hold two together", around([2]int{0, 10}, [2]int{0, 10}, [2]int{20, 11}, [2]int{-20, 11}, [2]int{0, 99}), -10, 10, true},
		{"a larger camp beside", around([2]int{0, 5}, [2]int{100, 5}, [2]int{100, 5}, [2]int{50, 80}), 95, 105, true},
		{"a vague one is no arbiter", around([2]int{0, 5}, [2]int{100, 5}, [2]int{50, 80}), 0, 0, false},
	} {
		low, high, ok := majority(tt.intervals)
		wantLow, wantHigh := time.Duration(tt.low)*ms, time.Duration(tt.high)*ms
		if ok != tt.ok || low != wantLow || high != wantHigh {
			t.Errorf("%s: %v to %v, %v; want %v to %v, %v", tt.name, low, high, ok, wantLow, wantHigh, tt.ok)
		}
	}
}

func TestCombineWeighsByDistance(t *testing.T) {
	have := combine([]estimate{
		{offset: 0, distance: 10 * ms, newest: epoch},
		{offset: 8 * ms, distance: 30 * ms, newest: epoch.Add(time.Second)},
	}, epoch)
	// Weights 3 to 1: the offset is a quarter of the way, the bound the mean.
	if !near(have.offset, 2*ms) || !near(have.bound, 15*ms) {
		t.Errorf("combined %v ± %v, want 2ms ± 15ms", have.offset, have.bound)
	}
	if !have.newest.Equal(epoch.Add(time.Second)) {
		t.Errorf("newest reply at %v, want the later of both", have.newest)
	}
}

// near allows for the rounding of floating point.
func near(have, want time.Duration) bool { return (have - want).Abs() <= 10 }
