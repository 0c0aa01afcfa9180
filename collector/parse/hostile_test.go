package parse

import (
	"strings"
	"testing"

	"github.com/skewatch/skewatch/collector/message"
)

// What stands in a HOSTNAME's place is kept as it was sent, whatever it is, but only as
// long as a host's name can be.
func TestHostileHosts(t *testing.T) {
	const f, civil, stamp = message.StampBSD, "2000-10-11 22:14:15", "<13>Oct 11 22:14:15 "
	longest := strings.Repeat("h", 255)
	tests := []parseTest{
		{"longest", stamp + longest + " su: x", want{priority: 13, format: f, civil: civil, host: longest, app: "su", text: "x"}},
		{"too long", stamp + longest + "h su: x", want{priority: 13, format: f, civil: civil, text: longest + "h su: x"}},
		{"too long and alone", stamp + longest + "h", want{priority: 13, format: f, civil: civil, text: longest + "h"}},
		{"RFC 5424, longest", "<13>1 - " + longest + " su - - - x", want{priority: 13, host: longest, app: "su", text: "x"}},
		{"RFC 5424, too long", "<13>1 - " + longest + "h su - - - x", want{priority: 13, app: "su", text: "x"}},
		{"AIX, too long", stamp + "Message forwarded from " + longest + "h: su: x", want{priority: 13, format: f, civil: civil, app: "su", text: "x"}},
		{"a control character ends it", stamp + "web1\x1b[31m su: x", want{priority: 13, format: f, civil: civil, host: "web1", text: "[31m su: x"}},
	}
	for _, host := range []string{"\u202eweb1\u2066", "web\xff\xfe1", "\u009b31mweb1", "web\x7f1"} {
		tests = append(tests,
			parseTest{host, stamp + host + " su: x", want{priority: 13, format: f, civil: civil, host: host, app: "su", text: "x"}})
	}
	for _, host := range []string{"we\x00b1", "we\rb1", "we\nb1", "\x1b[31mweb1", "\u202eweb1", "web\xff1"} {
		tests = append(tests,
			parseTest{"RFC 5424, " + host, "<13>1 - " + host + " su - - - x", want{priority: 13, host: host, app: "su", text: "x"}})
	}
	run(t, tests)
}
