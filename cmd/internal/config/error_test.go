package config

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/skewatch/skewatch/collector/tlsauth"
)

func TestFileErrors(t *testing.T) {
	tests := []struct {
		yaml string
		want string // without the file's name
		hint string
	}{
		{"listen:\n  udp:\n    - :1\n    - 0.0.0.0\n", `config: listen.udp[1]: missing port (got "0.0.0.0") at :4`, `write "0.0.0.0:514"`},
		{"listen:\n  relp: collector\n", `config: listen.relp[0]: missing port (got "collector") at :2`, `write "collector:2514"`},
		{"listen:\n  tcp: 6514\n", `config: listen.tcp[0]: missing port (got "6514") at :2`, `write ":6514"`},
		{"ntp:\n  pol: 16s\n", `config: ntp.pol: unknown key at :2`, `write "poll"`},
		{"\nlisten-udp: x\n", `config: listen-udp: unknown key at :2`, `write "udp" beneath "listen"`},
		{"warn_hold: 1s", `config: warn_hold: unknown key at :1`, `write "hold" beneath "warnings"`},
		{"poll: 16s", `config: poll: unknown key at :1`, `write "poll" beneath "ntp"`},
		{"ntp.poll: 16s", `config: ntp.poll: unknown key at :1`, `write "poll" beneath "ntp"`},
		{"listen: {dtls: x}", `config: listen.dtls: unknown key at :1`, `write "tls"`},
		{"listen: {quic: x}", `config: listen.quic: unknown key at :1`, `known here: udp, tcp, tls, relp, relp_tls`},
		{"listen: {tls: ':6514'}", `config: listen.tls: needs a certificate and its key at :1`, `give them with --tls-cert and --tls-key, or tls.certificate and tls.key in the file`},
		{"tls: {permit: web1.example.net}", `config: tls.permit: a name proves nothing without a CA that has signed it (got "web1.example.net") at :1`,
			`give the CA's certificate with --tls-client-ca, or tls.client_ca in the file, or permit the fingerprint of the client's`},
		{"listen: {tcp: ':514', relp: ':514'}", `config: listen.relp: has the address of listen.tcp (got ":514") at :1`,
			`give each of them a port of its own: 514 for TCP, 6514 for TLS, 2514 for RELP`},
		{"limits: {idle: 90}", `config: limits.idle: not a span of time (got "90") at :1`, `write the unit too, such as "90s"`},
		{"limits: {idle: 65535d2000000h}", `config: limits.idle: not a span of time (got "65535d2000000h") at :1`,
			`write a number and a unit (s, m, h, d), such as "36h" or "7d"; at most some hundred years`},
		{"tls: {permit: 'sha-1:AB'}", `config: tls.permit[0]: a fingerprint that isn't 40 hexadecimal digits (got "sha-1:AB") at :1`, tlsauth.PermitHint},
		{"limits: {message: 100B}", `config: limits.message: below the least of 480B (got "100B") at :1`, `every receiver must take messages of 480 octets`},
		{"limits: {message: 2MiB}", `config: limits.message: above the most of 1MiB (got "2MiB") at :1`, ``},
		{"limits: {connections: 0}", `config: limits.connections: below the least of 1 (got "0") at :1`, ``},
		{"limits: {connections: many}", `config: limits.connections: not a whole number (got "many") at :1`, `write digits only, from 1 to 10000000`},
		{"limits: {allow: 192.0.2.1/24}", `config: limits.allow[0]: not the network's first address (got "192.0.2.1/24") at :1`, `write "192.0.2.0/24"`},
		{"<<: {data: x}", `config: <<: unknown key at :1`, `known here: data, simulated, retention, listen, tls, limits, http, web, ntp, receive_stamps, assume_zone, warnings, rules, log, profile, tolerance, hosts, notify, forward, reports`},
		{"ntp: 16s", `config: ntp: holds settings and takes no value itself at :1`, `write beneath it: servers, keys, nts_ca, poll, holdover, kernel_clock`},
		{"http: {address: x}", `config: http: takes a value, not settings beneath it at :1`, ``},
		{"http: [a]", `config: http: takes one value, not a list at :1`, ``},
		{"http:\n", `config: http: has no value at :1`, `remove the line for the default, or write "" for none`},
		{"data: &x /a\nhttp: ''", `config: data: anchors, aliases and tags are not supported at :1`, `write the value itself`},
		{"data: |\n", `config: data: names no directory at :1`, `write a path, such as "/var/lib/skewatch"`},
		{"hosts: {match: a}", `config: hosts: not a list at :1`, `begin each item with "- "`},
		{"hosts: [a]", `config: hosts[0]: not a group of settings at :1`, `write it as "- match: web*"`},
		{"hosts:\n  - zone: UTC\n", `config: hosts[0].match: missing at :2`, `begin the item with it, such as "match: web*"`},
		{"hosts:\n  - match: a\n    colour: red\n", `config: hosts[0].colour: unknown key at :3`, `known here: match, tolerance, zone, relay, expected`},
		{"hosts:\n  - match: a\n    relay: maybe\n", `config: hosts[0].relay: not one of true, false (got "maybe") at :3`, ``},
		{"hosts:\n  - match: a\n    expected: true\n", `config: hosts[0].expected: not a span of time (got "true") at :3`, `write a number and a unit (ms, s, m, h), such as "16s" or "1h30m"`},
		{"hosts: [{match: '[a'}]", `config: hosts[0].match: not a name pattern (got "[a") at :1`, `write a name with * and ? for any part, such as "web*"`},
		{"hosts: [{match: 10.1.0.0/8}]", `config: hosts[0].match: not the network's first address (got "10.1.0.0/8") at :1`, `write "10.0.0.0/8"`},
		{"hosts: [{match: a/8}]", `config: hosts[0].match: not a network (got "a/8") at :1`, `write address/bits, such as "192.0.2.0/24"`},
		{"- a", `config: no settings in this file at :1`, `write them as "key: value"`},
		{"data: /a\n---\ndata: /b\n", `config: a second document begins here at :3`, `remove the line "---" and all below it`},
		{"profile: srg\ntolerance: 2s\n", `config: tolerance: contradicts profile srg, which allows 1s (got "2s") at :2`, `remove one of the two, or make the profile custom`},
		{"profile: custom\n", `config: profile: needs a tolerance (got "custom") at :1`, `give one, such as "2s"`},
	}
	for _, tt := range tests {
		_, err := load(t, tt.yaml, nil, nil)
		checkError(t, tt.yaml, err, tt.want, tt.hint)
	}
}

