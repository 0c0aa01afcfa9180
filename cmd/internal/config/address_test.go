package config

import "testing"

// Peers are known by their IPv4 addresses however a socket shows them, and so are networks.
func TestNetworksAreUnmapped(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"::ffff:192.0.2.0/120", "192.0.2.0/24"},
		{"::ffff:192.0.2.1", "192.0.2.1/32"},
		{"192.0.2.0/24", "192.0.2.0/24"},
		{"2001:db8::/32", "2001:db8::/32"},
		{"::/0", "::/0"},
	} {
		if got, f := parseNetwork(tt.text); f != nil || got.String() != tt.want {
			t.Errorf("parseNetwork(%q) = %v, %v, want %s", tt.text, got, f, tt.want)
		}
	}
}
