//go:build unix

package main_test

import (
	"testing"

	"github.com/skewatch/skewatch/cmd/internal/testbed"
)

// What syslog-ng's two drivers for the network make of a message of "feed[4711]" when they
// are given no further options.
var (
	syslogNGBSD = stored{host: "ng1", facility: "user", severity: "info", app: "feed", procID: "4711",
		stamp: bsdStamp, raw: "<14>STAMP ng1 feed[4711]: MARK", message: "MARK"}

	// syslog-ng numbers its messages unasked, and ends each with a line feed that counts as
	// an octet.
	syslogNG5424 = stored{host: "ng1", facility: "user", severity: "info", app: "feed", procID: "4711",
		stamp: seconds5424, raw: `<14>1 STAMP ng1 feed 4711 - [meta sequenceId="1"] MARK` + "\n", message: "MARK"}
)

// syslogNGSendings are the drivers over UDP and TCP, and options that change the stamp.
func syslogNGSendings(_ *testing.T, s *testbed.Skewatch) (sendings []sending) {
	micros := syslogNG5424.but(func(m *stored) { m.stamp = micros5424 })
	bsdMicros := syslogNGBSD.but(func(m *stored) { m.stamp = bsdMicrosStamp })
	for _, c := range []struct {
		name, driver, transport string
		zone                    string
		want                    stored
	}{
		{"network over UDP", `network(TARGET transport("udp"))`, "udp", "UTC0", syslogNGBSD.but(withRaw(syslogNGBSD.raw + "\n"))},
		{"network over TCP", `network(TARGET transport("tcp"))`, "tcp", "UTC0", syslogNGBSD},
		{"syslog over TCP", `syslog(TARGET transport("tcp"))`, "tcp", india, syslogNG5424},
		{"syslog over UDP", `syslog(TARGET transport("udp"))`, "udp", india, syslogNG5424},
		{"syslog with a fraction", `syslog(TARGET transport("tcp") frac-digits(6))`, "tcp", india, micros},
		// ts-format is for templates: network by itself writes no other date than that of RFC 3164.
		{"network with ts-format", `network(TARGET transport("tcp") ts-format(iso) frac-digits(6))`, "tcp", "UTC0", bsdMicros},
		{"network with a template", `network(TARGET transport("tcp") frac-digits(6) template("<${PRI}>${ISODATE} ${HOST} ${MSGHDR}${MSG}\n"))`, "tcp", india,
			syslogNGBSD.but(func(m *stored) { m.stamp = micros3339 })},
	} {
		c.want.transport = c.transport
		h := testbed.Host{Name: "ng1", Target: s.TCP, Zone: c.zone}
		if c.transport == "udp" {
			h.Target = s.UDP
		}
		sendings = append(sendings, sending{c.name, throughSyslogNG(h, c.driver), []stored{c.want}})
	}
	return sendings
}

// throughSyslogNG logs one message on a host that sends through syslog-ng.
func throughSyslogNG(h testbed.Host, driver string) func(*testing.T, string) {
	return func(t *testing.T, mark string) {
		if err := testbed.StartSyslogNG(t, h, driver).Log("feed[4711]", mark); err != nil {
			t.Fatal(err)
		}
	}
}
