package testbed

import (
	"fmt"
	"net"
	"testing"

	"github.com/skewatch/skewatch/collector/tlsauth/tlstest"
)

// TLS is how a host encrypts what it sends, and how it and the collector know each other.
type TLS struct {
	Authority   *tlstest.Authority
	Certificate tlstest.Certificate
	Server      string // the name that the collector's certificate must have

	// Library is "gtls" (GnuTLS) or "ossl" (OpenSSL): rsyslog has one driver for each.
	Library string

	// AuthMode is omrelp's: "name", which Server goes by, or "certvalid", where any
	// certificate of the authority's will do. "" is "name".
	AuthMode string
}

// forwardTLS returns the configuration of a host that sends RFC 5424 over TLS (RFC 5425).
func (h Host) forwardTLS() string {
	host, port, _ := net.SplitHostPort(h.Target)
	framing := "traditional"
	if h.OctetCounting {
		framing = "octet-counted"
	}
	return fmt.Sprintf(`global(DefaultNetstreamDriverCAFile=%q DefaultNetstreamDriverCertFile=%q DefaultNetstreamDriverKeyFile=%q)
action(type="omfwd" target=%q port=%q protocol="tcp" TCP_Framing=%q template=%q
       StreamDriver=%q StreamDriverMode="1" StreamDriverAuthMode="x509/name" StreamDriverPermittedPeers=%q
       action.resumeRetryCount="-1" action.resumeInterval="1")`,
		h.TLS.Authority.File, h.TLS.Certificate.File, h.TLS.Certificate.Key,
		host, port, framing, h.Format, h.TLS.Library, h.TLS.Server)
}

// forwardRELPTLS returns the configuration of a host that sends over RELP in TLS.
func (h Host) forwardRELPTLS() string {
	host, port, _ := net.SplitHostPort(h.Target)
	library, mode := "gnutls", "name"
	if h.TLS.Library == "ossl" {
		library = "openssl"
	}
	if h.TLS.AuthMode != "" {
		mode = h.TLS.AuthMode
	}
	return fmt.Sprintf(`module(load="omrelp" tls.tlslib=%q)
action(type="omrelp" target=%q port=%q template=%q queue.type="LinkedList" queue.size="10000000"
       tls="on" tls.caCert=%q tls.myCert=%q tls.myPrivKey=%q tls.authMode=%q tls.permittedPeer=[%q]
       action.resumeRetryCount="-1" action.resumeInterval="1")`,
		library, host, port, h.Format,
		h.TLS.Authority.File, h.TLS.Certificate.File, h.TLS.Certificate.Key, mode, h.TLS.Server)
}

// SyslogNG returns the option of syslog-ng's drivers that encrypts what they send. It
// takes the name they dial for the collector's name.
func (c TLS) SyslogNG() string {
	return fmt.Sprintf(`transport("tls") tls(ca-file(%q) cert-file(%q) key-file(%q) peer-verify(required-trusted))`,
		c.Authority.File, c.Certificate.File, c.Certificate.Key)
}

// needDriver makes sure that rsyslogd can send in TLS with the host's library.
func (c TLS) needDriver(t testing.TB) {
	t.Helper()
	switch c.Library {
	case "gtls":
		needRsyslogModule(t, "lmnsd_gtls", "rsyslog-gnutls")
	case "ossl":
		needRsyslogModule(t, "lmnsd_ossl", "rsyslog-openssl")
	default:
		t.Fatalf("testbed: TLS.Library: unknown library (got %q), want gtls or ossl", c.Library)
	}
}
