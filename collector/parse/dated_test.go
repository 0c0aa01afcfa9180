package parse

import (
	"testing"

	"github.com/skewatch/skewatch/collector/message"
)

func TestDated(t *testing.T) {
	const year, iso, bsd = message.StampBSDYear, message.StampRFC3339, message.StampBSD
	run(t, []parseTest{
		{"NX-OS", "<190>2026 Apr 20 13:15:07 nx1 %ETHPORT-5-IF_UP: x", want{
			priority: 190, format: year, civil: "2026-04-20 13:15:07", host: "nx1", app: "%ETHPORT-5-IF_UP", text: "x"}},
		{"NX-OS, day below 10", "<190>2026 Apr  2 13:15:07.250 nx1 %ETHPORT-5-IF_UP: x", want{
			priority: 190, format: year, civil: "2026-04-02 13:15:07.25", digits: 3, host: "nx1", app: "%ETHPORT-5-IF_UP", text: "x"}},
		{"NX-OS, no such day", "<190>2026 Feb 29 13:15:07 nx1 %ETHPORT-5-IF_UP: x", want{
			priority: 190, format: message.StampInvalid, host: "nx1", app: "%ETHPORT-5-IF_UP", text: "x"}},
		{"leap day", "<190>2028 Feb 29 13:15:07 nx1 %ETHPORT-5-IF_UP: x", want{
			priority: 190, format: year, civil: "2028-02-29 13:15:07", host: "nx1", app: "%ETHPORT-5-IF_UP", text: "x"}},
		{"year after the day", "<13>Oct 11 2026 22:14:15 web1 su: x", want{
			priority: 13, format: year, civil: "2026-10-11 22:14:15", host: "web1", app: "su", text: "x"}},
		{"year after the day, offset", "<189>Jun 15 2026 01:05:16+08:00 ne1 %%01SHELL/5/CMD(s)[12]:x", want{
			priority: 189, format: year, civil: "2026-06-15 01:05:16", zone: "+08:00", host: "ne1", app: "%%01SHELL/5/CMD(s)", proc: "12", text: "x"}},
		{"offset that is none", "<189>Jun 15 2026 01:05:16+24:00 ne1 su: x", want{
			priority: 189, format: message.StampInvalid, host: "ne1", app: "su", text: "x"}},
		{"second 60", "<13>Dec 31 2016 23:59:60 web1 su: x", want{
			priority: 13, format: year, civil: "2017-01-01 00:00:00", leap: true, host: "web1", app: "su", text: "x"}},

		{"Huawei", "<29>2026-7-3 01:00:34.270.1 sw1 %%01IFNET/4/IF_STATE(l)[4997]:Interface x", want{
			priority: 29, format: iso, civil: "2026-07-03 01:00:34.27", digits: 3, host: "sw1", app: "%%01IFNET/4/IF_STATE(l)", proc: "4997", text: "Interface x"}},
		{"Huawei, padded", "<29>2026-12-13 01:00:34.270.12 sw1 %%01X/4/Y(l)[7]:x", want{
			priority: 29, format: iso, civil: "2026-12-13 01:00:34.27", digits: 3, host: "sw1", app: "%%01X/4/Y(l)", proc: "7", text: "x"}},
		{"Huawei, offset", "<29>2026-7-23 01:00:34-03:00 sw1 %%01X/4/Y(l): x", want{
			priority: 29, format: iso, civil: "2026-07-23 01:00:34", zone: "-03:00", host: "sw1", app: "%%01X/4/Y(l)", text: "x"}},
		{"Huawei, no such day", "<29>2026-6-31 01:00:34.270.1 sw1 %%01X/4/Y(l): x", want{
			priority: 29, format: message.StampInvalid, host: "sw1", app: "%%01X/4/Y(l)", text: "x"}},

		{"Aruba", "<187>Jan 26 08:20:51 2026 ap1 authmgr[4130]: <124198> x", want{
			priority: 187, format: year, civil: "2026-01-26 08:20:51", host: "ap1", app: "authmgr", proc: "4130", text: "<124198> x"}},
		{"Aruba in autumn", "<187>Sep  6 08:20:51 2027 ap1 authmgr[4130]: x", want{
			priority: 187, format: year, civil: "2027-09-06 08:20:51", host: "ap1", app: "authmgr", proc: "4130", text: "x"}},
		{"Aruba, leap day", "<187>Feb 29 08:20:51 2028 ap1 stm[1]: x", want{
			priority: 187, format: year, civil: "2028-02-29 08:20:51", host: "ap1", app: "stm", proc: "1", text: "x"}},
		{"Aruba, no such day", "<187>Feb 29 08:20:51 2026 ap1 stm[1]: x", want{
			priority: 187, format: message.StampInvalid, host: "ap1", app: "stm", proc: "1", text: "x"}},
		{"Aruba, second 60", "<187>Dec 31 23:59:60 2016 ap1 stm[1]: x", want{
			priority: 187, format: year, civil: "2017-01-01 00:00:00", leap: true, host: "ap1", app: "stm", proc: "1", text: "x"}},
		{"a number that is no year", "<13>Jan 26 08:20:51 4711 su: x", want{
			priority: 13, format: bsd, civil: "2000-01-26 08:20:51", host: "4711", app: "su", text: "x"}},
		{"an address", "<13>Jan 26 08:20:51 192.0.2.7 su: x", want{
			priority: 13, format: bsd, civil: "2000-01-26 08:20:51", host: "192.0.2.7", app: "su", text: "x"}},
		{"a host named like a year", "<13>Jan 26 08:20:51 2026", want{
			priority: 13, format: bsd, civil: "2000-01-26 08:20:51", host: "2026"}},

		{"milliseconds behind a colon", "<134>Feb 03 06:25:26:094 nac1 CPPM_System_Events 973", want{
			priority: 134, format: bsd, civil: "2000-02-03 06:25:26.094", digits: 3, host: "nac1", text: "CPPM_System_Events 973"}},
		{"fraction behind a comma", "<30>2026-02-24 20:28:04,560 lb1 su: x", want{
			priority: 30, format: iso, civil: "2026-02-24 20:28:04.56", digits: 3, host: "lb1", app: "su", text: "x"}},
		{"comma and zone", "<30>2026-02-24T20:28:04,56Z lb1 su: x", want{
			priority: 30, format: iso, civil: "2026-02-24 20:28:04.56", zone: "+00:00", digits: 2, host: "lb1", app: "su", text: "x"}},
		{"too many digits", "<30>2026-02-24 20:28:04,1234567890 lb1 su: x", want{
			priority: 30, format: message.StampInvalid, host: "lb1", app: "su", text: "x"}},
	})
}

