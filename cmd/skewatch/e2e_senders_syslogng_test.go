//go:build unix

package main_test

import (
	"testing"

	"github.com/skewatch/skewatch/cmd/internal/testbed"
)

// syslogNGSendings are syslog-ng's two drivers for the network as they are without further
// options, and with those that give stamps their fraction and zone.
func syslogNGSendings(_ *testing.T, s *testbed.Skewatch) (sendings []sending) {
	bsd := stored{host: "ng1", facility: "user", severity: "info", app: "feed", procID: "4711",
		stamp: bsdStamp, raw: "<14>STAMP ng1 feed[4711]: MARK", message: "MARK"}
	// syslog-ng numbers its messages unasked, and ends each with a line feed that counts as
	// an octet.
	rfc5424 := bsd.but(func(m *stored) {
		m.stamp, m.raw = seconds5424, `<14>1 STAMP ng1 feed 4711 - [meta sequenceId="1"] MARK`+"\n"
	})
	for _, c := range []struct {
		name, driver, transport string
		zone                    string
		want                    stored
	}{
		{"network over UDP", `network("HOST" port(PORT) transport("udp"))`, "udp", "UTC0", bsd.but(withRaw(bsd.raw + "\n"))},
		{"network over TCP", `network("HOST" port(PORT) transport("tcp"))`, "tcp", "UTC0", bsd},
		{"syslog over TCP", `syslog("HOST" port(PORT) transport("tcp"))`, "tcp", india, rfc5424},
		{"syslog over UDP", `syslog("HOST" port(PORT) transport("udp"))`, "udp", india, rfc5424},
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
