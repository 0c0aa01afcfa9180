package simulate

import (
	"bytes"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/skewatch/skewatch/analysis/report"
	"github.com/skewatch/skewatch/cmd/internal/config"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// truthOf returns what is true after a while of a host whose clock is changed.
func truthOf(spoken time.Duration, change func(h *config.FleetHost)) Truth {
	h := config.NewFleetHost("web1")
	h.Transport = config.FleetTCP
	change(&h)
	return newHost(h, 1, noon, spoken).Truth(spoken)
}

func TestOffsetAt(t *testing.T) {
	const hour = time.Hour
	tests := []struct {
		name   string
		change func(h *config.FleetHost)
		at     time.Duration
		want   float64
	}{
		{"constant", func(h *config.FleetHost) { h.Clock.Offset = -hour }, 20 * time.Minute, -3600},
		{"skew", func(h *config.FleetHost) { h.Clock.Skew = 100 }, hour, 0.36},
		{"just before a step", func(h *config.FleetHost) { h.Clock.StepAt, h.Clock.StepBy = hour, time.Second }, hour - 1, 0},
		{"at a step", func(h *config.FleetHost) { h.Clock.StepAt, h.Clock.StepBy = hour, time.Second }, hour, 1},
		{"long after a step", func(h *config.FleetHost) { h.Clock.StepAt, h.Clock.StepBy = hour, time.Second }, 2 * hour, 1},
		{"in a pause", func(h *config.FleetHost) { h.Clock.PauseAt, h.Clock.PauseFor = hour, time.Minute }, hour + 30*time.Second, -30},
		{"after a pause", func(h *config.FleetHost) { h.Clock.PauseAt, h.Clock.PauseFor = hour, time.Minute }, 2 * hour, -60},
		{"stuck", func(h *config.FleetHost) { h.Clock.StuckAt = hour }, 2 * hour, -3600},
		{"summer time", func(h *config.FleetHost) { h.Clock.DSTAt = hour }, 2 * hour, 3600},
		{"a zone that is named", func(h *config.FleetHost) { h.Zone = config.FixedZone(hour) }, 0, 0},
		{"a zone that isn't", func(h *config.FleetHost) { h.Zone, h.Format = config.FixedZone(hour), config.FleetBSD }, 0, 3600},
		{"an epoch", func(h *config.FleetHost) { h.Clock.Epoch = noon.AddDate(0, 0, -3) }, hour, -3 * 86400},
		{"an epoch put right", func(h *config.FleetHost) { h.Clock.Epoch, h.Clock.EpochFor = noon.AddDate(0, 0, -3), hour }, hour, 0},
		{"beyond the end", func(h *config.FleetHost) { h.Clock.Skew = 100 }, 4 * hour, 1.08},
	}
	for _, tt := range tests {
		truth := truthOf(3*hour, tt.change)
		if have, ok := truth.OffsetAt(noon.Add(tt.at)); !ok || have-tt.want > 1e-9 || tt.want-have > 1e-9 {
			t.Errorf("%s: the offset after %v is %v, %v, want %v", tt.name, tt.at, have, ok, tt.want)
		}
	}
}

// A clock that wanders is noted finely enough to be what it was.
func TestTruthOfAWanderingClock(t *testing.T) {
	model := config.NewFleetHost("web1")
	model.Transport, model.Clock.Wander = config.FleetTCP, 3*time.Millisecond
	h := newHost(model, 5, noon, time.Hour)
	truth := h.Truth(time.Hour)
	for at := time.Duration(0); at < time.Hour; at += 7 * time.Second {
		if have, _ := truth.OffsetAt(noon.Add(at)); (h.Offset(at) - time.Duration(have*1e9)).Abs() > time.Microsecond {
			t.Fatalf("after %v the truth says %v s, and the clock is off by %v", at, have, h.Offset(at))
		}
	}
}

func TestTruthIsReadAsWritten(t *testing.T) {
	hosts := Hosts(BuiltIn(12, 3, Watched, []config.FleetTransport{config.FleetUDP}), noon, time.Minute, nil)
	var b bytes.Buffer
	if err := WriteTruth(&b, hosts, time.Minute); err != nil {
		t.Fatal(err)
	}
	have, err := ReadTruth(bytes.NewReader(b.Bytes()))
	if want := Truths(hosts, time.Minute); err != nil || !reflect.DeepEqual(have, want) {
		t.Errorf("%v: read as %+v, want %+v", err, have, want)
	}
	for text, want := range map[string]string{
		"":                            "it names no host",
		`{"host":"a"}` + "\n{":        "line 2 is no truth about a host: unexpected EOF",
		`{"host":"a","colour":"red"}`: `line 1 is no truth about a host: json: unknown field "colour"`,
	} {
		if _, err := ReadTruth(strings.NewReader(text)); err == nil || err.Error() != want {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

func TestRightVerdicts(t *testing.T) {
	const s, h = time.Second, time.Hour
	fine := func(*config.FleetHost) {}
	ahead := func(by time.Duration) func(*config.FleetHost) {
		return func(f *config.FleetHost) { f.Clock.Offset = by }
	}
	stepped := func(from, by time.Duration) func(*config.FleetHost) {
		return func(f *config.FleetHost) { f.Clock.Offset, f.Clock.StepAt, f.Clock.StepBy = from, h, by }
	}
	tests := []struct {
		name     string
		change   func(*config.FleetHost)
		at       time.Duration
		want     string
		measured bool
	}{
		{"right", fine, h, "in-sync", true},
		{"right, just begun", fine, 10 * s, "in-sync insufficient", true},
		{"ahead", ahead(2 * s), h, "ahead", true},
		{"late", ahead(-2 * s), h, "late", true},
		{"near the tolerance", ahead(-950 * time.Millisecond), h, "in-sync insufficient late", true},
		{"half an hour", ahead(30 * time.Minute), h, "wrong-zone", true},
		{"half an hour and ten seconds", ahead(30*time.Minute + 10*s), h, "ahead", true},
		{"two days", ahead(50 * h), h, "wrong-date", true},
		{"an epoch", func(f *config.FleetHost) { f.Clock.Epoch = time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC) }, h, "dead-rtc", true},
		{"an epoch without a year", func(f *config.FleetHost) {
			f.Format, f.Clock.Epoch = config.FleetBSD, time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)
		}, h, "dead-rtc wrong-date", false},
		{"no time", func(f *config.FleetHost) { f.Format = config.FleetNoStamp }, h, "no-clock", false},
		{"stuck", func(f *config.FleetHost) { f.Clock.StuckAt = h }, h + time.Minute, "stuck", false},
		{"stuck a moment ago", func(f *config.FleetHost) { f.Clock.StuckAt = h }, h + 10*s, "backlog in-sync insufficient late stepped", false},
		{"forward a moment ago", stepped(0, 5*s), h + 5*s, "ahead backlog in-sync insufficient late stepped", false},
		{"forward", stepped(0, 5*s), h + 30*s, "ahead", true},
		{"back a moment ago", stepped(0, -5*s), h + 2*time.Minute, "backlog in-sync insufficient late stepped", false},
		{"back", stepped(0, -5*s), h + 5*time.Minute, "late", true},
		{"back by little", stepped(0, -1*s), h + 5*time.Minute, "backlog in-sync insufficient late stepped", false},
		{"set right", stepped(-5*s, 5*s), h + 5*time.Minute, "stepped", true},
		{"set right ten minutes ago", stepped(-5*s, 5*s), h + 10*time.Minute, "in-sync stepped", true},
		{"set right long ago", stepped(-5*s, 5*s), h + 30*time.Minute, "in-sync", true},
		{"fast", func(f *config.FleetHost) { f.Clock.Skew = 20 }, 10 * time.Minute, "in-sync", true},
		{"fast for an hour", func(f *config.FleetHost) { f.Clock.Skew = 20 }, h, "drifting in-sync", true},
		{"fast for hours", func(f *config.FleetHost) { f.Clock.Skew = 20 }, 3 * h, "drifting", true},
		{"as fast as a leap smear", func(f *config.FleetHost) { f.Clock.Skew = 11.6 }, 3 * h, "drifting in-sync", true},
		{"cut off", func(f *config.FleetHost) { f.Outage.At, f.Outage.For = h, h }, 2*h + 10*s, "backlog in-sync insufficient", true},
		{"cut off long ago", func(f *config.FleetHost) { f.Outage.At, f.Outage.For = h, h }, 3 * h, "in-sync", true},
	}
	for _, tt := range tests {
		truth := truthOf(4*h, tt.change)
		may := truth.right(judging{noon.Add(tt.at), noon.Add(tt.at), 1})
		slices.Sort(may.verdicts)
		have := strings.Join(slices.Compact(may.verdicts), " ")
		if have != tt.want || may.measured != tt.measured {
			t.Errorf("%s: %s, measured %v, want %s, %v", tt.name, have, may.measured, tt.want, tt.measured)
		}
	}
}

func number(v float64) *float64 { return &v }

func TestJudge(t *testing.T) {
	last := noon.Add(time.Hour)
	row := func(source string, verdict string, offset, low, high float64) report.Row {
		return report.Row{Host: "WEB1", Source: source, Verdict: verdict, Last: &last, Messages: 5, Explanation: "because",
			Offset: number(offset), OffsetLow: number(low), OffsetHigh: number(high), Skew: number(1), SkewBound: number(2)}
	}
	truth := []Truth{truthOf(2*time.Hour, func(h *config.FleetHost) { h.Clock.Offset = 5 * time.Second })}
	truth[0].Source = "127.1.0.1"
	tests := []struct {
		name        string
		rows        []report.Row
		right, held int
		passed      bool
	}{
		{"right", []report.Row{row("127.1.0.1", "ahead", 5.01, 4.99, 5.05)}, 1, 1, true},
		{"a wrong verdict", []report.Row{row("127.1.0.1", "late", 5.01, 4.99, 5.05)}, 0, 1, false},
		{"above the interval", []report.Row{row("127.1.0.1", "ahead", 4.8, 4.7, 4.99)}, 1, 0, false},
		{"below the interval", []report.Row{row("127.1.0.1", "ahead", 5.02, 5.01, 5.03)}, 1, 0, false},
		{"not heard of", nil, 0, 0, false},
		{"another address", []report.Row{row("192.0.2.1", "ahead", 5, 4, 6)}, 1, 1, true},
		{"another address beside its own", []report.Row{row("192.0.2.1", "ahead", 5, 4, 6), row("127.1.0.1", "late", 5, 4, 6)}, 0, 1, false},
	}
	for _, tt := range tests {
		r := &report.Report{Header: report.Header{Generated: last, Profile: report.Profile{Warn: 1, Crit: 5}}, Hosts: tt.rows}
		s := Judge(r, truth).Summary
		if s.Hosts != 1 || s.Right != tt.right || s.Held != tt.held || s.Passed() != tt.passed {
			t.Errorf("%s: %+v, passed %v; want %d right, %d held, passed %v", tt.name, s, s.Passed(), tt.right, tt.held, tt.passed)
		}
	}
}
