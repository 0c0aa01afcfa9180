package config

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/skewatch/skewatch/ntpcheck"
)

// An Oddity is something in a valid Config that probably isn't meant, or that
// its owner should know about.
type Oddity struct {
	Field   string // a YAML key, or an environment variable
	Problem string
	Hint    string // what to do about it; "" if nothing needs to be done
}

// String returns the oddity in one line, without the hint.
func (o Oddity) String() string { return o.Field + ": " + o.Problem }

// Oddities returns what is odd about c.
func (c *Config) Oddities() []Oddity {
	odd := slices.Clone(c.misnamed)
	for _, check := range []struct {
		holds bool
		Oddity
	}{
		{c.Simulated, Oddity{"simulated",
			"what is received counts as made up, and every report says so", "remove it where real hosts send"}},
		{c.Listen.none(), Oddity{"listen",
			"no listener is on: nothing can be received", `give an address to listen.udp or listen.tcp, such as ":514"`}},
		{len(c.Listen.TLS)+len(c.Listen.RELPTLS) == 0 && c.TLS.Certificate != "", Oddity{"tls.certificate",
			"no listener uses it: nothing is received over TLS", `give an address to listen.tls, such as ":6514"`}},
		{len(c.Listen.TLS)+len(c.Listen.RELPTLS) == 0 && c.TLS.Certificate == "" && c.TLS.ClientCA != "", Oddity{"tls.client_ca",
			"no listener uses it: nobody is asked for a certificate", `give an address to listen.tls, such as ":6514"`}},
		{len(c.Listen.TLS)+len(c.Listen.RELPTLS) == 0 && c.TLS.Certificate == "" && len(c.TLS.Permit) > 0, Oddity{"tls.permit",
			"no listener uses it: nobody is asked for a certificate", `give an address to listen.tls, such as ":6514"`}},
		{c.HTTP == "" && c.Web.Protected(), Oddity{"web",
			"the HTTP API is turned off: nobody is let in", `give an address to http, such as "127.0.0.1:8514"`}},
		{c.Web.Config == "" && len(c.Web.Admins) > 0, Oddity{"web.admins",
			"there are no users", "name the file that holds them with --web-config, or web.config in the file"}},
		{c.Limits.Idle < time.Minute, Oddity{"limits.idle",
			formatDuration(c.Limits.Idle) + " is short: most senders lose what they write first into a connection that was closed", "write a day or more"}},
		{c.noReference(), Oddity{"ntp.servers",
			"nothing tells whether the collector's own clock is right: every verdict will be held", "name four servers or more"}},
		{c.sources() == 1 || c.sources() == 2, Oddity{"ntp.servers",
			"fewer than three can't outvote a wrong one", "name four servers or more"}},
		{c.sources() == 3, Oddity{"ntp.servers",
			"three can outvote a wrong one only while all of them answer", "name four servers or more"}},
		{ntpcheck.ReadableByAll(c.NTP.Keys), Oddity{"ntp.keys",
			"everybody on this machine can read the keys", "chmod o-r " + c.NTP.Keys}},
		{c.pollsPoolTooOften(), Oddity{"ntp.poll",
			formatDuration(c.NTP.Poll) + " is more often than public servers allow, and they will refuse to answer", "write 16s or more, or name servers of your own"}},
		{c.NTP.Holdover < c.NTP.Poll, Oddity{"ntp.holdover",
			fmt.Sprintf("%s is shorter than ntp.poll, %s: one lost answer suspends all verdicts", formatDuration(c.NTP.Holdover), formatDuration(c.NTP.Poll)), "write several times ntp.poll"}},
		{c.NTP.KernelClock == KernelTrust, Oddity{"ntp.kernel_clock",
			"the local clock is taken as true on your word, and every report says so", ""}},
		{c.Limits.HostsPerPeer > c.Limits.Hosts, Oddity{"limits.hosts_per_peer",
			fmt.Sprintf("%d is more than limits.hosts, %d: one peer may take all places", c.Limits.HostsPerPeer, c.Limits.Hosts), `write less, or "half"`}},
		{c.Tolerance < 100*time.Millisecond, Oddity{c.toleranceKey(),
			fmt.Sprintf("one-way evidence can seldom prove %s: most hosts will be reported as insufficient", formatDuration(c.Tolerance)), ""}},
	} {
		if check.holds {
			odd = append(odd, check.Oddity)
		}
	}
	return slices.Concat(odd, c.shadowedHosts(), c.reportOddities())
}

func (l *Listen) none() bool {
	return len(l.UDP)+len(l.TCP)+len(l.TLS)+len(l.RELP)+len(l.RELPTLS) == 0
}

// sources returns how many NTP servers are asked: several of a pool.
func (c *Config) sources() (n int) {
	for _, text := range c.NTP.Servers {
		if s, err := ntpcheck.ParseServer(text); err == nil {
			n += s.Places()
		}
	}
	return n
}

func (c *Config) noReference() bool {
	return len(c.NTP.Servers) == 0 && c.NTP.KernelClock == KernelOff
}

func (c *Config) pollsPoolTooOften() bool {
	isPool := func(server string) bool { return strings.Contains(server, "pool.ntp.org") }
	return c.NTP.Poll < 16*time.Second && slices.ContainsFunc(c.NTP.Servers, isPool)
}

// toleranceKey returns the key that the tolerance in effect comes from.
func (c *Config) toleranceKey() string {
	if c.Profile == ProfileCustom {
		return "tolerance"
	}
	return "profile"
}

// shadowedHosts finds items that an earlier one matches the same hosts as: whatever
// that one sets holds.
func (c *Config) shadowedHosts() []Oddity {
	var odd []Oddity
	first := map[string]int{}
	for i, h := range c.Hosts {
		if earlier, ok := first[h.Match.text]; ok {
			odd = append(odd, Oddity{fmt.Sprintf("hosts[%d]", i),
				fmt.Sprintf("matches the same as hosts[%d], which comes first: what that one sets holds", earlier), "make one item of the two"})
			continue
		}
		first[h.Match.text] = i
	}
	return odd
}
