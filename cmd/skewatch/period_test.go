package main

import (
	"errors"
	"testing"
	"time"

	"github.com/skewatch/skewatch/cmd/internal/config"
)

func TestInstant(t *testing.T) {
	tests := []struct{ text, want string }{
		{"2026-02-28T10:00:00Z", "2026-02-28T10:00:00Z"},
		{"2026-02-28T10:00:00.25+02:00", "2026-02-28T08:00:00.25Z"},
		{"24h", "2026-02-28T12:00:00Z"},
		{"7d", "2026-02-22T12:00:00Z"},
		{"1d12h", "2026-02-28T00:00:00Z"},
		{"90m", "2026-03-01T10:30:00Z"},
		{"0s", "2026-03-01T12:00:00Z"},
		{"0d", "2026-03-01T12:00:00Z"},
	}
	for _, tt := range tests {
		have, err := instant("--since", tt.text, noon)
		if err != nil || have.Format(time.RFC3339Nano) != tt.want {
			t.Errorf("instant(%q) = %s, %v, want %s", tt.text, have.Format(time.RFC3339Nano), err, tt.want)
		}
	}
	if have, err := instant("--since", "", noon); err != nil || !have.IsZero() {
		t.Errorf("instant of nothing = %v, %v, want the zero time", have, err)
	}
}

func TestBadInstants(t *testing.T) {
	const example = `write a time such as "2026-03-01T12:00:00Z", or how far back from now, such as "24h" or "7d"`
	tests := []struct{ text, hint string }{
		{"yesterday", example},
		{"7", example},
		{"d", example},
		{"1d1d", example},
		{"1.5d", example},
		{"99999d", example},
		{"7d-1h", example},
		{"2026-02-30T00:00:00Z", example},
		{"-24h", `write "24h": it counts back from now`},
		{"-7d", `write "7d": it counts back from now`},
		{"2026-03-01", `write the time zone too, such as "2026-03-01T00:00:00Z"`},
		{"2026-03-01T10:00", `write the time zone too, such as "2026-03-01T10:00:00Z"`},
		{"2026-03-01 10:00:05", `write the time zone too, such as "2026-03-01T10:00:05Z"`},
	}
	for _, tt := range tests {
		_, err := instant("--since", tt.text, noon)
		checkUsage(t, err, "--since", tt.text, tt.hint)
	}
}

func TestPeriod(t *testing.T) {
	p, err := parsePeriod("7d", "24h", noon)
	if want := (period{noon.Add(-168 * time.Hour), noon.Add(-24 * time.Hour)}); err != nil || p != want {
		t.Errorf("parsePeriod(7d, 24h) = %v, %v, want %v", p, err, want)
	}
	if p, err := parsePeriod("", "", noon); err != nil || p != (period{}) {
		t.Errorf("parsePeriod of nothing = %v, %v, want open ends", p, err)
	}
	_, err = parsePeriod("1h", "24h", noon)
	checkUsage(t, err, "--until", "24h", "write --since for the earlier of the two, such as --since 24h --until 1h")
	_, err = parsePeriod("1h", "2026-03-01T11:00:00Z", noon)
	checkUsage(t, err, "--until", "2026-03-01T11:00:00Z", "write --since for the earlier of the two, such as --since 24h --until 1h")
	_, err = parsePeriod("1h", "later", noon)
	checkUsage(t, err, "--until", "later", instantHint("later"))
}

// checkUsage wants err to be about this value of a field, with this hint.
func checkUsage(t *testing.T, err error, field, value, hint string) {
	t.Helper()
	var e *config.Error
	if !errors.As(err, &e) {
		t.Errorf("%s %s: error %v, want one with hint %q", field, value, err, hint)
		return
	}
	if e.Field != field || e.Value != value || e.Hint != hint {
		t.Errorf("error about %s, value %q, hint %q, want %s, %q, %q", e.Field, e.Value, e.Hint, field, value, hint)
	}
}
