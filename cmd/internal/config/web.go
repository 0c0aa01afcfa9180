package config

import (
	"fmt"
	"net"
)

// Protected reports whether whoever asks over HTTP must say who he is.
func (w Web) Protected() bool { return w.Config != "" || w.Tokens != "" }

// HTTPFromElsewhere reports whether the HTTP API can be reached from other machines.
func (c *Config) HTTPFromElsewhere() bool { return c.HTTP != "" && !isLoopback(c.HTTP) }

// checkWeb finds an HTTP API that is open to others. What the files hold isn't looked at: the
// configuration is also read where they aren't.
func (l *loader) checkWeb() {
	c := l.config
	if c.HTTPFromElsewhere() && c.Web.Config == "" && !l.unread("web.config") {
		_, port, _ := net.SplitHostPort(c.HTTP)
		l.fail("http", c.origins["http"], c.HTTP, fault{problem: "others reach this address, which needs TLS and a log-in",
			hint: fmt.Sprintf("name certificate and users with --web-config FILE; or write %q, and reach it through ssh -L", "127.0.0.1:"+port)})
	}
}
