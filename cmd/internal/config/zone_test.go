package config

import (
	"testing"
	"time"
)

func TestZone(t *testing.T) {
	winter := time.Date(2026, time.January, 15, 12, 0, 0, 0, time.UTC)
	summer := time.Date(2026, time.July, 15, 12, 0, 0, 0, time.UTC)
	tests := []struct {
		text, name string
		winterEast int
		summerEast int
	}{
		{"UTC", "UTC", 0, 0},
		{"+02:00", "+02:00", 7200, 7200},
		{"+0545", "+05:45", 20700, 20700},
		{"-0530", "-05:30", -19800, -19800},
		{"-00:30", "-00:30", -1800, -1800},
		{"+14:00", "+14:00", 50400, 50400},
		{"Europe/Paris", "Europe/Paris", 3600, 7200},
		{"America/New_York", "America/New_York", -18000, -14400},
	}
	for _, tt := range tests {
		z, f := parseZone(tt.text)
		if f != nil || z.IsZero() {
			t.Errorf("parseZone(%q): %v", tt.text, f)
			continue
		}
		_, w := winter.In(z.Location()).Zone()
		_, s := summer.In(z.Location()).Zone()
		if w != tt.winterEast || s != tt.summerEast || z.String() != tt.name {
			t.Errorf("%q = %s, east %d and %d s, want %s, %d and %d s", tt.text, z, w, s, tt.name, tt.winterEast, tt.summerEast)
		}
	}
}
