package config

import (
	"fmt"
	"net/netip"
	"path"
	"strconv"
	"strings"
	"time"
)

// A Host is what holds for some hosts only.
type Host struct {
	Match     Match
	Tolerance time.Duration // instead of the Config's; 0 for no exception
	Zone      Zone          // instead of the Config's; zero for no exception

	// Relay says that the peer passes on what other hosts wrote. A name means the
	// peers that send this name.
	Relay bool

	// Expected is the longest silence that is in order; 0 for any. A name may speak
	// from anywhere, and a network means each of its peers, under whatever name.
	Expected time.Duration
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

// Exceptions are what holds for one host.
type Exceptions struct {
	Tolerance time.Duration // 0 for none
	Zone      Zone          // zero for none
	Relay     bool
	Expected  time.Duration // 0 for none
	OfPeer    bool          // Expected is of the peer and not of the name
}

// HostFor returns the exceptions for the host that sends name from peer. Each is
// taken from the first item that matches and has it.
func (c *Config) HostFor(name string, peer netip.Addr) Exceptions {
	var e Exceptions
	for i := range c.Hosts {
		if h := &c.Hosts[i]; h.Match.Matches(name, peer) {
			e.add(h)
		}
	}
	return e
}

func (e *Exceptions) add(h *Host) {
	if e.Tolerance == 0 {
		e.Tolerance = h.Tolerance
	}
	if e.Zone.IsZero() {
		e.Zone = h.Zone
	}
	e.Relay = e.Relay || h.Relay
	if e.Expected == 0 && h.Expected > 0 {
		e.Expected, e.OfPeer = h.Expected, h.Match.network.IsValid()
	}
}

// A Member is a host that the configuration names outright: by its name, or by the
// peer's address.
type Member struct {
	Name string
	Peer netip.Addr // valid without a Name
}

// Roster returns the hosts that should speak though they may never have: those whose
// Match has no wildcard and is no wider network than one address.
func (c *Config) Roster() []Member {
	var roster []Member
	for _, h := range c.Hosts {
		if m, ok := h.Match.member(); ok && h.Expected > 0 {
			roster = append(roster, m)
		}
	}
	return roster
}

// member returns the one host that m can match, if there is only one.
func (m Match) member() (Member, bool) {
	if m.network.IsValid() {
		return Member{Peer: m.network.Addr()}, m.network.IsSingleIP()
	}
	return Member{Name: m.text}, !strings.ContainsAny(m.text, `*?[\`)
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
			{key: at + "relay", binding: one(&h.Relay, choice(strconv.FormatBool, true, false))},
			{key: at + "expected", binding: one(&h.Expected, duration(time.Second))},
		}
	}
	return tables
}

var match = kind[Match]{parseMatch, Match.String}

func parseMatch(text string) (Match, *fault) {
	if _, err := netip.ParseAddr(text); err == nil || strings.Contains(text, "/") {
		network, f := parseNetwork(text)
		return Match{text, network}, f
	}
	if _, err := path.Match(text, ""); err != nil || text == "" {
		return Match{}, &fault{problem: "not a name pattern", hint: `write a name with * and ? for any part, such as "web*"`}
	}
	return Match{text: text}, nil
}
