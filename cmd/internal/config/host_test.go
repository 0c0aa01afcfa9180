package config

import (
	"net/netip"
	"testing"
	"time"
)

func TestMatch(t *testing.T) {
	tests := []struct {
		match, name, peer string
		want              bool
	}{
		{"web*", "web1", "192.0.2.1", true},
		{"web*", "WEB1", "192.0.2.1", true},
		{"WEB?", "web1", "192.0.2.1", true},
		{"web*", "www", "192.0.2.1", false},
		{"web*", "", "192.0.2.1", false},
		{"192.0.2.0/24", "web1", "192.0.2.77", true},
		{"192.0.2.0/24", "web1", "::ffff:192.0.2.77", true},
		{"192.0.2.0/24", "192.0.2.77", "198.51.100.1", false},
		{"192.0.2.1", "web1", "192.0.2.1", true},
		{"192.0.2.1", "web1", "192.0.2.10", false},
		{"2001:db8::/32", "web1", "2001:db8::1", true},
	}
	for _, tt := range tests {
		m, f := parseMatch(tt.match)
		if f != nil {
			t.Errorf("parseMatch(%q): %s", tt.match, f.problem)
			continue
		}
		if have := m.Matches(tt.name, netip.MustParseAddr(tt.peer)); have != tt.want {
			t.Errorf("%s matches %q from %s: %v, want %v", m, tt.name, tt.peer, have, tt.want)
		}
	}
}

func TestHostFor(t *testing.T) {
	c := mustLoad(t, `
hosts:
  - match: web1
    tolerance: 5s
  - match: web*
    zone: "+02:00"
  - match: 10.0.0.0/8
    tolerance: 2s
`, nil, nil)
	tests := []struct {
		name, peer string
		tolerance  time.Duration
		zone       string
	}{
		{"web1", "10.0.0.1", 5 * time.Second, ""},
		{"web2", "10.0.0.1", 0, "+02:00"},
		{"db", "10.0.0.1", 2 * time.Second, ""},
		{"db", "192.0.2.1", 0, ""},
	}
	for _, tt := range tests {
		h := c.HostFor(tt.name, netip.MustParseAddr(tt.peer))
		if h.Tolerance != tt.tolerance || h.Zone.String() != tt.zone {
			t.Errorf("HostFor(%s, %s) = %v in %q, want %v in %q", tt.name, tt.peer, h.Tolerance, h.Zone, tt.tolerance, tt.zone)
		}
	}
}