func TestValueErrors(t *testing.T) {
	const span = `write a number and a unit (ms, s, m, h), such as "16s" or "1h30m"`
	const server = `write "ntp1.example.net" or "192.0.2.1:123"`
	tests := []struct{ flag, value, problem, hint string }{
		{"data", " ", "names no directory", `write a path, such as "/var/lib/skewatch"`},
		{"retention-age", "90", "not a span of time", `write a number and a unit (d, h), such as "90d" or "36h", or "forever"`},
		{"retention-age", "0d", "below the least of 1h", ""},
		{"retention-age", "5m", "below the least of 1h", ""},
		{"retention-bytes", "1MB", "below the least of 100MB", ""},
		{"retention-bytes", "much", "not a number of bytes", `write a number and a unit (MB, GB, TB, MiB, GiB, TiB), such as "100GB", or "unlimited"`},
		{"max-hosts", "many", "not a whole number", "write digits only, from 100 to 10000000"},
		{"max-hosts", "99", "below the least of 100", ""},
		{"max-hosts", "10000001", "above the most of 10000000", ""},
		{"max-hosts", "99999999999999999999", "above the most of 10000000", ""},
		{"max-hosts-per-peer", "0", "below the least of 1", ""},
		{"max-hosts-per-peer", "a third", "not a whole number", `write digits only, from 1 to 10000000, or "half"`},
		{"listen-udp", "::1", "missing port", `write "[::1]:514"`},
		{"listen-udp", "[::1]", "missing port", `write "[::1]:514"`},
		{"listen-udp", "127.0.0.1:", "missing port", `write "127.0.0.1:514"`},
		{"listen-udp", "a:b:c", "not an address", `write host:port, such as "0.0.0.0:514"`},
		{"listen-udp", "*:514", "not an address", `write ":514" for all of the machine's addresses`},
		{"listen-udp", "udp://a:514", "not an address", `write host:port, such as "0.0.0.0:514"`},
		{"listen-udp", "a b:514", "not a host name or IP address", `write host:port, such as "0.0.0.0:514"`},
		{"listen-tcp", ":65536", "port is no number from 0 to 65535", ""},
		{"listen-tcp", ":syslog", "port is no number from 0 to 65535", ""},
		{"http", ":8514", "others reach this address, which needs TLS and a log-in", `name certificate and users with --web-config FILE; or write "127.0.0.1:8514", and reach it through ssh -L`},
		{"http", "192.0.2.1:80", "others reach this address, which needs TLS and a log-in", `name certificate and users with --web-config FILE; or write "127.0.0.1:80", and reach it through ssh -L`},
		{"http", "localhost", "missing port", `write "localhost:8514"`},
		{"ntp-server", "ntp://a", "not host or host:port", `write "ntp1.example.net" or "[2001:db8::1]:123"`},
		{"ntp-server", "a:0", "port is no number from 1 to 65535", ""},
		{"ntp-server", "a nts key 7", "has both a key and nts", "keep one of them: either authenticates alone"},
		{"ntp-server", "a key", "key has no number from 1 to 4294967295", `write "ntp1.example.net key 7"`},
		{"ntp-server", "a iburst", `unknown option "iburst"`, `known are "key N", "nts" and "pool"`},
		{"ntp-server", "a,b", "not a host name or IP address", server},
		{"ntp-poll", "16", "not a span of time", `write the unit too, such as "16s"`},
		{"ntp-poll", "often", "not a span of time", span},
		{"ntp-poll", "10ms", "below the least of 1s", ""},
		{"ntp-holdover", "-1s", "below the least of 0s", ""},
		{"kernel-clock", "Trust", "not one of auto, off, trust", `write "trust"`},
		{"receive-stamps", "nic", "not one of kernel, user", ""},
		{"log-level", "warn", "not one of error, warning, info, debug", `write "warning"`},
		{"assume-zone", "Local", "not a time zone", `write "UTC", an offset such as "+02:00", or an IANA name such as "Europe/Paris"`},
		{"assume-zone", "UTC+2", "not a time zone", `write "UTC", an offset such as "+02:00", or an IANA name such as "Europe/Paris"`},
		{"assume-zone", "+2", "not an offset from UTC", `write it as "+02:00" or "-0530"`},
		{"assume-zone", "-13:00", "no zone is that far from UTC", `write an offset from -12:00 to +14:00`},
		{"profile", "pci", "not one of default, srg, finra, custom", ""},
		{"tolerance", "0s", "below the least of 1µs", ""},
	}
	for _, tt := range tests {
		_, err := load(t, "", nil, []string{"--" + tt.flag + "=" + tt.value})
		checkError(t, tt.value, err, "--"+tt.flag+": "+tt.problem+` (got "`+tt.value+`")`, tt.hint)
		if !strings.Contains(tt.value, ",") {
			_, err = load(t, "", []string{EnvName(tt.flag) + "=" + tt.value}, nil)
			if strings.TrimSpace(tt.value) == tt.value {
				checkError(t, tt.value, err, EnvName(tt.flag)+": "+tt.problem+` (got "`+tt.value+`")`, tt.hint)
			}
		}
	}
}

