package parse

import (
	"testing"

	"github.com/skewatch/skewatch/collector/message"
)

func TestRFC3164(t *testing.T) {
	const f, civil = message.StampBSD, "2000-10-11 22:14:15"
	run(t, []parseTest{
		{"RFC example", "<34>Oct 11 22:14:15 mymachine su: 'su root' failed for lonvick on /dev/pts/8", want{
			priority: 34, format: f, civil: civil, host: "mymachine", app: "su", text: "'su root' failed for lonvick on /dev/pts/8"}},
		{"process", "<38>Oct 11 22:14:15 web1 sshd[24817]: Failed password", want{
			priority: 38, format: f, civil: civil, host: "web1", app: "sshd", proc: "24817", text: "Failed password"}},
		{"path as name", "<38>Oct 11 22:14:15 web1 postfix/smtpd[9]: x", want{
			priority: 38, format: f, civil: civil, host: "web1", app: "postfix/smtpd", proc: "9", text: "x"}},
		{"one space is taken", "<38>Oct 11 22:14:15 web1 su:   x ", want{
			priority: 38, format: f, civil: civil, host: "web1", app: "su", text: "  x "}},
		{"no space after the process", "<38>Oct 11 22:14:15 web1 app[1]:x", want{
			priority: 38, format: f, civil: civil, host: "web1", app: "app", proc: "1", text: "x"}},
		{"no process in the brackets", "<38>Oct 11 22:14:15 web1 app[]: x", want{
			priority: 38, format: f, civil: civil, host: "web1", app: "app", text: "x"}},
		{"no tag", "<38>Oct 11 22:14:15 web1 -- MARK --", want{
			priority: 38, format: f, civil: civil, host: "web1", text: "-- MARK --"}},
		{"CEF is no tag", "<38>Oct 11 22:14:15 web1 CEF:0|Vendor|x", want{
			priority: 38, format: f, civil: civil, host: "web1", text: "CEF:0|Vendor|x"}},
		{"a lone colon is no tag", "<38>Oct 11 22:14:15 web1 : x", want{
			priority: 38, format: f, civil: civil, host: "web1", text: ": x"}},
		{"brackets without a colon", "<38>Oct 11 22:14:15 web1 app[1] x", want{
			priority: 38, format: f, civil: civil, host: "web1", text: "app[1] x"}},
		{"byte order mark", "<38>Oct 11 22:14:15 web1 su: \xEF\xBB\xBFx", want{
			priority: 38, format: f, civil: civil, host: "web1", app: "su", text: "x"}},
		{"IPv6 host", "<38>Oct 11 22:14:15 fe80::1 su: x", want{
			priority: 38, format: f, civil: civil, host: "fe80::1", app: "su", text: "x"}},
		{"IPv6 host in brackets", "<38>Oct 11 22:14:15 [fe80::1] su: x", want{
			priority: 38, format: f, civil: civil, host: "[fe80::1]", app: "su", text: "x"}},

		{"Docker has no host", "<13>Oct 11 22:14:15 docker/abc[12]: x", want{
			priority: 13, format: f, civil: civil, app: "docker/abc", proc: "12", text: "x"}},
		{"no host, no process", "<13>Oct 11 22:14:15 su: x", want{
			priority: 13, format: f, civil: civil, app: "su", text: "x"}},
		{"no host, glued text", "<13>Oct 11 22:14:15 app[12]:x", want{
			priority: 13, format: f, civil: civil, app: "app", proc: "12", text: "x"}},
		{"Junos", "<13>Oct 11 22:14:15  vmx01 rpd[2942]: x", want{
			priority: 13, format: f, civil: civil, host: "vmx01", app: "rpd", proc: "2942", text: "x"}},
		{"space after the priority", "<13> Oct 11 22:14:15 web1 su: x", want{
			priority: 13, format: f, civil: civil, host: "web1", app: "su", text: "x"}},
		{"colon after the stamp", "<13>Oct 11 22:14:15: %SYS-5-CONFIG_I: x", want{
			priority: 13, format: f, civil: civil, app: "%SYS-5-CONFIG_I", text: "x"}},
		{"tab after the host", "<13>Oct 11 22:14:15 web1\tMSWinEventLog\t1", want{
			priority: 13, format: f, civil: civil, host: "web1", text: "MSWinEventLog\t1"}},
		{"host ends the message", "<13>Oct 11 22:14:15 web1", want{priority: 13, format: f, civil: civil, host: "web1"}},
		{"line end of a datagram", "<13>Oct 11 22:14:15 web1\n", want{priority: 13, format: f, civil: civil, host: "web1"}},
		{"stamp ends the message", "<13>Oct 11 22:14:15", want{priority: 13, format: f, civil: civil}},
		{"tag ends the message", "<13>Oct 11 22:14:15 web1 su:", want{priority: 13, format: f, civil: civil, host: "web1", app: "su"}},
	})
}

