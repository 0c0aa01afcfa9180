package testbed

import (
	"fmt"
	"net"
	"regexp"
	"testing"
)

// passedOn are messages that a central server receives, and what syslog-ng makes of them
// when it isn't told to leave them as they are: it gives them its own year and zone, its
// own time where they have none, and for a host the address that they came from.
var passedOn = []struct{ sent, rewritten string }{
	{`<14>1 2003-10-11T22:14:15.003-07:00 db1 app - ID47 [x@32473 a="b"] first`,
		`^<14>1 2003-10-11T22:14:15.003000-07:00 127\.0\.0\.1 app - ID47 \[x@32473 a="b"\] first$`},
	{`<14>Oct 11 22:14:15 db1 app[12]: second`,
		`^<14>1 20\d\d-10-11T22:14:15.000000[+-]\d\d:\d\d 127\.0\.0\.1 app 12 - - second$`},
	{`<14>1 - db1 app - - - third`,
		`^<14>1 20\d\d-[\d-]{5}T[\d:.]{15}[+-]\d\d:\d\d 127\.0\.0\.1 app - - - third$`},
}

// A central syslog-ng passes on what it received bit for bit if it is configured as the
// examples' README says.
func TestSyslogNGCentralServer(t *testing.T) {
	for _, tt := range []struct {
		name, flags, driver string
		want                func(i int) string
	}{
		{"as it came", "store-raw-message", `network(TARGET transport("tcp") template("${RAWMSG}\n"))`,
			func(i int) string { return "^" + regexp.QuoteMeta(passedOn[i].sent) + "$" }},
		{"rewritten", "syslog-protocol", `network(TARGET transport("tcp") flags(syslog-protocol) frac-digits(6))`,
			func(i int) string { return passedOn[i].rewritten }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			collector := listen(t, "tcp", "127.0.0.1:0")
			conn := startSyslogNGCentral(t, tt.flags, Host{Name: "central", Target: collector.address}.destination(tt.driver))
			for _, message := range passedOn {
				fmt.Fprintln(conn, message.sent)
			}
			for i, a := range collector.await(t, len(passedOn)) {
				if want := tt.want(i); !regexp.MustCompile(want).MatchString(a.text) {
					t.Errorf("passed on %q, want the shape %s", a.text, want)
				}
			}
		})
	}
}

// startSyslogNGCentral starts a syslog-ng that receives over TCP, and returns a connection
// to it.
func startSyslogNGCentral(t *testing.T, flags, output string) (conn net.Conn) {
	t.Helper()
	address := closedPort(t)
	host, port, _ := net.SplitHostPort(address)
	s := startSyslogNG(t, Host{Name: "central"}, t.TempDir(), fmt.Sprintf(`source s_net { network(ip(%q) port(%s) transport("tcp") flags(%s)); };
%slog { source(s_net); destination(d_test); };
`, host, port, flags, output))
	await(t, s.process, "its TCP port", func() (listens bool) {
		var err error
		conn, err = net.Dial("tcp", address)
		return err == nil
	})
	t.Cleanup(func() { conn.Close() })
	return conn
}
