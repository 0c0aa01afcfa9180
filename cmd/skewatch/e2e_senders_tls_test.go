//go:build unix

package main_test

import (
	"net"
	"testing"

	"github.com/skewatch/skewatch/cmd/internal/testbed"
	"github.com/skewatch/skewatch/collector/tlsauth/tlstest"
)

// TestEndToEndSendersTLS lets real programs send in TLS, each with a certificate of its
// own, and programs that the server must not listen to.
func TestEndToEndSendersTLS(t *testing.T) {
	a := tlstest.NewAuthority(t)
	own := a.Issue(t, "skewatch.example.com")
	s := testbed.StartSkewatch(t, t.TempDir(), "--ntp-server", "", "--kernel-clock", "trust",
		"--listen-tls", "127.0.0.1:0", "--listen-relp-tls", "127.0.0.1:0",
		"--tls-cert", own.File, "--tls-key", own.Key, "--tls-client-ca", a.File, "--tls-permit", "web1")

	known := testbed.TLS{Authority: a, Certificate: a.Issue(t, "web1"), Server: own.Name}
	sendings := strangerSendings(t, s, known)
	sendings = append(sendings, rsyslogTLSSendings(s, known)...)
	sendings = append(sendings, relpTLSSendings(s, known)...)
	checkSendings(t, s, "TLS", append(sendings, syslogNGTLSSendings(s, known)...))
}

// strangerSendings are messages of senders that don't prove to be one the server permits:
// nothing of theirs is stored.
func strangerSendings(t *testing.T, s *testbed.Skewatch, known testbed.TLS) (sendings []sending) {
	nobody := tlstest.NewAuthority(t)
	for name, certificate := range map[string]tlstest.Certificate{
		"another name":      known.Authority.Issue(t, "web9"),
		"another authority": nobody.Issue(t, "web1"),
	} {
		stranger := known
		stranger.Certificate, stranger.Library = certificate, "ossl"
		for transport, target := range map[string]string{"tls": s.TLS, "relp-tls": s.RELPTLS} {
			h := testbed.Host{Name: "web1", Target: target, Transport: transport, TLS: stranger, OctetCounting: true, Format: testbed.Forward}
			sendings = append(sendings, sending{name + ", " + transport, throughRsyslog(h, "feed[4711]", "MARK"), nil})
		}
	}
	return sendings
}

// rsyslogTLSSendings are rsyslog's templates in TLS, by both of its libraries and in both
// framings: only the counted one is RFC 5425, and the other is rsyslog's default.
func rsyslogTLSSendings(s *testbed.Skewatch, known testbed.TLS) (sendings []sending) {
	for name, counting := range map[string]bool{"counted": true, "lines": false} {
		for _, library := range []string{"gtls", "ossl"} {
			for format := range rsyslogShapes {
				h := testbed.Host{Name: "web1", Target: s.TLS, Transport: "tls", TLS: known, OctetCounting: counting, Format: format, Zone: rsyslogZone(format)}
				h.TLS.Library = library
				sendings = append(sendings, sending{library + ", " + name + ", " + string(format), throughRsyslog(h, "feed[4711]", "MARK"), []stored{rsyslogStored(h)}})
			}
		}
	}
	return sendings
}

// relpTLSSendings are omrelp's libraries and ways of knowing the server.
func relpTLSSendings(s *testbed.Skewatch, known testbed.TLS) (sendings []sending) {
	for _, library := range []string{"gtls", "ossl"} {
		for _, mode := range []string{"name", "certvalid"} {
			h := testbed.Host{Name: "web1", Target: s.RELPTLS, Transport: "relp-tls", TLS: known, Format: testbed.Protocol23, Zone: india}
			h.TLS.Library, h.TLS.AuthMode = library, mode
			sendings = append(sendings, sending{"RELP, " + library + ", " + mode, throughRsyslog(h, "feed[4711]", "MARK"), []stored{rsyslogStored(h)}})
		}
	}
	return sendings
}

// syslogNGTLSSendings are syslog-ng's drivers: syslog is RFC 5425, and network ends lines
// in TLS too.
func syslogNGTLSSendings(s *testbed.Skewatch, known testbed.TLS) []sending {
	_, port, _ := net.SplitHostPort(s.TLS)
	h := testbed.Host{Name: "ng1", Target: net.JoinHostPort("localhost", port)} // the name in the server's certificate
	inUTC, inIndia := h, h
	inUTC.Zone, inIndia.Zone = "UTC0", india
	overTLS := func(m *stored) { m.transport = "tls" }
	return []sending{
		{"syslog-ng, syslog", throughSyslogNG(inIndia, `syslog(TARGET `+known.SyslogNG()+`)`), []stored{syslogNG5424.but(overTLS)}},
		{"syslog-ng, network", throughSyslogNG(inUTC, `network(TARGET `+known.SyslogNG()+`)`), []stored{syslogNGBSD.but(overTLS)}},
	}
}
