package custom_test

import (
	"fmt"

	"gopkg.in/mcuadros/go-syslog.v2/format"

	"github.com/skewatch/skewatch/collector/message"
	"github.com/skewatch/skewatch/collector/parse/custom"
)

// go-syslog.v2 can't read the stamp of the first message and says that it was sent at
// this moment. What the second says of itself is kept.
func ExampleFormat_Parse() {
	f := custom.New(&format.RFC3164{})
	for _, line := range []string{
		"<38>2003-11-20T23:53:09.807954+00:00 web1 sshd[1]: Connection closed",
		"<38>Nov 20 23:53:09 web1 sshd[1]: Connection closed",
	} {
		var m message.Message
		f.Parse([]byte(line), &m)
		fmt.Printf("stamp %v, host %q, text %q\n", m.Sent.Format, m.Host, m.Text)
	}
	// Output:
	// stamp none, host "", text "2003-11-20T23:53:09.807954+00:00 web1 sshd[1]: Connection closed"
	// stamp bsd, host "web1", text "Connection closed"
}
