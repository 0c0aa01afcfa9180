package analysis

import (
	"strings"
	"testing"
	"time"

	"github.com/skewatch/skewatch/collector/message"
)

func TestClaimsAgainstMeasurement(t *testing.T) {
	synced := message.TimeQuality{IsSynced: message.ClaimedTrue}
	within := func(d time.Duration) message.TimeQuality {
		return message.TimeQuality{IsSynced: message.ClaimedTrue, SyncAccuracy: d}
	}
	tests := []struct {
		name   string
		offset time.Duration
		claim  message.TimeQuality
		want   string // in the event; "" for none
	}{
		{"true", 0, synced, ""},
		{"claims nothing", 40 * time.Second, message.TimeQuality{}, ""},
		{"says it is not", 40 * time.Second, message.TimeQuality{IsSynced: message.ClaimedFalse}, ""},
		{"40 s ahead", 40 * time.Second, synced, "claims to be synchronised, but is proved 39.9"},
		{"40 s behind", -40 * time.Second, synced, "claims to be synchronised, but is 39.9"},
		{"in sync, but not as well as it says", 300 * time.Millisecond, within(time.Millisecond), "claims to be synchronised within 1 ms, but is proved 0.299 s ahead"},
		{"as well as it says", 300 * time.Millisecond, within(500 * time.Millisecond), ""},
		{"behind within the tolerance: may be a delay", -300 * time.Millisecond, within(time.Millisecond), ""},
	}
	for _, tt := range tests {
		h := newHost("web1")
		h.offset, h.quality = constant(tt.offset), tt.claim
		f := newFleet()
		var claims []Event
		verdict := Insufficient
		for _, e := range events(speak(f, 30*time.Minute, 1, h)) {
			if strings.HasPrefix(e.Text, "claims to be") {
				claims, verdict = append(claims, e), e.Verdict
			}
		}
		i := only(t, f)
		listed := strings.Contains(strings.Join(i.Claims, "\n"), "claims to be")
		switch {
		case tt.want == "" && (len(claims) > 0 || listed):
			t.Errorf("%s: told %v, claims %q, want nothing", tt.name, claims, i.Claims)
		case tt.want != "" && (len(claims) != 1 || !strings.Contains(claims[0].Text, tt.want) || claims[0].Severity != Warn || verdict != i.Verdict || !listed):
			t.Errorf("%s: told %v, claims %q, want %q once and the verdict unchanged", tt.name, claims, i.Claims, tt.want)
		}
	}
}

// TestClaimRightAfterAStep: a clock that was just set back claims in truth what the
// estimate, which needs minutes to find the step, contradicts.
func TestClaimRightAfterAStep(t *testing.T) {
	for _, resolution := range []time.Duration{time.Second, time.Microsecond} {
		bad, good := newHost("web1"), newHost("web1")
		bad.speaks, bad.offset = during(0, 20*time.Minute), constant(20*time.Second)
		good.speaks, good.quality = during(20*time.Minute, time.Hour), message.TimeQuality{IsSynced: message.ClaimedTrue}
		bad.resolution, good.resolution = resolution, resolution
		f := newFleet()
		for _, e := range events(speak(f, 40*time.Minute, 1, bad, good)) {
			if strings.HasPrefix(e.Text, "claims to be") {
				t.Errorf("resolution %v: told %q", resolution, e.Text)
			}
		}
	}
}

func TestClaimOfLowerTrustIsNotTheHosts(t *testing.T) {
	h, forger := newHost("web1"), newHost("web1")
	h.offset = constant(40 * time.Second)
	forger.trust, forger.offset, forger.quality = message.TrustUDP, h.offset, message.TimeQuality{IsSynced: message.ClaimedTrue}
	f := newFleet()
	speak(f, 15*time.Minute, 1, h, forger)
	if i := only(t, f); len(i.Claims) != 0 {
		t.Errorf("claims %q, want none", i.Claims)
	}
}

func TestFalseClaimIsToldOnce(t *testing.T) {
	h := newHost("web1")
	h.offset, h.quality = constant(40*time.Second), message.TimeQuality{IsSynced: message.ClaimedTrue}
	f := newFleet()
	speak(f, 15*time.Minute, 1, h)
	f = restored(t, f)
	if have := told(continued(f, 15*time.Minute, 30*time.Minute, 2, h)); have != nil {
		t.Errorf("told %q after a restart, want nothing", have)
	}
}
