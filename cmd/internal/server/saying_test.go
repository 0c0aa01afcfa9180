package server

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/skewatch/skewatch/analysis"
	"github.com/skewatch/skewatch/cmd/internal/api"
	"github.com/skewatch/skewatch/collector/message"
	"github.com/skewatch/skewatch/collector/parse"
)

// TestSaidOfSteps steps a clock by 3.2 s: what the host's own time service says of it stands
// with the step, in the report and in the words of the verdict, and so does it if nothing does.
func TestSaidOfSteps(t *testing.T) {
	tests := []struct {
		name  string
		after time.Duration // the step
		line  string        // that is logged then; "" for none
		trust message.Trust
		want  string
	}{
		{"chronyd tells", 30 * time.Second, "chronyd: System clock was stepped by 3.200131 seconds", message.TrustHandshake,
			`chronyd says the same: "System clock was stepped by 3.200131 seconds"`},
		{"chronyd tells late", 6 * time.Minute, "chronyd: System clock wrong by -3.199000 seconds", message.TrustHandshake,
			`chronyd says the same: "System clock wrong by -3.199000 seconds"`},
		{"two lines", 30 * time.Second, "chronyd: Forward time jump detected!|chronyd: System clock wrong by -3.200000 seconds", message.TrustHandshake,
			`chronyd says the same: "System clock wrong by -3.200000 seconds"`},
		{"somebody set it", -time.Second, "systemd-timedated: Changed local time to Sun Mar  1 12:05:04 2026", message.TrustHandshake,
			`systemd-timedated says: "Changed local time to Sun Mar  1 12:05:04 2026"`},
		{"of another step", 30 * time.Second, "chronyd: System clock was stepped by -60.000000 seconds", message.TrustHandshake, analysis.NoWord},
		{"forged", 30 * time.Second, "chronyd: System clock was stepped by 3.200131 seconds", message.TrustUDP, analysis.NoWord},
		{"not a word", 0, "", message.TrustHandshake, analysis.NoWord},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := openHistory(t, t.TempDir())
			step := noon.Add(5 * time.Minute)
			for s := range 15 * 60 {
				at, ahead := noon.Add(time.Duration(s)*time.Second), time.Duration(0)
				if !at.Before(step) {
					ahead = 3200 * time.Millisecond
				}
				h.utter(at, ahead, message.TrustHandshake, "app: alive")
				if tt.line != "" && at.Equal(step.Add(tt.after)) {
					for _, line := range strings.Split(tt.line, "|") {
						h.utter(at, ahead, tt.trust, line)
					}
				}
				h.at(at)
				h.judge((*analysis.Fleet).Tick)
			}
			h.commit()
			rows := rows(t, h.desk, api.Query{})
			if len(rows) != 1 || len(rows[0].Steps) != 1 || rows[0].Steps[0].Said != tt.want {
				t.Errorf("the report has %+v, want one step of which is said %q", rows, tt.want)
			}
		})
	}
}

// utter has a host write a line, "APP: TEXT", by a clock that is ahead.
func (h *history) utter(at time.Time, ahead time.Duration, trust message.Trust, line string) {
	h.t.Helper()
	app, text, _ := strings.Cut(line, ": ")
	m := message.Message{Received: at.UnixNano(), Source: netip.MustParseAddr("192.0.2.7"), Transport: message.TCP, Trust: trust}
	parse.Parse(fmt.Appendf(nil, "<30>1 %s web1 %s 611 - - %s", at.Add(ahead-time.Millisecond).Format("2006-01-02T15:04:05.000000Z07:00"), app, text), &m)
	if err := h.Put([]message.Message{m}); err != nil {
		h.t.Fatal(err)
	}
}
