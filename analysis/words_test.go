package analysis

import (
	"strings"
	"testing"
	"time"
)

func TestSpelled(t *testing.T) {
	const s, ms = time.Second, time.Millisecond
	for d, want := range map[time.Duration]string{
		0: "0 s", 50 * ms: "50 ms", 100 * time.Microsecond: "0.1 ms", s: "1 s", 1500 * ms: "1.5 s", -2 * s: "-2 s",
		90 * s: "1 min 30 s", 10 * time.Minute: "10 min", time.Hour: "1 h", 5*time.Hour + 30*time.Minute: "5 h 30 min",
		26*time.Hour + 5*s: "26 h 5 s",
	} {
		if have := spelled(d); have != want {
			t.Errorf("%v is spelled %q, want %q", d, have, want)
		}
	}
}

func TestFewWords(t *testing.T) {
	for _, tt := range []struct {
		messages uint64
		span     time.Duration
		want     string
	}{
		{1, 0, "1 message is too little to judge"},
		{3, time.Millisecond, "3 messages at once are too few to judge"},
		{3, 420 * time.Millisecond, "3 messages over 400 ms are too few to judge"},
		{2, 90 * time.Second, "2 messages over 1 min 30 s are too few to judge"},
	} {
		if have := fewWords(tt.messages, tt.span); have != tt.want {
			t.Errorf("%d over %v: %q, want %q", tt.messages, tt.span, have, tt.want)
		}
	}
}

func TestNoClockWords(t *testing.T) {
	for unusable, want := range map[uint64]string{1: "its one message carries no usable stamp", 4: "none of 4 messages carries a usable stamp"} {
		h := hearing{estimate: &Estimate{}, unusable: unusable}
		if j := h.judge(); j.verdict != NoClock || j.reason != want {
			t.Errorf("%d: %v, %q, want %q", unusable, j.verdict, j.reason, want)
		}
	}
}

// TestWordsOfOneWarned wants a host that was warned of, and comes back slowly, to be told of by
// its own tolerance, and not by the one that a warning ends within.
func TestWordsOfOneWarned(t *testing.T) {
	const ms = time.Millisecond
	for _, tt := range []struct {
		interval Interval
		skew     float64
		want     string
	}{
		{Interval{Offset: -400 * ms, Low: -410 * ms, High: -390 * ms}, -20, "; passes -1 s in 8 h"},
		{Interval{Offset: -930 * ms, Low: -950 * ms, High: -890 * ms}, -20, "isn't within 900 ms yet, where the warning ends"},
		{Interval{Offset: -930 * ms, Low: -1050 * ms, High: -880 * ms}, -20, "is wider than the tolerance of 1 s allows"},
	} {
		p := DefaultParams()
		h := hearing{
			estimate: &Estimate{Known: true, Messages: 1000, Span: 24 * time.Hour, Skew: tt.skew, SkewBound: 0.1}, interval: tt.interval,
			rule: time.Second, tolerance: 900 * ms, warned: warning{raised: Late}, params: &p,
		}
		if j := h.judge(); !strings.HasSuffix(j.reason, tt.want) {
			t.Errorf("%v: %v, %q, want it to end in %q", tt.interval, j.verdict, j.reason, tt.want)
		}
	}
}
