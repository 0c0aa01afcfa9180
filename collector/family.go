package collector

import (
	"net"
	"net/netip"

	"github.com/skewatch/skewatch/collector/message"
)

// family returns which kind of IP an address to listen on stands for: "4", "6", or "" for
// whatever it resolves to. The wildcard of IPv6 stands for IPv4 too (":514" and "[::]:514"),
// unless that of IPv4 is listened on beside it.
func (cfg *Config) family(t message.Transport, address string) string {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return ""
	}
	ip, err := netip.ParseAddr(host)
	switch {
	case err != nil:
		return ""
	case ip.Is4():
		return "4"
	case ip == netip.IPv6Unspecified() && cfg.hasWildcard4(t, port):
		return "6"
	}
	return ""
}

// hasWildcard4 reports whether the IPv4 wildcard is listened on, on a port and over the
// protocol that carries t.
func (cfg *Config) hasWildcard4(t message.Transport, port string) bool {
	wildcard := net.JoinHostPort("0.0.0.0", port)
	for other := range message.Transport(message.Transports) {
		if (other == message.UDP) != (t == message.UDP) {
			continue
		}
		for _, address := range cfg.addresses(other) {
			if address == wildcard {
				return true
			}
		}
	}
	for _, its := range cfg.Custom {
		if (its.Transport == message.UDP) == (t == message.UDP) && its.Address == wildcard {
			return true
		}
	}
	return false
}
