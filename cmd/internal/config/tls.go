package config

import (
	"net"

	"github.com/skewatch/skewatch/collector/tlsauth"
)

// checkTLS finds what TLS listeners lack.
func (l *loader) checkTLS() {
	c := l.config
	for _, listener := range [...]struct {
		key string
		on  bool
	}{{"listen.tls", len(c.Listen.TLS) > 0}, {"listen.relp_tls", len(c.Listen.RELPTLS) > 0}} {
		if listener.on && (c.TLS.Certificate == "" || c.TLS.Key == "") && !l.unread("tls.certificate", "tls.key") {
			l.fail(listener.key, c.origins[listener.key], "", fault{problem: "needs a certificate and its key",
				hint: "give them with --tls-cert and --tls-key, or tls.certificate and tls.key in the file"})
			return
		}
	}
	l.checkPermits()
}

// checkPermits finds names that nothing proves.
func (l *loader) checkPermits() {
	c := l.config
	if c.TLS.ClientCA != "" || l.unread("tls.client_ca") {
		return
	}
	for _, text := range c.TLS.Permit {
		if p, err := tlsauth.ParsePermit(text); err == nil && p.IsName() {
			const key = "tls.permit"
			l.fail(key, c.origins[key], text, fault{problem: "a name proves nothing without a CA that has signed it",
				hint: "give the CA's certificate with --tls-client-ca, or tls.client_ca in the file, or permit the fingerprint of the client's"})
			return
		}
	}
}

// checkShared finds addresses that two listeners over TCP are to have.
func (l *loader) checkShared() {
	listen := &l.config.Listen
	has := map[string]string{} // the key of each address
	for _, of := range [...]struct {
		key       string
		addresses []string
	}{{"listen.tcp", listen.TCP}, {"listen.tls", listen.TLS}, {"listen.relp", listen.RELP}, {"listen.relp_tls", listen.RELPTLS}} {
		for _, address := range of.addresses {
			if _, port, _ := net.SplitHostPort(address); port == "0" {
				continue // any free one: another each time
			}
			if first, taken := has[address]; taken {
				l.fail(of.key, l.config.origins[of.key], address, fault{problem: "has the address of " + first,
					hint: "give each of them a port of its own: 514 for TCP, 6514 for TLS, 2514 for RELP"})
			}
			has[address] = of.key
		}
	}
}
