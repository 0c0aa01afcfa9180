package testbed

import (
	"crypto/tls"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/skewatch/skewatch/collector/tlsauth/tlstest"
)

// collectorName is the name in the certificate of the collectors here.
const collectorName = "skewatch.example.com"

// senderTLS returns what a host needs to send in TLS to collectors of that name.
func senderTLS(t *testing.T, a *tlstest.Authority, library string) TLS {
	t.Helper()
	return TLS{Authority: a, Certificate: a.Issue(t, "web1"), Server: collectorName, Library: library}
}

// Hosts send in TLS as they do without, and prove their names.
func TestRsyslogdForwardsInTLS(t *testing.T) {
	a := tlstest.NewAuthority(t)
	for _, library := range []string{"gtls", "ossl"} {
		t.Run(library, func(t *testing.T) {
			collector := listenTLS(t, a, "web1")
			h := Host{Name: "web1", Transport: "tls", Target: collector.address, OctetCounting: true, Format: Protocol23, TLS: senderTLS(t, a, library)}
			logNumbers(t, StartRsyslogd(t, h), 0, 20)
			for i, got := range collector.await(t, 20) {
				readShape(t, h, got, i)
			}
		})
	}
}

func TestSyslogNGSendsInTLS(t *testing.T) {
	a := tlstest.NewAuthority(t)
	sent := senderTLS(t, a, "")
	for _, tt := range []struct{ driver, want string }{
		{"syslog", `^counted:<14>1 [\d-]+T[\d:]+[+-]\d\d:\d\d web1 feed - - \[meta sequenceId="1"\] hello$`},
		{"network", `^<14>\w{3} [ \d]\d [\d:]+ web1 feed: hello$`},
	} {
		t.Run(tt.driver, func(t *testing.T) {
			collector := listenTLS(t, a, "web1")
			_, port, _ := net.SplitHostPort(collector.address)
			h := Host{Name: "web1", Target: net.JoinHostPort("localhost", port)}
			s := StartSyslogNG(t, h, tt.driver+`(TARGET `+sent.SyslogNG()+`)`)
			if err := s.Log("feed", "hello"); err != nil {
				t.Fatal(err)
			}
			if got := collector.await(t, 1)[0].text; !regexp.MustCompile(tt.want).MatchString(got) {
				t.Errorf("message %q, want the shape %s", got, tt.want)
			}
		})
	}
}

// omrelp speaks TLS with rsyslog's own imrelp, with both libraries and in both ways of
// telling whom it speaks to.
func TestRsyslogdForwardsRELPInTLS(t *testing.T) {
	needOmrelp(t)
	a := tlstest.NewAuthority(t)
	for _, tt := range []struct{ library, mode string }{{"gtls", "name"}, {"ossl", "name"}, {"gtls", "certvalid"}, {"ossl", "certvalid"}} {
		t.Run(tt.library+" "+tt.mode, func(t *testing.T) {
			address, received := startRELPCollector(t, a)
			sent := senderTLS(t, a, tt.library)
			sent.AuthMode = tt.mode
			h := Host{Name: "web1", Transport: "relp-tls", Target: address, Format: Forward, TLS: sent}
			r := StartRsyslogd(t, h)
			logNumbers(t, r, 0, 20)
			await(t, r.process, "the messages in the collector's file", func() bool {
				text, _ := os.ReadFile(received)
				return strings.HasSuffix(string(text), " web1 feed: number 19")
			})
		})
	}
}

// startRELPCollector starts a rsyslogd that receives from web1 over RELP in TLS, and
// returns its address and the file it writes to.
func startRELPCollector(t *testing.T, a *tlstest.Authority) (address, received string) {
	t.Helper()
	directory, own := t.TempDir(), a.Issue(t, collectorName)
	address, received = closedPort(t), filepath.Join(directory, "received")
	_, port, _ := net.SplitHostPort(address)
	startConfigured(t, Host{Name: "central"}, directory, fmt.Sprintf(`module(load="imrelp" tls.tlslib="openssl")
input(type="imrelp" address="127.0.0.1" port=%q ruleset="received"
      tls="on" tls.caCert=%q tls.myCert=%q tls.myPrivKey=%q tls.authMode="name" tls.permittedPeer=["web1"])
ruleset(name="received") { action(type="omfile" file=%q template="RSYSLOG_ForwardFormat") }
`, port, a.File, own.File, own.Key, received))
	return address, received
}

// listenTLS starts the plainest collector there is in TLS. It takes certificates of the
// authority's only, and of them only that of the name.
func listenTLS(t *testing.T, a *tlstest.Authority, permitted string) *listener {
	t.Helper()
	own := a.Issue(t, collectorName)
	pair, err := tls.LoadX509KeyPair(own.File, own.Key)
	if err != nil {
		t.Fatal(err)
	}
	plain, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return accept(t, tls.NewListener(plain, &tls.Config{
		Certificates: []tls.Certificate{pair}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: a.Pool(t),
		VerifyConnection: func(s tls.ConnectionState) error { return s.PeerCertificates[0].VerifyHostname(permitted) },
	}))
}
