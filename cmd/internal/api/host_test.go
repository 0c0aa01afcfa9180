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
