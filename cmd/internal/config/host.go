package config

import (
	"fmt"
	"net/netip"
	"path"
	"strings"
	"time"
)

// A Host is what holds for some hosts only.
type Host struct {
	Match     Match
	Tolerance time.Duration // instead of the Config's; 0 for no exception
	Zone      Zone          // instead of the Config's; zero for no exception
}

// A Match names hosts: by a glob over the name that they send ("web*"), or by the
// network of their peer address ("192.0.2.0/24", or one address).
type Match struct {
	text    string
	network netip.Prefix // invalid if text is a glob
}

// Matches reports whether m names the host that sends name, in any case, from
// peer.
func (m Match) Matches(name string, peer netip.Addr) bool {
	if m.network.IsValid() {
		return m.network.Contains(peer.Unmap())
	}
	ok, err := path.Match(strings.ToLower(m.text), strings.ToLower(name))
	return ok && err == nil
}

// String returns m as it was written.
func (m Match) String() string { return m.text }

// HostFor returns the exception for the host that sends name from peer, the zero
// Host if there is none.
func (c *Config) HostFor(name string, peer netip.Addr) Host {
	for _, h := range c.Hosts {
		if h.Match.Matches(name, peer) {
			return h
		}
	}
	return Host{}
}

// hostItems makes room for n hosts and returns the settings of each.
func (c *Config) hostItems(n int) [][]setting {
	c.Hosts = make([]Host, n)
	return c.hostSettings()
}

// hostSettings declares what can be configured for each of the hosts.
func (c *Config) hostSettings() [][]setting {
	tables := make([][]setting, len(c.Hosts))
	for i := range c.Hosts {
		h, at := &c.Hosts[i], fmt.Sprintf("hosts[%d].", i)
		tables[i] = []setting{
			{key: at + "match", binding: one(&h.Match, match)},
			{key: at + "tolerance", binding: one(&h.Tolerance, duration(time.Microsecond))},
			{key: at + "zone", binding: one(&h.Zone, zone)},
		}
	}
	return tables
}

var match = kind[Match]{parseMatch, Match.String}

func parseMatch(text string) (Match, *fault) {
	if addr, err := netip.ParseAddr(text); err == nil {
		return Match{text, netip.PrefixFrom(addr, addr.BitLen())}, nil
	}
	if strings.Contains(text, "/") {
		return parseNetwork(text)
	}
	if _, err := path.Match(text, ""); err != nil || text == "" {
		return Match{}, &fault{problem: "not a name pattern", hint: `write a name with * and ? for any part, such as "web*"`}
	}
	return Match{text: text}, nil
}

func parseNetwork(text string) (Match, *fault) {
	network, err := netip.ParsePrefix(text)
	if err != nil {
		return Match{}, &fault{problem: "not a network", hint: `write address/bits, such as "192.0.2.0/24"`}
	}
	if network != network.Masked() {
		return Match{}, &fault{problem: "not the network's first address", hint: fmt.Sprintf("write %q", network.Masked())}
	}
	return Match{text, network}, nil
}
