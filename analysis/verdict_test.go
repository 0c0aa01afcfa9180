package analysis

import (
	"strings"
	"testing"
	"time"
)

// A host that is far behind is not called late at once, and its explanation says why.
func TestLateIsHeldBackAndSaysSo(t *testing.T) {
	h := newHost("web1")
	h.offset = constant(-7 * time.Second)
	f := newFleet()
	for _, tt := range []struct {
		span    time.Duration
		verdict Verdict
		words   string
	}{{12 * time.Second, Insufficient, "by 6.9"}, {90 * time.Second, Late, "one-way stamps can't tell"}} {
		speak(f, tt.span, 1, h)
		if i := only(t, f); i.Verdict != tt.verdict || !strings.Contains(i.Explanation, tt.words) {
			t.Errorf("after %v: %v, %q; want %v, … %s …", tt.span, i.Verdict, i.Explanation, tt.verdict, tt.words)
		}
		f = newFleet()
	}
}