func TestRepeatedValue(t *testing.T) {
	_, err := load(t, "", nil, []string{"--ntp-server", "a", "--ntp-server", "a"})
	checkError(t, "a a", err, `--ntp-server: given twice (got "a")`, "remove one")
	_, err = load(t, "", nil, []string{"--listen-udp", ":1", "--listen-udp", ""})
	checkError(t, ":1 and none", err, `--listen-udp: missing port`, `write ":514"`)
}

func TestUnreadableFile(t *testing.T) {
	dir := t.TempDir()
	missing := filepath.Join(dir, "missing.yaml")
	_, err := load(t, "", nil, []string{"--config", missing})
	checkError(t, missing, err, `--config: no such file (got "`+missing+`")`, "")
	_, err = load(t, "", []string{"SKEWATCH_CONFIG=" + missing}, nil)
	checkError(t, missing, err, `SKEWATCH_CONFIG: no such file (got "`+missing+`")`, "")
	if _, err = load(t, "", nil, []string{"--config", dir}); err == nil || !strings.HasPrefix(err.Error(), "--config: can't read the file: ") {
		t.Errorf("a directory as --config: %v, want an error", err)
	}
}

func TestAllErrorsAreReported(t *testing.T) {
	_, err := load(t, "pol: 1\nlisten: {udp: [a, b]}\n", []string{"SKEWATCH_HTTP=:80"}, []string{"--ntp-poll", "1"})
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok || len(joined.Unwrap()) != 5 {
		t.Errorf("Load = %v, want 5 errors", err)
	}
}