func TestEpoch(t *testing.T) {
	const f, civil = message.StampEpoch, "2026-10-11 22:14:15"
	run(t, []parseTest{
		{"Meraki", "<134>1 1791756855.123456789 mx1 events type=vpn", want{
			priority: 134, format: f, civil: civil + ".123456789", zone: "+00:00", digits: 9, host: "mx1", text: "events type=vpn"}},
		{"without a version", "<134> 1791756855.120 mx1 urls src=192.0.2.1", want{
			priority: 134, format: f, civil: civil + ".12", zone: "+00:00", digits: 3, host: "mx1", text: "urls src=192.0.2.1"}},
		{"too many digits", "<134>1 1791756855.1234567890 mx1 events", want{
			priority: 134, format: message.StampInvalid, host: "mx1", text: "events"}},
		{"beyond what nanoseconds hold", "<134>1 9999999999.5 mx1 events", want{
			priority: 134, format: message.StampInvalid, host: "mx1", text: "events"}},
	})
}

func TestFields(t *testing.T) {
	const f, civil = message.StampRFC3339, "2026-10-11 22:14:15"
	const east, fraction = "+02:00", ".123456789"
	fortigate := func(more string) string {
		return `<189>date=2026-10-11 time=22:14:15 devname="fw1" devid="FG1"` + more
	}
	found := func(more, civil, zone string, digits uint8) want {
		return want{priority: 189, format: f, civil: civil, zone: zone, digits: digits, host: "fw1", text: `devid="FG1"` + more}
	}
	test := func(name, more, civil, zone string, digits uint8) parseTest {
		return parseTest{name, fortigate(more), found(more, civil, zone, digits)}
	}
	run(t, []parseTest{
		test("date and time", ` type="event"`, civil, "", 0),
		test("offset", ` tz="+0200" type="event"`, civil, east, 0),
		test("negative offset", ` tz="-0330"`, civil, "-03:30", 0),
		test("nanoseconds", ` eventtime=1791749655123456789 tz="+0200" type="event"`, civil+fraction, east, 9),
		test("microseconds", ` eventtime=1791749655123456 tz="+0200"`, civil+".123456", east, 6),
		test("milliseconds", ` tz="+0200" eventtime=1791749655123`, civil+".123", east, 3),
		test("seconds", ` eventtime=1791749655 tz="+0200"`, civil, east, 0),
		test("the second before", ` eventtime=1791749654987654321 tz="+0200"`, "2026-10-11 22:14:14.987654321", east, 9),
		test("an event long ago", ` eventtime=1791749000123456789 tz="+0200"`, civil, east, 0),
		test("no tz", ` eventtime=1791749655`, civil, east, 0),
		test("no tz, half an hour", ` eventtime=1791737055123456789`, civil+fraction, "+05:30", 9),
		test("no tz, west", ` eventtime=1791785655123456789`, civil+fraction, "-08:00", 9),
		test("no tz, and no zone fits", ` eventtime=1791749355`, civil, "", 0),
		test("another number of digits", ` eventtime=17917496551 tz="+0200"`, civil, east, 0),
		test("only in a text", ` msg="a tz=\"+0500\" eventtime=1791749655 b"`, civil, "", 0),
		test("a text without end", ` msg="a tz="`, civil, "", 0),
		{"no quotes", "<189>date=2026-10-11 time=22:14:15 devname=fw1 devid=FG1", want{
			priority: 189, format: f, civil: civil, host: "fw1", text: "devid=FG1"}},
		{"no name", `<189>date=2026-10-11 time=22:14:15 logid="1" devname="fw1"`, want{
			priority: 189, format: f, civil: civil, text: `logid="1" devname="fw1"`}},
		{"no such day", `<189>date=2026-02-29 time=22:14:15 devname="fw1" tz="+0200" eventtime=1791749655`, want{
			priority: 189, format: message.StampInvalid, host: "fw1", text: `tz="+0200" eventtime=1791749655`}},
		{"no time of day", `<189>date=2026-10-11 time=22:14 devname="fw1" x`, want{
			priority: 189, format: message.StampInvalid, host: "fw1", text: "x"}},
		{"Sophos", `<30>device="SFW" date=2026-10-11 time=22:14:15 timezone="IST" device_name="XG430" x`, want{
			priority: 30, format: f, civil: civil, text: `device_name="XG430" x`}},
		{"Sophos in UTC", `<30>device="SFW" date=2026-10-11 time=22:14:15 timezone="UTC" device_name="XG430" x`, want{
			priority: 30, format: f, civil: civil, zone: "+00:00", text: `device_name="XG430" x`}},
		{"behind a header", `<189>Oct 11 22:14:16 fw1 date=2026-10-11 time=22:14:15 tz="+0200"`, want{
			priority: 189, format: message.StampBSD, civil: "2000-10-11 22:14:16", host: "fw1", text: `date=2026-10-11 time=22:14:15 tz="+0200"`}},
	})
}

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
