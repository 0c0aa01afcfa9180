package analysis

import (
	"math"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/skewatch/skewatch/collector/message"
)

// TestEveryVerdictSaysWhatToCheck: whoever is warned of something is told where to look,
// and who isn't, isn't.
func TestEveryVerdictSaysWhatToCheck(t *testing.T) {
	for v := range Verdict(len(verdicts)) {
		o := newOriginator("web1", netip.MustParseAddr("192.0.2.1"), epoch)
		o.rule.Zone, o.neighbours, o.presence = time.UTC, &circle{}, &circle{}
		o.judged.verdict = v
		said := o.check()
		if want := v != InSync && v != Insufficient; (said != "") != want {
			t.Errorf("%v: %q, want words: %v", v, said, want)
		}
		if len(said) > 260 || strings.HasSuffix(said, ".") || strings.Contains(said, "  ") {
			t.Errorf("%v: %q is not one short sentence", v, said)
		}
	}
}

// TestWhatToCheck: what is known of a host chooses the words.
func TestWhatToCheck(t *testing.T) {
	off := func(d time.Duration) host {
		h := newHost("web1")
		h.offset = constant(d)
		return h
	}
	claiming := func(d time.Duration, c message.Claim) host {
		h := off(d)
		h.quality.IsSynced = c
		return h
	}
	yearless := off(40 * 24 * time.Hour).coarse()
	yearless.yearless = true
	device := off(37 * time.Second)
	device.format, device.resolution = message.StampBSDYear, time.Second
	paris, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name  string
		rule  HostRule
		hosts []host
		want  string
	}{
		{"ahead", HostRule{}, []host{off(37 * time.Second)}, "run `chronyc tracking`"},
		{"ahead, a network device", HostRule{}, []host{device}, "run `show ntp status`"},
		{"ahead, and says so", HostRule{}, []host{claiming(37*time.Second, message.ClaimedFalse)}, "isSynced=0"},
		{"ahead, and says otherwise", HostRule{}, []host{claiming(37*time.Second, message.ClaimedTrue)}, "with a wrong server?"},
		{"ahead behind a relay", HostRule{Relay: true}, []host{off(37 * time.Second)}, "check that relay first"},
		{"late", HostRule{}, []host{off(-37 * time.Second)}, "if it is right, its messages wait: look at its forwarder's queue"},
		{"late, and says so", HostRule{}, []host{claiming(-37*time.Second, message.ClaimedFalse)}, "if `date -u` there is right nevertheless, its messages wait"},
		{"late behind a relay", HostRule{Relay: true}, []host{off(-37 * time.Second)}, "and that of 192.0.2.1"},
		{"a zone too far east", HostRule{}, []host{off(5 * time.Hour)}, "a zone 5 h too far east: check `timedatectl`"},
		{"an hour west", HostRule{}, []host{off(-time.Hour)}, "a zone 1 h too far west: check `timedatectl` and /etc/localtime there (is DST at fault?)"},
		{"local time", HostRule{}, []host{off(5 * time.Hour).coarse()}, "configure `zone` for it here under `hosts`; if it should be in UTC"},
		{"local time without DST", HostRule{Zone: paris}, []host{off(2 * time.Hour).coarse()}, "its clock is right but for DST: check /etc/localtime"},
		{"a date without a year", HostRule{}, []host{yearless}, "Its stamps name no year"},
		{"a year", HostRule{}, []host{off(-365 * 24 * time.Hour)}, "ntpd gives up"},
		{"a GPS receiver", HostRule{}, []host{off(-7168 * 24 * time.Hour)}, "a GPS receiver is whose week number"},
		{"a battery", HostRule{}, []host{off(time.Date(1970, 1, 1, 1, 0, 0, 0, time.UTC).Sub(unixUTC(epoch)))}, "the battery of its real-time clock"},
		{"one clock for many", HostRule{}, behind(3, same(20*time.Second)), "check the clock of 192.0.2.1 first"},
	}
	for _, tt := range tests {
		f := fleetOf(tt.rule)
		told := events(speak(f, 5*time.Minute, 1, tt.hosts...))
		for _, i := range f.Identities() {
			if !strings.Contains(i.Check, tt.want) {
				t.Errorf("%s: %v: %q, want … %s …", tt.name, i.Verdict, i.Check, tt.want)
			}
		}
		raised := func(e Event) bool { return e.Kind == Raise && strings.Contains(e.Check, tt.want) }
		if len(tt.hosts) == 1 && !slices.ContainsFunc(told, raised) {
			t.Errorf("%s: %+v, want an event that says … %s …", tt.name, told, tt.want)
		}
	}
}

// TestPauseSaysWhatToCheck: a machine that stood still is no queue.
func TestPauseSaysWhatToCheck(t *testing.T) {
	const pause, from = 5 * time.Minute, 20 * time.Minute
	h := newHost("web1")
	h.speaks = func(at time.Duration) bool { return at < from || at >= from+pause }
	h.offset = func(at time.Duration) time.Duration { return -min(max(0, at-from), pause) }
	f := newFleet()
	speak(f, 40*time.Minute, 1, h)
	if i := only(t, f); i.Verdict != Late || !strings.HasPrefix(i.Check, "was the machine paused or moved?") {
		t.Errorf("%v: %q, want late, and the pause", i.Verdict, i.Check)
	}
}

// TestClearHasNothingToCheck: what is over asks nothing of anybody.
func TestClearHasNothingToCheck(t *testing.T) {
	h := newHost("web1")
	h.offset = func(at time.Duration) time.Duration {
		return time.Duration(math.Max(0, 1-math.Floor(at.Minutes()/5))) * 37 * time.Second
	}
	kinds := map[EventKind]bool{}
	for _, e := range events(speak(newFleet(), 10*time.Minute, 1, h)) {
		kinds[e.Kind] = true
		if (e.Check == "") != (e.Kind == Clear) {
			t.Errorf("%v %v: what to check is %q", e.Kind, e.Verdict, e.Check)
		}
	}
	if !kinds[Raise] || !kinds[Clear] {
		t.Errorf("events of the kinds %v, want a raise and a clear", kinds)
	}
}
