package parse

import (
	"testing"

	"github.com/skewatch/skewatch/collector/message"
)

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
