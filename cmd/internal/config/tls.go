package config

// checkTLS finds what TLS listeners lack.
func (l *loader) checkTLS() {
	c := l.config
	for _, listener := range [...]struct {
		key string
		on  bool
	}{{"listen.tls", len(c.Listen.TLS) > 0}, {"listen.relp_tls", len(c.Listen.RELPTLS) > 0}} {
		if listener.on && (c.TLS.Certificate == "" || c.TLS.Key == "") {
			l.fail(listener.key, c.origins[listener.key], "", fault{problem: "needs a certificate and its key",
				hint: "give them with --tls-cert and --tls-key, or tls.certificate and tls.key in the file"})
			return
		}
	}
}
