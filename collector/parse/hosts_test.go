package parse

import (
	"testing"

	"github.com/skewatch/skewatch/collector/message"
)

func TestHosts(t *testing.T) {
	const f, civil, stamp = message.StampBSD, "2000-10-11 22:14:15", "<30>Oct 11 22:14:15 "
	run(t, []parseTest{
		{"UniFi, twice", stamp + "ap1 ap1 hostapd[7]: x", want{
			priority: 30, format: f, civil: civil, host: "ap1", app: "hostapd", proc: "7", text: "x"}},
		{"UniFi, twice and a bracket", stamp + "gw1 gw1 [WAN_LOCAL-D-1] DESCR=x", want{
			priority: 30, format: f, civil: civil, host: "gw1", text: "[WAN_LOCAL-D-1] DESCR=x"}},
		{"UniFi, with MAC and version", stamp + "ap1 ap1,18e829487600,v4.0.66 switch: DOT1S: x", want{
			priority: 30, format: f, civil: civil, host: "ap1", app: "switch", text: "DOT1S: x"}},
		{"UniFi, only with MAC and version", stamp + "ap1,18e829487600,v4.0.66 switch: x", want{
			priority: 30, format: f, civil: civil, host: "ap1", app: "switch", text: "x"}},
		{"UniFi, with a colon", stamp + "ap1,18e829487600,v4.0.66: logread[5]: x", want{
			priority: 30, format: f, civil: civil, host: "ap1", app: "logread", proc: "5", text: "x"}},
		{"a comma elsewhere", stamp + "ap1,18e82948760g,v4.0.66 su: x", want{
			priority: 30, format: f, civil: civil, host: "ap1,18e82948760g,v4.0.66", app: "su", text: "x"}},
		{"the same word in the text", stamp + "web1 web1 is up", want{
			priority: 30, format: f, civil: civil, host: "web1", text: "web1 is up"}},
		{"a program of the host's name", stamp + "web1 web1: x", want{
			priority: 30, format: f, civil: civil, host: "web1", app: "web1", text: "x"}},
		{"AIX", stamp + "Message forwarded from aix1: sshd[12]: x", want{
			priority: 30, format: f, civil: civil, host: "aix1", app: "sshd", proc: "12", text: "x"}},
		{"AIX, no tag", stamp + "Message forwarded from aix1: x", want{
			priority: 30, format: f, civil: civil, host: "aix1", text: "x"}},
		{"AIX, nothing", stamp + "Message forwarded from ", want{priority: 30, format: f, civil: civil}},
		{"a host called Message", stamp + "Message for su: x", want{
			priority: 30, format: f, civil: civil, host: "Message", text: "for su: x"}},

		{"IPv6 host with a colon first", stamp + "::1 su: x", want{priority: 30, format: f, civil: civil, host: "::1", app: "su", text: "x"}},
		{"a colon and no host", stamp + ": x", want{priority: 30, format: f, civil: civil, text: ": x"}},
		{"a host, then a colon", stamp + "web1 : x", want{priority: 30, format: f, civil: civil, host: "web1", text: ": x"}},

		{"PAN-OS", "<14>Oct 11 22:14:15 pa1 1,2026/10/11 22:14:14,0123,TRAFFIC,end", want{
			priority: 14, format: f, civil: civil, host: "pa1", text: "1,2026/10/11 22:14:14,0123,TRAFFIC,end"}},
		{"Snare", "<14>Oct 11 22:14:15 win1\tMSWinEventLog\t1\tSecurity\t7\tSun Oct 11 22:14:10 2026\t4624", want{
			priority: 14, format: f, civil: civil, host: "win1", text: "MSWinEventLog\t1\tSecurity\t7\tSun Oct 11 22:14:10 2026\t4624"}},
		{"ESXi", "<14>2026-10-11T22:14:15.897Z esx1 vobd:  [x] y", want{
			priority: 14, format: message.StampRFC3339, civil: "2026-10-11 22:14:15.897", zone: "+00:00", digits: 3, host: "esx1", app: "vobd", text: " [x] y"}},
		{"Go log/syslog", "<14>2026-10-11T22:14:15+02:00 web1 app[12]: x", want{
			priority: 14, format: message.StampRFC3339, civil: "2026-10-11 22:14:15", zone: "+02:00", host: "web1", app: "app", proc: "12", text: "x"}},
	})
}
