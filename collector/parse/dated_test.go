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
