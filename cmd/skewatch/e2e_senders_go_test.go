//go:build unix

package main_test

import (
	"fmt"
	"log/syslog"
	"os"
	"testing"

	"github.com/skewatch/skewatch/cmd/internal/testbed"
)

// goSendings are what a Go program sends through log/syslog of the standard library: a
// stamp of RFC 3339 without fraction, in the place that RFC 3164 has for one, and in the
// program's own zone. Each message ends with LF, which a datagram keeps.
func goSendings(t *testing.T, s *testbed.Skewatch) []sending {
	host, pid := thisHost(t), fmt.Sprint(os.Getpid())
	want := stored{host: host, transport: "udp", facility: "local5", severity: "err", app: "goapp", procID: pid, stamp: seconds3339,
		raw: "<171>STAMP " + host + " goapp[" + pid + "]: MARK\n", message: "MARK"}
	overTCP := want
	overTCP.transport, overTCP.raw = "tcp", want.raw[:len(want.raw)-1]
	warning := overTCP
	warning.severity, warning.raw = "warning", "<172>"+overTCP.raw[len("<171>"):]
	lines := want
	lines.raw, lines.message = want.raw[:len(want.raw)-1]+"\nsecond line\n", "MARK\nsecond line"

	return []sending{
		{"UDP", throughGo("udp", s.UDP, (*syslog.Writer).Err, "MARK"), []stored{want}},
		{"UDP, two lines", throughGo("udp", s.UDP, (*syslog.Writer).Err, "MARK\nsecond line"), []stored{lines}},
		{"TCP", throughGo("tcp", s.TCP, (*syslog.Writer).Err, "MARK"), []stored{overTCP}},
		{"TCP, of another severity", throughGo("tcp", s.TCP, (*syslog.Writer).Warning, "MARK"), []stored{warning}},
	}
}

// throughGo logs one message with a method of a writer that dials the server.
func throughGo(network, address string, log func(*syslog.Writer, string) error, text string) func(*testing.T, string) {
	return func(t *testing.T, mark string) {
		w, err := syslog.Dial(network, address, syslog.LOG_LOCAL5|syslog.LOG_INFO, "goapp")
		if err != nil {
			t.Fatal(err)
		}
		defer w.Close()
		if err := log(w, withMark(text, mark)); err != nil {
			t.Fatal(err)
		}
	}
}
