package analysis

import (
	"testing"
	"time"
)

// TestExtremeIsJudged has a host be new whose clock is true: the first guesses at it, half
// a second off, are no extreme, neither of the first roll-up nor of the hour.
func TestExtremeIsJudged(t *testing.T) {
	f := newFleet()
	var all []RollUp
	speakWatched(f, 20*time.Minute, 7, func(time.Duration) {
		for _, r := range f.RollUps() {
			if r.RollUp.Verdict == Insufficient && r.RollUp.Extreme != 0 {
				t.Errorf("before anything is judged the extreme is %v, want 0", r.RollUp.Extreme)
			}
		}
	}, newHost("web1"))
	for _, r := range f.RollUps() {
		all = append(all, r.RollUp)
	}
	if len(all) < 4 || all[0].Verdict != InSync {
		t.Fatalf("%d roll-ups, the first %v, want 4, the first in-sync", len(all), all[0].Verdict)
	}
	for _, r := range append(all, merged(all)) {
		if r.Extreme == 0 || r.Extreme.Abs() > 10*time.Millisecond {
			t.Errorf("the extreme since %v is %v, want that of a true clock", unixUTC(r.Start), r.Extreme)
		}
	}
}

// TestExtremeOfGuesses has roll-ups go on from guesses, judged offsets and silence.
func TestExtremeOfGuesses(t *testing.T) {
	guess, near, far := Interval{Offset: time.Second}, Interval{Offset: -time.Millisecond}, Interval{Offset: 2 * time.Millisecond}
	type noted struct {
		verdict  Verdict
		interval Interval
	}
	tests := []struct {
		name       string
		noted      []noted
		want, next time.Duration
	}{
		{"never judged", []noted{{Insufficient, guess}, {Insufficient, guess}}, 0, 0},
		{"judged at last", []noted{{Insufficient, guess}, {InSync, near}}, near.Offset, near.Offset},
		{"the farther counts", []noted{{InSync, far}, {InSync, near}}, far.Offset, near.Offset},
		{"begun anew", []noted{{InSync, near}, {Insufficient, guess}}, near.Offset, 0},
		{"silent before it was judged", []noted{{Insufficient, guess}, {Silent, guess}}, 0, 0},
		{"no stamps any more", []noted{{Ahead, guess}, {NoClock, guess}}, guess.Offset, 0},
	}
	for _, tt := range tests {
		r := RollUp{Start: epoch, Verdict: Insufficient}
		for i, n := range tt.noted {
			r.count(epoch + int64(i))
			r.Verdict = n.verdict
			r.note(n.interval, epoch+int64(i), time.Hour)
		}
		if next := r.next(epoch + int64(RollUpSpan)).Extreme; r.Extreme != tt.want || next != tt.next {
			t.Errorf("%s: the extreme is %v and then %v, want %v and %v", tt.name, r.Extreme, next, tt.want, tt.next)
		}
	}
}
