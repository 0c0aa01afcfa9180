package parse

import (
	"testing"

	"github.com/skewatch/skewatch/collector/message"
)

// unsynced is what both of Cisco's marks claim.
var unsynced = message.TimeQuality{IsSynced: message.ClaimedFalse}

func TestCisco(t *testing.T) {
	const f, civil, app, text = message.StampBSD, "2000-04-29 13:58:40.411", "%SYS-5-CONFIG_I", "Configured from console"
	const stamp, rest = "Apr 29 13:58:40.411", ": %SYS-5-CONFIG_I: Configured from console"
	run(t, []parseTest{
		{"IOS", "<189>29: sw1: 000123: " + stamp + rest, want{
			priority: 189, format: f, civil: civil, digits: 3, host: "sw1", app: app, text: text}},
		{"never set", "<189>29: sw1: 000123: *" + stamp + " UTC" + rest, want{
			priority: 189, format: f, civil: civil, zone: "+00:00", digits: 3, host: "sw1", app: app, text: text, quality: unsynced}},
		{"synchronised, now lost", "<189>29: sw1: 000123: ." + stamp + " CET" + rest, want{
			priority: 189, format: f, civil: civil, digits: 3, host: "sw1", app: app, text: text, quality: unsynced}},
		{"zone name of several", "<189>29: sw1: " + stamp + " IST" + rest, want{
			priority: 189, format: f, civil: civil, digits: 3, host: "sw1", app: app, text: text}},
		{"GMT", "<189>29: sw1: " + stamp + " GMT" + rest, want{
			priority: 189, format: f, civil: civil, zone: "+00:00", digits: 3, host: "sw1", app: app, text: text}},
		{"Z", "<189>29: sw1: " + stamp + " Z" + rest, want{
			priority: 189, format: f, civil: civil, zone: "+00:00", digits: 3, host: "sw1", app: app, text: text}},
		{"number alone", "<189>29: " + stamp + rest, want{
			priority: 189, format: f, civil: civil, digits: 3, app: app, text: text}},
		{"number and no mnemonic", "<191>29: sw1: " + stamp + ": BGP: 192.0.2.1 went from Idle to Active", want{
			priority: 191, format: f, civil: civil, digits: 3, host: "sw1", app: "BGP", text: "192.0.2.1 went from Idle to Active"}},
		{"host alone", "<189>sw1: " + stamp + rest, want{
			priority: 189, format: f, civil: civil, digits: 3, host: "sw1", app: app, text: text}},
		{"address as host", "<189>29: 192.0.2.7: " + stamp + rest, want{
			priority: 189, format: f, civil: civil, digits: 3, host: "192.0.2.7", app: app, text: text}},
		{"IPv6 address as host", "<189>29: 2001:db8::7: " + stamp + rest, want{
			priority: 189, format: f, civil: civil, digits: 3, host: "2001:db8::7", app: app, text: text}},
		{"mark alone", "<189>*" + stamp + " UTC" + rest, want{
			priority: 189, format: f, civil: civil, zone: "+00:00", digits: 3, app: app, text: text, quality: unsynced}},
		{"nothing before, a zone behind", "<189>" + stamp + " EST" + rest, want{
			priority: 189, format: f, civil: civil, digits: 3, app: app, text: text}},
		{"nothing before, UTC behind", "<189>" + stamp + " UTC" + rest, want{
			priority: 189, format: f, civil: civil, zone: "+00:00", digits: 3, app: app, text: text}},
		{"nothing before, UTC and a space", "<189>" + stamp + " UTC " + rest, want{
			priority: 189, format: f, civil: civil, zone: "+00:00", digits: 3, app: app, text: text}},
		{"nothing before, a space behind", "<189>" + stamp + " " + rest, want{
			priority: 189, format: f, civil: civil, digits: 3, app: app, text: text}},
		{"mark and no mnemonic", "<191>*" + stamp + ": BGP: x", want{
			priority: 191, format: f, civil: civil, digits: 3, app: "BGP", text: "x", quality: unsynced}},
		{"year after the day", "<189>29: sw1: *Apr 29 2026 13:58:40.411 UTC" + rest, want{
			priority: 189, format: message.StampBSDYear, civil: "2026-04-29 13:58:40.411", zone: "+00:00", digits: 3,
			host: "sw1", app: app, text: text, quality: unsynced}},
		{"year first", "<189>sw1: 2026 Apr  9 13:58:40 CEST" + rest, want{
			priority: 189, format: message.StampBSDYear, civil: "2026-04-09 13:58:40", host: "sw1", app: app, text: text}},
		{"colon first", "<189>: 2026 Apr 29 13:58:40 EET" + rest, want{
			priority: 189, format: message.StampBSDYear, civil: "2026-04-29 13:58:40", app: app, text: text}},
		{"colon glued", "<166>:Apr 29 13:58:40 UTC" + rest, want{
			priority: 166, format: f, civil: "2000-04-29 13:58:40", zone: "+00:00", app: app, text: text}},
		{"task of a wireless controller", "<189>wlc1: *apfTask1: " + stamp + rest, want{
			priority: 189, format: f, civil: civil, digits: 3, host: "wlc1", app: app, text: text}},
		{"no such day", "<189>29: sw1: *Feb 30 13:58:40.411 UTC" + rest, want{
			priority: 189, format: message.StampInvalid, host: "sw1", app: app, text: text, quality: unsynced}},
		{"no such day in that year", "<189>29: sw1: Feb 29 2026 13:58:40" + rest, want{
			priority: 189, format: message.StampInvalid, host: "sw1", app: app, text: text}},
		{"no stamp", "<189>29: sw1" + rest, want{priority: 189, host: "sw1", app: app, text: text}},
	})
}

