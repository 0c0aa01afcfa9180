package ntpcheck

import (
	"errors"
	"testing"
	"time"
)

func TestParseServer(t *testing.T) {
	for _, tt := range []struct{ given, want string }{
		{"time.example.org", "time.example.org:123"},
		{"Time.Example.ORG", "time.example.org:123"},
		{"time.example.org:1123", "time.example.org:1123"},
		{"192.0.2.1", "192.0.2.1:123"},
		{"[2001:db8::1]:1123", "[2001:db8::1]:1123"},
		{"[2001:db8::1]", "[2001:db8::1]:123"},
		{"2001:db8::1", "[2001:db8::1]:123"},
		{"fe80::1%eth0", "[fe80::1%eth0]:123"},
	} {
		server, err := ParseServer(tt.given)
		if err != nil {
			t.Errorf("ParseServer(%q): %v", tt.given, err)
			continue
		}
		if have := server.Address(); have != tt.want {
			t.Errorf("ParseServer(%q) = %s, want %s", tt.given, have, tt.want)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	for _, tt := range []struct {
		name, field string
		config      Config
	}{
		{"empty name", "ntp-server[0]", Config{Servers: []string{""}}},
		{"port alone", "ntp-server[0]", Config{Servers: []string{":123"}}},
		{"port 0", "ntp-server[1]", Config{Servers: []string{"a", "b:0"}}},
		{"port too large", "ntp-server[0]", Config{Servers: []string{"a:65536"}}},
		{"port in letters", "ntp-server[0]", Config{Servers: []string{"a:ntp"}}},
		{"two names in one", "ntp-server[0]", Config{Servers: []string{"a, b"}}},
		{"URL", "ntp-server[0]", Config{Servers: []string{"ntp://a"}}},
		{"twice", "ntp-server[1]", Config{Servers: []string{"a", "A:123"}}},
		{"poll", "ntp-poll", Config{Poll: time.Millisecond}},
		{"holdover", "ntp-holdover", Config{Holdover: -time.Second}},
	} {
		_, err := New(tt.config)
		var bad *ConfigError
		if !errors.As(err, &bad) {
			t.Errorf("%s: New gave %v, want a ConfigError", tt.name, err)
			continue
		}
		if bad.Field != tt.field || bad.Problem == "" || bad.Remedy() == "" {
			t.Errorf("%s: %+v, want field %s with a problem and a remedy", tt.name, bad, tt.field)
		}
	}
}

func TestParseKernelMode(t *testing.T) {
	for _, want := range []KernelMode{KernelAuto, KernelOff, KernelTrust} {
		if have, err := ParseKernelMode(want.String()); err != nil || have != want {
			t.Errorf("ParseKernelMode(%q) = %v, %v", want, have, err)
		}
	}
	_, err := ParseKernelMode("on")
	const want, hint = `kernel-clock: unknown mode (got "on")`, "write auto, off or trust"
	var bad *ConfigError
	if !errors.As(err, &bad) || bad.Error() != want || bad.Remedy() != hint {
		t.Errorf("ParseKernelMode(on): %v, want %s and the hint %q", err, want, hint)
	}
}
