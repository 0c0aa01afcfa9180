package gosyslog_test

import (
	"fmt"

	"github.com/skewatch/skewatch/collector/parse/gosyslog"
)

// Two stamps of the same evening: one says when it was, the other leaves year and
// zone to the reader.
func ExampleFormat() {
	for _, line := range []string{
		"<38>2026-10-11T22:14:15.807954+02:00 web1 sshd[24817]: Connection closed",
		"<38>Oct 11 22:14:15 web2 sshd[977]: Connection closed",
	} {
		parser := gosyslog.Format{}.GetParser([]byte(line))
		parser.Parse()
		parts := parser.Dump()
		fmt.Println(parts["hostname"], parts["skewatch.sent_civil"], parts["timestamp"])
	}
	// Output:
	// web1 2026-10-11T22:14:15.807954 2026-10-11 22:14:15.807954 +0200 +0200
	// web2 10-11T22:14:15 0001-01-01 00:00:00 +0000 UTC
}