func TestCiscoXR(t *testing.T) {
	const f, civil = message.StampBSD, "2000-12-11 12:43:29.227"
	run(t, []parseTest{
		{"no host", "<189>138076: RP/0/RP0/CPU0:Dec 11 12:43:29.227 EST: config[67]: %MGBL-SYS-5-CONFIG_I : x", want{
			priority: 189, format: f, civil: civil, digits: 3, app: "config", proc: "67", text: "%MGBL-SYS-5-CONFIG_I : x"}},
		{"host", "<189>138076: xr1 LC/0/2/CPU0:Dec 11 12:43:29.227 UTC: ifmgr[214]: x", want{
			priority: 189, format: f, civil: civil, zone: "+00:00", digits: 3, host: "xr1", app: "ifmgr", proc: "214", text: "x"}},
		{"host with a colon", "<189>138076: xr1: RP/0/RSP0/CPU0:Dec 11 12:43:29.227 : ifmgr[214]: x", want{
			priority: 189, format: f, civil: civil, digits: 3, host: "xr1", app: "ifmgr", proc: "214", text: "x"}},
		{"year", "<189>RP/0/RP0/CPU0:2026 Dec 11 12:43:29.227 UTC: ifmgr[214]: x", want{
			priority: 189, format: message.StampBSDYear, civil: "2026-12-11 12:43:29.227", zone: "+00:00", digits: 3, app: "ifmgr", proc: "214", text: "x"}},
		{"mark", "<189>RP/0/RSP0/CPU0:*Dec 11 12:43:29.227: ifmgr[214]: x", want{
			priority: 189, format: f, civil: civil, digits: 3, app: "ifmgr", proc: "214", text: "x", quality: unsynced}},
	})
}

// A time since the start is no time of day: the message has no stamp.
func TestCiscoUptime(t *testing.T) {
	for _, uptime := range []string{"00:01:01", "20w2d", "1d03h", "2y5w", "99:59:59"} {
		run(t, []parseTest{
			{uptime, "<189>" + uptime + ": %SYS-5-RESTART: x", want{priority: 189, app: "%SYS-5-RESTART", text: "x"}},
			{uptime + " with host", "<189>29: sw1: 000123: " + uptime + ": %SYS-5-RESTART: x", want{
				priority: 189, host: "sw1", app: "%SYS-5-RESTART", text: "x"}},
		})
	}
}

// The Unified Communications Manager writes hours from 1 to 12, and the fraction behind
// the half of the day.
func TestCiscoHalfDay(t *testing.T) {
	tests := []struct{ in, civil string }{
		{"04:34:17 AM.969", "2026-07-08 04:34:17.969"},
		{"04:34:17 PM.969", "2026-07-08 16:34:17.969"},
		{"12:00:00 AM.000", "2026-07-08 00:00:00"},
		{"12:34:17 PM.969", "2026-07-08 12:34:17.969"},
		{"11:59:59 PM.999", "2026-07-08 23:59:59.999"},
		{"00:34:17 AM.969", ""},
		{"13:34:17 PM.969", ""},
		{"04:34:17.5 PM.969", ""},
	}
	for _, tt := range tests {
		w := want{priority: 189, format: message.StampInvalid, app: "%UC-5-X", text: "x"}
		if tt.civil != "" {
			w.format, w.civil, w.zone, w.digits = message.StampBSDYear, tt.civil, "+00:00", 3
		}
		run(t, []parseTest{{tt.in, "<189>17: Jul 08 2026 " + tt.in + " UTC : %UC-5-X: x", w}})
	}
}

// Cisco's firewalls write a header as in RFC 3164, with a year or without, and the host
// before a colon that stands alone or not.
func TestCiscoFirewalls(t *testing.T) {
	const civil, app = "2026-04-29 13:58:40", "%ASA-6-302013"
	const f = message.StampBSDYear
	run(t, []parseTest{
		{"year and host", "<166>Apr 29 2026 13:58:40 fw1 : %ASA-6-302013: x", want{
			priority: 166, format: f, civil: civil, host: "fw1", app: app, text: "x"}},
		{"day below 10", "<166>Apr  9 2026 13:58:40 fw1 : %ASA-6-302013: x", want{
			priority: 166, format: f, civil: "2026-04-09 13:58:40", host: "fw1", app: app, text: "x"}},
		{"year, no host", "<166>Apr 29 2026 13:58:40: %ASA-6-302013: x", want{
			priority: 166, format: f, civil: civil, app: app, text: "x"}},
		{"year, zone, no host", "<166>Apr 29 2026 13:58:40 UTC: %ASA-6-302013: x", want{
			priority: 166, format: f, civil: civil, zone: "+00:00", app: app, text: "x"}},
		{"host with its colon", "<166>Apr 29 13:58:40 fw1: %ASA-6-302013: x", want{
			priority: 166, format: message.StampBSD, civil: "2000-04-29 13:58:40", host: "fw1", app: app, text: "x"}},
		{"a program elsewhere", "<166>Apr 29 13:58:40 Bfd: %BFD-5-STATE_CHANGE: x", want{
			priority: 166, format: message.StampBSD, civil: "2000-04-29 13:58:40", app: "Bfd", text: "%BFD-5-STATE_CHANGE: x"}},
	})
}
