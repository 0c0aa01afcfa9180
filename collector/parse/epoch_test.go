package parse

import (
	"testing"

	"github.com/skewatch/skewatch/collector/message"
)

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
