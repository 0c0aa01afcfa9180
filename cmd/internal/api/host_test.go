package api

import "testing"

func TestMatchHost(t *testing.T) {
	tests := []struct {
		glob, host string
		want       bool
	}{
		{"", "web1", true},
		{"web*", "WEB1.example.net", true},
		{"web?", "web12", false},
		{"*", "RP/0/RP0/CPU0", true},
		{"rp/*", "RP/0/RP0/CPU0", true},
		{"rp*cpu[0-3]", "RP/0/RP0/CPU0", true},
		{"rp", "RP/0", false},
		{"*", "", true},
	}
	for _, tt := range tests {
		if have := MatchHost(tt.glob, tt.host); have != tt.want {
			t.Errorf("MatchHost(%q, %q) = %v, want %v", tt.glob, tt.host, have, tt.want)
		}
	}
}

func TestGlobOf(t *testing.T) {
	for _, host := range []string{"web1", "WEB1", "a*b", `a\b`, "[x]", "a?", "RP/0/RP0", "é*"} {
		glob := GlobOf(host)
		if !MatchHost(glob, host) {
			t.Errorf("GlobOf(%q) = %q, which doesn't match it", host, glob)
		}
		if MatchHost(glob, host+"x") || MatchHost(glob, "x"+host) {
			t.Errorf("GlobOf(%q) = %q matches other names", host, glob)
		}
	}
}