// TestErrorsTogether has a key be unknown or unreadable, and settings that contradict each other:
// both are told, and nothing that only follows from the first.
func TestErrorsTogether(t *testing.T) {
	const contradiction = "profile: srg\ntolerance: 2s\n"
	tests := []struct {
		yaml string
		want []string // fields
	}{
		{"foo: 1\n" + contradiction, []string{"foo", "tolerance"}},
		{"profile: custom\ntolerence: 2s\n", []string{"tolerence"}},
		{"profile: custom\ntolerance: two\n", []string{"tolerance"}},
		{"listen: {tls: ':6514', tcp: ':6514'}\ntls: {certificat: a, key: b}\n", []string{"tls.certificat", "listen.tls"}},
		{"listen: {tls: ':6514'}\ntls: yes\nhttp: ':80'\n", []string{"tls", "http"}},
		{"http: ':80'\nweb: {config: [a]}\n", []string{"web.config"}},
		{"tls: {permit: a.example.net, client_ca: [a]}\n", []string{"tls.client_ca"}},
		{"notify: [{name: a, type: emial, to: [a@b]}, {name: a, type: webhook}]\n", []string{"notify[0].type", "notify[1].name", "notify[1].url"}},
		{"notify: [{name: a, type: email, from: a@b, to: [x], smtp: 'b:25', usrname: c, password_file: d}]\n",
			[]string{"notify[0].to[0]", "notify[0].usrname"}},
		{"notify: [{name: a, type: webhook, url: x}]\nreports: [{name: a, schedule: '@daily', mail: a}]\n", []string{"notify[0].url"}},
		{"reports: [{name: a, shedule: '@daily', keep: 3}]\n", []string{"reports[0].shedule", "reports[0].directory", "reports[0].keep"}},
		{"reports: [{name: a, schedule: never, dir: x, mail: [a, b], to: [a@b]}]\n",
			[]string{"reports[0].schedule", "reports[0].dir", "reports[0].mail"}},
		{contradiction + "http: *x\n  y: : z", []string{""}},
	}
	for _, tt := range tests {
		_, err := load(t, tt.yaml, nil, nil)
		var have []string
		if joined, ok := err.(interface{ Unwrap() []error }); ok {
			for _, err := range joined.Unwrap() {
				var e *Error
				if errors.As(err, &e) {
					have = append(have, e.Field)
				}
			}
		}
		slices.Sort(have)
		if slices.Sort(tt.want); !slices.Equal(have, tt.want) {
			t.Errorf("%q: errors about %q, want %q:\n%v", tt.yaml, have, tt.want, err)
		}
	}
}

// checkError wants err to be one Error that reads want, with this hint. A
// file's name in it is left out.
func checkError(t *testing.T, given string, err error, want, hint string) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) {
		t.Errorf("%q: error %v, want %s", given, err, want)
		return
	}
	have := err.Error()
	if e.File != "" {
		have = strings.Replace(have, e.File, "", 1)
	}
	if have != want || e.Remedy() != hint {
		t.Errorf("%q:\nerror %s\nhint  %s\nwant\nerror %s\nhint  %s", given, have, e.Remedy(), want, hint)
	}
}

func TestNearest(t *testing.T) {
	known := []string{"listen", "http", "data", "kernel_clock"}
	for word, want := range map[string]string{
		"listne": "listen", "htp": "http", "https": "http", "dta": "data", "kernelclock": "kernel_clock",
		"tls": "", "": "", "storage": "", "LISTEN": "",
	} {
		if have := Nearest(word, known); have != want {
			t.Errorf("Nearest(%q) = %q, want %q", word, have, want)
		}
	}
}

func TestDistance(t *testing.T) {
	tests := []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"", "abc", 3}, {"abc", "", 3}, {"abc", "abc", 0},
		{"kitten", "sitting", 3}, {"flaw", "lawn", 2}, {"ab", "ba", 2},
	}
	for _, tt := range tests {
		if have := distance(tt.a, tt.b); have != tt.want {
			t.Errorf("distance(%q, %q) = %d, want %d", tt.a, tt.b, have, tt.want)
		}
	}
}
