package config

import (
	"net/netip"
	"slices"
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
    tolerance: 7s
    zone: "+02:00"
    expected: 1h
  - match: 10.0.0.0/8
    tolerance: 2s
    relay: true
    expected: 5m
`, nil, nil)
	plusTwo, _ := parseZone("+02:00")
	tests := []struct {
		why, name, peer string
		want            Exceptions
	}{
		{"each setting from the first item that has it", "web1", "192.0.2.1", Exceptions{5 * time.Second, plusTwo, false, time.Hour, false}},
		{"by name and by peer", "web2", "10.0.0.1", Exceptions{7 * time.Second, plusTwo, true, time.Hour, false}},
		{"by peer alone", "db", "10.0.0.1", Exceptions{2 * time.Second, Zone{}, true, 5 * time.Minute, true}},
		{"none", "db", "192.0.2.1", Exceptions{}},
	}
	for _, tt := range tests {
		have := c.HostFor(tt.name, netip.MustParseAddr(tt.peer))
		if have.Zone.String() != tt.want.Zone.String() {
			t.Errorf("%s: zone %q, want %q", tt.why, have.Zone, tt.want.Zone)
		}
		have.Zone = tt.want.Zone
		if have != tt.want {
			t.Errorf("%s: HostFor(%s, %s) = %+v, want %+v", tt.why, tt.name, tt.peer, have, tt.want)
		}
	}
}

func TestRoster(t *testing.T) {
	c := mustLoad(t, `
hosts:
  - {match: web1, expected: 1h}
  - {match: "web?", expected: 1h}
  - {match: db1, tolerance: 2s}
  - {match: 192.0.2.7, expected: 1h}
  - {match: 192.0.2.8/32, expected: 1h}
  - {match: 198.51.100.0/24, expected: 1h}
`, nil, nil)
	want := []Member{{Name: "web1"}, {Peer: netip.MustParseAddr("192.0.2.7")}, {Peer: netip.MustParseAddr("192.0.2.8")}}
	if have := c.Roster(); !slices.Equal(have, want) {
		t.Errorf("Roster() = %v, want %v: only hosts that are named outright", have, want)
	}
}
