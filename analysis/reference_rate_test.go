package analysis

import (
	"strings"
	"testing"
	"time"
)

// A reference of a clock that loses 20 ppm, known to 2, and an hour ago was right.
func losing() Reference {
	return Reference{
		State: Synchronised, Offset: 72 * time.Millisecond, Bound: 3 * time.Millisecond, At: hour, Rate: 20, RateBound: 2,
	}
}

func TestReferenceOfAnotherTime(t *testing.T) {
	for _, tt := range []struct {
		at            int64
		offset, bound time.Duration
	}{
		{hour, 72 * time.Millisecond, 3 * time.Millisecond},
		{hour - 100*second, 70 * time.Millisecond, 4500 * time.Microsecond}, // 15 ppm wider
		{hour + 100*second, 74 * time.Millisecond, 4500 * time.Microsecond},
		{-9 * hour, 0, 57 * time.Millisecond}, // no further than an hour
	} {
		if got := losing().as(tt.at); (got.Offset-tt.offset).Abs() > 1 || (got.Bound-tt.bound).Abs() > 1 || got.At != tt.at {
			t.Errorf("at %v: %v ± %v, want %v ± %v", time.Duration(tt.at), got.Offset, got.Bound, tt.offset, tt.bound)
		}
	}
	word := Reference{State: Synchronised, Bound: time.Millisecond}
	if got := word.as(hour); got.Offset != 0 || got.Bound != time.Millisecond {
		t.Errorf("somebody's word becomes %+v within an hour, want it as it was", got)
	}
}

// TestOwnDriftIsNoHosts judges a host that gains as much as our own clock loses, and one
// that is kept by the clock that we lose by.
func TestOwnDriftIsNoHosts(t *testing.T) {
	p := DefaultParams()
	ran := func(skew float64) Estimate {
		return Estimate{Known: true, Skew: skew, SkewBound: 1, Drift: Drift{
			Skew: skew, Low: skew - 1, High: skew + 1, Span: 4 * time.Hour, Rise: 200 * time.Millisecond, Steady: true, Held: time.Hour,
		}}
	}
	kept, free := losing().correct(ran(20), &p), losing().correct(ran(60), &p)
	if kept.Skew != 0 || kept.SkewBound != 3 || kept.Drift.Held != 0 || kept.Drift.free(&p) {
		t.Errorf("a host that only our own clock makes drift is %+v, want no skew and no drift", kept)
	}
	if free.Skew != 40 || free.Drift.Low != 37 || free.Drift.High != 43 || free.Drift.Held == 0 || !free.Drift.free(&p) {
		t.Errorf("a host that runs free at 40 ppm is %+v", free)
	}
}

// TestCorrectionStays judges one estimate twice: the second time our own clock is known
// for another time only, and the first correction is nearer.
func TestCorrectionStays(t *testing.T) {
	s := speaker{evaluated: hour}
	first := s.reference(losing())
	later := losing()
	later.At, later.Offset = 2*hour, 144*time.Millisecond
	if got := s.reference(later); got != first {
		t.Errorf("an hour later the correction is %+v, want still %+v", got, first)
	}
	doubtful := Reference{At: 2 * hour}
	s = speaker{evaluated: hour}
	s.reference(doubtful)
	if got := s.reference(losing()); got.State != Synchronised {
		t.Errorf("once the reference is known again the correction is %+v", got)
	}
}

// TestVagueReferenceDoesNotJudge holds a verdict once the bound exceeds half the tolerance.
func TestVagueReferenceDoesNotJudge(t *testing.T) {
	for _, tt := range []struct {
		state ReferenceState
		bound time.Duration
		want  bool
	}{
		{Synchronised, 500 * time.Millisecond, true},
		{Synchronised, 501 * time.Millisecond, false},
		{Holdover, 500 * time.Millisecond, true},
		{Holdover, 501 * time.Millisecond, false},
		{Unsynchronised, 0, false},
	} {
		r := Reference{State: tt.state, Bound: tt.bound}
		if got := r.judges(time.Second); got != tt.want {
			t.Errorf("%v ± %v judges by 1 s: %v, want %v", tt.state, tt.bound, got, tt.want)
		}
		h := hearing{
			estimate:  &Estimate{Known: true, Messages: 100, Span: time.Hour},
			reference: r, held: !r.judges(time.Second), rule: time.Second, tolerance: time.Second, params: &Params{},
		}
		if j := h.judge(); (j.verdict == Insufficient && strings.Contains(j.reason, "our own clock is in doubt")) == tt.want {
			t.Errorf("%v ± %v: the verdict is %v (%s)", tt.state, tt.bound, j.verdict, j.reason)
		}
	}
}
