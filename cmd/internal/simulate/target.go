package simulate

import (
	"net"
	"net/netip"
	"net/url"
	"slices"

	"github.com/skewatch/skewatch/cmd/internal/config"
)

// A Target is an address that receives syslog.
type Target struct {
	Scheme  string // udp, tcp, tls or relp
	Address string // host:port
}

// serves are the transports that a target takes, by its scheme. A server tells by itself
// which framing comes over TCP.
var serves = map[string][]config.FleetTransport{
	"udp":  {config.FleetUDP},
	"tcp":  {config.FleetTCP, config.FleetTCPLF},
	"tls":  {config.FleetTLS},
	"relp": {config.FleetRELP},
}

// ports are those of each scheme where none is given.
var ports = map[string]string{"udp": "514", "tcp": "514", "tls": "6514", "relp": "2514"}

// ParseTarget reads a target, such as "udp://127.0.0.1:5514".
func ParseTarget(text string) (Target, error) {
	u, err := url.Parse(text)
	if err != nil || serves[u.Scheme] == nil || u.Hostname() == "" || u.Path != "" || u.RawQuery != "" || u.User != nil {
		return Target{}, &config.Error{Field: "--target", Problem: "not a receiver of syslog", Value: text,
			Hint: `write udp, tcp, tls or relp, and an address, such as "udp://127.0.0.1:5514"`}
	}
	port := u.Port()
	if port == "" {
		port = ports[u.Scheme]
	}
	return Target{u.Scheme, net.JoinHostPort(u.Hostname(), port)}, nil
}

// Targets returns the targets that a server's notice names: of addresses that stand for
// all of a machine's, that on loopback.
func Targets(listen map[string][]string) (targets []Target) {
	for _, scheme := range []string{"tcp", "udp", "relp"} { // whoever wants TLS has to say whom to believe
		for _, address := range listen[scheme] {
			at, err := netip.ParseAddrPort(address)
			if err != nil {
				continue
			}
			if at.Addr().IsUnspecified() {
				at = netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), at.Port())
			}
			targets = append(targets, Target{scheme, at.String()})
			break
		}
	}
	return targets
}

func (t Target) String() string { return t.Scheme + "://" + t.Address }

// IsLoopback reports whether a target is on this machine for certain.
func (t Target) IsLoopback() bool {
	host, _, _ := net.SplitHostPort(t.Address)
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}

// Transports returns those that targets take, without repetition.
func Transports(targets []Target) (all []config.FleetTransport) {
	seen := map[string]bool{}
	for _, t := range targets {
		if !seen[t.Scheme] {
			all = append(all, serves[t.Scheme]...)
		}
		seen[t.Scheme] = true
	}
	return all
}

// schemeOf returns the scheme of targets that take a transport.
func schemeOf(transport config.FleetTransport) string {
	for scheme, served := range serves {
		if slices.Contains(served, transport) {
			return scheme
		}
	}
	return ""
}

// targetOf returns the first target that takes a transport.
func targetOf(targets []Target, transport config.FleetTransport) (Target, bool) {
	i := slices.IndexFunc(targets, func(t Target) bool { return slices.Contains(serves[t.Scheme], transport) })
	if i < 0 {
		return Target{}, false
	}
	return targets[i], true
}
