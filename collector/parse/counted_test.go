package parse

import (
	"testing"

	"github.com/skewatch/skewatch/collector/message"
)

func TestCountBeforeTheMessage(t *testing.T) {
	const bsd, civil = message.StampBSD, "2000-10-11 22:14:15"
	read := want{priority: 13, format: bsd, civil: civil, host: "web1", app: "su", text: "x"}
	run(t, []parseTest{
		{"logger in a datagram", "30 <13>Oct 11 22:14:15 web1 su: x", read},
		{"with the line feed counted", "31 <13>Oct 11 22:14:15 web1 su: x\n", read},
		{"of RFC 5424", "22 <13>1 - web1 - - - - x", want{priority: 13, host: "web1", text: "x"}},
		{"too few", "29 <13>Oct 11 22:14:15 web1 su: x", want{priority: message.NoPriority, text: "29 <13>Oct 11 22:14:15 web1 su: x"}},
		{"too many", "31 <13>Oct 11 22:14:15 web1 su: x", want{priority: message.NoPriority, text: "31 <13>Oct 11 22:14:15 web1 su: x"}},
		{"with a zero", "030 <13>Oct 11 22:14:15 web1 su: x", want{priority: message.NoPriority, text: "030 <13>Oct 11 22:14:15 web1 su: x"}},
		{"no PRI behind it", "5 hello", want{priority: message.NoPriority, text: "5 hello"}},
		{"nothing behind it", "0 ", want{priority: message.NoPriority, text: "0 "}},
		{"counted twice", "33 30 <13>Oct 11 22:14:15 web1 su: x", want{priority: message.NoPriority, text: "33 30 <13>Oct 11 22:14:15 web1 su: x"}},
	})
	if v := Version([]byte("22 <13>1 - web1 - - - - x")); v != 1 {
		t.Errorf("Version of a counted message is %d, want 1", v)
	}
}