func TestRFC3339InPlaceOfRFC3164(t *testing.T) {
	const f = message.StampRFC3339
	run(t, []parseTest{
		{"rsyslog ForwardFormat", "<38>2026-11-20T23:53:09.807954+00:00 web1 sshd[1]: x", want{
			priority: 38, format: f, civil: "2026-11-20 23:53:09.807954", zone: "+00:00", digits: 6, host: "web1", app: "sshd", proc: "1", text: "x"}},
		{"Z", "<38>2026-11-20T23:53:09Z web1 su: x", want{
			priority: 38, format: f, civil: "2026-11-20 23:53:09", zone: "+00:00", host: "web1", app: "su", text: "x"}},
		{"no zone", "<38>2026-11-20T23:53:09.5 web1 su: x", want{
			priority: 38, format: f, civil: "2026-11-20 23:53:09.5", digits: 1, host: "web1", app: "su", text: "x"}},
		{"space for T", "<38>2026-11-20 23:53:09 web1 su: x", want{
			priority: 38, format: f, civil: "2026-11-20 23:53:09", host: "web1", app: "su", text: "x"}},
		{"offset without colon", "<38>2026-11-20T23:53:09-0330 web1 su: x", want{
			priority: 38, format: f, civil: "2026-11-20 23:53:09", zone: "-03:30", host: "web1", app: "su", text: "x"}},
		{"no host", "<38>2026-11-20T23:53:09Z docker/abc[12]: x", want{
			priority: 38, format: f, civil: "2026-11-20 23:53:09", zone: "+00:00", app: "docker/abc", proc: "12", text: "x"}},
		{"ASA", "<166>2022-02-16T15:31:53Z fw1 : %FTD-6-1: x", want{
			priority: 166, format: f, civil: "2022-02-16 15:31:53", zone: "+00:00", host: "fw1", app: "%FTD-6-1", text: "x"}},
		{"no priority", "2026-11-20T23:53:09Z web1 su: x", want{
			priority: -1, format: f, civil: "2026-11-20 23:53:09", zone: "+00:00", host: "web1", app: "su", text: "x"}},
		{"no such month", "<38>2026-13-20T23:53:09Z web1 su: x", want{
			priority: 38, format: message.StampInvalid, host: "web1", app: "su", text: "x"}},
		{"no such offset", "<38>2026-11-20T23:53:09+24:00 web1 su: x", want{
			priority: 38, format: message.StampInvalid, host: "web1", app: "su", text: "x"}},
	})
}

// A header that can't be found leaves the message whole, and says whether a date
// was meant.
func TestWithoutReadableStamp(t *testing.T) {
	const none, invalid = message.StampNone, message.StampInvalid
	tests := []struct {
		text string
		want message.StampFormat
	}{
		{"hello world", none},
		{"  hello world", none},
		{"sshd[12]: x", none},
		{"Oct", none},
		{"Oct 11", invalid},
		{"October 11", none},
		{"Oct11 22:14:15 web1 su: x", none},
		{"May the force be with you", none},
		{"oct 11 22:14:15 web1 su: x", none},
		{"Oct 11 22:14 web1 su: x", invalid},
		{"Oct 11 22:14:15x web1 su: x", invalid},
		{"Oct 11 22:14:15. web1 su: x", invalid},
		{"Oct 111 22:14:15 web1 su: x", invalid},
		{"Oct   1 22:14:15 web1 su: x", invalid},
		{"2026", none},
		{"2026-", none},
		{"2026-11-20", invalid},
		{"2026-11-20T23:53", invalid},
		{"2026-11-20t23:53:09Z web1 su: x", invalid},
		{"2026-11-20T23:53:09z web1 su: x", invalid},
		{"2026-11-20T23:53:09+2:00 web1 su: x", invalid},
		{"2026-11-20T23:53:09+02 web1 su: x", invalid},
		{"12345-11", none},
		{"Oct 11 22:14:15:1234 web1 su: x", invalid},
		{"Oct 11 26 22:14 web1 su: x", invalid},
		{"2026-7-23 1:00:34 web1", invalid},
		{"2026 Apr 20", none},
		{"2026 Apr 20 13:15 web1 x", none},
		{"1791756855 web1 x", none},
		{"179175685.5 web1 x", none},
		{"1791756855. web1 x", none},
		{"1791756855.5", none},
		{"00:01:01: x", none},
		{"20w2d: x", none},
		{"web1: Oct 11 22:14:15: x", none},
		{"web1: %X-5-Y: z", none},
		{"29: x", none},
		{"29: web1: *Oct 11 22:14: %X-5-Y: z", invalid},
		{"29: Oct 11 22:14:15 x", invalid},
		{"date=2026-10-11", none},
		{"level=info date=2026-10-11 time=22:14:15", none},
	}
	for _, tt := range tests {
		var m message.Message
		Parse([]byte("<13>"+tt.text), &m)
		if m.Sent != (message.Stamp{Format: tt.want}) {
			t.Errorf("%q: Sent = %+v, want nothing but %v", tt.text, m.Sent, tt.want)
		}
		if string(m.Text) != tt.text || m.Host != nil || m.AppName != nil {
			t.Errorf("%q: Host %q, AppName %q, Text %q, want all of it in Text", tt.text, m.Host, m.AppName, m.Text)
		}
	}
}
