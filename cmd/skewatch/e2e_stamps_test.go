package main_test

import (
	"fmt"
	"net"
	"slices"
	"testing"
	"time"

	"github.com/skewatch/skewatch/cmd/internal/testbed"
)

// An oddMessage is a message with a stamp that is hard to read, and what must be
// made of it.
type oddMessage struct {
	host   string
	raw    string
	format string     // stamp_format
	sent   *time.Time // nil: the stamp names no time
}

func oddMessages(now time.Time) []oddMessage {
	return []oddMessage{
		{"nil", "<14>1 - nil app - - - no time", "none", nil},
		{"2003", "<14>1 2003-08-24T05:14:15.000003-07:00 2003 app - - - long ago", "rfc5424",
			instant(2003, 8, 24, 12, 14, 15, 3000)},
		{"leap", "<14>1 2024-02-29T12:00:00Z leap app - - - a leap day", "rfc5424", instant(2024, 2, 29, 12, 0, 0, 0)},
		{"noleap", "<14>1 2023-02-29T12:00:00Z noleap app - - - no such day", "invalid", nil},
		{"feb29", "<14>Feb 29 12:00:00 feb29 app: in which year?", "bsd", nearest(now, 2, 29, 12, 0, 0)},
		{"dec31", "<14>Dec 31 23:59:59 dec31 app: which year ends?", "bsd", nearest(now, 12, 31, 23, 59, 59)},
		{"jan1", "<14>Jan  1 00:00:00 jan1 app: which year begins?", "bsd", nearest(now, 1, 1, 0, 0, 0)},
		{"ios", "<189>29: ios: 000123: *Feb 29 2024 12:00:00.250 UTC: %SYS-5-CONFIG_I: a year", "bsd-year",
			instant(2024, 2, 29, 12, 0, 0, 250_000_000)},
		{"meraki", "<134>1 1709208000.5 meraki events since 1970", "epoch", instant(2024, 2, 29, 12, 0, 0, 500_000_000)},
		{"uptime", "<189>29: uptime: 000123: 20w2d: %SYS-5-RESTART: no time of day", "none", nil},
		{"cisco30", "<189>29: cisco30: *Feb 30 12:00:00 UTC: %SYS-5-CONFIG_I: no such day", "invalid", nil},
	}
}

func instant(year int, month time.Month, day, hour, minute, second, nanosecond int) *time.Time {
	at := time.Date(year, month, day, hour, minute, second, nanosecond, time.UTC)
	return &at
}

// nearest returns the moment of last, this or next year that is nearest to now; nil
// if none of them has the day.
func nearest(now time.Time, month time.Month, day, hour, minute, second int) (best *time.Time) {
	for year := now.Year() - 1; year <= now.Year()+1; year++ {
		at := instant(year, month, day, hour, minute, second, 0)
		if at.Day() == day && (best == nil || at.Sub(now).Abs() < best.Sub(now).Abs()) {
			best = at
		}
	}
	return best
}

// TestEndToEndStamps sends stamps that are absent, impossible or from another year:
// all are stored as they came, and only usable ones are evidence.
func TestEndToEndStamps(t *testing.T) {
	t.Parallel()
	s := startServer(t, t.TempDir())
	conn, err := net.Dial("udp", s.UDP)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()

	began := time.Now()
	odd := oddMessages(began.UTC())
	rounds := sendRounds(t, conn, odd, 10*time.Second)
	for _, want := range odd {
		var found []foundMessage
		eventually(t, 10*time.Second, func() error {
			found = askMessages(t, s, want.host)
			if len(found) != rounds {
				return fmt.Errorf("%d messages of %s are stored, want %d", len(found), want.host, rounds)
			}
			return nil
		})
		for _, m := range found {
			checkOdd(t, m, want, began)
		}
	}
	checkWithoutHeader(t, s)
	checkEvidence(t, askReport(t, s))
}

// sendRounds sends every odd message twice a second, and between them messages of a
// good clock from a host that also sends stamps nobody can read.
func sendRounds(t *testing.T, conn net.Conn, odd []oddMessage, length time.Duration) (rounds int) {
	t.Helper()
	send := func(raw string) {
		if _, err := conn.Write([]byte(raw)); err != nil {
			t.Fatal(err)
		}
	}
	send("no header at all")
	pace := time.NewTicker(500 * time.Millisecond)
	defer pace.Stop()
	for end := time.Now().Add(length); time.Now().Before(end); rounds++ {
		for _, m := range odd {
			send(m.raw)
		}
		send(fmt.Sprintf("<14>1 %s good app - - - in time", time.Now().UTC().Format(time.RFC3339Nano)))
		send("<14>1 2026-13-45T99:00:00Z good app - - - out of its mind")
		<-pace.C
	}
	return rounds
}

// checkOdd checks that a message is kept bit for bit, and that its stamp is neither
// mended nor replaced.
func checkOdd(t *testing.T, m foundMessage, want oddMessage, began time.Time) {
	t.Helper()
	if string(m.Raw) != want.raw {
		t.Errorf("%s: the frame is %q, want %q", want.host, m.Raw, want.raw)
	}
	if m.StampFormat != want.format {
		t.Errorf("%s: stamp_format is %q, want %q", want.host, m.StampFormat, want.format)
	}
	switch {
	case want.sent == nil && m.Sent != nil:
		t.Errorf("%s: sent is %v, want null", want.host, m.Sent)
	case want.sent != nil && (m.Sent == nil || !m.Sent.Equal(*want.sent)):
		t.Errorf("%s: sent is %v, want %v", want.host, m.Sent, want.sent)
	}
	if m.Received.Before(began) || m.Received.After(time.Now()) {
		t.Errorf("%s: received is %v, want between %v and now", want.host, m.Received, began)
	}
}

// checkWithoutHeader checks that what isn't syslog is stored too.
func checkWithoutHeader(t *testing.T, s *testbed.Skewatch) {
	t.Helper()
	const raw = "no header at all"
	found := askMessages(t, s, "*")
	i := slices.IndexFunc(found, func(m foundMessage) bool { return string(m.Raw) == raw })
	if i < 0 {
		t.Fatalf("%q is not stored", raw)
	}
	if m := found[i]; m.Sent != nil || m.StampFormat != "none" && m.StampFormat != "invalid" {
		t.Errorf("%q is stored as %+v, want it marked as having no stamp", raw, m)
	}
}

// checkEvidence checks that unusable stamps judge nobody's clock and spoil nobody's.
func checkEvidence(t *testing.T, report reportAnswer) {
	t.Helper()
	for _, host := range []string{"nil", "noleap", "uptime", "cisco30"} {
		if row := report.rowOf(host, "udp"); row.Verdict != "no-clock" || row.Offset != nil {
			t.Errorf("%s: the row is %+v, want no-clock and no offset", host, row)
		}
	}
	if row := report.rowOf("good", "udp"); row.Verdict != "in-sync" {
		t.Errorf("good: the verdict is %q (%s), want in-sync by its readable stamps", row.Verdict, row.Explanation)
	} else if err := checkEstimate(row, 0, withinSubSecond); err != nil {
		t.Error(err)
	}
	for _, host := range []string{"2003", "leap", "ios", "meraki"} {
		if row := report.rowOf(host, "udp"); row.Verdict == "" || row.Verdict == "in-sync" {
			t.Errorf("%s: the verdict is %q, want anything but in-sync", host, row.Verdict)
		}
	}
}
