package config

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"

	"github.com/skewatch/skewatch/ntpcheck"
)

var (
	listenAddress = verbatim(func(text string) *fault { return checkListen(text, "514") })
	tlsAddress    = verbatim(func(text string) *fault { return checkListen(text, "6514") })
	relpAddress   = verbatim(func(text string) *fault { return checkListen(text, "2514") })
	httpAddress   = verbatim(checkHTTP)
	ntpServer     = verbatim(checkServer)
)

// checkListen checks the address of a listener: host:port, where no host stands
// for all of the machine's and port 0 for any free one. The remedy for a missing
// port is port.
func checkListen(text, port string) *fault {
	host, given, err := net.SplitHostPort(text)
	switch {
	case missingPort(text, err) || err == nil && given == "":
		return &fault{problem: "missing port", hint: fmt.Sprintf("write %q", withPort(text, port))}
	case err != nil:
		return &fault{problem: "not an address", hint: fmt.Sprintf("write host:port, such as %q", "0.0.0.0:"+port)}
	case host == "*":
		return &fault{problem: "not an address", hint: fmt.Sprintf("write %q for all of the machine's addresses", ":"+given)}
	case host != "" && !isHost(host):
		return &fault{problem: "not a host name or IP address", hint: fmt.Sprintf("write host:port, such as %q", "0.0.0.0:"+port)}
	}
	return checkPort(given, 0)
}

// checkHTTP checks the address of the HTTP API, "" for none.
func checkHTTP(text string) *fault {
	if text == "" {
		return nil
	}
	return checkListen(text, "8514")
}

// isLoopback reports whether only this machine reaches an address, host:port.
func isLoopback(address string) bool {
	host, _, _ := net.SplitHostPort(address)
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.Unmap().IsLoopback()
}

// checkServer checks an NTP server: its name, and after a space what
// ntpcheck.ParseServer knows.
func checkServer(text string) *fault {
	name, _, _ := strings.Cut(text, " ")
	if f := checkServerName(name); f != nil {
		return f
	}
	_, err := ntpcheck.ParseServer(text)
	var wrong *ntpcheck.ConfigError
	if errors.As(err, &wrong) {
		return &fault{problem: wrong.Problem, hint: wrong.Hint}
	}
	return nil
}

// checkServerName checks the name of an NTP server: host or host:port.
func checkServerName(text string) *fault {
	host, port, err := net.SplitHostPort(text)
	if missingPort(text, err) {
		host, port = text, "123"
	} else if err != nil || strings.Contains(text, "/") {
		return &fault{problem: "not host or host:port", hint: `write "ntp1.example.net" or "[2001:db8::1]:123"`}
	}
	if !isHost(host) {
		return &fault{problem: "not a host name or IP address", hint: `write "ntp1.example.net" or "192.0.2.1:123"`}
	}
	return checkPort(port, 1)
}

func checkPort(text string, least uint64) *fault {
	if n, err := strconv.ParseUint(text, 10, 16); err != nil || n < least {
		return &fault{problem: fmt.Sprintf("port is no number from %d to 65535", least)}
	}
	return nil
}

// missingPort reports whether text, which SplitHostPort refused with err, is a
// host or address alone.
func missingPort(text string, err error) bool {
	if _, notAddr := netip.ParseAddr(text); notAddr == nil {
		return true // a bare IPv6 address fails for its many colons
	}
	var addrErr *net.AddrError
	return errors.As(err, &addrErr) && addrErr.Err == "missing port in address"
}

// withPort returns the address that text, which lacks its port, was meant to be.
func withPort(text, port string) string {
	if _, err := strconv.ParseUint(text, 10, 16); err == nil {
		return ":" + text // the port alone
	}
	host := strings.TrimSuffix(text, ":")
	if strings.HasPrefix(host, "[") {
		return host + ":" + port
	}
	return net.JoinHostPort(host, port)
}

// isHost reports whether text can be a host name or IP address. It refuses what
// was plainly meant to be something else, such as a URL.
func isHost(text string) bool {
	if _, err := netip.ParseAddr(text); err == nil {
		return true
	}
	return text != "" && len(text) <= 253 && strings.Trim(strings.ToLower(text), "abcdefghijklmnopqrstuvwxyz0123456789-._") == ""
}

// network is the kind of networks of senders.
var network = kind[netip.Prefix]{parse: parseNetwork, format: formatNetwork}

// parseNetwork reads an address, or a network as address/bits.
func parseNetwork(text string) (netip.Prefix, *fault) {
	if addr, err := netip.ParseAddr(text); err == nil {
		addr = addr.Unmap() // as peers are known
		return netip.PrefixFrom(addr, addr.BitLen()), nil
	}
	network, err := netip.ParsePrefix(text)
	switch {
	case err != nil:
		return netip.Prefix{}, &fault{problem: "not a network", hint: `write address/bits, such as "192.0.2.0/24"`}
	case network != network.Masked():
		return netip.Prefix{}, &fault{problem: "not the network's first address", hint: fmt.Sprintf("write %q", network.Masked())}
	}
	if addr := network.Addr(); addr.Is4In6() { // which takes 96 bits
		return netip.PrefixFrom(addr.Unmap(), network.Bits()-96), nil
	}
	return network, nil
}

// formatNetwork writes a network of one address as that.
func formatNetwork(p netip.Prefix) string {
	if p.IsSingleIP() {
		return p.Addr().String()
	}
	return p.String()
}
